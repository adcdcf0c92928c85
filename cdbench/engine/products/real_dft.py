"""The DFT of real vectors as an orthonormal real matrix, in one stage or factored into two."""

from collections.abc import Iterator
from functools import partial
from math import sqrt

import numpy as np

from cdbench.engine.products.base import Allocate, Array
from cdbench.engine.products.blocks import Call, bind_transform, through_copies, transform_work
from cdbench.engine.products.work import Work

STAGE = 10
"""Slot of the scratch array between the two stages."""
ALWAYS_ONE_STAGE = 16
"""Up to this length one matrix is faster than two stages with half as many multiplications."""


def n_real(B: int) -> int:
    """Return how many of a real vector's B frequencies are real: DC, and Nyquist if B is even."""
    return 1 + (B % 2 == 0)


def stage_lengths(B: int) -> tuple[int, int]:
    """Return lengths (B_1, B_2) of two stages with B = B_1 B_2; (1, B) means one stage.

    Two stages need B_1 + 2 B_2 multiplications per number, one stage B. An even B gets an even
    B_2, which puts both real frequencies into the same group.
    """
    if B <= ALWAYS_ONE_STAGE:
        return 1, B
    lengths = [
        (first, B // first) for first in range(2, B) if B % first == 0 and (B // first - B) % 2 == 0
    ]
    best = min(lengths, key=lambda pair: pair[0] + 2 * pair[1], default=(1, B))
    return best if best[0] + 2 * best[1] < 0.75 * B else (1, B)


class RealDFT:
    """The map of (B, K, N) arrays to the B real numbers of their spectrum, and its adjoint.

    The first one or two rows of the result are the real frequencies, DC and, for even B, Nyquist.
    The complex ones follow in pairs of rows, real and imaginary part. Their order is not the usual
    one, which does not matter to a product over frequencies.

    In two stages (Cooley and Tukey 1965), with places b = j + B_2 t, the first transforms over t,
    which gives a group of B_2 numbers for each frequency k_1 of B_1. The second transforms each
    group over j, to the frequencies k_1 + B_1 k_2. Each stage is a product with small matrices.

    Parameters
    ----------
    B : int
        Length of the transform.
    orthonormal : bool
        Whether the matrix is orthonormal; if not, it gives the unnormalised DFT.
    """

    def __init__(self, B: int, *, orthonormal: bool) -> None:
        self.B = B
        self.B_1, self.B_2 = stage_lengths(B)
        first = orthonormal_matrix(self.B_1)
        groups = [_real_groups(self.B_1, self.B_2), _complex_groups(self.B_1, self.B_2)]
        if not orthonormal:
            groups[0][0, : n_real(B)] *= sqrt(B)
            groups[0][0, n_real(B) :] *= sqrt(B / 2)
            groups[0][1:] *= sqrt(B / 2)
            groups[1] *= sqrt(B / 2)
        self._float64 = (first, *groups)
        self._matrices: dict[object, tuple[tuple[Array, ...], tuple[Array, ...]]] = {}

    def bind(self, x: Array, out: Array, allocate: Allocate) -> Call:
        """Return a call that writes the transform of ``x`` (B, K, N) into ``out`` (B, K, N)."""
        (first, *groups), _ = self._in_dtype(x.dtype)
        if self.B_1 == 1:
            return bind_transform(groups[0][0], x, out)
        if not (x.flags.c_contiguous and out.flags.c_contiguous):
            return through_copies(partial(self.bind, allocate=allocate), x, out)
        between = allocate.scratch(STAGE, x.shape, x.dtype)
        return _in_turn(
            bind_transform(first, self._split(x), self._split(between)),
            *self._bind_groups(groups, between, out),
        )

    def bind_adjoint(self, y: Array, out: Array, allocate: Allocate) -> Call:
        """Return a call that writes the adjoint of ``y`` (B, K, N) into ``out`` (B, K, N)."""
        _, (first, *groups) = self._in_dtype(y.dtype)
        if self.B_1 == 1:
            return bind_transform(groups[0][0], y, out)
        if not (y.flags.c_contiguous and out.flags.c_contiguous):
            return through_copies(partial(self.bind_adjoint, allocate=allocate), y, out)
        between = allocate.scratch(STAGE, y.shape, y.dtype)
        return _in_turn(
            *self._bind_groups(groups, y, between),
            bind_transform(first, self._split(between), self._split(out)),
        )

    def _split(self, x: Array) -> Array:
        """Return (B, K, N) as (B_1, B_2 K, N), a view."""
        _, K, N = x.shape
        return x.reshape(self.B_1, self.B_2 * K, N)

    def _bind_groups(self, groups: list[Array], x: Array, out: Array) -> Iterator[Call]:
        """Yield calls that transform the groups of real numbers, and those of complex ones."""
        _, K, N = x.shape
        stop = n_real(self.B_1) * self.B_2
        for part, matrices in zip((slice(stop), slice(stop, None)), groups, strict=True):
            stack = (len(matrices), matrices.shape[-1], K, N)
            if len(matrices):
                yield bind_transform(
                    matrices,
                    x[part].reshape(stack),
                    out[part].reshape(stack),
                )

    def _in_dtype(self, dtype: np.dtype) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Return the matrices and their transposes in the precision of ``dtype``."""
        real = np.finfo(dtype).dtype
        if real not in self._matrices:
            forward = tuple(matrix.astype(real) for matrix in self._float64)
            adjoint = tuple(np.ascontiguousarray(matrix.swapaxes(-1, -2)) for matrix in forward)
            self._matrices[real] = forward, adjoint
        return self._matrices[real]


def real_dft_work(B: int, K: int, N: int) -> Work:
    """Return the work of transforming a (B, K, N) array."""
    B_1, B_2 = stage_lengths(B)
    n_real_groups = n_real(B_1) if B_1 > 1 else 1
    done = transform_work(B_2, B_2, K, N, n_real_groups)
    if B_1 > 1:
        done += transform_work(B_1, B_1, B_2 * K, N)
        done += transform_work(2 * B_2, 2 * B_2, K, N, (B_1 - n_real_groups) // 2)
    return done


def orthonormal_matrix(B: int) -> Array:
    """Return the orthonormal (B, B) matrix of the real DFT, rows ordered as in RealDFT."""
    t = np.arange(B)
    rows = [np.full(B, 1 / sqrt(B))]
    if B % 2 == 0:
        rows.append((-1.0) ** t / sqrt(B))
    for k in range(1, (B + 1) // 2):
        angle = 2 * np.pi * (k * t % B) / B
        rows += [sqrt(2 / B) * np.cos(angle), -sqrt(2 / B) * np.sin(angle)]
    return np.array(rows)


def _real_groups(B_1: int, B_2: int) -> Array:
    """Return the second stage of the groups k_1 = 0 and, for even B_1, B_1 / 2: (1 or 2, B_2, B_2).

    The second group has the frequencies (k_2 + 1/2) B_1, in conjugate pairs.
    """
    matrices = [orthonormal_matrix(B_2)]
    if B_1 % 2 == 0:
        k_2, j = np.arange(B_2 // 2)[:, None], np.arange(B_2)
        angle = np.pi * ((2 * k_2 + 1) * j % (2 * B_2)) / B_2
        pairs = sqrt(2 / B_2) * np.stack([np.cos(angle), -np.sin(angle)], axis=1)
        matrices.append(pairs.reshape(B_2, B_2))
    return np.array(matrices)


def _complex_groups(B_1: int, B_2: int) -> Array:
    """Return the second stage of the groups 0 < k_1 < B_1 / 2, (m_1, 2 B_2, 2 B_2).

    A group's input is its B_2 real parts and then its B_2 imaginary parts; its output has both
    parts of each frequency k_1 + B_1 k_2 side by side.
    """
    B = B_1 * B_2
    k_1 = np.arange(1, (B_1 + 1) // 2)[:, None, None]
    k_2, j = np.arange(B_2)[:, None], np.arange(B_2)
    angle = 2 * np.pi * (j * (k_1 + B_1 * k_2) % B) / B
    cos, sin = np.cos(angle), np.sin(angle)
    real, imaginary = np.concatenate([cos, sin], axis=-1), np.concatenate([-sin, cos], axis=-1)
    pairs = np.stack([real, imaginary], axis=-2) / sqrt(B_2)
    return pairs.reshape(len(k_1), 2 * B_2, 2 * B_2)


def _in_turn(*calls: Call) -> Call:
    """Return a call that makes all of these calls in turn."""

    def call_all() -> None:
        for call in calls:
            call()

    return call_all
