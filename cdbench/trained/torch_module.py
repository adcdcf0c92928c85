"""A module of PyTorch as plain values, and those that more than one layer needs. No torch."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cdbench.engine.layers.convolution import Convolution
from cdbench.errors import ModelError
from cdbench.records.weights import Affine, Array

RESIDUAL = "Residual"
"""Name of ``x + scale · inner(x)``, the only module that ``torch.nn`` has not."""


class Module(NamedTuple):
    """A module with its constructor's options and its arrays by name.

    Attributes
    ----------
    name : str
        Of a class of ``torch.nn``; RESIDUAL; or a layer family, whose class is in
        ``cdbench.torch``.
    options : dict
        Keyword arguments, plain values.
    arrays : dict of array
        Parameters and buffers.
    inner : tuple of Module
        Of RESIDUAL.
    """

    name: str
    options: dict[str, Any]
    arrays: dict[str, NDArray[Any]] = {}  # noqa: RUF012 (a tuple's default, never changed)
    inner: "tuple[Module, ...]" = ()


def normalization_of(affine: Affine, n: int, dtype: str) -> Module | None:
    """Return an input transform but its matrix as a BatchNorm1d whose statistics are fixed.

    Raises
    ------
    ModelError
        If what it divides by has no square in the model's type.
    """
    if affine.divisor is None and affine.shift is None and affine.scale is None:
        return None
    divisor = 1.0 if affine.divisor is None else affine.divisor
    shift = np.zeros(n) if affine.shift is None else divisor * affine.shift
    scale = divisor * (np.ones(n) if affine.scale is None else affine.scale)
    with np.errstate(over="ignore", under="ignore"):  # checked here
        variance = np.square(scale)
        stored = variance.astype(dtype)
    if not np.all(np.isfinite(stored) & (stored > 0)):
        raise ModelError(
            f"the input transform divides by {np.abs(scale).max():.3g}, or by "
            f"{np.abs(scale).min():.3g}, whose square is out of the range of {dtype}; expected "
            "--format npz or onnx"
        )
    arrays = {"running_mean": shift, "running_var": variance}
    return Module("BatchNorm1d", {"num_features": n, "eps": 0.0, "affine": False}, arrays)


def linear(W: Array, bias: Array | None) -> Module:
    """Return ``x @ W.T + bias``."""
    options = {"in_features": W.shape[1], "out_features": W.shape[0], "bias": bias is not None}
    arrays = {"weight": W} if bias is None else {"weight": W, "bias": bias}
    return Module("Linear", options, arrays)


def convolution(layer: Convolution, W: Array, bias: Array) -> Module:
    """Return a convolution of whole kernels; a kernel of padding ``same`` has a middle."""
    k, C = layer.kernel, layer.n_in
    kernel = W.reshape(layer.n_out, k, k, C).transpose(0, 3, 1, 2)
    options = {"in_channels": C, "out_channels": layer.n_out, "kernel_size": k}
    placed = {"stride": layer.geometry.stride, "padding": layer.geometry.before[0]}
    return Module("Conv2d", options | placed, {"weight": kernel, "bias": bias})
