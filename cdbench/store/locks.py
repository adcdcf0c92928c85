"""Waiting for SQLite's locks, and telling the user after a while."""

import logging
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from cdbench.errors import StoreError
from cdbench.store.urls import without_password
from cdbench.system.interrupts import waiting

PATIENCE_S = 600
"""Total time to wait for a lock. Another run's transaction takes milliseconds."""

NOTICE_AFTER_S = 3
"""Time before the user is told what is being waited for."""

LONGEST_PAUSE_S = 0.05
"""Longest pause between attempts. SQLite's own waiting would delay Ctrl-C too."""

_LOG = logging.getLogger("cdbench")


def uri(path: Path, mode: str) -> str:
    """Return SQLite's URI of a file: mode ro reads, rw writes, rwc also creates a missing file."""
    return f"file:{quote(str(path))}?mode={mode}"


def patiently(connection: sqlite3.Connection, statement: str, path: Path) -> None:
    """Execute a statement that takes a lock, waiting while others hold it.

    Parameters
    ----------
    connection : Connection
        Without a busy timeout, which would wait without telling anyone: for each page anew, in a
        transaction that outgrows its cache.
    statement : str
        BEGIN IMMEDIATE, COMMIT, or a first SELECT.
    path : Path
        The database.

    Raises
    ------
    StoreError
        If it is still locked after PATIENCE_S.
    KeyboardInterrupt
        On an interrupt; see ``interrupts.waiting``.
    """
    if _execute(connection, statement, path):
        return
    began = time.monotonic()
    noticed = False
    with waiting() as pause:
        while not _execute(connection, statement, path):
            waited = time.monotonic() - began
            if waited > PATIENCE_S:
                raise StoreError(
                    f"{path}: locked for {PATIENCE_S // 60} minutes by {_holders(path)}; "
                    "end that, and try again"
                )
            if waited > NOTICE_AFTER_S and not noticed:
                _LOG.warning("%s is locked by %s; waiting", path, _holders(path))
                noticed = True
            pause(min(0.001 + waited / 4, LONGEST_PAUSE_S))


def _execute(connection: sqlite3.Connection, statement: str, path: Path) -> bool:
    """Execute a statement; return False if a lock prevents it, else True."""
    try:
        connection.execute(statement)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_READONLY_ROLLBACK:
            _roll_back_what_was_left(path)
            return False
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            return False
        raise
    return True


def _roll_back_what_was_left(path: Path) -> None:
    """Undo the transaction of a process killed while writing; this needs write permission."""
    try:
        with closing(sqlite3.connect(uri(path, "rw"), uri=True)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:  # another process is undoing it
            return
        raise StoreError(
            f"{path}: a process was killed while writing, and undoing what it left needs "
            f"permission to write to the file and its folder ({error}); make them writable, and "
            "try again"
        ) from None


def _holders(path: Path) -> str:
    """Return which processes hold a lock on the file, if Linux tells."""
    try:
        inode = f":{path.stat().st_ino}"
        locks = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    except OSError:
        return "another process"
    found = {lock[4] for lock in locks if len(lock) > 5 and lock[5].endswith(inode)}
    pids = sorted(found - {str(os.getpid())})
    return " and ".join(f"process {pid}{_command(pid)}" for pid in pids) or "another process"


def _command(pid: str) -> str:
    try:
        words = Path("/proc", pid, "cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    typed = " ".join(without_password(word.decode(errors="replace")) for word in words).strip()
    shown = "".join(c if c.isprintable() else "�" for c in typed[:60])
    return f" ({shown}{'…' * (len(typed) > 60)})" if shown else ""
