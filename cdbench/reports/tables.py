"""A report as a text table, folded to a width: nothing is cut off and no number is split."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from cdbench.reports.folding import INDENT, fold, pieces_of
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

    If the table is too wide, cells are folded: text between words, numbers only before ``±`` and
    ``(`` or, where that is not enough, also before ``…``. Lines that go on are indented, or if
    most rows are folded, there are blank lines between them, unless the first cells tell them
    apart. If even that is too wide, each row becomes a list of its cells.

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
    texts = [report.is_text(i) for i in range(len(columns))]
    layout = _layout(texts, columns, rows, width)
    if layout is None:
        for line in _lists(report, columns, rows, width):
            console.print(Text(line), soft_wrap=True)
    else:
        _print_table(console, texts, columns, rows, layout)
    console.print()
    for note in report.notes:
        console.print(Text(printable(note)))
    lines = stream.getvalue().replace(BLANK, " ").splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"


@dataclass(frozen=True)
class _Layout:
    """Widths of the columns, the gap between them, and how rows are told apart."""

    widths: tuple[int, ...]
    gap: int
    is_spaced: bool = False
    is_hanging: bool = True

    def fold(self, place: int, cell: str, *, is_text: bool) -> str:
        """Return a cell of a column in its lines."""
        return fold(cell, is_text, self.widths[place], hang=self.is_hanging)


def _print_table(
    console: "Console",
    texts: Sequence[bool],
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    layout: _Layout,
) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=box.SIMPLE_HEAD,  # its divider is one blank
        padding=(0, 1, 0, layout.gap - 2),
        pad_edge=False,
        show_edge=False,
        leading=int(layout.is_spaced),
    )
    for i, heading in enumerate(columns):
        justify: Literal["left", "right"] = "left" if texts[i] else "right"
        table.add_column(
            Text(fold(heading, is_text=True, width=layout.widths[i])),
            justify=justify,
            vertical="top",
            no_wrap=True,
        )
    for row in rows:
        cells = (layout.fold(i, cell, is_text=texts[i]) for i, cell in enumerate(row))
        table.add_row(*(Text(_kept(cell)) for cell in cells))
    console.print(table)


def _kept(cell: str) -> str:
    """Return the cell with blanks at its end that Rich keeps: they stand in for a missing mark."""
    bare = cell.rstrip(" ")
    return bare + BLANK * (len(cell) - len(bare))


def _layout(
    texts: Sequence[bool], columns: Sequence[str], rows: Sequence[Sequence[str]], width: int
) -> _Layout | None:
    """Return the column widths and the gap, or None if even folded columns are too wide."""
    from rich.cells import cell_len

    cells = [[row[i] for row in rows if row] for i in range(len(columns))]
    whole = [max(map(cell_len, [*own, h])) for h, own in zip(columns, cells, strict=True)]
    for gap in (GAP, NARROW_GAP):
        room = width - gap * (len(columns) - 1)
        if sum(whole) <= room:
            return _Layout(tuple(whole), gap)
    for finely, indent in ((False, len(INDENT)), (True, len(INDENT)), (True, 0)):
        least = [
            _least(heading, own, is_text=texts[i], finely=finely, indent=indent)
            for i, (heading, own) in enumerate(zip(columns, cells, strict=True))
        ]
        if sum(least) <= room:
            break
    else:
        return None
    found = _Layout(_narrowed(whole, least, room), NARROW_GAP)
    # Of folded numbers it is seen that they go on, because no text begins in their line.
    n_folded = sum(
        any(texts[i] and "\n" in found.fold(i, cell, is_text=True) for i, cell in enumerate(row))
        for row in rows
    )
    # Blank rows already separate groups; a few folded rows are told by their indented lines, and
    # many by their first cells where none of these is folded.
    first = 0 if not texts[0] else max(map(cell_len, cells[0]), default=0)
    are_many = n_folded > len(rows) / 2 and all(rows)
    is_spaced = are_many and first > found.widths[0]
    found = replace(found, is_spaced=is_spaced, is_hanging=not are_many)
    return replace(found, widths=_used(found, columns, cells, texts, whole, room))


def _least(heading: str, cells: Sequence[str], *, is_text: bool, finely: bool, indent: int) -> int:
    """Return the width that a column needs where all of its cells are folded."""
    from rich.cells import cell_len

    pieces = [piece for cell in cells for piece in pieces_of(cell, is_text, finely=finely)[:1]]
    more = [piece for cell in cells for piece in pieces_of(cell, is_text, finely=finely)[1:]]
    pieces += pieces_of(heading, is_text=True)
    widths = [cell_len(piece.rstrip()) for piece in pieces]
    return max([*widths, *(cell_len(piece.rstrip()) + indent * is_text for piece in more)])


def _narrowed(whole: Sequence[int], least: Sequence[int], room: int) -> tuple[int, ...]:
    """Return widths that fit, by narrowing the widest column that can fold."""
    widths = list(whole)
    while sum(widths) > room:
        i = max((i for i in range(len(widths)) if widths[i] > least[i]), key=widths.__getitem__)
        widths[i] -= 1
    return tuple(widths)


def _used(
    layout: _Layout,
    columns: Sequence[str],
    cells: Sequence[Sequence[str]],
    texts: Sequence[bool],
    whole: Sequence[int],
    room: int,
) -> tuple[int, ...]:
    """Return the widths that folded columns take up; the rest goes to one that need not fold."""
    from rich.cells import cell_len

    widths = list(layout.widths)
    for i, own in enumerate(cells):  # a folded column may be narrower than it has to be
        folded = [fold(columns[i], is_text=True, width=widths[i])]
        folded += [layout.fold(i, cell, is_text=texts[i]) for cell in own]
        widths[i] = max(cell_len(line) for text in folded for line in text.split("\n"))
    for i in sorted(range(len(widths)), key=lambda i: whole[i] - widths[i]):
        if sum(widths) + whole[i] - widths[i] <= room:  # and so another need not fold
            widths[i] = whole[i]
    return tuple(widths)


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
        for heading, cell, is_text in _named(report, columns, row):
            parts = [
                part
                for line in fold(cell, is_text, room).split("\n")
                for words in fold(line, is_text=True, width=room).split("\n")
                for part in chop_cells(words, room)
            ]
            for number, part in enumerate(parts):
                name = heading if number == 0 else ""
                lines.append(name + " " * (indent - cell_len(name)) + part)
    return lines


def _named(
    report: "Report", columns: Sequence[str], row: Sequence[str]
) -> list[tuple[str, str, bool]]:
    """Return a row's headings and cells, and whether they are text.

    What has no heading joins the cell before it or, at the start, the one behind it.
    """
    named: list[tuple[str, str, bool]] = []
    first = ""
    for i, (heading, cell) in enumerate(zip(columns, map(str.strip, row), strict=True)):
        if not heading and named and named[-1][1]:
            before = named.pop()
            named.append((before[0], " · ".join(filter(None, [before[1], cell])), before[2]))
        elif not heading and not named and i + 1 < len(columns):
            first = cell
        else:
            named.append((heading, " · ".join(filter(None, [first, cell])), report.is_text(i)))
            first = ""
    return named
