"""A report's table as HTML: with caption, headings of columns and rows, notes, and its source."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cdbench.reports.formats import Report
from cdbench.reports.html.markup import Markup, code, html, join, paragraphs

FILTERED = 20
"""Rows from which on a table can be filtered."""

FEW = 3
"""Columns up to which a table is only as wide as it needs to be."""

STARS = re.compile(r"(.*?)\s*(\**)", re.DOTALL)
"""A number, and the stars behind it that say how sure it is."""

REGION = 'role="region" tabindex="0"'
"""What makes a part that scrolls one that can be reached by the keyboard."""

WHOLE = re.compile(r"\d[\d.]*e-\d+|\d{4}-\d\d-\d\d")
"""What no line may end in the middle of: small numbers, and dates."""

BLANK = '<span class="blank" aria-hidden="true">✓</span>'
"""What stands in a cell of a report as a blank, in place of a mark."""

MARKS = {
    "✓": '<span class="same">✓</span>',
    "✗": '<span class="other">✗</span>',
}


@dataclass(frozen=True)
class Source:
    """Where a table comes from: the command that prints it, and the SQL that asks for it."""

    sql: str = ""
    command: str = ""


@dataclass(frozen=True)
class Table:
    """A table of a page.

    Attributes
    ----------
    name : str
        Its identifier in the page.
    report : Report
        Its cells may be Markup.
    source : Source
        Where it comes from.
    headings : mapping
        What is said of columns without a heading, by their place, and not shown.
    is_sortable : bool
        Whether its rows can be put in another order; within groups, where it has some.
    texts : collection of int
        Places of columns that hold words, where these are not the first ones.
    """

    name: str
    report: Report
    source: Source = Source()
    headings: Mapping[int, str] = field(default_factory=dict)
    is_sortable: bool = True
    texts: Sequence[int] | None = None

    def html(self) -> Markup:
        """Return the table with its notes, and what it comes from."""
        return join(
            Markup('<div class="block">'),
            paragraphs(list(self.report.lead), "lead"),
            Markup(f'<div class="scroll" {REGION} aria-labelledby="{self.name}-c">'),
            Markup(f'<table id="{self.name}"{self._looks()}>'),
            Markup(f'<caption id="{self.name}-c"><span>{html(self.report.title)}</span></caption>'),
            Markup(f"<thead><tr>{''.join(self._headings())}</tr></thead>"),
            *(Markup(f"<tbody>{rows}</tbody>") for rows in self._bodies()),
            Markup("</table></div>"),
            paragraphs(list(self.report.notes), "note"),
            _source(self.source),
            Markup("</div>"),
        )

    def _looks(self) -> str:
        n_rows = sum(bool(row) for row in self.report.rows)
        n_columns = len(self.report.columns)
        kind = "wordy" * (self.report.text_columns == n_columns) or "few" * (n_columns <= FEW)
        looks = f' class="{kind}"' if kind else ""
        if not self.is_sortable or n_rows < 2:
            return looks
        return looks + " data-sorts" + " data-filters" * (n_rows >= FILTERED)

    def _is_text(self, place: int) -> bool:
        return place < self.report.text_columns if self.texts is None else place in self.texts

    def _headings(self) -> Iterable[str]:
        for place, heading in enumerate(self.report.columns):
            kind = "" if self._is_text(place) else ' class="n"'
            hidden = self.headings.get(place, "")
            shown = html(heading) if heading else f'<span class="hidden">{html(hidden)}</span>'
            yield f'<th scope="col"{kind}>{shown}</th>'

    def _bodies(self) -> Iterable[str]:
        """Yield the rows of each group; empty rows of a report stand between two."""
        group: list[Sequence[str]] = []
        for row in [*self.report.rows, []]:
            if row:
                group.append(row)
            elif group:
                yield "".join(f"<tr>{cells}</tr>" for cells in self._rows(group))
                group = []

    def _rows(self, group: Sequence[Sequence[str]]) -> Iterable[str]:
        for place, row in enumerate(group):
            cells = "".join(self._cell(i + 1, cell) for i, cell in enumerate(row[1:]))
            yield self._first(group, place) + cells

    def _first(self, group: Sequence[Sequence[str]], place: int) -> str:
        """Return a row's heading, which may be of several rows; of all but the first, nothing."""
        name = group[place][0]
        if not name and place:
            return ""
        below = next((i for i in range(place + 1, len(group)) if group[i][0]), len(group))
        span = f' rowspan="{below - place}"' if below - place > 1 else ""
        kind = "" if self._is_text(0) else ' class="n"'
        scope = "rowgroup" if span else "row"
        return f'<th scope="{scope}"{span}{kind}>{html(name)}</th>'

    def _cell(self, place: int, cell: str) -> str:
        if self._is_text(place):
            return f"<td>{cell if isinstance(cell, Markup) else _words(cell)}</td>"
        return f'<td class="n">{_number(cell)}</td>'


def _words(cell: str) -> str:
    """Return a cell of words, in which no number or date is broken at its hyphen."""
    return WHOLE.sub(r'<span class="whole">\g<0></span>', html(cell))


def _number(cell: str) -> str:
    """Return a cell of numbers, so that the digits of a column stand under each other."""
    if isinstance(cell, Markup):
        return cell
    number, stars = STARS.fullmatch(cell.rstrip()).groups()  # type: ignore[union-attr]
    shown = str(html(number))
    for mark, marked in MARKS.items():
        shown = shown.replace(mark, marked)
    blank = BLANK if cell.endswith(" ") and cell.strip() else ""
    return shown + (f'<span class="star">{stars}</span>' if stars else "") + blank


def _source(source: Source) -> Markup:
    """Return what a table comes from, folded away."""
    if not (source.sql or source.command):
        return Markup("")
    command = Markup(f"<p>Printed by <code>{html(source.command)}</code></p>")
    sql = Markup(f"<pre><code>{code(source.sql)}</code></pre>")
    return join(
        Markup(f'<details class="source"><summary>{"SQL" if source.sql else "Command"}</summary>'),
        command if source.command else "",
        sql if source.sql else "",
        Markup("</details>"),
    )
