"""Printing reports: as wide as the terminal, with bold text only on a terminal."""

import shutil
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import typer

from cdbench.reports.formats import Report, render

if TYPE_CHECKING:
    from cdbench.reports.pages import Page
    from cdbench.store.database import Database


def output_width() -> int:
    """Return the terminal's width, which a pager has too; without one, ``COLUMNS`` or 80."""
    return shutil.get_terminal_size().columns


def print_reports(reports: Sequence[Report], format_name: str = "table") -> None:
    """Print several reports one after the other; of LaTeX, one document."""
    from cdbench.reports.formats import render_together

    styled = sys.stdout.isatty()
    print_text(render_together(reports, format_name, output_width(), styled=styled))


def print_report(report: Report, format_name: str = "table") -> None:
    """Print a report, as a table unless another format is named."""
    print_text(rendered(report, format_name))


def rendered(report: Report, format_name: str = "table") -> str:
    """Return a report as text as wide as the terminal, with bold text only on a terminal."""
    return render(report, format_name, output_width(), styled=sys.stdout.isatty())


def print_page(make: "Callable[[bool, bool], Page]", format_name: str = "table") -> None:
    """Print a page.

    Parameters
    ----------
    make : callable
        Gives the page; its arguments are whether curves are of ASCII only, because the output's
        encoding has no bars, and whether there are any, since LaTeX has none.
    format_name : str, optional
        One of the formats of reports.
    """
    from cdbench.reports.pages import render_page

    page = make(not _has_bars(), format_name != "latex")
    print_text(render_page(page, format_name, output_width(), styled=sys.stdout.isatty()))


def _has_bars() -> bool:
    """Return whether standard output's encoding has the characters of curves."""
    from cdbench.reports.sparklines import BARS

    try:
        BARS.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def print_text(text: str) -> None:
    """Print a rendered report; rendering has already made its cells safe to show."""
    typer.echo(text, nl=False)


def print_ledger(names: Sequence[str], database: "Database") -> None:
    """Print the ledger of these claims as a terminal table."""
    from cdbench.api.ledger import claims_report

    print_report(claims_report(names, database))
