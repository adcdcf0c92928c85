"""What every block-circulant product offers, and the two layouts of activations."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cdbench.engine.products.work import Work

Array = NDArray[Any]
"""A real array in the run's floating-point type; in a complex step, a complex one."""

ROWS = "rows"
"""The layout (N, n) of activations: one sample per row."""
VERTICES = "vertices"
"""The layout (B, K, N): entry i B + k of a sample at [k, i].

The same place of every block, a vertex of the B-gon, is stored together, with samples side by side.
A transform along the blocks is then one matrix product without transposition, and each of its
frequencies is a contiguous (K, N) matrix.
"""


class Allocate(Protocol):
    """A source of arrays for a computation: NumPy, or a workspace that reuses them.

    Attributes
    ----------
    overwriting : bool
        Whether a layer may overwrite its input with its output.
    """

    overwriting: bool

    def kept(self, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """Return an uninitialised array that keeps what is written to it until the next pass."""

    def scratch(self, slot: int, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """Return an array that the next caller using the same slot may overwrite."""


class Fresh:
    """A source that makes every array new."""

    overwriting = False

    def kept(self, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """Return a new array."""
        return np.empty(shape, dtype)

    def scratch(self, slot: int, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """Return a new array."""
        return np.empty(shape, dtype)


FRESH = Fresh()

ProductPullback = Callable[..., Array | None]
"""``(dy, dc, wanted=True) -> dx``, as described in ``Product.bind``."""


@dataclass(frozen=True, slots=True)
class InTwoParts:
    """What is run repeatedly, in two parts: while parameters stay, the second alone will do.

    Attributes
    ----------
    of_parameters : () -> None
        Computes what depends on the parameters only, which the bound arrays keep.
    of_inputs : () -> None
        Computes the rest.
    """

    of_parameters: Callable[[], object]
    of_inputs: Callable[[], object]

    def __call__(self) -> None:
        """Run both."""
        self.of_parameters()
        self.of_inputs()


class BoundProduct(NamedTuple):
    """A product bound to its operands and working arrays, to be run repeatedly."""

    y: Array
    run: InTwoParts
    pullback: ProductPullback


class Product(ABC):
    """The map ``(c, x) -> y`` of Eq. 2 and its two adjoints, Eqs. 3 and 4.

    Block (i, j) of the (K_o B, K_i B) matrix W is ``C[k, l] = c[i, j, (k - l) mod B]``. By this
    index formula from Sec. III.1, ``c[i, j]`` is the block's first column, although the paper's
    text says row.

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
        Layout of the activations x and y and of their gradients: ROWS, (N, K B), or VERTICES,
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
        """Return the work of the forward pass of N samples."""

    @classmethod
    @abstractmethod
    def backward_work(cls, N: int, K_o: int, K_i: int, B: int) -> Work:
        """Return the work of the pullback of N samples."""

    @classmethod
    @abstractmethod
    def bytes_needed(cls, N: int, K_o: int, K_i: int, B: int, itemsize: int) -> int:
        """Return roughly the memory of the product's own arrays, besides c, x, y and gradients.

        ``itemsize`` is the size of one number in bytes.
        """

    @abstractmethod
    def bind(self, c: Array, x: Array, allocate: Allocate = FRESH) -> BoundProduct:
        """Return the product bound to these arrays, ready to run.

        Parameters
        ----------
        c : (K_o, K_i, B) float
            Generators of the circulant blocks. Fastest if stored in the order (B, K_i, K_o).
        x : (N, K_i B) or (B, K_i, N) float
            Samples, in the product's layout.
        allocate : Allocate
            Source of arrays.

        Returns
        -------
        y : (N, K_o B) or (B, K_o, N) float
            Holds ``x @ W.T`` after each ``run``.
        run : () -> None
            Computes y from the current contents of c and x.
        pullback : (dy, dc, wanted=True) -> dx
            From dy, shaped like y, writes dL/dc, summed over samples, into dc (K_o, K_i, B), and
            returns dL/dx, shaped like x; if not wanted, dL/dx is not computed and None returned.
            It belongs to the last run, and the next call overwrites what it returned.
        """
