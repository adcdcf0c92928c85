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


def claims_report(names: Sequence[str], database: "Database") -> Report:
    """Return the ledger of these claims, including those not in the database."""
    from cdbench.claims import every_claim
    from cdbench.records.judgement import REPLICATION
    from cdbench.reports.claims import ledger
    from cdbench.statistics.estimands import NEW_DATA
    from cdbench.statistics.holm import holm
    from cdbench.store.ledger_queries import decisive_measurements, stored_claims

    titles = {
        name: (position, claim.title, claim.published)
        for position, (name, claim) in enumerate(every_claim().items(), 1)
        if name in names
    }
    stored = stored_claims(database)
    about = {name for name, claim in every_claim().items() if claim.about == NEW_DATA}
    return ledger(
        titles,
        stored,
        database.label,
        replications=stored_claims(database, REPLICATION),
        decisive=decisive_measurements(database),
        adjusted=holm({n: c.p_value for n, c in stored.items() if c.p_value is not None}),
        about_new_data=about,
    )


def print_ledger(names: Sequence[str], database: "Database") -> None:
    """Print the ledger of these claims as a terminal table."""
    print_report(claims_report(names, database))


def one_line(text: str | None) -> str:
    """Return the last line of an error; for a traceback, that is the error itself."""
    return (text or "").strip().splitlines()[-1] if text else ""
