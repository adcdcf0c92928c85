"""Which product is expected to be the fastest."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from cdbench.engine.products.base import VERTICES, Product
from cdbench.engine.products.work import Work

ARRANGEMENT = Work(calls=40)
"""Extra work, besides the products, of a network in the layout of vertices compared with rows."""


def expected_seconds(
    product: type[Product], N: int, widths: Sequence[int], B: int, dtype: str
) -> float:
    """Return the time of a forward and backward pass of N samples through layers of such widths."""
    layers = [(n_out // B, n_in // B) for n_in, n_out in pairwise(widths)]
    done = ARRANGEMENT if len(layers) > 1 and product.layout == VERTICES else Work()
    for K_o, K_i in layers:
        done += product.forward_work(N, K_o, K_i, B) + product.backward_work(N, K_o, K_i, B)
    return done.seconds(dtype)


def pick(
    products: Mapping[str, type[Product]], N: int, widths: Sequence[int], B: int, dtype: str
) -> str:
    """Return the name of the product with the least expected time."""
    return min(products, key=lambda name: expected_seconds(products[name], N, widths, B, dtype))
