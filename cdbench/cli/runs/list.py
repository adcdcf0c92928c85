"""``cdbench runs list``: the runs that a filter finds."""

from typing import TYPE_CHECKING, Annotated

import typer

from cdbench.cli import COMPLETED
from cdbench.cli.echo import complain
from cdbench.cli.filters import WhereOption
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption
from cdbench.cli.output import output_width, print_report
from cdbench.cli.report import FormatOption

if TYPE_CHECKING:
    from cdbench.reports.formats import Report

LIMIT = 30
"""Runs that are listed where no other number is given: about a screen."""


def list_(
    where: WhereOption = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            "--tag", metavar="TAG ...", show_default=False, help="Only runs with one of these tags."
        ),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            metavar="COLUMN ...",
            show_default=False,
            help="One line for all runs with the same values here and the same data set, such as "
            "model: how many, mean and deviation of their scores, their κ.",
        ),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(
            "--sort",
            metavar="COLUMN",
            show_default=False,
            help="Smallest first; -COLUMN for largest first. [default: newest first]",
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=0, help="Lines at most; 0 for all.")
    ] = LIMIT,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--columns",
            metavar="COLUMN ...",
            show_default=False,
            help="Columns of the view runs, score, tag, note, or all, in place of the usual ones.",
        ),
    ] = None,
    trash: Annotated[
        bool, typer.Option("--trash", help="Runs that were removed, which no other list shows.")
    ] = False,
    db: DatabaseOption = DEFAULT_DATABASE,
    format: FormatOption = "table",  # noqa: A002
) -> int:
    """List stored runs, the newest first: what was trained, when, and what came of it.

    For example:

        cdbench runs list

        cdbench runs list --where "B > 3 and dataset = digits" --sort -score

        cdbench runs list --tag good --columns run_id model score note

        cdbench runs list --by model changes --where "status = completed"

        cdbench runs list --columns run_id uuid test_accuracy --format csv
    """
    from cdbench.errors import ConfigurationError
    from cdbench.reports.run_groups import GROUP_COLUMNS, run_groups_report
    from cdbench.reports.run_list import run_list_report, usual
    from cdbench.store.database import open_for_reading
    from cdbench.store.run_lists import listed_runs

    database = open_for_reading(db)
    width = output_width() if format == "table" else None
    if by:
        if columns:
            raise ConfigurationError("--by has its own columns; expected no --columns beside it")
        wanted = (*by, *GROUP_COLUMNS)
        found = listed_runs(
            database, wanted, where=where, tags=tag or (), removed=trash, option="--by"
        )
        report, n_more = run_groups_report(found, by, database.label, sort, limit or None)
    else:
        found = listed_runs(
            database,
            columns or usual(removed=trash),
            where=where,
            tags=tag or (),
            sort=sort,
            limit=limit or None,
            removed=trash,
        )
        report = run_list_report(found, database.label, width)
        n_more = found.n_found - len(found.rows)
    _print(report, format, _sought(where, tag, trash), database.name)
    if n_more:
        complain(f"{n_more:,} more; to see all: --limit 0")
    return COMPLETED


def _sought(where: str | None, tags: list[str] | None, trash: bool) -> str:
    """Return what was looked for, behind "no run"."""
    words = [" in the trash"] if trash else []
    words += [f" with the tag {' or '.join(tags)}"] if tags else []
    words += [f" for which {where}"] if where else []
    return "".join(words) or " yet"


def _print(report: "Report", format: str, sought: str, name: str) -> None:  # noqa: A002
    """Print the report; where no run was found, say so, and print what is for machines only."""
    if report.records or format in ("csv", "json"):
        print_report(report, format)
    if not report.records:
        complain(f"{name}: no run{sought}")
