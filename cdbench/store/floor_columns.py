"""The columns of ``noise_floor``, which has all floors of a condition in one row, and their values.

One row a floor would take five times the space, most of it for keys.
"""

from collections.abc import Sequence

from sqlalchemy import RowMapping

from cdbench.errors import StoreError
from cdbench.records.noise_floors import FLOORS, NoiseFloor

LEVEL_NAMES = tuple(f"{level:.0e}".replace("e-0", "e-") for level in FLOORS)
"""FLOORS as people write them, from 1e-9 to 1e-1."""

CUT_COLUMNS = tuple(f"cut_{name.replace('-', '_')}" for name in LEVEL_NAMES)
LEFT_COLUMNS = tuple(f"left_{name.replace('-', '_')}" for name in LEVEL_NAMES)
"""The columns of the cut κ and of how many numbers are left, from cut_1e_9 to left_1e_1."""

FLOOR_COLUMNS = (*CUT_COLUMNS, *LEFT_COLUMNS)


def floor_values(floors: Sequence[NoiseFloor]) -> tuple[float, ...]:
    """Return the values of FLOOR_COLUMNS.

    Raises
    ------
    StoreError
        If the floors are of other levels than FLOORS.
    """
    if tuple(floor.level for floor in floors) != FLOORS:
        raise StoreError("noise floors of other levels than 1e-9 to 1e-1 have no columns")
    return (*(floor.cut_kappa for floor in floors), *(floor.n_left for floor in floors))


def floors_in(row: RowMapping) -> tuple[NoiseFloor, ...]:
    """Return the floors that a row of ``noise_floor`` holds, the lowest first."""
    return tuple(
        NoiseFloor(level, row[cut], row[left])
        for level, cut, left in zip(FLOORS, CUT_COLUMNS, LEFT_COLUMNS, strict=True)
    )
