"""Tidying a database: removing rows that belong to nothing, and freeing their space."""

from dataclasses import dataclass

from cdbench.store.database import Database, open_for_writing
from cdbench.store.orphans import remove_orphans
from cdbench.store.trash import delete_removed
from cdbench.store.upkeep.sources import open_as_it_is, require_sound


@dataclass(frozen=True)
class Vacuumed:
    """The number of rows removed from each affected table, and the size before and after.

    ``n_runs`` is how many runs of the trash were deleted; their rows are not counted elsewhere.
    """

    removed: dict[str, int]
    n_bytes_before: int
    n_bytes_after: int
    n_runs: int = 0


def vacuum_database(location: str, *, empty_trash: bool = False) -> Vacuumed:
    """Remove rows that belong to nothing, and on request the runs in the trash; free the space.

    Raises
    ------
    StoreError
        If there is no such database, or it is damaged or cannot be written.
    """
    require_sound(open_as_it_is(location), orphans_too=False)
    database = open_for_writing(location)
    before = _size(database)
    with database.transaction() as connection:
        n_runs = delete_removed(connection) if empty_trash else 0
        removed = remove_orphans(connection)
    database.compact()
    return Vacuumed(removed, before, _size(database), n_runs)


def _size(database: Database) -> int:
    with database.transaction() as connection:
        return database.location.kind_and_size(connection)[1]
