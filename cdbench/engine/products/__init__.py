"""Ways to compute the block-circulant product of Eqs. 2 to 4, one per file.

All of them give the same numbers, up to rounding.
"""

from collections.abc import Sequence
from functools import cache

from cdbench.engine.products.base import Product
from cdbench.engine.products.fft import Fft
from cdbench.engine.products.gather import Gather
from cdbench.engine.products.planner import pick
from cdbench.engine.products.polygon import Polygon

PRODUCTS: dict[str, type[Product]] = {"gather": Gather, "polygon": Polygon, "fft": Fft}


def plan(N: int, widths: Sequence[int], B: int, dtype: str) -> str:
    """Return the key in PRODUCTS with the least expected time; gather where W is c.

    Parameters
    ----------
    N : int
        Samples in a batch.
    widths : sequence of int
        Widths of the network from input to output, multiples of B; two widths make one layer.
    B : int
        Block size.
    dtype : str
        ``float32`` or ``float64``.
    """
    return "gather" if B == 1 else _pick(N, tuple(widths), B, dtype)


@cache
def _pick(N: int, widths: tuple[int, ...], B: int, dtype: str) -> str:
    return pick(PRODUCTS, N, widths, B, dtype)


__all__ = ["PRODUCTS", "Fft", "Gather", "Polygon", "Product", "plan"]
