"""Datasette on a database, for this machine's browser alone and only to be read."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

from cdbench.errors import ConfigurationError, StoreError
from cdbench.store.database import Database

HOST = "127.0.0.1"

MISSING = "db browse needs Datasette, which is not installed; type: pip install 'cdbench[browse]'"

SIGNALS = (signal.SIGINT, signal.SIGTERM)

App = Callable[..., Awaitable[None]]


def browse(database: Database, port: int, began: Callable[[str], None]) -> None:
    """Show a database to this machine's browser until Ctrl-C.

    Others may write to it meanwhile; what they add is shown from then on.

    Parameters
    ----------
    database : Database
        Opened for reading.
    port : int
        Where to listen; 0 takes a free port.
    began : callable
        Called with the address, once it answers.

    Raises
    ------
    ConfigurationError
        If Datasette is not installed, or the port is taken.
    StoreError
        If the database is on a server.
    """
    if database.path is None:
        raise StoreError(
            f"{database.name}: Datasette shows SQLite files only; to make one of it: "
            f"cdbench db copy {database.name} runs.db"
        )
    try:
        import uvicorn

        from cdbench.api.browsing_app import datasette_app
    except ImportError:
        raise ConfigurationError(MISSING) from None
    with _listening(port) as taken:
        app, place = datasette_app(database.path, database.label)
        address = f"{HOST}:{taken.getsockname()[1]}"
        config = uvicorn.Config(
            only_asked_here(app, address),
            log_level="critical",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        asyncio.run(_serve(server, taken, lambda: began(f"http://{address}{place}")))


async def _serve(server: Any, listening: socket.socket, began: Callable[[], None]) -> None:
    """Serve until a signal; the server's own handlers would raise it again at the end."""
    server.capture_signals = contextlib.nullcontext
    loop = asyncio.get_running_loop()

    def end() -> None:
        server.should_exit = True

    for number in SIGNALS:
        loop.add_signal_handler(number, end)
    try:
        serving = asyncio.ensure_future(server.serve(sockets=[listening]))
        while not (server.started or serving.done()):
            await asyncio.sleep(0.01)
        if server.started:
            began()
        await serving
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind((HOST, port))
        except OSError as error:
            raise ConfigurationError(
                f"--port {port} cannot be listened on ({error.strerror}); expected another, or "
                "--port 0 for any that is free"
            ) from None
        yield taken


def only_asked_here(app: App, address: str) -> App:
    """Return an application that answers only what is asked of this address.

    A page of another site could have its own name mean this machine, and so read what is here.

    Parameters
    ----------
    app : callable
        An ASGI application.
    address : str
        Host and port.
    """
    names = {address, address.replace(HOST, "localhost")}

    async def guarded(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        host = dict(scope.get("headers", ())).get(b"host", b"").decode("latin-1")
        if scope["type"] == "lifespan" or host in names:
            await app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 421, "headers": []})
        await send({"type": "http.response.body", "body": b"ask 127.0.0.1 or localhost\n"})

    return guarded
