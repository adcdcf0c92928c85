"""``cdbench db upgrade``: upgrade the database to the newest schema."""

from cdbench.cli import COMPLETED
from cdbench.cli.echo import echo
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption


def upgrade(db: DatabaseOption = DEFAULT_DATABASE) -> int:
    """Bring the database to the newest schema, a backup being made before.

    Every command that writes to an older database does so by itself; those that only read it read
    an upgraded copy. Views are made again where they are not the code's.

    For example:

        cdbench db upgrade

        cdbench db upgrade --db old.db
    """
    from cdbench.store.database import open_for_writing, remake_views, revision_of
    from cdbench.store.migrate import revisions
    from cdbench.store.upkeep.sources import open_as_it_is

    database = open_as_it_is(db)
    revision, newest = revision_of(database), revisions()[-1]
    if revision != newest:
        open_for_writing(db)
        echo(f"{database.name}: schema {revision} → {newest}, every row kept")
    elif changed := remake_views(db):
        echo(f"{database.name} is already of schema {newest}; made again: {', '.join(changed)}")
    else:
        echo(f"{database.name} is already of schema {newest}")
    return COMPLETED
