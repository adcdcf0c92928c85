"""The product by a fast Fourier transform."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from cdbench.engine.products.base import (
    FRESH,
    VERTICES,
    Allocate,
    Array,
    BoundProduct,
    InTwoParts,
    Product,
    ProductPullback,
)
from cdbench.engine.products.blocks import OnArray
from cdbench.engine.products.polygon import rank
from cdbench.engine.products.real_dft import RealDFT, n_real, real_dft_work, stage_lengths
from cdbench.engine.products.work import Work, matrix_product

# Slots of scratch arrays.
Y, THIRD_Y, DX, THIRD_DX, DC, THIRD_DC = range(6)


class Frequencies(NamedTuple):
    """Views of a transformed array: real frequencies, and both parts of the complex ones."""

    dc_and_nyquist: Array
    real: Array
    imaginary: Array

    @classmethod
    def of(cls, transformed: Array) -> Self:
        """Split a result of RealDFT (B, K, N) into parts (r, K, N), (m, K, N) and (m, K, N)."""
        r = n_real(len(transformed))
        return cls(transformed[:r], transformed[r::2], transformed[r + 1 :: 2])


class Fft(Product):
    """Like polygon, one product per real and three per complex frequency; another transform.

    The transform is factored into two stages where that pays (RealDFT), which takes O(B^1.5); for
    prime B it is one matrix, as in polygon. The sums and differences of Gauss's three products are
    computed explicitly; polygon has them in its matrices. On activations the transform is
    orthonormal, so its transpose is its inverse.

    The best product for large B, where polygon's transforms cost most.
    """

    name = "fft"
    layout = VERTICES

    def __init__(self, K_o: int, K_i: int, B: int) -> None:
        super().__init__(K_o, K_i, B)
        self.m = (B - n_real(B)) // 2
        self.of_c = RealDFT(B, orthonormal=False)
        self.of_x = RealDFT(B, orthonormal=True)

    @classmethod
    def forward_work(cls, N: int, K_o: int, K_i: int, B: int) -> Work:
        """Return the work of R products, the transforms of c, x and y, and the sums between."""
        return _work(N, K_o, K_i, B, calls=8, times=1)

    @classmethod
    def backward_work(cls, N: int, K_o: int, K_i: int, B: int) -> Work:
        """Return the work of 2 R products, and of as much else as in the forward pass."""
        return _work(N, K_o, K_i, B, calls=10, times=2)

    @classmethod
    def bytes_needed(cls, N: int, K_o: int, K_i: int, B: int, itemsize: int) -> int:
        """Return the bytes of the transforms of c, x, y and gradients, their sums, and a stage."""
        matrices = 2 * B**2 // stage_lengths(B)[0] * (8 + 2 * itemsize)
        of_c, of_x = 5 * K_o * K_i, (4 * K_i + 2 * K_o) * N
        return matrices + itemsize * B * (of_c + of_x)

    def bind(self, c: Array, x: Array, allocate: Allocate = FRESH) -> BoundProduct:
        """Return the bound product, as in Product; x is (B, K_i, N)."""
        K_i, K_o, m, dtype = self.K_i, self.K_o, self.m, x.dtype
        N = x.shape[2]
        c_hat, c_sum = allocate.kept((self.B, K_i, K_o), dtype), allocate.kept((m, K_i, K_o), dtype)
        x_hat, x_sum = allocate.kept(x.shape, dtype), allocate.kept((m, K_i, N), dtype)
        y, dx = allocate.kept((self.B, K_o, N), dtype), allocate.kept(x.shape, dtype)
        y_hat = allocate.scratch(Y, y.shape, dtype)
        third = allocate.scratch(THIRD_Y, (m, K_o, N), dtype)
        transform_c = self.of_c.bind(c.transpose(2, 1, 0), c_hat, allocate)
        transform_x = self.of_x.bind(x, x_hat, allocate)
        transform_y = self.of_x.bind_adjoint(y_hat, y, allocate)
        of_c, of_x, of_y = map(Frequencies.of, (c_hat, x_hat, y_hat))
        c_T = [part.swapaxes(1, 2) for part in (*of_c, c_sum)]

        def of_parameters() -> None:
            transform_c()
            np.add(of_c.real, of_c.imaginary, out=c_sum)

        def of_inputs() -> None:
            transform_x()
            np.add(of_x.real, of_x.imaginary, out=x_sum)
            np.matmul(c_T[0], of_x.dc_and_nyquist, out=of_y.dc_and_nyquist)
            np.matmul(c_T[1], of_x.real, out=of_y.real)
            np.matmul(c_T[2], of_x.imaginary, out=third)
            np.matmul(c_T[3], x_sum, out=of_y.imaginary)
            np.subtract(of_y.imaginary, of_y.real, out=of_y.imaginary)
            np.subtract(of_y.imaginary, third, out=of_y.imaginary)
            np.subtract(of_y.real, third, out=of_y.real)
            transform_y()

        operands = (*of_c, c_sum), (*of_x, x_sum)
        pullback = self._bind_pullback(operands, (y_hat, third), dx, allocate)
        return BoundProduct(y, InTwoParts(of_parameters, of_inputs), pullback)

    def _bind_pullback(
        self,
        operands: tuple[Sequence[Array], Sequence[Array]],
        gradients: tuple[Array, Array],
        dx: Array,
        allocate: Allocate,
    ) -> ProductPullback:
        """Return the pullback.

        Parameters
        ----------
        operands : two of four stacks of matrices
            The parts of the frequencies of c and of x, each with their sum.
        gradients : (B, K_o, N) and (m, K_o, N) float
            Overwritten with the gradients of the products over frequencies.
        dx : (B, K_i, N) float
            The array that is returned.
        """
        of_c, of_x = operands
        dy_hat, third = gradients
        dx_hat = allocate.scratch(DX, dx.shape, dx.dtype)
        dc_hat = allocate.scratch(DC, (self.B, self.K_i, self.K_o), dx.dtype)
        third_dx = allocate.scratch(THIRD_DX, of_x[3].shape, dx.dtype)
        third_dc = allocate.scratch(THIRD_DC, of_c[3].shape, dx.dtype)
        transform_dx = self.of_x.bind_adjoint(dx_hat, dx, allocate)
        transform_dy = OnArray(lambda dy: self.of_x.bind(dy, dy_hat, allocate))
        transform_dc = OnArray(
            lambda dc: self.of_c.bind_adjoint(dc_hat, dc.transpose(2, 1, 0), allocate)
        )
        of_dy = Frequencies.of(dy_hat)
        dy_T = [part.swapaxes(1, 2) for part in (*of_dy, third)]

        def pullback(dy: Array, dc: Array, wanted: bool = True) -> Array | None:
            transform_dy(dy)
            # From here on dy_hat holds the gradients of the three products; that of the second is
            # negated and in ``third``.
            np.add(of_dy.real, of_dy.imaginary, out=third)
            np.subtract(of_dy.real, of_dy.imaginary, out=of_dy.real)
            _multiply_back(of_x, dy_T, Frequencies.of(dc_hat), third_dc)
            transform_dc(dc)
            if not wanted:
                return None
            _multiply_back(of_c, (*of_dy, third), Frequencies.of(dx_hat), third_dx)
            transform_dx()
            return dx

        return pullback


def _multiply_back(
    left: Sequence[Array], right: Sequence[Array], out: Frequencies, third: Array
) -> None:
    """Write one operand's gradient from the other operand and the products' gradients.

    Parameters
    ----------
    left, right : four stacks of matrices
        One is the operand, the other the gradients. Each has one stack for the real frequencies
        and three for the complex ones: real part, imaginary part and sum of the operand; gradients
        of the first, the third and, negated, the second product. Both are transposed as needed.
    out : Frequencies
        Where the gradient is written.
    third : array
        Overwritten; shaped like ``out.real``.
    """
    np.matmul(left[0], right[0], out=out.dc_and_nyquist)
    np.matmul(left[1], right[1], out=out.real)
    np.matmul(left[2], right[3], out=out.imaginary)
    np.matmul(left[3], right[2], out=third)
    np.add(out.real, third, out=out.real)
    np.subtract(third, out.imaginary, out=out.imaginary)


def _work(N: int, K_o: int, K_i: int, B: int, calls: float, times: int) -> Work:
    """Return the work of ``times`` R products, three transforms, and sums, alike both ways."""
    m = (B - n_real(B)) // 2
    sums = 3 * m * (K_i * N + 3 * K_o * N + K_o * K_i)
    done = Work(calls=calls + 17 * (stage_lengths(B)[0] > 1), moved=sums)
    done += matrix_product(K_o, K_i, N, times=times * rank(B))
    for K, columns in ((K_i, K_o), (K_i, N), (K_o, N)):
        done += real_dft_work(B, K, columns)
    return done
