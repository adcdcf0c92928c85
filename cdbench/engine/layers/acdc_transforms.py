"""The product of ACDC's factors Cᵀ diag(d) C diag(a), by a fast cosine transform of every row."""

from collections.abc import Callable
from functools import partial

import numpy as np

from cdbench.engine.layers.base import Params
from cdbench.engine.products.base import Allocate, Array

# Slots of scratch arrays.
START, END = range(2)


class Transforms:
    """K factors bound to their parameters and arrays, to be run repeatedly.

    Each row is transformed in O(n log n) by ``scipy.fft``, and multiplied by the diagonals entry by
    entry: 2K transforms and as many products forwards, the same number again backwards.

    Parameters
    ----------
    params : Params
        ``a`` and ``d``, (K, n).
    n_rows : int
        M.
    dtype : numpy.dtype
        Of all arrays.
    allocate : Allocate
        Source of the arrays that have M rows.

    Attributes
    ----------
    start : (M, n) float
        The rows before the first factor. The caller writes them before ``run``; ``pullback`` leaves
        their gradients here, if wanted.
    end : (M, n) float
        Those after the last factor. The caller writes their gradients here before ``pullback``.
    """

    def __init__(self, params: Params, n_rows: int, dtype: np.dtype, allocate: Allocate) -> None:
        self.a, self.d = params["a"], params["d"]
        K, n = self.a.shape
        self.start = allocate.scratch(START, (n_rows, n), dtype)
        self.end = allocate.scratch(END, (n_rows, n), dtype)
        from scipy import fft  # here, because every sweep imports this room

        self.dct, self.idct = partial(_in_place, fft.dct), partial(_in_place, fft.idct)
        self.before_a, self.before_d = (allocate.kept((K, n_rows, n), dtype) for _ in range(2))

    def run(self) -> None:
        """Write ``end`` from the current contents of the parameters and of ``start``."""
        np.copyto(self.before_a[0], self.start)
        after = (*self.before_a[1:], self.end)
        for a, d, x, u, y in zip(self.a, self.d, self.before_a, self.before_d, after, strict=True):
            np.multiply(x, a, out=u)
            self.dct(u)
            np.multiply(u, d, out=y)
            self.idct(y)

    def pullback(self, grads: Params, wanted: bool) -> None:
        """Write the gradients of a and d, and of ``start`` if wanted, from that of ``end``."""
        dy = self.end
        for k in reversed(range(len(self.a))):
            self.dct(dy)
            np.einsum("ij,ij->j", dy, self.before_d[k], out=grads["d"][k])
            np.multiply(dy, self.d[k], out=dy)
            self.idct(dy)
            np.einsum("ij,ij->j", dy, self.before_a[k], out=grads["a"][k])
            if k:
                np.multiply(dy, self.a[k], out=dy)
        if wanted:
            np.multiply(dy, self.a[0], out=self.start)

    @staticmethod
    def spreading(padded: Array, width: int) -> Callable[[Array], None]:
        """Return the call that writes rows (M, width) here, and zeros to their right."""
        own, zero = np.split(padded, [width], axis=1)

        def spread(rows: Array) -> None:
            np.copyto(own, rows)
            zero.fill(0)

        return spread

    @staticmethod
    def gathering(padded: Array, rows: Array) -> Callable[[], None]:
        """Return the call that reads rows (M, width) back from here."""
        own = padded[:, : rows.shape[1]]
        return lambda: np.copyto(rows, own)


def _in_place(transform: Callable[..., Array], x: Array) -> None:
    """Replace each row by its orthonormal transform."""
    transformed = transform(x, norm="ortho", overwrite_x=True)
    if not np.may_share_memory(transformed, x):  # SciPy may write there, but does not promise it
        np.copyto(x, transformed)
