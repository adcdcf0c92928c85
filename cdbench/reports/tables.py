"""A report as a text table, folded to a width: nothing is cut off and no number is split."""

import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from cdbench.system.printable import printable

if TYPE_CHECKING:
    from rich.console import Console

    from cdbench.reports.formats import Report

GAP, NARROW_GAP = 3, 2
"""Blanks between two columns; the second number is for tables that would be too wide."""


BLANK = "\ufdd0"
"""Stands in for a blank that Rich is to keep; no text has it, since it is no character."""


def text_table(report: "Report", width: int, *, styled: bool) -> str:
    """Return what was found, title, table and notes, at most ``width`` columns wide.

    It ends with a newline.

    If the table is too wide, cells are folded: text between words, numbers only before ``±``, ``(``
    or ``…``. If even that is too wide, each row becomes a list of its cells.

    Parameters
    ----------
    report : Report
        What to show.
    width : int
        Columns of the terminal or page.
    styled : bool
        Whether the title is bold, as on a terminal.
    """
    from rich.console import Console
    from rich.text import Text

    # Text objects, so that Rich interprets neither markup nor :names: of emoji.
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=styled, highlight=False)
    for sentence in report.lead:
        console.print(Text(printable(sentence)))
        console.print()
    console.print(Text(printable(report.title)), style="bold")
    console.print()
    rows = [[printable(cell) for cell in row] for row in report.rows]
    columns = [printable(heading) for heading in report.columns]
    layout = _layout(report, columns, rows, width)
    if layout is None:
        for line in _lists(report, columns, rows, width):
            console.print(Text(line), soft_wrap=True)
    else:
        _print_table(console, report, columns, rows, *layout)
    console.print()
    for note in report.notes:
        console.print(Text(printable(note)))
    lines = stream.getvalue().replace(BLANK, " ").splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _print_table(
    console: "Console",
    report: "Report",
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    widths: Sequence[int],
    gap: int,
) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    folded = [
        [_fold(cell, report.is_text(i), widths[i]) for i, cell in enumerate(row)] for row in rows
    ]
    # Of folded numbers it is seen that they go on, because no text begins in their line.
    is_folded = any(
        "\n" in cell for row in folded for i, cell in enumerate(row) if report.is_text(i)
    )
    grouped = any(not row for row in rows)  # blank rows already separate the groups
    table = Table(
        box=box.SIMPLE_HEAD,  # its divider is one blank
        padding=(0, 1, 0, gap - 2),
        pad_edge=False,
        show_edge=False,
        leading=int(is_folded and not grouped),
    )
    for i, heading in enumerate(columns):
        justify: Literal["left", "right"] = "left" if report.is_text(i) else "right"
        table.add_column(
            Text(_fold(heading, is_text=True, width=widths[i])),
            justify=justify,
            vertical="top",
            no_wrap=True,
        )
    for row in folded:
        table.add_row(*(Text(_kept(cell)) for cell in row))
    console.print(table)


def _kept(cell: str) -> str:
    """Return the cell with blanks at its end that Rich keeps: they stand in for a missing mark."""
    bare = cell.rstrip(" ")
    return bare + BLANK * (len(cell) - len(bare))


def _layout(
    report: "Report", columns: Sequence[str], rows: Sequence[Sequence[str]], width: int
) -> tuple[list[int], int] | None:
    """Return the column widths and the gap, or None if even folded columns are too wide."""
    from rich.cells import cell_len

    cells = [[row[i] for row in rows if row] for i in range(len(columns))]
    widths = [max(map(cell_len, [*own, h])) for h, own in zip(columns, cells, strict=True)]
    for gap in (GAP, NARROW_GAP):
        room = width - gap * (len(columns) - 1)
        if sum(widths) <= room:
            return widths, gap
    least = [
        max(
            cell_len(piece.rstrip())
            for text, is_text in ((heading, True), *((c, report.is_text(i)) for c in own))
            for piece in _pieces(text, is_text)
        )
        for i, (heading, own) in enumerate(zip(columns, cells, strict=True))
    ]
    if sum(least) > room:
        return None
    whole = tuple(widths)
    while sum(widths) > room:  # narrow the widest column that can fold
        i = max((i for i in range(len(widths)) if widths[i] > least[i]), key=widths.__getitem__)
        widths[i] -= 1
    for i, own in enumerate(cells):  # a folded column may be narrower than it has to be
        texts = [_fold(columns[i], is_text=True, width=widths[i])]
        texts += [_fold(cell, report.is_text(i), widths[i]) for cell in own]
        widths[i] = max(cell_len(line) for text in texts for line in text.split("\n"))
    for i in sorted(range(len(widths)), key=lambda i: whole[i] - widths[i]):
        if sum(widths) + whole[i] - widths[i] <= room:  # and so another need not fold
            widths[i] = whole[i]
    return widths, gap


def _pieces(cell: str, is_text: bool) -> list[str]:
    """Split a cell into the pieces that may go on separate lines."""
    return re.split(r"(?<= )(?=\S)" if is_text else r"(?<= )(?=[±(…])|(?<=→)", cell)


def _fold(cell: str, is_text: bool, width: int) -> str:
    """Return the cell in lines no longer than the width, as far as its pieces allow."""
    from rich.cells import cell_len

    lines = [""]
    for piece in _pieces(cell, is_text):
        if not lines[-1] or cell_len(lines[-1] + piece.rstrip()) <= width:
            lines[-1] += piece
        else:
            lines.append(piece)
    # Blanks at the end of a cell stay.
    return "\n".join([*(line.rstrip() for line in lines[:-1]), lines[-1]])


def _lists(
    report: "Report", columns: Sequence[str], rows: Sequence[Sequence[str]], width: int
) -> list[str]:
    """Return each row as a list of its cells with their headings; overlong words are broken."""
    from rich.cells import cell_len, chop_cells

    indent = max(map(cell_len, columns)) + 2
    room = max(width - indent, 10)
    lines: list[str] = []
    for row in filter(None, rows):
        lines += [""] if lines else []
        for i, (heading, cell) in enumerate(zip(columns, row, strict=True)):
            parts = [
                part
                for line in _fold(cell.strip(), report.is_text(i), room).split("\n")
                for words in _fold(line, is_text=True, width=room).split("\n")
                for part in chop_cells(words, room)
            ]
            for number, part in enumerate(parts):
                name = heading if number == 0 else ""
                lines.append(name + " " * (indent - cell_len(name)) + part)
    return lines
