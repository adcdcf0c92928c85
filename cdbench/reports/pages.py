"""Several tables on one page, with a document of everything for JSON."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Any

from cdbench.reports.escaping import csv_record, json_text, markdown_text
from cdbench.reports.formats import FORMATS, PLAIN_WIDTH, Report, render
from cdbench.reports.latex import latex_document
from cdbench.system.printable import printable

NARROWEST = 20
"""Columns that a fact has beside its name on however narrow a terminal."""


@dataclass(frozen=True)
class Facts:
    """Names with what there is to say, one below the other.

    Attributes
    ----------
    title : str
        One line above them; empty for the first of a page, which has the page's.
    lines : sequence of (str, str)
        Name and words.
    """

    title: str
    lines: Sequence[tuple[str, str]]

    def report(self, page: str) -> Report:
        """Return the same as a table, of a page with this title."""
        return Report(self.title or page, ("", ""), self.lines, (), ())


@dataclass(frozen=True)
class Page:
    """What is told on one page.

    Attributes
    ----------
    title : str
        The first line.
    parts : sequence of Facts or Report
        From top to bottom.
    document : mapping
        Everything, unrounded, for JSON.
    records : sequence of dict
        The same in rows that all have the same columns, for CSV.
    command : sequence of str
        Words to type next, quoted for a shell; none if there are none.
    lead : str
        What the command does.
    """

    title: str
    parts: Sequence[Facts | Report]
    document: Mapping[str, Any]
    records: Sequence[dict[str, Any]]
    command: Sequence[str] = field(default=())
    lead: str = ""


def render_page(
    page: Page, format_name: str, width: int = PLAIN_WIDTH, *, styled: bool = False
) -> str:
    """Return a page in one of the formats of reports, ending with a newline."""
    if format_name == "json":
        return json_text(dict(page.document), indent=2) + "\n"
    if format_name == "csv":
        return _csv(page.records)
    if format_name == "markdown":
        return _markdown(page)
    if format_name == "latex":
        return latex_document(list(_reports(page)))
    return _text(page, width, styled)


def _text(page: Page, width: int, styled: bool) -> str:
    names = [name for part in page.parts if isinstance(part, Facts) for name, _ in part.lines]
    indent = max(map(len, names), default=0) + 3
    shown = [
        _facts(part, indent, width, styled)
        if isinstance(part, Facts)
        else render(part, "table", width, styled=styled).rstrip("\n") + "\n"
        for part in page.parts
    ]
    if page.command:
        shown.append(f"{page.lead}\n\n{_folded(page.command, width)}\n")
    return "\n".join([_bold(page.title, styled) + "\n", *shown])


def _facts(part: Facts, indent: int, width: int, styled: bool) -> str:
    lines = [_bold(part.title, styled), ""] if part.title else []
    room = max(width - indent, NARROWEST)
    for name, words in part.lines:
        told = wrap(printable(words), room, break_long_words=False, break_on_hyphens=False)
        lines += [
            f"{name if place == 0 else '':<{indent}}{line}".rstrip()
            for place, line in enumerate(told or [""])
        ]
    return "\n".join(lines) + "\n"


def _bold(text: str, styled: bool) -> str:
    text = printable(text)
    return f"\x1b[1m{text}\x1b[0m" if styled else text


def _folded(command: Sequence[str], width: int) -> str:
    r"""Return a command in lines that a shell takes together, each but the last ending in \."""
    together: list[str] = []  # an option and its values
    for word in map(printable, command):
        if together and not word.startswith("-"):
            together[-1] += f" {word}"
        else:
            together.append(word)
    lines = ["  "]
    for words in together:
        if lines[-1].strip() and len(lines[-1]) + len(words) + 2 > width:
            lines[-1] += "\\"
            lines.append("    ")
        lines[-1] += f"{words} "
    return "\n".join(line.rstrip() for line in lines)


def _reports(page: Page) -> list[Report]:
    return [part.report(page.title) if isinstance(part, Facts) else part for part in page.parts]


def _markdown(page: Page) -> str:
    shown = list(map(FORMATS["markdown"], _reports(page)))
    if page.command:
        typed = " ".join(map(printable, page.command))
        shown.append(f"{markdown_text(page.lead)}\n\n    {typed}\n")
    return "\n".join(shown)


def _csv(records: Sequence[dict[str, Any]]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(csv_record, records))
    return stream.getvalue()
