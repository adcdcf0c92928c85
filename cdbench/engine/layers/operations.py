"""A family's product with its matrix as reshapes, transpositions and products with fixed matrices.

Any library that multiplies arrays can compute them: this is how a layer keeps its structure where
it is taken to. It is no way to train it: the fixed matrices are made of the parameters.
"""

from functools import singledispatch
from typing import NamedTuple

import numpy as np

from cdbench.engine.layers.base import Params
from cdbench.engine.layers.block_diagonal import BlockDiagonal
from cdbench.engine.layers.cdlinear import CDLinear
from cdbench.engine.layers.kronecker import KroneckerSum
from cdbench.engine.layers.low_rank import LowRank
from cdbench.engine.layers.monarch import Monarch
from cdbench.engine.layers.weight_layer import WeightLayer
from cdbench.engine.products.base import Array


class Reshaped(NamedTuple):
    """To another shape, of which one length is −1: what is left."""

    shape: tuple[int, ...]


class Transposed(NamedTuple):
    """Axes in another order."""

    axes: tuple[int, ...]


class Times(NamedTuple):
    """Multiplied from the right by (…, n, m), by each matrix of a stack as NumPy's matmul does."""

    matrix: Array


class TimesLeft(NamedTuple):
    """Multiplied from the left by (m, n), each matrix of a stack."""

    matrix: Array


Operation = Reshaped | Transposed | Times | TimesLeft


@singledispatch
def plain_operations(layer: WeightLayer, params: Params) -> tuple[Operation, ...]:
    """Return what makes rows ``x @ W.T`` (N, n_out) of rows x (N, n_in), one after the other.

    Parameters
    ----------
    layer : WeightLayer
        Of a family that isn't registered here W itself is the fixed matrix.
    params : Params
        Its parameters, in float64.
    """
    return (Times(layer.matrix(params).T),)


@plain_operations.register
def _(layer: LowRank, params: Params) -> tuple[Operation, ...]:
    return Times(params["V"].T), Times(params["U"].T)


@plain_operations.register
def _(layer: BlockDiagonal, params: Params) -> tuple[Operation, ...]:
    b, p = layer.b, layer.p
    blocks = Times(params["W"].swapaxes(1, 2))
    back = (Transposed((1, 2, 0)),)
    whole = Reshaped((-1, layer.n_out))
    if layer.T is None:
        return Reshaped((-1, b, p)), Transposed((1, 0, 2)), blocks, *back, whole
    into = (Reshaped((-1, p, b)), Times(layer.T.T), Transposed((2, 0, 1)))
    return *into, blocks, *back, Times(layer.T), whole


@plain_operations.register
def _(layer: Monarch, params: Params) -> tuple[Operation, ...]:
    b, p, q = layer.b, layer.p, layer.q
    return (
        *(Reshaped((-1, b, p)), Transposed((1, 0, 2)), Times(params["W1"].swapaxes(1, 2))),
        *(Transposed((1, 0, 2)), Reshaped((-1, q, b)), Transposed((2, 0, 1))),
        *(Times(params["W2"].swapaxes(1, 2)), Transposed((1, 2, 0)), Reshaped((-1, layer.n_out))),
    )


@plain_operations.register
def _(layer: KroneckerSum, params: Params) -> tuple[Operation, ...]:
    m_i, p_i, p_o, s = layer.m_i, layer.p_i, layer.p_o, layer.s
    right = params["B"].transpose(2, 0, 1).reshape(p_i, s * p_o)  # all B_t beside each other
    left = params["A"].transpose(1, 2, 0).reshape(layer.m_o, m_i * s)
    return (
        *(Reshaped((-1, m_i, p_i)), Times(right), Reshaped((-1, m_i * s, p_o))),
        *(TimesLeft(left), Reshaped((-1, layer.n_out))),
    )


@plain_operations.register
def _(layer: CDLinear, params: Params) -> tuple[Operation, ...]:
    """Return the product over frequencies, two real numbers each, as one stack of matrices.

    A block's B real numbers of its spectrum are M = ⌈B / 2⌉ pairs: real and imaginary part of a
    frequency, or DC and Nyquist; of odd B the partner of DC is zero. Both numbers of a pair are
    multiplied by both matrices of its frequency. Which of the four products are added or subtracted
    is in the matrix that also transforms back.
    """
    B, K_i, K_o = layer.B, layer.K_i, layer.K_o
    into, back = _pairs_of_spectrum(B)
    M = len(into) // 2
    spectrum = np.tensordot(into, params["c"], ((1,), (2,))).reshape(M, 2, K_o, K_i)
    return (
        *(Reshaped((-1, K_i, B)), Transposed((2, 0, 1)), Reshaped((B, -1)), TimesLeft(into)),
        *(Reshaped((M, 1, -1, K_i)), Times(spectrum.swapaxes(2, 3)), Reshaped((4 * M, -1))),
        *(TimesLeft(back), Reshaped((B, -1, K_o)), Transposed((1, 2, 0))),
        Reshaped((-1, layer.n_out)),
    )


def _pairs_of_spectrum(B: int) -> tuple[Array, Array]:
    """Return the maps from B places to M pairs, (2 M, B), and of their products back, (B, 4 M).

    The products of a pair are x₁c₁, x₂c₁, x₁c₂, x₂c₂ for x₁ + i x₂ and c₁ + i c₂.
    """
    M, places = -(-B // 2), np.arange(B)
    angle = 2 * np.pi / B * (np.outer(np.arange(M), places) % B)
    cosine, sine = np.cos(angle), np.sin(angle)
    into = np.stack([cosine, -sine], axis=1)
    back = np.stack([cosine, -sine, -sine, -cosine], axis=1) * (2 / B)
    zero, nyquist = np.zeros(B), np.zeros(B) if B % 2 else (-1.0) ** places
    into[0, 1] = nyquist
    back[0] = np.stack([np.ones(B), zero, zero, nyquist]) / B
    return into.reshape(2 * M, B), back.reshape(4 * M, B).T
