"""Learning rates for the layers of a model, by how far a step of their weights moves W."""

from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import nn

from cdbench.config.run_config import RunConfig
from cdbench.engine.step_sizes import MEASURED, gain
from cdbench.errors import ConfigurationError, UnknownNameError
from cdbench.torch.arrays import to_numpy
from cdbench.torch.base import StructuredLinear
from cdbench.torch.moments import Batch, layer_inputs

SCALINGS = ("raw", "weight-space", *MEASURED)


def param_groups(
    model: nn.Module, lr: float, scaling: str = "raw", inputs: Batch | None = None
) -> list[dict[str, Any]]:
    """Return a model's parameters as groups for an optimiser, each with its learning rate.

    Only weights of structured layers have other rates than ``lr``. They are those of the engine's
    ``--learning-rate-scaling``, which are derived for gradient descent.

    Parameters
    ----------
    model : nn.Module
        The model.
    lr : float
        The learning rate that suits a dense layer.
    scaling : str
        ``"raw"``: ``lr`` everywhere. ``"weight-space"``: divided by the mean ‖∂W/∂θ‖² of each
        parameter, B for CDLinear, so that W moves as far as a dense layer's. ``"mean"``,
        ``"sharp"``: divided by the trace, or the largest eigenvalue, of the layer's Gauss–Newton
        matrix over a dense layer's for the same inputs; convolutions keep ``lr``.
    inputs : tensor or tuple of tensors, optional
        A batch that the model is called with, for ``mean`` and ``sharp``.

    Returns
    -------
    list of dict
        ``params`` and ``lr``, largest rate first.

    Raises
    ------
    UnknownNameError
        If there is no such scaling.
    ConfigurationError
        If it needs inputs that are not given, or a structured layer saw none.

    Examples
    --------
    >>> import torch
    >>> from cdbench.torch import Circulant, param_groups
    >>> [group["lr"] for group in param_groups(Circulant(8, 4), 0.1, "weight-space")]
    [0.1, 0.025]
    """
    if scaling not in SCALINGS:
        raise UnknownNameError("scaling", scaling, SCALINGS)
    gains: dict[int, float] = {}
    if scaling == "weight-space":
        for module in model.modules():
            if isinstance(module, SaysGain):
                moved = module.weight_gain()
                gains |= {id(module.get_parameter(own)): by for own, by in moved.items()}
    elif scaling in MEASURED:
        gains = _measured_gains(model, scaling, inputs)
    groups: dict[float, list[nn.Parameter]] = {}
    for parameter in model.parameters():
        groups.setdefault(lr / gains.get(id(parameter), 1.0), []).append(parameter)
    return [{"params": groups[rate], "lr": rate} for rate in sorted(groups, reverse=True)]


@runtime_checkable
class SaysGain(Protocol):
    """A layer that says how far a unit step of one entry of each parameter moves W, squared."""

    def weight_gain(self) -> dict[str, float]:
        """Return the mean ‖∂W/∂θ‖² of each parameter, where it is not 1."""
        ...

    def get_parameter(self, target: str) -> nn.Parameter:
        """Return the parameter of a name."""
        ...


def _measured_gains(model: nn.Module, scaling: str, inputs: Batch | None) -> dict[int, float]:
    layers = {
        name: layer for name, layer in model.named_modules() if isinstance(layer, StructuredLinear)
    }
    if layers and inputs is None:
        raise ConfigurationError(
            f"scaling = {scaling} was given without inputs; expected inputs=, a batch of the model"
        )
    rows = {} if inputs is None or not layers else layer_inputs(model, inputs)
    gains = {}
    for name, layer in layers.items():
        measured = _measured(name, layer, rows.get(name), scaling)
        for own, parameter in layer.named_parameters():
            if own != "bias":
                gains[id(parameter)] = measured
    return gains


def _measured(name: str, layer: StructuredLinear, rows: torch.Tensor | None, scaling: str) -> float:
    if rows is None or not torch.isfinite(rows).all():
        raise ConfigurationError(
            f"layer {name} had no finite inputs; expected a batch that reaches every layer"
        )
    own, params = layer.to_engine()
    x = np.zeros((len(rows), layer.padded_in))
    x[:, : layer.in_features] = to_numpy(rows, np.float64)
    exact = {key: value.astype(np.float64) for key, value in params.items()}
    return gain(own, exact, x, RunConfig(learning_rate_scaling=scaling))
