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

    If it cannot, nothing is cut.

    Parameters
    ----------
    columns : sequence of str
        Headings.
    rows : sequence of sequence of str
        Cells.
    elastic : sequence of int
        Places of the columns that may be cut, the most important first: each but the last gets a
        third of the terminal, if others need the rest, and all get ``LEAST`` and room
        for their headings.
    width : int
        Columns of the terminal.
    """
    from rich.cells import cell_len

    cells = [[printable(cell) for cell in row] for row in rows]
    whole = [max(map(cell_len, own)) for own in zip(columns, *cells, strict=True)]
    widths = list(whole)
    fixed = sum(own for place, own in enumerate(widths) if place not in elastic)
    room = width - fixed - NARROW_GAP * (len(columns) - 1)
    least = {place: max(LEAST, cell_len(columns[place])) for place in elastic}
    for number, place in enumerate(elastic, 1):
        others = sum(least[other] for other in elastic[number:])
        most = min(room - others, width // 3) if others else room
        widths[place] = min(widths[place], max(most, least[place]))
        room -= widths[place]
    for place in elastic:  # what others did not need goes to those that are cut
        more = min(max(room, 0), whole[place] - widths[place])
        widths[place] += more
        room -= more
    if room < 0:  # it becomes a list of its cells, each of which may go on
        return cells
    return [
        [_cut(cell, widths[place]) if place in elastic else cell for place, cell in enumerate(row)]
        for row in cells
    ]


def fits(columns: Sequence[tuple[str, Sequence[str]]], width: int) -> bool:
    """Return whether a table of columns, of a heading and cells each, fits without a cut."""
    from rich.cells import cell_len

    widths = [max(cell_len(printable(cell)) for cell in (name, *own)) for name, own in columns]
    return sum(widths) + NARROW_GAP * (len(columns) - 1) <= width


def _cut(cell: str, width: int) -> str:
    from rich.cells import cell_len, chop_cells

    if cell_len(cell) <= width:
        return cell
    return chop_cells(cell, width - len(MARK))[0].rstrip() + MARK
