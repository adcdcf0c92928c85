"""Writing results, even if the server goes away for a while."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from cdbench.errors import DatabaseGoneError, StoreError
from cdbench.store.database import Database
from cdbench.system.interrupts import waiting

PATIENCE_S = 600
"""How long a server may be away. A restart takes seconds; updating the machine takes minutes."""

PAUSES_S = (0.2, 2.0)
"""Pauses between attempts: the first and the longest."""

_LOG = logging.getLogger("cdbench")

T = TypeVar("T")


def written(
    database: Database,
    write: Callable[[Connection], T],
    find: Callable[[Connection], T | None],
) -> T:
    """Write in one transaction, retrying all of it if the server goes away; return its result.

    Parameters
    ----------
    database : Database
        The database to write to.
    write : callable
        Does the writing in the transaction.
    find : callable
        Returns what ``write`` would return if it has already succeeded, else None: a COMMIT may
        have arrived although its answer did not.

    Raises
    ------
    StoreError
        If it cannot be written.
    DatabaseGoneError
        If the server is away for PATIENCE_S.
    KeyboardInterrupt
        On an interrupt while it is away; see ``interrupts.waiting``.
    """
    began: float | None = None
    pause_s, longest_s = PAUSES_S
    while True:
        try:
            with database.transaction() as connection:
                done = None if began is None else find(connection)
                return write(connection) if done is None else done
        except StoreError as error:
            if not database.location.is_away(error.__cause__):
                raise
            if began is None:
                began = time.monotonic()
                _LOG.warning("%s; trying again for %d minutes", error, PATIENCE_S // 60)
            elif time.monotonic() - began > PATIENCE_S:
                raise DatabaseGoneError(
                    f"{error}; tried again for {PATIENCE_S // 60} minutes, and what was waiting "
                    "to be stored was not stored"
                ) from error
        with waiting() as pause:
            pause(pause_s)
        pause_s = min(2 * pause_s, longest_s)
