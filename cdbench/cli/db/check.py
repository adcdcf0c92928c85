"""``cdbench db check``: check whether a database is sound."""

from cdbench.cli import COMPLETED, DATABASE
from cdbench.cli.echo import echo
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption


def check(db: DatabaseOption = DEFAULT_DATABASE) -> int:
    """Look for damage, rows that belong to nothing, digests that no longer match, and gaps.

    One line for each finding; the exit code is 3 if there is one. Nothing is changed.

    For example:

        cdbench db check

        cdbench db check --db other.db
    """
    from cdbench.store.database import revision_of
    from cdbench.store.migrate import revisions
    from cdbench.store.upkeep.checks import check_database
    from cdbench.store.upkeep.sources import open_as_it_is

    database = open_as_it_is(db)
    found = check_database(database)
    for finding in found.findings:
        echo(f"{database.name}: {finding}")
    for remark in found.remarks:
        echo(f"note: {remark}")
    if found.findings:
        return DATABASE
    revision = revision_of(database)
    older = "" if revision == revisions()[-1] else f", of the older schema {revision}"
    echo(f"{database.name} is sound: {found.n_runs:,} runs{older}")
    return COMPLETED
