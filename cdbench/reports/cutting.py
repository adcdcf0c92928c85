"""Cutting long cells, so that each row of a table is one line of the terminal."""

from collections.abc import Sequence

from cdbench.reports.tables import NARROW_GAP
from cdbench.system.printable import printable

LEAST = 10
"""Columns that a cell which is cut has at least."""

MARK = "…"


def cut_to_width(
    columns: Sequence[str], rows: Sequence[Sequence[str]], elastic: Sequence[int], width: int
) -> list[list[str]]:
    """Return the rows with cells cut, so that the table is as wide as the terminal, if it can be.

    Parameters
    ----------
    columns : sequence of str
        Headings.
    rows : sequence of sequence of str
        Cells.
    elastic : sequence of int
        Places of the columns that may be cut, the most important first: each but the last gets a
        quarter of the terminal at most, and all get ``LEAST``.
    width : int
        Columns of the terminal.
    """
    from rich.cells import cell_len

    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, own)) for own in zip(columns, *cells, strict=True)]
    fixed = sum(own for place, own in enumerate(widths) if place not in elastic)
    room = width - fixed - NARROW_GAP * (len(columns) - 1)
    for number, place in enumerate(elastic, 1):
        others = LEAST * (len(elastic) - number)
        most = min(room - others, width // 4) if others else room
        widths[place] = min(widths[place], max(most, LEAST))
        room -= widths[place]
    return [
        [_cut(cell, widths[place]) if place in elastic else cell for place, cell in enumerate(row)]
        for row in cells
    ]


def _cut(cell: str, width: int) -> str:
    from rich.cells import cell_len, chop_cells

    if cell_len(cell) <= width:
        return cell
    return chop_cells(cell, width - len(MARK))[0].rstrip() + MARK
