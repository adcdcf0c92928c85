"""Ways to compute the block-circulant product of Eqs. 2 to 4; one way a file.

All of them give the same numbers to rounding.
"""

from cdbench.products.base import Product
from cdbench.products.gather import Gather

PRODUCTS: dict[str, type[Product]] = {"gather": Gather}

__all__ = ["PRODUCTS", "Gather", "Product"]
