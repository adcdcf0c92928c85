"""The formats of a report: terminal table, Markdown, LaTeX, CSV, JSON."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cdbench.reports.escaping import csv_record, json_text, markdown_cell, markdown_text
from cdbench.reports.latex import latex_document
from cdbench.reports.tables import text_table

PLAIN_WIDTH = 120
"""Width in columns of a table written to a file, on any machine."""


@dataclass(frozen=True)
class Report:
    """A table with surrounding text, and the same numbers unrounded.

    Attributes
    ----------
    title : str
        One line above the table.
    columns : sequence of str
        Headings.
    rows : sequence of sequence of str
        Cells as printed; an empty row separates groups.
    notes : sequence of str
        Sentences below the table.
    records : sequence of dict
        The unrounded numbers, for CSV and JSON.
    text_columns : int
        How many of the columns, from the left, hold text; the others hold numbers.
    lead : sequence of str
        What was found, in sentences above everything else; CSV has records only.
    numbers : frozenset of int, optional
        Which of the columns, from 0, hold numbers, where they are not simply those on the right.
    fields : sequence of str, optional
        The records' names, for the head of CSV where no record was found.
    caption, label : str or None
        Of the table in LaTeX; by default the title, and a label made of it.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]
    records: Sequence[dict[str, Any]]
    text_columns: int = 2
    lead: Sequence[str] = ()
    numbers: frozenset[int] | None = None
    fields: Sequence[str] = ()
    caption: str | None = None
    label: str | None = None

    def is_text(self, column: int) -> bool:
        """Return whether a column, from 0, holds text, and is written from the left."""
        return column < self.text_columns if self.numbers is None else column not in self.numbers


def render(
    report: Report, format_name: str, width: int = PLAIN_WIDTH, *, styled: bool = False
) -> str:
    """Return the report in one of FORMATS, ending with a newline.

    The width, in columns, and the terminal style apply to text tables only.
    """
    if format_name == "table":
        return text_table(report, width, styled=styled)
    return FORMATS[format_name](report)


def render_together(
    reports: Sequence[Report], format_name: str, width: int = PLAIN_WIDTH, *, styled: bool = False
) -> str:
    """Return several reports as ``render`` does, one after the other; of LaTeX one document."""
    if format_name == "latex":
        return latex_document(reports)
    return "\n".join(render(one, format_name, width, styled=styled) for one in reports)


def _table(report: Report) -> str:
    return text_table(report, PLAIN_WIDTH, styled=False)


def _markdown(report: Report) -> str:
    lines = [line for sentence in report.lead for line in (markdown_text(sentence), "")]
    lines += [f"**{markdown_text(report.title)}**", "", _pipes(report.columns)]
    lines.append(
        _pipes(["---" if report.is_text(i) else "---:" for i in range(len(report.columns))])
    )
    lines += [_pipes(row) for row in report.rows if row]
    lines += ["", *(f"{markdown_text(note)}\n" for note in report.notes)]
    return "\n".join(lines).rstrip() + "\n"


def _pipes(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(markdown_cell, cells)) + " |"


def _latex(report: Report) -> str:
    return latex_document([report])


def _csv(report: Report) -> str:
    stream = io.StringIO()
    names = list(report.records[0] if report.records else report.fields)
    writer = csv.DictWriter(stream, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(csv_record, report.records))
    return stream.getvalue()


def _json(report: Report) -> str:
    records, notes = list(report.records), list(report.notes)
    lead = {"found": list(report.lead)} if report.lead else {}
    document = lead | {"title": report.title, "records": records, "notes": notes}
    return json_text(document, indent=2) + "\n"


FORMATS: dict[str, Callable[[Report], str]] = {
    "table": _table,
    "markdown": _markdown,
    "latex": _latex,
    "csv": _csv,
    "json": _json,
}
