"""``cdbench db backup``: copy the database while others may write to it."""

from pathlib import Path
from typing import Annotated

import typer

from cdbench.cli import COMPLETED
from cdbench.cli.echo import echo
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption
from cdbench.errors import StoreError
from cdbench.system.home_folders import expanded


def backup(
    target: Annotated[
        Path | None,
        typer.Argument(
            metavar="TARGET",
            show_default=False,
            help="New file. [default: beside the database, with the time in its name]",
        ),
    ] = None,
    db: DatabaseOption = DEFAULT_DATABASE,
) -> int:
    """Copy the database to a new SQLite file, checked, while others may go on writing.

    A file is copied with all that is in it; of a server, what is cdbench's, and the rest is named.

    For example:

        cdbench db backup

        cdbench db backup /backups/runs.db
    """
    from cdbench.reports.inventory import size_in_words
    from cdbench.store.upkeep.backups import back_up

    path = back_up(db, Path(expanded(target, StoreError)) if target else None)
    echo(f"wrote {path}, {size_in_words(path.stat().st_size)}")
    return COMPLETED
