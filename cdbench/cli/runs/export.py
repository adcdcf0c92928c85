"""``cdbench runs export``: stored runs as CSV, JSON lines or Parquet."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cdbench.cli import COMPLETED
from cdbench.cli.echo import complain, echo
from cdbench.cli.filters import WhereOption
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption
from cdbench.cli.output import print_text
from cdbench.errors import ConfigurationError, OutputError
from cdbench.system.home_folders import expanded
from cdbench.system.output_files import STANDARD_OUTPUT, check_output, write_output

if TYPE_CHECKING:
    from cdbench.store.database import Database


def export(
    run: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN ...",
            help="As in runs show. [default: all runs]",
            show_default=False,
        ),
    ] = None,
    where: WhereOption = None,
    what: Annotated[
        str,
        typer.Option(
            "--what",
            metavar="WHAT",
            help="runs, a row each, as the view runs has them; or their epochs, conditions or "
            "spectra, a row a number.",
        ),
    ] = "runs",
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            show_default=False,
            help="File to write, which replaces what is there. [default: standard output]",
        ),
    ] = None,
    format: Annotated[  # noqa: A002 - the option's name
        str | None,
        typer.Option(
            "--format",
            metavar="csv|jsonl|parquet",
            show_default=False,
            help="[default: by the ending of FILE, else csv]",
        ),
    ] = None,
    db: DatabaseOption = DEFAULT_DATABASE,
) -> int:
    r"""Write runs as CSV, JSON lines or Parquet, with every number exact.

    CSV cannot tell an empty text from a missing value, and a text that a spreadsheet would take for
    a formula gets an apostrophe before it. In JSON lines an infinite number is the text "Infinity".
    Parquet needs the extra parquet.

    For example:

        cdbench runs export --output runs.csv

        cdbench runs export 17 18 --what epochs --format jsonl

        cdbench runs export --where "seed < 3" --what conditions -o conditions.csv
    """
    from cdbench.api.exporting import PARQUET, export_format, file_parts
    from cdbench.reports.inventory import size_in_words
    from cdbench.store.database import open_for_reading
    from cdbench.store.run_export import exported_rows

    to_file = output is not None and output != STANDARD_OUTPUT
    form = export_format(format, output if to_file else None)
    target = expanded(str(output), OutputError) if to_file else STANDARD_OUTPUT
    if to_file:
        check_output(target)
    elif form == PARQUET and sys.stdout.isatty():
        raise ConfigurationError("Parquet is not for a terminal; expected --output FILE.parquet")
    database = open_for_reading(db)
    chosen = _chosen(database, run or (), where)
    found = exported_rows(database, what, chosen)
    if chosen == []:
        complain(f"{database.name}: no run for which {where}")
    parts = file_parts(found, form)
    if to_file or form == PARQUET:
        content = b"".join(parts)
        if write_output(target, content):
            size = size_in_words(len(content))
            echo(f"wrote {target}: {what} of {database.name}, {size}", err=True)
        return COMPLETED
    for part in parts:
        print_text(part.decode())
    return COMPLETED


def _chosen(database: "Database", names: Sequence[str], where: str | None) -> list[int] | None:
    """Return the run_ids that are named, or that a filter finds, or both; None for all runs."""
    from cdbench.store.run_lists import listed_runs
    from cdbench.store.run_names import runs_named

    named = runs_named(database, names) if names else None
    if where is None:
        return named
    found = [row["run_id"] for row in listed_runs(database, ["run_id"], where=where).rows]
    return found if named is None else sorted(set(named) & set(found))
