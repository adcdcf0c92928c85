"""Upgrades that are killed at a given moment: ``python -m tests.upgrade_victims`` forks them.

One process imports everything and forks a child for every line of its input, ``PATH MOMENT CACHE``.
A moment is the start of a statement, of any connection, or of a call that makes a file safe, gives
it its name or deletes it.
"""

import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from cdbench.store import database, sqlite_files
from cdbench.store.database import open_for_writing
from cdbench.store.migrate import upgrade

CALLS = ("fsync", "link", "unlink")


def upgrade_watched(path: Path, tell: Callable[[], None], cache_pages: int) -> None:
    """Upgrade a database; tell of each moment, and let SQLite keep so many pages in memory."""
    real_connect = sqlite3.connect

    def connect(*arguments: Any, **named: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = real_connect(*arguments, **named)
        connection.execute(f"PRAGMA cache_size = {cache_pages}")
        connection.set_trace_callback(lambda _statement: tell())
        return connection

    def telling(call: Any) -> Any:
        def told(*arguments: Any, **named: Any) -> Any:
            tell()
            return call(*arguments, **named)

        return told

    # By the migrations and connections themselves: the tests' own ways to them ask more.
    calls: dict[str, Any] = {name: telling(getattr(os, name)) for name in CALLS}
    with (
        mock.patch.multiple(os, **calls),
        mock.patch("sqlite3.connect", connect),
        mock.patch("cdbench.store.sqlite.connect", sqlite_files.connect),
        mock.patch.object(database, "upgrade", upgrade),
    ):
        open_for_writing(str(path))


def count_moments(path: Path) -> int:
    """Upgrade a database; return how many moments there were."""
    moments: list[None] = []
    upgrade_watched(path, lambda: moments.append(None), 2000)
    return len(moments)


def _die(path: Path, moment: int, cache_pages: int) -> None:
    left = iter(range(moment - 1, -1, -1))

    def tell() -> None:
        if next(left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    upgrade_watched(path, tell, cache_pages)


def _main() -> None:
    import alembic.command  # noqa: F401 - so that no child needs the time

    for line in sys.stdin:
        path, moment, cache_pages = line.rstrip("\n").rsplit(" ", 2)
        child = os.fork()
        if child == 0:
            _die(Path(path), int(moment), int(cache_pages))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


if __name__ == "__main__":
    _main()
