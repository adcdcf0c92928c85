"""The product by materialising W: one gather, then ordinary matrix products."""

from collections.abc import Callable

import numpy as np

from cdbench.products.base import Array, Product


class Gather(Product):
    """Gather W from c, multiply, and gather dW back along the same diagonals.

    The best product at the paper's own sizes, where W has a few thousand entries.
    """

    def __init__(self, K_o: int, K_i: int, B: int) -> None:
        super().__init__(K_o, K_i, B)
        block = np.arange(K_o * K_i).reshape(K_o, K_i)
        k = np.arange(B)
        # W[i B + k, j B + l] = c[i, j, (k - l) mod B], as positions in c's flat memory.
        shift = (k[:, None] - k[None, :]) % B
        to_matrix = block[:, None, :, None] * B + shift[None, :, None, :]
        self._to_matrix = to_matrix.reshape(K_o * B, K_i * B)
        # dc[i, j, m] = sum over k of dW[i B + k, j B + (k - m) mod B]. The sum runs over the first
        # axis, so that NumPy adds B long rows instead of many short ones.
        row = np.arange(K_o)[None, :, None, None] * B + k[:, None, None, None]
        column = np.arange(K_i)[None, None, :, None] * B + shift[:, None, None, :]
        self._to_diagonals = (row * (K_i * B) + column).reshape(B, -1)

    def matrix(self, c: Array) -> Array:
        """Return W, of shape (K_o B, K_i B), from ``c`` of shape (K_o, K_i, B)."""
        return c.reshape(-1)[self._to_matrix]

    def apply(self, c: Array, x: Array) -> tuple[Array, Callable[[Array, Array], Array]]:
        """Return ``x @ W.T`` and the pullback through it, as in Product."""
        W = self.matrix(c)

        def pullback(dy: Array, dc: Array) -> Array:
            dW = dy.T @ x
            np.sum(dW.reshape(-1)[self._to_diagonals], axis=0, out=dc.reshape(-1))
            return dy @ W

        return x @ W.T, pullback
