"""The product by materialising W: one gather, then ordinary matrix products."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cdbench.engine.products.base import (
    FRESH,
    ROWS,
    Allocate,
    Array,
    BoundProduct,
    InTwoParts,
    Product,
)
from cdbench.engine.products.work import Work, matrix_product

# Slots of scratch arrays.
DW, DIAGONALS = range(2)


class Gather(Product):
    """Gather W from c, multiply, and gather dW back along the same diagonals.

    The best product at the paper's own sizes, where W has a few thousand entries. It works with
    the transpose of W, so that the forward product needs no transposition.

    Attributes
    ----------
    to_matrix : (K_i B, K_o B) int
        For each entry of W's transpose, its place in c as stored in memory: (B, K_i, K_o).
    to_diagonals : (B, B K_i K_o) int
        For each entry of c, in that order, its B places in W's transpose.
    """

    name = "gather"
    layout = ROWS

    @cached_property
    def to_matrix(self) -> NDArray[np.intp]:
        """Return the place in c of each entry of W's transpose; computed on first use."""
        K_o, K_i, k = self.K_o, self.K_i, np.arange(self.B)
        block = np.arange(K_i * K_o).reshape(K_i, K_o)
        # W[i B + k, j B + l] = c[i, j, (k - l) mod B].
        lag = (k[None, :] - k[:, None]) % self.B
        places = lag[None, :, None, :] * (K_i * K_o) + block[:, None, :, None]
        return places.reshape(K_i * self.B, K_o * self.B)

    @cached_property
    def to_diagonals(self) -> NDArray[np.intp]:
        """Return the B places in W's transpose of each entry of c."""
        return diagonals(self.K_o, self.K_i, self.B)

    @classmethod
    def forward_work(cls, N: int, K_o: int, K_i: int, B: int) -> Work:
        """Return the work of gathering W, and of the dense product."""
        n_out, n_in = K_o * B, K_i * B
        return Work(calls=2, gathered=n_in * n_out) + matrix_product(N, n_in, n_out)

    @classmethod
    def backward_work(cls, N: int, K_o: int, K_i: int, B: int) -> Work:
        """Return the work of the two dense products, and of gathering the gradient of W."""
        n_out, n_in = K_o * B, K_i * B
        return Work(calls=3, gathered=n_in * n_out) + matrix_product(N, n_in, n_out, times=2)

    @classmethod
    def bytes_needed(cls, N: int, K_o: int, K_i: int, B: int, itemsize: int) -> int:
        """Return the bytes of two 8-byte index arrays and their making, and of W, dW, diagonals."""
        return (4 * 8 + 3 * itemsize) * K_o * K_i * B * B

    def bind(self, c: Array, x: Array, allocate: Allocate = FRESH) -> BoundProduct:
        """Return the bound product, as in Product; x is (N, K_i B)."""
        W_T = allocate.kept(self.to_matrix.shape, c.dtype)
        y = allocate.kept((len(x), W_T.shape[1]), x.dtype)
        dx = allocate.kept(x.shape, x.dtype)
        dW_T = allocate.scratch(DW, W_T.shape, c.dtype)
        diagonals = allocate.scratch(DIAGONALS, self.to_diagonals.shape, c.dtype)
        by_lags = diagonals.reshape(self.B, self.B, self.K_i, self.K_o)
        c_lags = c.transpose(2, 1, 0)

        def gather() -> None:
            # "wrap" writes straight into ``out``; "raise" would fill a copy first.
            c_lags.reshape(-1).take(self.to_matrix, None, W_T, "wrap")

        def multiply() -> None:
            np.matmul(x, W_T, out=y)

        def pullback(dy: Array, dc: Array, wanted: bool = True) -> Array | None:
            np.matmul(x.T, dy, out=dW_T)
            dW_T.reshape(-1).take(self.to_diagonals, None, diagonals, "wrap")
            np.add.reduce(by_lags, axis=0, out=dc.transpose(2, 1, 0))
            return np.matmul(dy, W_T.T, out=dx) if wanted else None

        return BoundProduct(y, InTwoParts(gather, multiply), pullback)


def diagonals(K_o: int, K_i: int, B: int) -> NDArray[np.intp]:
    """Return the B places of each entry of c in W's transpose, (B, B K_i K_o).

    dc[i, j, m] is the sum over k of dW[i B + k, j B + (k - m) mod B]. The first axis of the result
    is k, so that NumPy adds B long rows instead of many short ones.
    """
    k = np.arange(B)
    lag = (k[:, None] - k[None, :]) % B
    column = np.arange(K_i)[None, None, :, None] * B + lag[:, :, None, None]
    row = np.arange(K_o)[None, None, None, :] * B + k[:, None, None, None]
    places: NDArray[np.intp] = column * (K_o * B) + row
    return places.reshape(B, -1)
