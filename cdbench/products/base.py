"""What every block-circulant product offers."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
"""A real array in the run's floating-point type; complex in a complex step."""


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
    """

    def __init__(self, K_o: int, K_i: int, B: int) -> None:
        self.K_o, self.K_i, self.B = K_o, K_i, B

    @abstractmethod
    def matrix(self, c: Array) -> Array:
        """Return W, of shape (K_o B, K_i B), from ``c`` of shape (K_o, K_i, B)."""

    @abstractmethod
    def apply(self, c: Array, x: Array) -> tuple[Array, Callable[[Array, Array], Array]]:
        """Return ``x @ W.T`` and the pullback through it.

        Parameters
        ----------
        c : (K_o, K_i, B) float
            Generators of the circulant blocks.
        x : (N, K_i B) float
            One sample per row.

        Returns
        -------
        y : (N, K_o B) float
        pullback : (dy, dc) -> dx
            From dy (N, K_o B), writes dL/dc, summed over samples, into dc (K_o, K_i, B) and
            returns dL/dx (N, K_i B).
        """
