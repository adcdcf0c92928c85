"""How much memory a training takes, estimated in advance."""

from math import prod

import numpy as np

from cdbench.config import families
from cdbench.config.architecture_knobs import inner_widths, shown
from cdbench.config.run_config import RunConfig
from cdbench.engine.building import Image, build_network, build_weight_layers
from cdbench.engine.layers import BatchNorm, Context
from cdbench.engine.network import Network
from cdbench.engine.products.workspace import Workspace
from cdbench.engine.samples import samples_at_once
from cdbench.engine.tasks import task_of
from cdbench.engine.trainer import evaluated_at_once
from cdbench.errors import ConfigurationError
from cdbench.system.memory import available_memory, format_bytes

VECTORS = {"sgd": 3, "adam": 5, "adamw": 6}
"""Vectors of parameter length: the parameters, their gradient, and the optimiser's state."""
ACTIVATIONS = 2
"""Arrays of activations per layer: its input and the gradient of its input."""

UNCOUNTED = 1.15
"""Memory over that of a step's bound arrays: what NumPy takes in between, and Python's objects."""


def training_bytes(
    config: RunConfig, n_features: int, n_outputs: int, image: Image | None = None
) -> int:
    """Return roughly how much memory a training takes in addition to its data, in bytes."""
    if config.architecture != "mlp":
        return _bytes_of_graph(config, build_network(config, n_features, n_outputs, image))
    N, real = config.batch_size, np.dtype(config.dtype).itemsize
    total = temporary = 0
    for layer in build_weight_layers(config, n_features, n_outputs):
        n_in, n_out = layer.n_in, layer.n_out
        shapes = layer.parameter_shapes().values()
        n_weights = sum(map(prod, shapes)) - n_out
        total += VECTORS[config.optimizer] * real * (n_weights + n_out)
        total += ACTIVATIONS * real * N * (n_in + n_out)
        # Initial weights are drawn in float64 for any dtype.
        temporary = max(temporary, 8 * n_weights)
        total += layer.bytes_needed(N, real)
    return total + temporary


def _bytes_of_graph(config: RunConfig, network: Network) -> int:
    """Return the same of a network of another architecture: of the arrays that a step is bound to.

    They are only counted: the system gives memory when it is written to, and here nobody does.
    """
    real, samples = np.dtype(config.dtype).itemsize, config.batch_size
    if evaluated_at_once(network) > samples:  # in memory of their own
        samples += evaluated_at_once(network)
    if any(isinstance(layer, BatchNorm) for layer in network.layers):
        samples += samples_at_once(network.rows_per_sample)  # for its statistics
    held = real * VECTORS[config.optimizer] * network.n_parameters
    drawn = 8 * max(sum(map(prod, layer.parameter_shapes().values())) for layer in network.layers)
    return held + drawn + int(UNCOUNTED * _bound_bytes(config, network, samples))


def _bound_bytes(config: RunConfig, network: Network, samples: int) -> int:
    """Return the bytes of arrays bound to so many samples; if too many to count, roughly."""
    workspace, dtype = Workspace(), np.dtype(config.dtype)
    context = Context(training=True, rng=np.random.default_rng(0), allocate=workspace)
    try:
        params = network.views(np.empty(network.n_parameters, dtype))
        x = workspace.kept((samples, network.n_in), dtype)
        logits = network.bind(params, x, context).logits
        task_of(config.task, config.label_smoothing).bind(logits, workspace)
    except MemoryError:
        return samples * _bound_bytes(config, network, 1) if samples > 1 else 0
    return workspace.n_bytes


def check_memory(
    config: RunConfig, n_features: int, n_outputs: int, image: Image | None = None
) -> None:
    """Raise ConfigurationError if a training would take more memory than is available."""
    needed = training_bytes(config, n_features, n_outputs, image)
    available = available_memory()
    if available is not None and needed > available:
        name, inner = inner_widths(config)
        widths = shown(inner)
        fewer = [f"a narrower --{name}", "a smaller --batch-size"]
        fewer += ["a larger --B"] * (config.layer in families.WITH_B)
        named = families.specification(config.layer, config.structure, None)
        fewer += [f"another structure than {named}"] * (config.structure is not None)
        fewer += ["another --product"] * (config.product != "auto")
        raise ConfigurationError(
            f"{name} = {widths}, batch_size = {config.batch_size}: training needs about "
            f"{format_bytes(needed)} of memory, but only {format_bytes(available)} is available; "
            f"expected {', '.join(fewer[:-1])} or {fewer[-1]}"
        )
