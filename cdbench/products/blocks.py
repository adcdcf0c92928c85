"""Small matrices applied along the first axis of large arrays."""

from collections.abc import Callable
from functools import partial

import numpy as np

from cdbench.products.base import Array
from cdbench.products.work import Work, matrix_product

Call = Callable[[], object]

COLUMNS = 256
"""Columns to multiply at a time, about: such a piece stays in the inner caches, and the BLAS may
have a short way for products so small."""
LARGEST_IN_PIECES = 32
"""Matrices wider than this fill the BLAS's own blocks, and pieces would only cost calls."""


def bind_transform(matrix: Array, x: Array, out: Array) -> Call:
    """Return what writes ``matrix`` (..., m, k) times ``x`` (..., k, K, N) into ``out``.

    The (K, N) columns are independent. They are taken in pieces of some whole rows of N, as one
    stack of products that NumPy goes through: faster than one flat product where k is small,
    because BLAS copies its operands before it multiplies.

    Parameters
    ----------
    matrix : (..., m, k) float
        One, or one for each array of a stack.
    x : (..., k, K, N) float
        Read whenever the returned function is called.
    out : (..., m, K, N) float
        Written then.
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
    """Return ``bind(x, out)`` of copies, for arrays that are not in one piece of memory.

    ``bind`` returns what reads its first array and writes its second.
    """
    own_x, own_out = np.empty(x.shape, x.dtype), np.empty(out.shape, out.dtype)
    call = bind(own_x, own_out)

    def copy_and_call() -> None:
        own_x[...] = x
        call()
        out[...] = own_out

    return copy_and_call


class OnArray:
    """A call on an array that is given each time, bound anew only where it is another one.

    Parameters
    ----------
    bind : callable
        From an array to what does something with it.
    """

    def __init__(self, bind: Callable[[Array], Call]) -> None:
        self._bind = bind
        self._array: Array | None = None

    def __call__(self, array: Array) -> None:
        """Do it."""
        if array is not self._array:
            self._array, self._call = array, self._bind(array)
        self._call()


def transform_work(m: int, k: int, K: int, N: int, times: int = 1) -> Work:
    """Return the work of (m, k) matrices on (k, K, N) arrays, so many in a stack."""
    n_pieces = _n_pieces(k, K, N)
    return matrix_product(m, k, K * N / n_pieces, times * n_pieces)


def _n_pieces(k: int, K: int, N: int) -> int:
    if k > LARGEST_IN_PIECES:
        return 1
    n_pieces = K
    while n_pieces % 2 == 0 and K // n_pieces * N * 2 <= COLUMNS:
        n_pieces //= 2
    return n_pieces
