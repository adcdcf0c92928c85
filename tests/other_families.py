"""Layer families with a structure, for tests that are of no family in particular."""

from typing import ClassVar

import pytest

from cdbench.config import families
from cdbench.config.structure import StructureParameter
from cdbench.engine.layers.dense import Dense
from cdbench.errors import ShapeError


class Even(Dense):
    """A dense layer, but of even widths, and with more parameters than it uses."""

    family = "even"
    structure: ClassVar[tuple[StructureParameter, ...]] = (
        StructureParameter("size", "A number.", 8),
        StructureParameter("inner", "Another, by default what the layer makes of it.", None),
        StructureParameter("basis", "A word.", "none", choices=("none", "dct")),
    )

    def __init__(self, n_in: int, n_out: int, size: int, inner: int = 0, basis: str = "") -> None:
        del size, inner, basis
        if n_in % 2 or n_out % 2:
            raise ShapeError(f"Even got widths {n_in} and {n_out}, expected even ones")
        super().__init__(n_in, n_out)


OTHER_FAMILIES = {
    "even": f"{__name__}:Even",
    "low-rank": "cdbench.engine.layers.low_rank:LowRank",
    "block-diagonal": "cdbench.engine.layers.block_diagonal:BlockDiagonal",
}


@pytest.fixture
def other_families(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register these families for a test, in this process."""
    for name, place in OTHER_FAMILIES.items():
        monkeypatch.setitem(families.FAMILIES, name, place)
