"""What commands print: to a terminal as wide as it is, elsewhere plain."""

import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from cdbench.reports.formats import Report, render

if TYPE_CHECKING:
    from cdbench.store.database import Database


def terminal_width() -> int | None:
    """Return the columns of the terminal on standard output, or None where it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def print_report(report: Report) -> None:
    """Print a report as a terminal table."""
    print_text(render(report, "table", terminal_width()))


def print_text(text: str) -> None:
    """Print a rendered report, whose cells were made safe to show when it was rendered."""
    typer.echo(text, nl=False)


def claims_report(names: Sequence[str], database: "Database") -> Report:
    """Return the ledger of these claims, those that the database does not have too."""
    from cdbench.claims import CLAIMS
    from cdbench.reports.claims import ledger
    from cdbench.store.audit_queries import stored_claims

    titles = {
        name: (position, claim.title, claim.published)
        for position, (name, claim) in enumerate(CLAIMS.items(), 1)
        if name in names
    }
    return ledger(titles, stored_claims(database), database.label)


def print_ledger(names: Sequence[str], database: "Database") -> None:
    """Print the ledger of these claims as a terminal table."""
    print_report(claims_report(names, database))


def one_line(text: str | None) -> str:
    """Return the last line of an error, which for a traceback is the error itself."""
    return (text or "").strip().splitlines()[-1] if text else ""
