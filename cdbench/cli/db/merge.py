"""``cdbench db merge``: add another database's results to this one."""

from typing import Annotated

import typer

from cdbench.cli import COMPLETED
from cdbench.cli.echo import echo
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption

WORDS = {
    "environment": "environments",
    "sweep": "sweeps",
    "configuration": "configurations",
    "diagnostics": "diagnostics",
    "statement": "queries",
    "run": "runs",
    "claim_result": "judgements",
    "benchmark": "benchmarks",
    "comparison": "comparisons",
    "study": "studies",
    "study_part": "parts of studies",
}


def merge(
    other: Annotated[
        str, typer.Argument(metavar="OTHER", help="Database whose results come; it stays as it is.")
    ],
    db: DatabaseOption = DEFAULT_DATABASE,
) -> int:
    """Bring another database's results into this one: all that is not there yet, or nothing.

    Runs are told apart by their uuid, so that merging twice changes nothing.

    For example:

        cdbench db merge other-machine.db

        cdbench db merge postgresql://me@server/runs --db all.db
    """
    from cdbench.store.location import find_location
    from cdbench.store.upkeep.merging import merge_database

    for arrivals in merge_database(db, other):
        there = f", {arrivals.there:,} were there already" if arrivals.there else ""
        if arrivals.came or arrivals.there:
            echo(f"{WORDS[arrivals.table]:16} {arrivals.came:9,} came{there}")
    echo(f"{find_location(other).name} is in {find_location(db).name}")
    return COMPLETED
