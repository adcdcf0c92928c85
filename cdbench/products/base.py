"""What every block-circulant product offers, and the two layouts of activations."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cdbench.products.work import Work

Array = NDArray[Any]
"""A real array in the run's floating-point type; complex in a complex step."""

ROWS = "rows"
"""The layout (N, n) of activations: one sample a row."""
VERTICES = "vertices"
"""The layout (B, K, N): entry i B + k of a sample at [k, i].

The same place of every block, a vertex of the B-gon, lies together, and samples lie side by side. A
transform along the blocks is then one matrix product without transposition, and each of its
frequencies is a (K, N) matrix in one piece.
"""


class Allocate(Protocol):
    """Where a computation gets its arrays from: NumPy, or a workspace that lends them again.

    Attributes
    ----------
    overwriting : bool
        Whether a layer may write its output over its input.
    """

    overwriting: bool

    def kept(self, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """Return an array, its contents undefined, that stays as written until the next pass."""

    def scratch(self, slot: int, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """Return an array that the next caller who asks for the slot may overwrite."""


class Fresh:
    """Every array new."""

    overwriting = False

    def kept(self, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """Return a new array."""
        return np.empty(shape, dtype)

    def scratch(self, slot: int, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """Return a new array."""
        return np.empty(shape, dtype)


FRESH = Fresh()

ProductPullback = Callable[..., Array | None]
"""``(dy, dc, wanted=True) -> dx``, as ``Product.bind`` describes it."""


class BoundProduct(NamedTuple):
    """A product with its operands and all of its arrays, to be run again and again."""

    y: Array
    run: Callable[[], object]
    pullback: ProductPullback


class Product(ABC):
    """The map ``(c, x) -> y`` of Eq. 2 and its two adjoints, Eqs. 3 and 4.

    Block (i, j) of the (K_o B, K_i B) matrix W is ``C[k, l] = c[i, j, (k - l) mod B]``: by this
    index formula, which the paper gives in Sec. III.1, ``c[i, j]`` is the block's first column,
    although the paper's words say row.

    Parameters
    ----------
    K_o, K_i : int
        Number of blocks in the output and in the input.
    B : int
        Block size.

    Attributes
    ----------
    name : str
        Its key in PRODUCTS.
    layout : str
        Layout of the activations x, y and of their gradients: ROWS, (N, K B), or VERTICES,
        (B, K, N).
    """

    name: ClassVar[str]
    layout: ClassVar[str]

    def __init__(self, K_o: int, K_i: int, B: int) -> None:
        self.K_o, self.K_i, self.B = K_o, K_i, B

    def matrix(self, c: Array) -> Array:
        """Return W, of shape (K_o B, K_i B), from ``c`` of shape (K_o, K_i, B)."""
        k = np.arange(self.B)
        W = c[:, :, (k[:, None] - k[None, :]) % self.B]
        return W.transpose(0, 2, 1, 3).reshape(self.K_o * self.B, self.K_i * self.B)

    @classmethod
    @abstractmethod
    def forward_work(cls, N: int, K_o: int, K_i: int, B: int) -> Work:
        """Return what ``apply`` to N samples does."""

    @classmethod
    @abstractmethod
    def backward_work(cls, N: int, K_o: int, K_i: int, B: int) -> Work:
        """Return what the pullback of N samples does."""

    @classmethod
    @abstractmethod
    def bytes_needed(cls, N: int, K_o: int, K_i: int, B: int, itemsize: int) -> int:
        """Return about how much memory the product's own arrays take, beside c, x, y and theirs.

        ``itemsize`` is that of a number, in bytes.
        """

    @abstractmethod
    def bind(self, c: Array, x: Array, allocate: Allocate = FRESH) -> BoundProduct:
        """Return the product of these arrays, ready to be computed.

        Parameters
        ----------
        c : (K_o, K_i, B) float
            Generators of the circulant blocks. Fastest where memory holds them as (B, K_i, K_o).
        x : (N, K_i B) or (B, K_i, N) float
            Samples, in the product's layout.
        allocate : Allocate
            Where arrays come from.

        Returns
        -------
        y : (N, K_o B) or (B, K_o, N) float
            Holds ``x @ W.T`` after each ``run``.
        run : () -> None
            Computes y from what c and x hold then.
        pullback : (dy, dc, wanted=True) -> dx
            From dy, shaped as y, writes dL/dc, summed over samples, into dc (K_o, K_i, B), and
            returns dL/dx, shaped as x; None, and not computed, unless it is wanted. It is of the
            last run, and the next call writes over what it returned.
        """
