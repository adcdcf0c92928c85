"""PyTorch's layers of all families, in the shapes that their tests walk."""

from collections.abc import Iterator
from typing import Any

from cdbench.torch.base import StructuredLinear
from cdbench.torch.by_family import LAYERS, layer_class

STRUCTURES: dict[str, list[dict[str, Any]]] = {
    "cdlinear": [{"B": 4}, {"B": 5}],
    "low-rank": [{"rank": 3}],
    "block-diagonal": [
        {"blocks": 4},
        {"blocks": 3, "basis": "dct"},
        {"blocks": 4, "basis": "hartley"},
        {"blocks": 5, "basis": "random"},
    ],
    "kronecker": [{"terms": 2}],
    "monarch": [{"blocks": 3}, {"blocks": 4, "inner": 2}, {"blocks": 2, "inner": 5}],
    "circulant": [{}],
    "acdc": [{"depth": 2}],
    "toeplitz-like": [{"rank": 2}],
    "ldr-sd": [{"rank": 2}],
    "blast": [{"blocks": 3, "rank": 2}],
    "spectral": [{"length": 4}, {"length": 5, "modes": 2}, {"length": 6, "modes": 3}],
}
LARGE: dict[str, tuple[int, int, dict[str, Any]]] = {
    "cdlinear": (130, 70, {"B": 4}),
    "kronecker": (128, 144, {"terms": 1}),
    "circulant": (200, 150, {}),
    "spectral": (128, 192, {"length": 64, "modes": 5}),
    "acdc": (96, 80, {"depth": 2}),
    "toeplitz-like": (90, 100, {"rank": 3}),
    "ldr-sd": (33, 40, {"rank": 3}),
}
"""Wide enough for the other way of computing it, where a family has two."""


def families() -> list[str]:
    """All of them."""
    return [*LAYERS]


def layers(family: str, **options: Any) -> Iterator[StructuredLinear]:
    """Yield the family's layers: square, narrowing, widening, of a single output, and large."""
    own = layer_class(family)
    for structure in STRUCTURES[family]:
        for widths in ((12, 12), (13, 7), (7, 14), (6, 1)):
            yield own.build(*widths, structure, **options)
    if family in LARGE:
        n_in, n_out, structure = LARGE[family]
        yield own.build(n_in, n_out, structure, **options)


def small(family: str, **options: Any) -> StructuredLinear:
    """Return one layer of few weights, whose widths are padded if the family does."""
    return layer_class(family).build(7, 5, STRUCTURES[family][0], **options)
