"""The connection to a Dask scheduler: it waits for answers in steps, never forever.

Dask's own blocking calls wait forever if a scheduler stops responding, and Ctrl-C does not always
interrupt them. So requests are made as coroutines on the client's loop.
"""

import asyncio
import logging
import time
import warnings
from collections.abc import Awaitable, Callable, Collection, Sequence
from concurrent.futures import CancelledError
from concurrent.futures import Future as Answer
from contextlib import suppress
from typing import Any

from cdbench.errors import ClusterError
from cdbench.system.interrupts import interrupts_held, interrupts_let_through

CONNECT_S = 10
"""How long a scheduler may take to answer at the start, in seconds."""

SILENT_S = 10
"""How long it may take later before the user is told that it does not answer."""

STEP_S = 0.5
"""How long to wait at a time: on Windows, Ctrl-C works only between waits."""

LEAVING_S = 2
"""How long each of the two steps of leaving a cluster may take."""

_LOG = logging.getLogger("cdbench")

Future = Any
"""A ``distributed.Future``; its types do not say what it holds."""


class Connection:
    """A connected Dask scheduler.

    Parameters
    ----------
    scheduler : str
        Address of the scheduler, such as ``tcp://host:8786``.

    Raises
    ------
    ClusterError
        If Dask is not installed, or nothing answers at that address.
    """

    def __init__(self, scheduler: str) -> None:
        self.scheduler = scheduler
        self.client = _connect(scheduler)

    def begin(self, question: Callable[[], Awaitable[Any]]) -> "Answer[Any]":
        """Ask on the client's loop, where Dask's methods are coroutines, without waiting."""

        async def ask() -> Any:
            return await question()

        return asyncio.run_coroutine_threadsafe(ask(), self.client.loop.asyncio_loop)

    def ask(self, question: Callable[[], Awaitable[Any]]) -> Any:
        """Return the answer of a scheduler, which is immediate, or wait while it hangs.

        Interrupts get through during the wait. After some seconds the user is told, once.

        Raises
        ------
        ClusterError
            If the scheduler is gone.
        """
        began, told = time.monotonic(), False
        while True:
            answer = self.begin(question)
            while not answer.done():
                self.wait(answer)
                if not told and time.monotonic() - began > SILENT_S:
                    told = True
                    _LOG.warning("the scheduler at %s does not answer; waiting", self.scheduler)
            try:
                return answer.result()
            except (OSError, ValueError, RuntimeError, CancelledError, asyncio.CancelledError):
                # After a while Dask gives up on a new connection, though the old one is open.
                if self.client.status != "running":
                    raise self.lost() from None
            with interrupts_let_through():
                time.sleep(STEP_S)

    def wait(self, answer: "Answer[Any]") -> None:
        """Wait a moment for an answer; an interrupt gets through and cancels the question."""
        try:
            with interrupts_let_through(), suppress(Exception):
                answer.exception(STEP_S)
        except KeyboardInterrupt:
            answer.cancel()
            raise

    def submit(self, workers: Collection[str], function: Callable[..., Any], *task: Any) -> Future:
        """Have one of these workers, and no other worker, call a function."""
        # Not pure: what is submitted twice is done twice, as in one process.
        return self.client.submit(
            function, *task, pure=False, workers=list(workers), allow_other_workers=False
        )

    def cancel(self, futures: Sequence[Future]) -> None:
        """Withdraw tasks from the cluster; running ones finish, but their results are dropped."""
        if futures:
            self.begin(lambda: self.client.cancel(list(futures))).result(LEAVING_S)

    def close(self, pending: Sequence[Future] = ()) -> None:
        """Leave the cluster; tasks that have not ended are cancelled."""
        with interrupts_held():
            with suppress(Exception):
                self.cancel(pending)
            with suppress(Exception):
                self.client.close(timeout=LEAVING_S)

    def lost(self) -> ClusterError:
        """Return the error which says that the scheduler is gone."""
        return ClusterError(f"the scheduler at {self.scheduler} is gone")


def _connect(scheduler: str) -> Any:
    """Return a client of the scheduler, with its logging silenced."""
    try:
        from distributed import Client
        from distributed.versions import VersionMismatchWarning
    except ImportError:
        raise ClusterError(
            "--scheduler needs Dask, which is not installed; type pip install 'cdbench[dask]'"
        ) from None
    for name in ("distributed", "distributed.client", "tornado", "tornado.application", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    # Version differences that matter are reported when the workers are checked.
    warnings.simplefilter("ignore", VersionMismatchWarning)
    _check_address(scheduler)
    try:
        asyncio.run(_try(scheduler))
        return Client(  # type: ignore[no-untyped-call]
            scheduler, timeout=CONNECT_S, set_as_default=False
        )
    except OSError:
        raise ClusterError(
            f"--scheduler {scheduler}: no Dask scheduler answers within {CONNECT_S} s; expected "
            "the address that it printed when it started"
        ) from None


async def _try(scheduler: str) -> None:
    """Check that a scheduler answers: Dask's client waits minutes for one that hangs."""
    from distributed.core import rpc
    from distributed.security import Security

    security: Any = Security()  # type: ignore[no-untyped-call]
    arguments = security.get_connection_args("client")
    async with asyncio.timeout(CONNECT_S):
        asked: Any = rpc(scheduler, timeout=CONNECT_S, connection_args=arguments)  # type: ignore[no-untyped-call]
        async with asked:
            await asked.identity(n_workers=0)


def _check_address(scheduler: str) -> None:
    """Refuse an invalid address: a client that discovers it itself leaves a thread behind."""
    from distributed.comm.addressing import parse_address, parse_host_port
    from distributed.comm.registry import get_backend
    from distributed.security import Security

    try:
        scheme, location = parse_address(scheduler, strict=True)
        get_backend(scheme)
        parse_host_port(location)
    except ValueError:
        raise ClusterError(
            f"--scheduler {scheduler!r} is not an address; expected one like tcp://host:8786"
        ) from None
    security: Any = Security()  # type: ignore[no-untyped-call]
    if scheme == "tls" and security.get_connection_args("client").get("ssl_context") is None:
        raise ClusterError(
            f"--scheduler {scheduler}: Dask's configuration names no certificates; expected them "
            "under distributed.comm.tls, or in variables like DASK_DISTRIBUTED__COMM__TLS__CA_FILE"
        )
