"""Printing reports: as wide as the terminal, with bold text only on a terminal."""

import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from cdbench.reports.formats import Report, render

if TYPE_CHECKING:
    from cdbench.store.database import Database


def output_width() -> int:
    """Return the terminal's width, which a pager has too; without one, ``COLUMNS`` or 80."""
    return shutil.get_terminal_size().columns


def print_report(report: Report, format_name: str = "table") -> None:
    """Print a report, as a table unless another format is named."""
    print_text(rendered(report, format_name))


def rendered(report: Report, format_name: str = "table") -> str:
    """Return a report as text as wide as the terminal, with bold text only on a terminal."""
    return render(report, format_name, output_width(), styled=sys.stdout.isatty())


def print_text(text: str) -> None:
    """Print a rendered report; rendering has already made its cells safe to show."""
    typer.echo(text, nl=False)


def print_ledger(names: Sequence[str], database: "Database") -> None:
    """Print the ledger of these claims as a terminal table."""
    from cdbench.api.ledger import claims_report

    print_report(claims_report(names, database))


def one_line(text: str | None) -> str:
    """Return the last line of an error; for a traceback, that is the error itself."""
    return (text or "").strip().splitlines()[-1] if text else ""
