"""Merging the results of two machines: rows already here stay, and the others get new keys."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ForeignKey, Table, bindparam, select, update

from cdbench.errors import StoreError
from cdbench.store.database import open_for_writing
from cdbench.store.location import find_location
from cdbench.store.models import Base
from cdbench.store.upkeep.conflicts import refuse_conflicts
from cdbench.store.upkeep.joined_labels import join_labels
from cdbench.store.upkeep.sources import is_same_place, open_unchanged
from cdbench.store.upkeep.streaming import Reader, Row, new_keys, write_rows
from cdbench.store.upkeep.study_parts import differing_parts

_LOG = logging.getLogger("cdbench")

IDENTITIES = {
    "environment": ("digest",),
    "sweep": ("uuid",),
    "configuration": ("group_digest", "dataset_fingerprint"),
    "diagnostics": ("diagnostics_json",),
    "statement": ("sql",),
    "run": ("uuid",),
    "claim_result": ("measured_at", "claim", "inputs_digest"),
    "benchmark": ("uuid",),
    "comparison": ("plan_digest",),
    "study": ("plan_digest",),
    "study_part": ("study_digest", "part"),
}
"""Columns that identify a row in any database, the most selective first; parents come first."""

PARTS = {
    "run": (
        *("epoch", "class_accuracy", "layer_gain", "kept_weights"),
        *("condition_number", "noise_floor", "spectrum", "curvature"),
        *("run_tag", "run_note", "trash"),
    ),
    "spectrum": ("spectrum_value",),
    "curvature": ("curvature_node",),
    "claim_result": ("series", "measurement"),
    "series": ("observation",),
    "benchmark": ("timing",),
    "comparison": ("comparison_run", "comparison_line"),
    "comparison_line": ("comparison_difference",),
}
"""Tables whose rows are merged together with the row that they belong to, never alone."""

SHARED = ("environment", "sweep", "configuration", "diagnostics", "statement")
"""Tables of few rows that many others refer to."""

PARENTS_AT_A_TIME = 500


@dataclass(frozen=True)
class Arrivals:
    """How many rows of a table were added, and how many were there already."""

    table: str
    came: int
    there: int


def merge_database(target: str, other: str) -> list[Arrivals]:
    """Add another database's results to this one, in one transaction; the other is not changed.

    Parts of a study that are another comparison there stay as they are here; a warning names each.
    Of a run that is in both, the tags are joined, a note comes if there is none here, and it stays
    in the trash or out of it as it is here.

    Parameters
    ----------
    target, other : str
        Paths or SQLAlchemy URLs, of either kind of database.

    Raises
    ------
    StoreError
        If one cannot be opened, both are the same database, or a run differs between them; nothing
        is then changed.
    """
    if is_same_place(find_location(target), find_location(other)):
        raise StoreError(f"{find_location(target).name}: cannot be merged with itself")
    old = open_unchanged(other)
    new = open_for_writing(target)
    with new.transaction() as writing, old.transaction() as reading:
        there, here = Reader(old, reading), Reader(new, writing)
        merge = _Merge(there, here)
        arrivals = [merge.bring(Base.metadata.tables[name]) for name in IDENTITIES]
        differing = list(differing_parts(here, there))
    for line in differing:
        _LOG.warning(line)
    return arrivals


class _Merge:
    """A merge in progress, with one transaction in each database."""

    def __init__(self, old: Reader, new: Reader) -> None:
        self._old, self._new = old, new
        self._connection = new.connection
        # Keys here, by the keys there.
        self._keys: dict[str, dict[int, int]] = {name: {} for name in SHARED}

    def bring(self, table: Table) -> Arrivals:
        """Add a table's missing rows, with all rows that belong to them."""
        (key,) = table.primary_key
        place = _place(table, key.name)
        came = n_rows = 0
        for rows in self._old.chunks(select(table).order_by(key), PARENTS_AT_A_TIME):
            known = self._known(table, rows)
            if table.name == "run":
                names = {row[place]: _identity(table, row) for row in rows}
                both = {there: known[name] for there, name in names.items() if name in known}
                refuse_conflicts(self._new, self._old, both)
                join_labels(self._new, self._old, both)
            new: dict[Row, Row] = {}
            for row in rows:
                if _identity(table, row) not in known:
                    new.setdefault(_identity(table, row), row)
            mapping = self._write(table, [list(row) for row in new.values()])
            if "sequence" in table.columns:
                self._keep_first_writing(table, rows, known)
            if table.name == "sweep":
                self._end_sweeps(table, rows, known)
            if table.name in self._keys:
                known |= {name: mapping[row[place]] for name, row in new.items()}
                self._keys[table.name] |= {row[place]: known[_identity(table, row)] for row in rows}
            self._bring_parts(table, mapping)
            came, n_rows = came + len(new), n_rows + len(rows)
        return Arrivals(table.name, came, n_rows - came)

    def _known(self, table: Table, rows: Sequence[Row]) -> dict[Row, int]:
        """Return the keys here of those rows that are already here, by their identities."""
        (key,) = table.primary_key
        columns = [table.c[name] for name in IDENTITIES[table.name]]
        first = _place(table, columns[0].name)
        question = select(key, *columns).where(columns[0].in_({row[first] for row in rows}))
        chunks = self._new.chunks(question.order_by(key.desc()))  # so that the first of equals wins
        return {tuple(name): own for found in chunks for own, *name in found}

    def _write(self, table: Table, rows: list[list[Any]]) -> dict[int, int]:
        """Write rows with new keys; return the new keys by the old ones."""
        for key in table.foreign_keys:
            self._renumber(key, rows)
        own = table.autoincrement_column
        if own is None:
            write_rows(self._connection, table, rows)
            return {}
        place = _place(table, own.name)
        mapping: dict[int, int] = {}
        for row, number in zip(rows, new_keys(self._connection, table, len(rows)), strict=True):
            mapping[row[place]] = row[place] = number
        write_rows(self._connection, table, rows)
        return mapping

    def _renumber(self, key: ForeignKey, rows: list[list[Any]]) -> None:
        parent = key.column.table.name
        place = _place(key.parent.table, key.parent.name)
        named = {row[place] for row in rows} - {None}
        if parent in self._keys:
            mapping = self._keys[parent]
        elif parent == "run" and key.parent.table.name in ("observation", "comparison_run"):
            mapping = self._runs(named)
        else:
            return  # a part, which already has its parent's new key
        for row in rows:
            if row[place] is not None:
                row[place] = mapping[row[place]]

    def _runs(self, keys: set[int]) -> dict[int, int]:
        """Return the keys here of runs there; all these runs have been added."""
        run = Base.metadata.tables["run"]
        mapping: dict[int, int] = {}
        for some in _some(sorted(keys)):
            there = select(run.c.uuid, run.c.run_id).where(run.c.run_id.in_(some))
            old = {uuid: key for found in self._old.chunks(there) for uuid, key in found}
            here = select(run.c.uuid, run.c.run_id).where(run.c.uuid.in_(old))
            mapping |= {old[uuid]: key for found in self._new.chunks(here) for uuid, key in found}
        return mapping

    def _bring_parts(self, parent: Table, mapping: dict[int, int]) -> None:
        if not mapping:
            return
        for name in PARTS.get(parent.name, ()):
            table = Base.metadata.tables[name]
            (key,) = (key for key in table.foreign_keys if key.column.table is parent)
            place = _place(table, key.parent.name)
            question = (
                select(table)
                .where(key.parent.between(min(mapping), max(mapping)))
                .order_by(key.parent, *table.primary_key)
            )
            for found in self._old.chunks(question):
                rows = [[*row] for row in found if row[place] in mapping]
                for row in rows:
                    row[place] = mapping[row[place]]
                self._bring_parts(table, self._write(table, rows))

    def _keep_first_writing(self, table: Table, rows: Sequence[Row], known: dict[Row, int]) -> None:
        """Give a row that is in both databases the earlier of its two places in the order."""
        (key,) = table.primary_key
        place = _place(table, "sequence")
        earlier = [
            {"own": own, "earlier": row[place]}
            for row in rows
            if (own := known.get(_identity(table, row))) is not None
        ]
        later = (key == bindparam("own")) & (table.c.sequence > bindparam("earlier"))
        if earlier:
            statement = update(table).where(later).values(sequence=bindparam("earlier"))
            self._connection.execute(statement, earlier)

    def _end_sweeps(self, table: Table, rows: Sequence[Row], known: dict[Row, int]) -> None:
        """Give a sweep its end if only the other database has it."""
        place = _place(table, "ended_at")
        for row in rows:
            own = known.get(_identity(table, row))
            if own is not None and row[place] is not None:
                unended = (table.c.sweep_id == own) & table.c.ended_at.is_(None)
                self._connection.execute(update(table).where(unended).values(ended_at=row[place]))


def _identity(table: Table, row: Row) -> Row:
    return tuple(row[_place(table, name)] for name in IDENTITIES[table.name])


@cache
def _place(table: Table, column: str) -> int:
    return list(table.columns.keys()).index(column)


def _some(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    for first in range(0, len(keys), PARENTS_AT_A_TIME):
        yield keys[first : first + PARENTS_AT_A_TIME]
