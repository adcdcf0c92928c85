"""Two ways to compute a spectral layer's products: by small real matrices, and by an FFT."""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from cdbench.engine.products.base import Allocate, Array

# Slots of scratch arrays.
OUTPUT, D_INPUT, D_MATRICES = range(3)

NORM: Final = "ortho"
"""Without a factor of its own type, NumPy takes the FFT of float32 in float64, in new arrays."""


class Modes(NamedTuple):
    """Which frequencies of length L are kept: M of them, n_complex with an imaginary part.

    Parameters R (D, C_o, C_i) hold the real parts of all M modes, then these imaginary parts.
    """

    L: int
    M: int
    n_complex: int

    @property
    def D(self) -> int:  # noqa: N802
        """The number of real numbers in these frequencies of one channel."""
        return self.M + self.n_complex

    @property
    def paired(self) -> slice:
        """Of the M modes, those that have an imaginary part: not DC, nor Nyquist."""
        return slice(1, 1 + self.n_complex)

    def bilinear_algorithm(self) -> tuple[Array, Array]:
        """Return T and S, both (D + n_complex, L): y = Sᵀ ((P R) · (T x)), as in Polygon.

        P appends to R the sums of both parts of a mode, for Gauss's three products.
        """
        angle = 2 * np.pi / self.L * (np.outer(np.arange(self.M), np.arange(self.L)) % self.L)
        cos, sin = np.cos(angle), np.sin(angle[self.paired])
        both = cos[self.paired]
        inverse = np.full((self.M, 1), 1 / self.L)
        inverse[self.paired] = 2 / self.L
        S = inverse * cos
        S[self.paired] += 2 / self.L * sin
        rest = np.concatenate([sin - both, -sin]) * 2 / self.L
        return np.concatenate([cos, -sin, both - sin]), np.concatenate([S, rest])


class BoundProducts(NamedTuple):
    """Products bound to R, input and working arrays; ``pullback(dy, dR, wanted)`` returns dx."""

    y: Array
    run: Callable[[], object]
    pullback: Callable[[Array, Array, bool], Array | None]


def by_matrices(modes: Modes, R: Array, x: Array, allocate: Allocate) -> BoundProducts:
    """Bind the products with transforms as real matrices, which cost little for short channels.

    Everything is real, and linear in complex arrays too. Frequencies come first in transformed
    arrays, so that one batched product multiplies all of them.
    """
    N, L, M, D, dtype = len(x), modes.L, modes.M, modes.D, x.dtype
    _, C_o, C_i = R.shape
    T, S = (matrix.astype(dtype) for matrix in modes.bilinear_algorithm())
    matrices = allocate.kept((len(T), C_i, C_o), dtype)
    x_hat = allocate.kept((len(T), N, C_i), dtype)
    y, dx = allocate.kept((N, C_o * L), dtype), allocate.kept(x.shape, dtype)
    y_hat = allocate.scratch(OUTPUT, (len(T), N, C_o), dtype)
    dx_hat = allocate.scratch(D_INPUT, x_hat.shape, dtype)
    d_matrices = allocate.scratch(D_MATRICES, matrices.shape, dtype)
    x_flat, y_flat, dx_flat = (hat.reshape(len(T), -1) for hat in (x_hat, y_hat, dx_hat))
    y_channels, dx_channels = y.reshape(-1, L), dx.reshape(-1, L)
    R_T, of_R, sums = R.swapaxes(1, 2), matrices[:D], matrices[D:]
    real, imaginary = matrices[modes.paired], matrices[M:D]
    d_real, d_imaginary, d_sums = d_matrices[modes.paired], d_matrices[M:D], d_matrices[D:]
    x_hat_T, matrices_T, d_of_R = x_hat.swapaxes(1, 2), matrices.swapaxes(1, 2), d_matrices[:D]

    def run() -> None:
        np.copyto(of_R, R_T)
        np.add(real, imaginary, out=sums)
        np.matmul(T, x.reshape(-1, L).T, out=x_flat)
        np.matmul(x_hat, matrices, out=y_hat)
        np.matmul(y_flat.T, S, out=y_channels)

    def pullback(dy: Array, dR: Array, wanted: bool) -> Array | None:
        np.matmul(S, dy.reshape(-1, L).T, out=y_flat)
        np.matmul(x_hat_T, y_hat, out=d_matrices)
        np.add(d_real, d_sums, out=d_real)
        np.add(d_imaginary, d_sums, out=d_imaginary)
        np.copyto(dR.swapaxes(1, 2), d_of_R)
        if not wanted:
            return None
        np.matmul(y_hat, matrices_T, out=dx_hat)
        np.matmul(dx_flat.T, T, out=dx_channels)
        return dx

    return BoundProducts(y, run, pullback)


