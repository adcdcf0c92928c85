"""A connection to a PostgreSQL server whose waits can be interrupted and are reported."""

import logging
import time
from collections.abc import Generator
from contextlib import closing, suppress
from typing import Any, TypeVar

import psycopg
from psycopg.pq import PGconn, Ping, TransactionStatus
from psycopg.waiting import Ready, wait

from cdbench.errors import StoreError
from cdbench.store.locks import NOTICE_AFTER_S, PATIENCE_S
from cdbench.system.interrupts import StatementWatch

STEP_S = 0.1
"""Time between checks for an interrupt."""

LOOK_EVERY_S = 3.0
"""Time between checks of who holds the lock that is waited for."""

ANSWER_WITHIN_S = 5
"""Time allowed for opening a second connection or cancelling a statement."""

_HOLDERS = """
    SELECT holder, usename, application_name FROM unnest(pg_blocking_pids(%s)) AS holder
    LEFT JOIN pg_stat_activity ON pid = holder ORDER BY holder
"""

_LOG = logging.getLogger("cdbench")

T = TypeVar("T")

Steps = Generator[Any, Any, T]
"""The driver's generators: they yield what they wait for, and are sent what is ready."""


class ServerConnection(psycopg.Connection[Any]):
    """The driver's connection, with its own way of waiting for the server.

    A statement may run for any length of time. It ends on an interrupt, if another session's lock
    blocks it for PATIENCE_S, or if the server does not answer for PATIENCE_S.
    """

    place = ""
    """The database's name in messages."""

    def wait(self, gen: "Steps[T]", interval: float = STEP_S, timeout: float | None = None) -> T:
        """Run the driver's steps to their end and return their result.

        Raises
        ------
        StoreError
            If it waits in vain for PATIENCE_S.
        KeyboardInterrupt
            On an interrupt; see ``interrupts.waiting``.
        """
        if timeout is not None:  # a wait of the driver's own
            return super().wait(gen, interval, timeout)
        with closing(self._watched(gen)) as steps:
            try:
                return wait(steps, self.pgconn.socket, STEP_S)
            except (KeyboardInterrupt, StoreError):
                self._cancel(gen)
                raise

    def rollback(self) -> None:
        """Roll back, unless the connection was closed, so that nothing is left to roll back."""
        if not self.closed:
            super().rollback()

    def _watched(self, gen: "Steps[T]") -> "Steps[T]":
        """Run the steps; as soon as one takes long, check between them what blocks it."""
        try:
            wanted = next(gen)
            while (ready := (yield wanted)) != Ready.NONE:
                wanted = gen.send(ready)
            watch, interrupted = _Watch(self), StatementWatch()
            while True:
                if ready == Ready.NONE:
                    interrupted.look()
                    watch.look()
                wanted = gen.send(ready)
                ready = yield wanted
        except StopIteration as end:
            result: T = end.value
            return result

    def _cancel(self, gen: "Steps[Any]") -> None:
        """Cancel the statement on the server; if that fails, close the connection."""
        if self.pgconn.transaction_status != TransactionStatus.ACTIVE:
            return
        try:
            self.cancel_safe(timeout=ANSWER_WITHIN_S)
            with suppress(psycopg.errors.QueryCanceled):
                wait(_until(gen, time.monotonic() + ANSWER_WITHIN_S), self.pgconn.socket, STEP_S)
        except (psycopg.Error, OSError):
            self.pgconn.finish()
        except BaseException:
            self.pgconn.finish()
            raise


class _Watch:
    """Watches over a statement that takes long."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self._next = time.monotonic() + NOTICE_AFTER_S
        self._since: float | None = None
        self._noticed = False

    def look(self) -> None:
        """Warn once about what blocks the statement; raise StoreError if that lasts too long."""
        now = time.monotonic()
        if now < self._next:
            return
        reason = self._reason()
        self._next = time.monotonic() + LOOK_EVERY_S
        if not reason:  # nothing blocks it; it only takes long
            self._since = None
            return
        self._since = self._since or now - NOTICE_AFTER_S
        if now - self._since > PATIENCE_S:
            raise StoreError(
                f"{self._connection.place} {reason} for {PATIENCE_S // 60} minutes; end that, and "
                "try again"
            )
        if not self._noticed:
            _LOG.warning("%s %s; waiting", self._connection.place, reason)
            self._noticed = True

    def _reason(self) -> str:
        info = self._connection.info
        words = f"{info.dsn} connect_timeout={ANSWER_WITHIN_S}"
        try:
            with psycopg.connect(words, password=info.password, autocommit=True) as second:
                found = second.execute(_HOLDERS, (info.backend_pid,)).fetchall()
        except psycopg.Error:
            # A working server may still refuse a second connection.
            is_there = PGconn.ping(words.encode()) == Ping.OK
            return "" if is_there else "does not answer"
        names = [_named(*holder) for holder in found]
        return f"is locked by {' and '.join(names)}" if names else ""


def _named(pid: int, user: str | None, application: str | None) -> str:
    of_user = f" of {user}" if user else ""
    by = f" ({application})" if application else ""
    # These names may contain anything that another program put there.
    return "".join(c if c.isprintable() else "�" for c in f"process {pid}{of_user}{by}")


def _until(gen: "Steps[T]", end: float) -> "Steps[T]":
    """Run the steps, but not beyond the time ``end``."""
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if ready == Ready.NONE and time.monotonic() > end:
                raise psycopg.OperationalError("the server does not answer")
            wanted = gen.send(ready)
    except StopIteration as stop:
        result: T = stop.value
        return result
