"""Spectra of PyTorch's layers, exact, as the bench has them of its own networks."""

import numpy as np
import torch
from torch import nn

from cdbench.diagnostics.spectra import KINDS, LayerState, Numbers
from cdbench.diagnostics.spectra import condition as condition_of
from cdbench.engine.layers.dense import Dense
from cdbench.errors import ShapeError
from cdbench.records.spectra import Condition
from cdbench.torch.arrays import to_numpy
from cdbench.torch.engine_module import EngineModule

Layer = EngineModule | nn.Linear
"""What has these spectra: a structured layer, or PyTorch's own linear one."""


def spectrum(layer: Layer) -> torch.Tensor:
    """Return the singular values of W as it acts, min(in_features, out_features), largest first.

    From the parameters, in float64, by what is known of the family: of a CDLinear without padding,
    those of one small matrix a frequency.

    Raises
    ------
    ShapeError
        If the module is not such a layer, or a parameter is not finite.
    """
    values = KINDS["weight"](_state(layer)).values
    return torch.from_numpy(np.sort(np.sqrt(values))[::-1].copy())


def condition(layer: Layer) -> Condition:
    """Return the condition of W as it acts: κ = ``condition(layer).kappa``, rank, flatness.

    Its numbers are squared singular values, as in the bench's spectra of kind ``weight``: κ is the
    square of the quotient of singular values, infinite if W is singular to rounding.

    Raises
    ------
    ShapeError
        As ``spectrum``.
    """
    return condition_of(KINDS["weight"](_state(layer)))


def layer_hessian(layer: Layer, inputs: torch.Tensor) -> torch.Tensor:
    """Return the eigenvalues of the Hessian of mean ½‖y − t‖² in the layer's weights.

    One for each weight, largest first, in float64. The mean is over all rows of the inputs; the
    bias, whose Hessian is the identity, is left out. The targets t do not matter where W is linear
    in the weights, as of CDLinear, dense and block-diagonal layers; else it is the Gauss–Newton
    matrix.

    Parameters
    ----------
    layer : StructuredLinear or nn.Linear
        The layer.
    inputs : (..., in_features) tensor
        What enters it.

    Raises
    ------
    ShapeError
        As ``spectrum``, or if the inputs are none, not finite or of another width.
    """
    numbers = _hessian_numbers(layer, inputs)
    values = np.repeat(np.sort(numbers.values)[::-1], numbers.multiplicity)
    return torch.from_numpy(values)


def hessian_condition(layer: Layer, inputs: torch.Tensor) -> Condition:
    """Return the condition of ``layer_hessian``."""
    return condition_of(_hessian_numbers(layer, inputs))


def _hessian_numbers(layer: Layer, inputs: torch.Tensor) -> Numbers:
    if inputs.shape[-1:] != (layer.in_features,) or not inputs.numel():
        raise ShapeError(
            f"layer_hessian got inputs {tuple(inputs.shape)}, expected (..., {layer.in_features}) "
            "with one row or more"
        )
    return KINDS["layer_hessian"](_state(layer, inputs))


def _state(layer: Layer, inputs: torch.Tensor | None = None) -> LayerState:
    """Return the engine's layer, its parameters and inputs in float64."""
    if isinstance(layer, EngineModule):
        engine, own = layer.to_engine()
        params = {name: value.astype(np.float64) for name, value in own.items()}
    elif isinstance(layer, nn.Linear):
        engine = Dense(layer.in_features, layer.out_features)
        params = {"weight": to_numpy(layer.weight, np.float64)}
    else:
        raise ShapeError(
            f"a spectrum was asked of {type(layer).__name__}, expected a layer of cdbench.torch "
            "or nn.Linear"
        )
    rows = np.empty((0, engine.n_in))
    if inputs is not None:
        own_rows = to_numpy(inputs.reshape(-1, layer.in_features), np.float64)
        rows = np.pad(own_rows, ((0, 0), (0, engine.n_in - layer.in_features)))
    if not all(np.isfinite(one).all() for one in (rows, *params.values())):
        raise ShapeError(f"{type(layer).__name__} got numbers that are not finite, expected finite")
    some = next(layer.parameters())
    acting = layer.out_features, layer.in_features
    return LayerState(engine, params, acting, rows, torch.finfo(some.dtype).eps, len(rows))
