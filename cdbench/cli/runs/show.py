"""``cdbench runs show``: everything about one run, on one page."""

import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cdbench.cli import COMPLETED
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption
from cdbench.cli.output import print_page
from cdbench.cli.report import FormatOption
from cdbench.cli.runs.named import RunArgument

if TYPE_CHECKING:
    from cdbench.reports.one_run import KnownRun
    from cdbench.store.database import Database


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
    from dataclasses import replace

    from cdbench.cli.recipe import settled_here
    from cdbench.cli.typed import database_words
    from cdbench.config.train_words import train_words
    from cdbench.reports.one_run import run_page
    from cdbench.store.database import open_for_reading

    (known,) = known_runs(open_for_reading(db), [run])
    own = known.run
    again = train_words(
        own.config,
        own.diagnostics,
        settled=settled_here(),
        blas_threads=own.environment.blas_threads,
    )
    typed = shlex.split(database_words(sys.argv))
    told = replace(known, again=replace(again, words=(*again.words, *typed)))
    print_page(lambda plain, drawn: run_page(told, plain=plain, drawn=drawn), format)
    return COMPLETED


def known_runs(database: "Database", names: Sequence[str]) -> "list[KnownRun]":
    """Return the runs that names stand for, with what is known of them, in this order."""
    from cdbench.reports.one_run import KnownRun
    from cdbench.store.run_names import run_named
    from cdbench.store.run_origins import run_origin
    from cdbench.store.run_queries import stored_runs

    run_ids = [run_named(database, name) for name in names]
    found = dict(stored_runs(database, run_ids))
    return [KnownRun(found[run_id], run_origin(database, run_id)) for run_id in run_ids]
