"""``cdbench db vacuum``: remove rows that belong to nothing, and free the space."""

from cdbench.cli import COMPLETED
from cdbench.cli.echo import echo
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption


def vacuum(db: DatabaseOption = DEFAULT_DATABASE) -> int:
    """Remove rows that belong to nothing, as after deleting runs by hand, and the empty room.

    Runs, sweeps, judgements and benchmarks are never removed.

    For example:

        cdbench db vacuum

        cdbench db vacuum --db other.db
    """
    from cdbench.reports.inventory import size_in_words
    from cdbench.store.location import find_location
    from cdbench.store.upkeep.vacuuming import vacuum_database

    done = vacuum_database(db)
    for table, count in done.removed.items():
        echo(f"{table:16} {count:11,} rows that belonged to nothing")
    before, after = size_in_words(done.n_bytes_before), size_in_words(done.n_bytes_after)
    echo(f"{find_location(db).name}: {before} → {after}")
    return COMPLETED
