"""``cdbench db vacuum``: remove rows that belong to nothing, and free the space."""

from typing import Annotated

import typer

from cdbench.cli import COMPLETED
from cdbench.cli.asking import is_agreed
from cdbench.cli.echo import complain, echo
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption


def vacuum(
    empty_trash: Annotated[
        bool,
        typer.Option("--empty-trash", help="Delete the runs in the trash too, for good."),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask before the trash is emptied.")
    ] = False,
    db: DatabaseOption = DEFAULT_DATABASE,
) -> int:
    """Remove rows that belong to nothing, as after deleting runs by hand, and the empty room.

    Runs, sweeps, judgements and benchmarks are never removed, but for runs in the trash where it is
    to be emptied.

    For example:

        cdbench db vacuum

        cdbench db vacuum --empty-trash --db other.db
    """
    from cdbench.reports.inventory import size_in_words
    from cdbench.store.location import find_location
    from cdbench.store.upkeep.vacuuming import vacuum_database

    if empty_trash and not _may_empty(db, yes):
        complain("nothing was deleted")
        return COMPLETED
    done = vacuum_database(db, empty_trash=empty_trash)
    if done.n_runs:
        echo(f"{done.n_runs:,} run{'s' * (done.n_runs > 1)} of the trash deleted")
    for table, count in done.removed.items():
        echo(f"{table:16} {count:11,} rows that belonged to nothing")
    before, after = size_in_words(done.n_bytes_before), size_in_words(done.n_bytes_after)
    echo(f"{find_location(db).name}: {before} → {after}")
    return COMPLETED


def _may_empty(db: str, yes: bool) -> bool:
    """Return whether the trash is empty, or the user agrees to lose what is in it."""
    from cdbench.store.database import open_for_reading
    from cdbench.store.trash import n_removed

    count = n_removed(open_for_reading(db))
    runs = "the run in the trash" if count == 1 else f"the {count:,} runs in the trash"
    return not count or is_agreed(f"Delete {runs} for good?", yes)
