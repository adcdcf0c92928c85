"""``cdbench db copy``: copy all of cdbench's rows to a new database of either kind."""

from typing import Annotated

import typer

from cdbench.cli import COMPLETED
from cdbench.cli.echo import echo


def copy(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="Database to copy: a path or an SQLAlchemy URL.")
    ],
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="New or empty database, of either kind.")
    ],
) -> int:
    """Copy all results to a new database, between SQLite and PostgreSQL either way, and compare.

    Either everything of cdbench's arrives, equal by counts and digests, or none. Tables, views,
    triggers, indices and columns of your own are not copied, but named.

    For example:

        cdbench db copy runs.db postgresql://me@server/runs

        cdbench db copy postgresql://me@server/runs runs.db
    """
    from cdbench.store.location import find_location
    from cdbench.store.upkeep.copying import copy_database

    found = copy_database(source, target)
    width = max(len(table.table) for table in found)
    for table in found:
        echo(f"{table.table:{width}} {table.n_rows:11,} rows  SHA-256 {table.digest[:16]}…  equal")
    n_rows = sum(table.n_rows for table in found)
    echo(f"{find_location(source).name} → {find_location(target).name}: {n_rows:,} rows, all equal")
    return COMPLETED
