"""``cdbench runs rm``: put runs into the trash."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cdbench.cli import COMPLETED
from cdbench.cli.asking import is_agreed
from cdbench.cli.echo import complain, echo
from cdbench.cli.filters import WhereOption
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption
from cdbench.cli.output import output_width
from cdbench.cli.runs.named import RunsArgument
from cdbench.errors import ConfigurationError

if TYPE_CHECKING:
    from cdbench.store.database import Database

SHOWN = 10
"""Runs that are shown before it is asked."""


def rm(
    run: RunsArgument = None,
    where: WhereOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Also runs on which a comparison, a study or a judged claim rests."
        ),
    ] = False,
    db: DatabaseOption = DEFAULT_DATABASE,
) -> int:
    """Remove runs: into a trash, from which cdbench runs restore brings them back as they were.

    What is in the trash is in no list, report, figure or audit, and is trained again where it is
    needed. It takes as much room as before, until cdbench db vacuum --empty-trash.

    For example:

        cdbench runs rm latest

        cdbench runs rm 3 4 5 --yes

        cdbench runs rm --where "status = diverged and dataset = digits"
    """
    from cdbench.store.database import open_for_writing, require_results
    from cdbench.store.trash import remove_runs

    if bool(run) == bool(where):
        raise ConfigurationError(
            f"{'RUN and --where were both' if run else 'no run was'} given; expected cdbench runs "
            "rm RUN ... or cdbench runs rm --where FILTER"
        )
    require_results(db)
    database = open_for_writing(db)
    keys = _keys(database, run, where)
    if not keys:
        complain(f"{database.name}: no run for which {where}; nothing was removed")
        return COMPLETED
    runs = f"{len(keys):,} run{'s' * (len(keys) > 1)}"
    if not yes:
        _show(database, keys)
    if not is_agreed(f"Remove {runs}?", yes):
        complain("nothing was removed")
        return COMPLETED
    remove_runs(database, keys, force=force)
    names = " ".join(map(str, keys)) if len(keys) <= SHOWN else "--all"
    echo(
        f"removed {runs}; to bring {'them' if len(keys) > 1 else 'it'} back: "
        f"cdbench runs restore {names}"
    )
    return COMPLETED


def _keys(database: "Database", run: list[str] | None, where: str | None) -> list[int]:
    from cdbench.store.run_lists import listed_runs
    from cdbench.store.run_names import runs_named

    if run:
        return runs_named(database, run)
    return [row["run_id"] for row in listed_runs(database, ["run_id"], where=where).rows]


def _show(database: "Database", keys: list[int]) -> None:
    """Show, on standard error, what would be removed."""
    from cdbench.reports.formats import render
    from cdbench.reports.run_list import run_list_report, usual
    from cdbench.store.run_lists import RunList, runs_by_key

    columns = usual(removed=False)
    found = RunList(columns, runs_by_key(database, columns, keys[:SHOWN]), len(keys))
    width = output_width()
    report = run_list_report(found, database.label, width)
    text = render(report, "table", width, styled=sys.stderr.isatty())
    typer.echo(text, nl=False, err=True)
