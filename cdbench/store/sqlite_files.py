"""SQLite files: opened as untrusted, copied whole while others use them, and compared."""

import sqlite3
from contextlib import closing
from itertools import zip_longest
from pathlib import Path

from cdbench.store.locks import patiently, uri
from cdbench.system.interrupts import StatementWatch
from cdbench.system.output_files import new_file

MAX_VALUE_BYTES = 100_000_000
"""Longest text that is read or written; without it, a damaged length could allocate far more."""

STEPS_BETWEEN_LOOKS = 100_000
"""Steps of SQLite's virtual machine (some milliseconds) between checks for an interrupt."""

PAGES_AT_A_TIME = 2000
"""Pages copied (in some milliseconds) between checks for an interrupt."""

UNTRUSTED = (
    "PRAGMA trusted_schema = OFF",  # the file's views and triggers call no unsafe functions
    "PRAGMA cell_size_check = ON",
    "PRAGMA mmap_size = 0",
)
"""What SQLite's authors advise for untrusted files (sqlite.org/security.html)."""


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Open a file as untrusted: mode ro reads, rw writes, rwc also creates a missing file.

    What reads can attach no other file: the statement would create a missing one.
    """
    connection = sqlite3.connect(uri(path, mode), uri=True, timeout=0, isolation_level=None)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
    if mode == "ro":
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.set_progress_handler(StatementWatch(), STEPS_BETWEEN_LOOKS)
    for pragma in (*UNTRUSTED, "PRAGMA foreign_keys = ON"):
        connection.execute(pragma)
    return connection


def copy_file(source: Path, target: Path) -> None:
    """Copy a database that may be in use; the target appears whole and sound, or not at all.

    The copy keeps the source's permissions: if only the owner could read it, that stays so.

    Raises
    ------
    sqlite3.Error
        If the source cannot be read or is damaged.
    StoreError
        If the target is there already, or cannot be written.
    """
    with new_file(target) as unfinished:
        with closing(connect(source, "ro")) as old, closing(connect(unfinished, "rwc")) as new:
            old.execute("BEGIN")
            patiently(old, "SELECT count(*) FROM sqlite_master", source)
            # The transaction fixes one state of the source; copying in steps lets an interrupt
            # through between them.
            old.backup(new, pages=PAGES_AT_A_TIME, progress=_pass)
            (answer,) = new.execute("PRAGMA integrity_check(1)").fetchone()
            if answer != "ok":
                raise sqlite3.DatabaseError(f"is damaged: {' '.join(answer.split())}")
        unfinished.chmod(source.stat().st_mode & 0o666 | 0o600)


def _pass(_status: int, _left: int, _pages: int) -> None:
    """Do nothing; Python checks for interrupts when this is called."""


def is_copy(path: Path, source: Path) -> bool:
    """Return whether a file is a sound, separate database with the same schema and rows."""
    try:
        if path.samefile(source):
            return False
        with closing(connect(source, "ro")) as old, closing(connect(path, "ro")) as new:
            same = new.execute("PRAGMA integrity_check(1)").fetchall() == [("ok",)]
            return same and _contents_equal(old, new)
    except (sqlite3.Error, OSError) as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            raise  # the comparison did not finish
        return False


def _contents_equal(one: sqlite3.Connection, other: sqlite3.Connection) -> bool:
    one.text_factory = other.text_factory = bytes  # so that even invalid text can be compared
    questions = ["SELECT type, name, sql FROM sqlite_master ORDER BY type, name"]
    for (name,) in one.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        quoted = name.decode().replace('"', '""')
        questions.append(f'SELECT * FROM "{quoted}"')
    return all(
        ours == theirs and [*map(type, ours)] == [*map(type, theirs)]
        for question in questions
        for ours, theirs in zip_longest(
            one.execute(question), other.execute(question), fillvalue=()
        )
    )
