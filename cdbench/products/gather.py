"""The product by materialising W: one gather, then ordinary matrix products."""

import numpy as np

from cdbench.products.base import FRESH, ROWS, Allocate, Array, Product, ProductPullback


class Gather(Product):
    """Gather W from c, multiply, and gather dW back along the same diagonals.

    The best product at the paper's own sizes, where W has a few thousand entries.

    Attributes
    ----------
    to_matrix : (K_o B, K_i B) int
        Of each entry of W the place in c, as memory holds it: (B, K_o, K_i).
    to_diagonals : (B, B K_o K_i) int
        Of each entry of c, in that order, the B places in W where it stands, W by rows.
    """

    layout = ROWS

    def __init__(self, K_o: int, K_i: int, B: int) -> None:
        super().__init__(K_o, K_i, B)
        block = np.arange(K_o * K_i).reshape(K_o, K_i)
        k = np.arange(B)
        # W[i B + k, j B + l] = c[i, j, (k - l) mod B].
        shift = (k[:, None] - k[None, :]) % B
        to_matrix = shift[None, :, None, :] * (K_o * K_i) + block[:, None, :, None]
        self.to_matrix = to_matrix.reshape(K_o * B, K_i * B)
        # dc[i, j, m] = sum over k of dW[i B + k, j B + (k - m) mod B]. The sum runs over the first
        # axis, so that NumPy adds B long rows instead of many short ones.
        row = np.arange(K_o)[None, None, :, None] * B + k[:, None, None, None]
        column = np.arange(K_i)[None, None, None, :] * B + shift[:, :, None, None]
        self.to_diagonals = (row * (K_i * B) + column).reshape(B, -1)

    def apply(
        self, c: Array, x: Array, allocate: Allocate = FRESH
    ) -> tuple[Array, ProductPullback]:
        """Return ``x @ W.T`` and the pullback through it, as in Product; x is (N, K_i B)."""
        W = allocate.kept(self.to_matrix.shape, c.dtype)
        # "clip" writes straight into ``out``, where "raise" would fill a copy first.
        np.take(c.transpose(2, 0, 1).reshape(-1), self.to_matrix, out=W, mode="clip")

        def pullback(dy: Array, dc: Array, wanted: bool = True) -> Array | None:
            dW = allocate.scratch(0, W.shape, dy.dtype)
            np.matmul(dy.T, x, out=dW)
            diagonals = allocate.scratch(1, self.to_diagonals.shape, dy.dtype)
            np.take(dW.reshape(-1), self.to_diagonals, out=diagonals, mode="clip")
            np.add.reduce(diagonals.reshape(self.B, *_lags_first(dc).shape), out=_lags_first(dc))
            if not wanted:
                return None
            return np.matmul(dy, W, out=allocate.kept(x.shape, dy.dtype))

        return np.matmul(x, W.T, out=allocate.kept((len(x), len(W)), x.dtype)), pullback


def _lags_first(c: Array) -> Array:
    return c.transpose(2, 0, 1)
