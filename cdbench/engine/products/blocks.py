"""Small matrices applied along the first axis of large arrays."""

from collections.abc import Callable
from functools import partial

import numpy as np

from cdbench.engine.products.base import Array
from cdbench.engine.products.work import Work, matrix_product

Call = Callable[[], object]

COLUMNS = 256
"""Approximate number of columns to multiply at a time: such a piece stays in the inner caches, and
the BLAS may have a shortcut for products this small."""
LARGEST_IN_PIECES = 32
"""Wider matrices than this fill the BLAS's own blocks; pieces would only add calls."""


def bind_transform(matrix: Array, x: Array, out: Array) -> Call:
    """Return a call that writes ``matrix`` (..., m, k) times ``x`` (..., k, K, N) into ``out``.

    The (K, N) columns are independent. They are split into pieces of a few whole rows of N, which
    NumPy multiplies as one stack. For small k this is faster than one flat product, because BLAS
    copies its operands before it multiplies.

    Parameters
    ----------
    matrix : (..., m, k) float
        One matrix, or one for each array of a stack.
    x : (..., k, K, N) float
        Read by each call.
    out : (..., m, K, N) float
        Written by each call.
    """
    if not (x.flags.c_contiguous and out.flags.c_contiguous):
        return through_copies(partial(bind_transform, matrix), x, out)
    *stack, k, K, N = x.shape
    n_pieces = _n_pieces(k, K, N)
    width = K * N // n_pieces
    cut_x, cut_out = (*stack, k, n_pieces, width), (*stack, matrix.shape[-2], n_pieces, width)
    matrices = matrix[..., None, :, :]
    pieces = x.reshape(cut_x).swapaxes(-3, -2)
    cut = out.reshape(cut_out).swapaxes(-3, -2)
    return partial(np.matmul, matrices, pieces, out=cut)


def through_copies(bind: Callable[[Array, Array], Call], x: Array, out: Array) -> Call:
    """Return ``bind`` applied to copies of ``x`` and ``out``, for arrays that are not contiguous.

    ``bind`` returns a call that reads its first array and writes its second.
    """
    own_x, own_out = np.empty(x.shape, x.dtype), np.empty(out.shape, out.dtype)
    call = bind(own_x, own_out)

    def copy_and_call() -> None:
        own_x[...] = x
        call()
        out[...] = own_out

    return copy_and_call


class OnArray:
    """A call on an array given each time, bound anew only if the array is a different one.

    Parameters
    ----------
    bind : callable
        Takes an array and returns a call that acts on it.
    """

    def __init__(self, bind: Callable[[Array], Call]) -> None:
        self._bind = bind
        self._array: Array | None = None

    def __call__(self, array: Array) -> None:
        """Act on the array."""
        if array is not self._array:
            self._array, self._call = array, self._bind(array)
        self._call()


def transform_work(m: int, k: int, K: int, N: int, times: int = 1) -> Work:
    """Return the work of a stack of ``times`` (m, k) matrices on (k, K, N) arrays."""
    n_pieces = _n_pieces(k, K, N)
    return matrix_product(m, k, K * N / n_pieces, times * n_pieces)


def _n_pieces(k: int, K: int, N: int) -> int:
    if k > LARGEST_IN_PIECES:
        return 1
    n_pieces = K
    while n_pieces % 2 == 0 and K // n_pieces * N * 2 <= COLUMNS:
        n_pieces //= 2
    return n_pieces
