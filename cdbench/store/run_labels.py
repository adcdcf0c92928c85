"""Tags and notes of runs: what people call them, and what they wrote down about them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from cdbench.errors import ConfigurationError
from cdbench.store import models
from cdbench.store.database import Database
from cdbench.store.insert import table_of
from cdbench.store.queries import chunks
from cdbench.store.run_names import RESERVED, run_key, run_keys

LONGEST_TAG, LONGEST_NOTE = 40, 10_000
"""Characters."""

_RUN, _TAG, _NOTE = map(table_of, (models.Run, models.RunTag, models.RunNote))


@dataclass(frozen=True)
class Labels:
    """What is said of a run.

    Attributes
    ----------
    tags : tuple of str
        In alphabetical order.
    note : str or None
        None if there is none.
    """

    tags: tuple[str, ...] = ()
    note: str | None = None


NO_LABELS = Labels()


def labels_of(database: Database, run_id: int) -> Labels:
    """Return the tags and the note of a run."""
    with database.transaction() as connection:
        return labels(connection, [run_id]).get(run_id, NO_LABELS)


def labels(connection: Connection, run_ids: Sequence[int]) -> dict[int, Labels]:
    """Return the tags and notes of those of some runs that have any, by their keys."""
    tags: dict[int, list[str]] = {}
    notes: dict[int, str] = {}
    for some in chunks(run_ids):
        of_tags = select(_TAG.c.run_id, _TAG.c.tag).where(_TAG.c.run_id.in_(some))
        for run_id, tag in connection.execute(of_tags):
            tags.setdefault(run_id, []).append(tag)
        of_notes = select(_NOTE.c.run_id, _NOTE.c.note).where(_NOTE.c.run_id.in_(some))
        notes |= {row.run_id: row.note for row in connection.execute(of_notes)}
    return {
        run_id: Labels(tuple(sorted(tags.get(run_id, ()))), notes.get(run_id))
        for run_id in tags.keys() | notes.keys()
    }


def tag_runs(database: Database, names: Sequence[str], tags: Iterable[str]) -> list[int]:
    """Give runs tags, in one transaction; return the run_ids. What they have already stays.

    Parameters
    ----------
    database : Database
        Opened for writing.
    names : sequence of str
        What ``run_names.runs_named`` takes.
    tags : iterable of str
        Each of at most 40 letters, digits, - and _, the first a letter; not ``latest`` or ``best``.

    Raises
    ------
    ConfigurationError
        If a name or a tag is none.
    """
    wanted = [checked_tag(tag) for tag in tags]
    with database.transaction() as connection:
        keys = run_keys(connection, names, database.name)
        have = {run_id: own.tags for run_id, own in labels(connection, keys).items()}
        rows = [
            {"run_id": run_id, "tag": tag}
            for run_id in keys
            for tag in dict.fromkeys(wanted)
            if tag not in have.get(run_id, ())
        ]
        if rows:
            connection.execute(insert(_TAG), rows)
    return keys


def untag_runs(database: Database, names: Sequence[str], tags: Iterable[str]) -> list[int]:
    """Take tags from runs, in one transaction; return the run_ids.

    Raises
    ------
    ConfigurationError
        If a name is none, or none of the runs has one of the tags.
    """
    with database.transaction() as connection:
        keys = run_keys(connection, names, database.name)
        have = labels(connection, keys)
        for tag in tags:
            if not any(tag in own.tags for own in have.values()):
                there = sorted({one for own in have.values() for one in own.tags})
                expected = f"expected one of {', '.join(there)}" if there else "there are no tags"
                raise ConfigurationError(f"tag {tag!r}: none of these runs has it; {expected}")
            for some in chunks(keys):
                connection.execute(
                    delete(_TAG).where(_TAG.c.run_id.in_(some)).where(_TAG.c.tag == tag)
                )
    return keys


def write_note(database: Database, name: str, note: str | None) -> int:
    """Write a run's note, which replaces the one it had; return the run_id. None removes it.

    Raises
    ------
    ConfigurationError
        If the name is no run's, or the note is empty or longer than 10,000 characters.
    """
    if note is not None and not 0 < len(note.strip()) <= LONGEST_NOTE:
        raise ConfigurationError(
            f"a note of {len(note.strip()):,} characters; expected 1 to {LONGEST_NOTE:,}; to "
            f"remove one: cdbench runs note {name} --remove"
        )
    with database.transaction() as connection:
        key = run_key(connection, name, database.name)
        connection.execute(delete(_NOTE).where(_NOTE.c.run_id == key))
        if note is not None:
            connection.execute(insert(_NOTE).values(run_id=key, note=note.strip()))
    return key


def checked_tag(tag: str) -> str:
    """Return a tag that may name runs, or raise ConfigurationError.

    A number, most uuids and a file's name can therefore be no tags.
    """
    if tag in RESERVED:
        raise ConfigurationError(f"tag {tag!r}: the name means a run already; expected another")
    if not re.fullmatch(r"[^\W\d_][\w-]*", tag) or len(tag) > LONGEST_TAG:
        raise ConfigurationError(
            f"tag {tag!r}: expected a letter, then letters, digits, - or _, at most {LONGEST_TAG}"
        )
    return tag