def by_fft(modes: Modes, R: Array, x: Array, allocate: Allocate) -> BoundProducts:
    """Bind the products with NumPy's real FFT along the channels, for real arrays.

    Transforms are orthonormal. With δ̂ that of dy and w = 1 for DC and Nyquist, else 2, dL/dR_k is
    w_k times the sum of δ̂_k conj(X̂_k) over samples, and dx the inverse transform of conj(R_k) δ̂_k:
    the weights of the inverse transform and of its adjoint cancel.
    """
    N, L, M, paired, dtype = len(x), modes.L, modes.M, modes.paired, x.dtype
    _, C_o, C_i = R.shape
    single = C_i == C_o == 1
    kind = np.result_type(dtype, np.complex64)
    matrices, conjugate = (allocate.kept((M, C_i, C_o), kind) for _ in range(2))
    d_matrices = allocate.scratch(D_MATRICES, matrices.shape, kind)
    y, dx = allocate.kept((N, C_o * L), dtype), allocate.kept(x.shape, dtype)
    x_hat = _frequencies_first(allocate.kept(_shape(L, N, C_i, single), kind), single)
    y_hat = _frequencies_first(allocate.scratch(OUTPUT, _shape(L, N, C_o, single), kind), single)
    dx_hat = _frequencies_first(allocate.scratch(D_INPUT, _shape(L, N, C_i, single), kind), single)
    low_x, low_y, low_dx = x_hat[:M], y_hat[:M], dx_hat[:M]
    of_x, of_y, of_low_y, of_low_dx = (
        hat.transpose(1, 2, 0) for hat in (x_hat, y_hat, low_y, low_dx)
    )
    y_channels, dx_channels = y.reshape(N, C_o, L), dx.reshape(N, C_i, L)
    # An outer product has nothing to sum, and a matrix product would be slower.
    multiply = np.multiply if C_i == 1 else np.matmul
    multiply_back = np.multiply if C_o == 1 else np.matmul
    weights = np.ones((M, 1, 1), dtype)
    weights[paired] = 2.0
    R_T, x_hat_T, conjugate_T = R.swapaxes(1, 2), low_x.swapaxes(1, 2), conjugate.swapaxes(1, 2)

    def run() -> None:
        matrices.imag = 0.0
        matrices.real = R_T[:M]
        matrices.imag[paired] = R_T[M:]
        np.conjugate(matrices, out=conjugate)
        np.fft.rfft(x.reshape(N, C_i, L), norm=NORM, out=of_x)
        multiply(low_x, matrices, out=low_y)
        np.fft.irfft(of_low_y, L, norm=NORM, out=y_channels)

    def pullback(dy: Array, dR: Array, wanted: bool) -> Array | None:
        np.fft.rfft(dy.reshape(N, C_o, L), norm=NORM, out=of_y)
        if wanted:
            multiply_back(low_y, conjugate_T, out=low_dx)
            np.fft.irfft(of_low_dx, L, norm=NORM, out=dx_channels)
        np.conjugate(low_y, out=low_y)
        np.matmul(x_hat_T, low_y, out=d_matrices)
        dR_T = dR.swapaxes(1, 2)
        np.multiply(d_matrices.real, weights, out=dR_T[:M])
        np.multiply(d_matrices.imag[paired], -2.0, out=dR_T[M:])
        return dx if wanted else None

    return BoundProducts(y, run, pullback)


def _shape(L: int, N: int, C: int, single: bool) -> tuple[int, int, int]:
    """Return the shape in memory of a transformed array: frequencies last for single channels.

    They need no matrix products, and transforms then read and write them in order.
    """
    return (N, C, L // 2 + 1) if single else (L // 2 + 1, N, C)


def _frequencies_first(transformed: Array, single: bool) -> Array:
    return transformed.transpose(2, 0, 1) if single else transformed
