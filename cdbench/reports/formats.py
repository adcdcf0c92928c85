"""The forms that a report can take: terminal table, Markdown, LaTeX, CSV, JSON."""

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cdbench.printable import printable
from cdbench.reports.escaping import (
    csv_record,
    json_text,
    latex_escape,
    markdown_cell,
    markdown_text,
)

PLAIN_WIDTH = 120
"""Columns of a table that is not printed on a terminal, whatever the machine."""


@dataclass(frozen=True)
class Report:
    """A table with words around it, and the same numbers unrounded.

    Attributes
    ----------
    title : str
        One line above the table.
    columns : sequence of str
        Headings.
    rows : sequence of sequence of str
        Cells as they are printed; an empty row separates groups.
    notes : sequence of str
        Sentences below the table.
    records : sequence of dict
        The numbers as they are, for CSV and JSON.
    text_columns : int
        How many of the columns, from the left, hold text. More than two make a table of words,
        whose long cells are folded; numbers never are.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]
    records: Sequence[dict[str, Any]]
    text_columns: int = 2

    @property
    def folds(self) -> bool:
        """Whether long cells of text are folded: in a table of words, not in one of digits."""
        return self.text_columns > 2


def render(report: Report, format_name: str, width: int | None = None) -> str:
    """Return the report in one of FORMATS, ending with a newline; width is a terminal's."""
    if format_name == "table":
        return _table(report, width)
    return FORMATS[format_name](report)


def _table(report: Report, width: int | None = None) -> str:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    def shown(text: str) -> Text:  # neither Rich's markup nor its :names: of emoji are meant
        return Text(printable(text))

    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
        leading=int(report.text_columns == len(report.columns)),
    )
    for number, heading in enumerate(report.columns):
        is_text = number < report.text_columns
        justify: Literal["left", "right"] = "left" if is_text else "right"
        table.add_column(shown(heading), justify=justify, no_wrap=not (is_text and report.folds))
    for row in report.rows:
        table.add_row(*map(shown, row))
    stream = io.StringIO()
    terminal = width is not None
    width = width or PLAIN_WIDTH
    console = Console(file=stream, width=width, force_terminal=terminal, highlight=False)
    console.print(shown(report.title), style="bold")
    console.print()
    # A table that does not fit is wider than the terminal rather than cut: digits matter more.
    console.width = width if report.folds else max(width, PLAIN_WIDTH)
    console.print(table)
    console.width = width
    console.print()
    for note in report.notes:
        console.print(shown(note))
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def _markdown(report: Report) -> str:
    lines = [f"**{markdown_text(report.title)}**", "", _pipes(report.columns)]
    lines.append(
        _pipes(["---" if i < report.text_columns else "---:" for i in range(len(report.columns))])
    )
    lines += [_pipes(row) for row in report.rows if row]
    lines += ["", *(f"{markdown_text(note)}\n" for note in report.notes)]
    return "\n".join(lines).rstrip() + "\n"


def _pipes(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(markdown_cell, cells)) + " |"


def _latex(report: Report) -> str:
    def line(cells: Sequence[str]) -> str:
        return " & ".join(map(latex_escape, cells)) + r" \\" if cells else r"\hline"

    texts, n_numbers = report.text_columns, len(report.columns) - report.text_columns
    share = 0.9 / len(report.columns)
    text_column = rf"p{{{share:.2f}\linewidth}}" if report.folds else "l"
    lines = [
        r"\documentclass{article}",
        r"\usepackage[T1]{fontenc}",
        r"\usepackage[utf8]{inputenc}",
        r"\usepackage[landscape,margin=15mm]{geometry}",
        r"\pagestyle{empty}",
        r"\begin{document}",
        r"% To use it in a paper of your own, copy from here ...",
        r"\begin{table}",
        r"\small",
        rf"\caption{{{latex_escape(report.title)}}}",
        rf"\begin{{tabular}}{{{text_column * texts}{'r' * n_numbers}}}",
        r"\hline",
        line(report.columns),
        r"\hline",
        *map(line, report.rows),
        r"\hline",
        r"\end{tabular}",
        *(f"\n{latex_escape(note)}" for note in report.notes),
        r"\end{table}",
        r"% ... to here.",
        r"\end{document}",
    ]
    return "\n".join(lines) + "\n"


def _csv(report: Report) -> str:
    stream = io.StringIO()
    names = list(report.records[0]) if report.records else []
    writer = csv.DictWriter(stream, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(csv_record, report.records))
    return stream.getvalue()


def _json(report: Report) -> str:
    # JSON has no infinity: it becomes null, as a missing value does.
    records = [
        {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in record.items()
        }
        for record in report.records
    ]
    document = {"title": report.title, "records": records, "notes": list(report.notes)}
    return json_text(json.dumps(document, indent=2, ensure_ascii=False)) + "\n"


FORMATS: dict[str, Callable[[Report], str]] = {
    "table": _table,
    "markdown": _markdown,
    "latex": _latex,
    "csv": _csv,
    "json": _json,
}
