"""Tags and notes of runs that are in both of two databases that are merged."""

from collections.abc import Mapping

from sqlalchemy import select

from cdbench.store.models import Base
from cdbench.store.upkeep.streaming import Reader, write_rows

TABLES = {"run_tag": ("run_id", "tag"), "run_note": ("run_id",)}
"""The columns of each table by which a row is there already; they come first in it."""


def join_labels(here: Reader, there: Reader, pairs: Mapping[int, int]) -> None:
    """Bring tags that a run does not have here, and a note where it has none.

    Parameters
    ----------
    here, there : Reader
        The database that results come to, and the other.
    pairs : mapping
        Keys here of runs of the same uuid, by their keys there.
    """
    if not pairs:
        return
    for name, identity in TABLES.items():
        table, width = Base.metadata.tables[name], len(identity)
        ours = select(*table.c[identity]).where(table.c.run_id.in_(list(pairs.values())))
        known = {row for rows in here.chunks(ours) for row in rows}
        theirs = select(table).where(table.c.run_id.in_(list(pairs)))
        came = [(pairs[row[0]], *row[1:]) for rows in there.chunks(theirs) for row in rows]
        write_rows(here.connection, table, [row for row in came if row[:width] not in known])
