"""The product by a fast Fourier transform, with complex frequencies as real (2K × 2K) products."""

import numpy as np

from cdbench.products.base import FRESH, VERTICES, Allocate, Array, BoundProduct, Product
from cdbench.products.blocks import Call, OnArray
from cdbench.products.real_dft import RealDFT, n_real, real_dft_work, stage_lengths
from cdbench.products.work import Work, matrix_product

# Slots of scratch arrays.
TRANSFORMED, TRANSFORMED_C, TRANSFORMED_DX, BLOCKS_DC = range(4)


class Fft(Product):
    """One (K_o × K_i) product per real frequency, one (2 K_o × 2 K_i) per complex one.

    The matrix [[a, -b], [b, a]] stands for the complex frequency a + i b of c, and acts on the
    real and imaginary rows of x's. The transform is factored in two stages where that pays
    (RealDFT). Orthonormal on activations, it is its own inverse when transposed.

    The best product at large B, where polygon's transforms and its many small products weigh most.
    """

    name = "fft"
    layout = VERTICES

    def __init__(self, K_o: int, K_i: int, B: int) -> None:
        super().__init__(K_o, K_i, B)
        self.r = n_real(B)
        self.m = (B - self.r) // 2
        self.of_c = RealDFT(B, orthonormal=False)
        self.of_x = RealDFT(B, orthonormal=True)

    @classmethod
    def forward_work(cls, N: int, K_o: int, K_i: int, B: int) -> Work:
        """Return the frequencies' products, transforms of c, x and y, and the blocks' copies."""
        return _products(N, K_o, K_i, B) + _transforms(N, K_o, K_i, B, calls=8)

    @classmethod
    def backward_work(cls, N: int, K_o: int, K_i: int, B: int) -> Work:
        """Return the frequencies' products twice, and as much else as the forward pass does."""
        return _products(N, K_o, K_i, B) * 2 + _transforms(N, K_o, K_i, B, calls=10)

    @classmethod
    def bytes_needed(cls, N: int, K_o: int, K_i: int, B: int, itemsize: int) -> int:
        """Return the blocks of c and of its gradient, its transform, and those of x and y."""
        matrices = 2 * B**2 // stage_lengths(B)[0] * (8 + 2 * itemsize)
        return matrices + itemsize * B * (7 * K_o * K_i + (3 * K_i + 2 * K_o) * N)

    def bind(self, c: Array, x: Array, allocate: Allocate = FRESH) -> BoundProduct:
        """Return the product with its arrays, as in Product; x is (B, K_i, N)."""
        shape_y, dtype = (self.B, self.K_o, x.shape[2]), x.dtype
        fill_blocks, blocks = self._bind_blocks(c, allocate)
        x_hat, y = allocate.kept(x.shape, dtype), allocate.kept(shape_y, dtype)
        dx = allocate.kept(x.shape, dtype)
        y_hat = dy_hat = allocate.scratch(TRANSFORMED, shape_y, dtype)
        dx_hat = allocate.scratch(TRANSFORMED_DX, x.shape, dtype)
        transform_x = self.of_x.bind(x, x_hat, allocate)
        transform_y = self.of_x.bind_adjoint(y_hat, y, allocate)
        transform_dx = self.of_x.bind_adjoint(dx_hat, dx, allocate)
        transform_dy = OnArray(lambda dy: self.of_x.bind(dy, dy_hat, allocate))
        pull_back_to_c = self._bind_pullback_to_c(dy_hat, x_hat, allocate)
        xs, ys, dxs = self._split(x_hat), self._split(y_hat), self._split(dx_hat)

        def run() -> None:
            fill_blocks()
            transform_x()
            for block, own_x, own_y in zip(blocks, xs, ys, strict=True):
                np.matmul(block.transpose(0, 2, 1), own_x, out=own_y)
            transform_y()

        def pullback(dy: Array, dc: Array, wanted: bool = True) -> Array | None:
            transform_dy(dy)
            pull_back_to_c(dc)
            if not wanted:
                return None
            for block, own_dy, own_dx in zip(blocks, ys, dxs, strict=True):
                np.matmul(block, own_dy, out=own_dx)
            transform_dx()
            return dx

        return BoundProduct(y, run, pullback)

    def _split(self, x_hat: Array) -> tuple[Array, Array]:
        """Return the real frequencies (r, K, N) and the complex ones (m, 2 K, N), as views."""
        _, K, N = x_hat.shape
        return x_hat[: self.r], x_hat[self.r :].reshape(self.m, 2 * K, N)

    def _bind_blocks(self, c: Array, allocate: Allocate) -> tuple[Call, tuple[Array, Array]]:
        """Return c's blocks, transposed, and what fills them.

        They are (r, K_i, K_o) of the real frequencies, and (m, 2 K_i, 2 K_o) of the complex ones.
        """
        K_i, K_o = self.K_i, self.K_o
        c_lags = c.transpose(2, 1, 0)
        c_hat = allocate.scratch(TRANSFORMED_C, c_lags.shape, c.dtype)
        transform_c = self.of_c.bind(c_lags, c_hat, allocate)
        real = allocate.kept((self.r, K_i, K_o), c.dtype)
        parts = c_hat[self.r :].reshape(self.m, 2, K_i, K_o)
        blocks = allocate.kept((self.m, 2, K_i, 2, K_o), c.dtype)

        def fill() -> None:
            transform_c()
            real[...] = c_hat[: self.r]
            blocks[:, 0, :, 0] = blocks[:, 1, :, 1] = parts[:, 0]
            blocks[:, 0, :, 1] = parts[:, 1]
            np.negative(parts[:, 1], out=blocks[:, 1, :, 0])

        return fill, (real, blocks.reshape(self.m, 2 * K_i, 2 * K_o))

    def _bind_pullback_to_c(self, dy_hat: Array, x_hat: Array, allocate: Allocate) -> OnArray:
        """Return what writes the gradient of c, from those of the blocks, into a dc."""
        K_i, K_o = self.K_i, self.K_o
        xs, dy_Ts = self._split(x_hat), [part.swapaxes(1, 2) for part in self._split(dy_hat)]
        dc_hat = allocate.scratch(TRANSFORMED_C, (self.B, K_i, K_o), x_hat.dtype)
        dblocks = allocate.scratch(BLOCKS_DC, (self.m, 2 * K_i, 2 * K_o), x_hat.dtype)
        quarters = dblocks.reshape(self.m, 2, K_i, 2, K_o)
        parts = dc_hat[self.r :].reshape(self.m, 2, K_i, K_o)

        def bind(dc: Array) -> Call:
            transform = self.of_c.bind_adjoint(dc_hat, dc.transpose(2, 1, 0), allocate)

            def pull_back() -> None:
                np.matmul(xs[0], dy_Ts[0], out=dc_hat[: self.r])
                np.matmul(xs[1], dy_Ts[1], out=dblocks)
                np.add(quarters[:, 0, :, 0], quarters[:, 1, :, 1], out=parts[:, 0])
                np.subtract(quarters[:, 0, :, 1], quarters[:, 1, :, 0], out=parts[:, 1])
                transform()

            return pull_back

        return OnArray(bind)


def _products(N: int, K_o: int, K_i: int, B: int) -> Work:
    r = n_real(B)
    of_real = matrix_product(K_o, K_i, N, times=r)
    return of_real + matrix_product(2 * K_o, 2 * K_i, N, times=(B - r) // 2)


def _transforms(N: int, K_o: int, K_i: int, B: int, calls: float) -> Work:
    """Return three transforms, each with more calls where it has two stages, and the copies."""
    in_two_stages = stage_lengths(B)[0] > 1
    done = Work(calls=calls + 17 * in_two_stages, gathered=2 * K_o * K_i * B)
    for K, columns in ((K_i, K_o), (K_i, N), (K_o, N)):
        done += real_dft_work(B, K, columns)
    return done
