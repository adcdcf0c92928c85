"""``cdbench runs show``: everything about one run, on one page."""

import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cdbench.cli import COMPLETED
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption
from cdbench.cli.output import print_page
from cdbench.cli.report import FormatOption

if TYPE_CHECKING:
    from cdbench.reports.one_run import KnownRun
    from cdbench.store.database import Database

RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="A run_id, a uuid or its first 4 characters or more, latest, best or a tag.",
        show_default=False,
    ),
]


def show(
    run: RunArgument,
    db: DatabaseOption = DEFAULT_DATABASE,
    format: FormatOption = "table",  # noqa: A002
) -> int:
    """Show a run: configuration, epochs, conditions, cost, environment, how to train it again.

    JSON has everything that is stored of it, every number exactly; an infinite one is the text
    "Infinity".

    For example:

        cdbench runs show latest

        cdbench runs show 17 --format json
    """
    from cdbench.reports.one_run import run_page
    from cdbench.store.database import open_for_reading

    database = open_for_reading(db)
    known = known_run(database, run)
    print_page(lambda plain, drawn: run_page(known, plain=plain, drawn=drawn), format)
    return COMPLETED


def known_run(database: "Database", name: str) -> "KnownRun":
    """Return the run that a name stands for, with all that is known of it."""
    from dataclasses import replace

    from cdbench.cli.recipe import settled_here
    from cdbench.cli.typed import database_words
    from cdbench.config.train_words import train_words
    from cdbench.reports.one_run import KnownRun
    from cdbench.store.run_names import run_named
    from cdbench.store.run_origins import run_origin
    from cdbench.store.run_queries import stored_runs

    run_id = run_named(database, name)
    ((_, run),) = stored_runs(database, [run_id])
    again = train_words(
        run.config,
        run.diagnostics,
        settled=settled_here(),
        blas_threads=run.environment.blas_threads,
    )
    typed = shlex.split(database_words(sys.argv))
    return KnownRun(run, run_origin(database, run_id), replace(again, words=(*again.words, *typed)))
