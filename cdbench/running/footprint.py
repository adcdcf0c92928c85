"""How much memory a training takes, estimated in advance."""

from math import prod

import numpy as np

from cdbench.config import families
from cdbench.config.architecture_knobs import inner_widths, shown
from cdbench.config.run_config import RunConfig
from cdbench.engine.building import Image, build_network, build_weight_layers
from cdbench.engine.network import Network
from cdbench.errors import ConfigurationError
from cdbench.system.memory import available_memory, format_bytes

VECTORS = {"sgd": 3, "adam": 5, "adamw": 6}
"""Vectors of parameter length: the parameters, their gradient, and the optimiser's state."""
ACTIVATIONS = 2
"""Arrays of activations per layer: its input and the gradient of its input."""


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
    """Return the same of a network in which a sample is several rows, a little too much."""
    real, rows = np.dtype(config.dtype).itemsize, network.rows_per_sample
    activations = rows * sum(layer.n_in + layer.n_out for layer in network.layers)
    if config.heads is not None:
        assert config.depth is not None
        activations += config.depth * config.heads * rows**2
    held = ACTIVATIONS * config.batch_size * activations
    return real * (VECTORS[config.optimizer] * network.n_parameters + held)


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
        fewer += ["another --product"] * (config.product != "auto")
        raise ConfigurationError(
            f"{name} = {widths}, batch_size = {config.batch_size}: training needs about "
            f"{format_bytes(needed)} of memory, but only {format_bytes(available)} is available; "
            f"expected {', '.join(fewer[:-1])} or {fewer[-1]}"
        )
