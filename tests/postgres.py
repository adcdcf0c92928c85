"""A real PostgreSQL server for tests, from the system's packages (Debian: postgresql)."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from uuid import uuid4

from cdbench.store.database import open_for_writing

USER, PASSWORD = "cdbench", "p%ss:w@rd/1"
QUOTED_PASSWORD = "p%25ss%3Aw%40rd%2F1"
"""As it stands in a URL."""

SYSTEM_USER = "postgres"
"""Whom the server runs as where the tests run as root, which it refuses."""


def binaries() -> Path | None:
    """Return the folder of the newest server that is installed, or None."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"),
        key=lambda path: float(path.parts[-3]),
    )
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None


class PostgresServer:
    """A server of its own, in a folder of its own, on a free port."""

    def __init__(self) -> None:
        folder = binaries()
        assert folder is not None, "no PostgreSQL server is installed; Debian: postgresql"
        self._binaries = folder
        self._prepared: str | None = None
        self._user = SYSTEM_USER if os.name == "posix" and os.geteuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="cdbench-postgres-"))
        if self._user:
            shutil.chown(self._folder, self._user)
        password = self._folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        data = str(self._folder / "data")
        self._run(
            *("initdb", "--pgdata", data, "--username", USER, "--pwfile", str(password)),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"),
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.start()

    def start(self) -> None:
        """Start the server, the first time or after a stop, on its port."""
        # Nothing here has to survive the machine, so nothing is forced to the disk.
        options = f"-p {self._port} -k {self._folder} -h 127.0.0.1 -c fsync=off"
        data, log = str(self._folder / "data"), str(self._folder / "log")
        self._run("pg_ctl", "start", "-w", "-D", data, "-l", log, "-o", options)

    def url(self, database: str) -> str:
        """Return the URL of one of its databases, with the password."""
        return f"postgresql+psycopg://{USER}:{QUOTED_PASSWORD}@127.0.0.1:{self._port}/{database}"

    def new_database(self, like: str = "template1") -> str:
        """Make a database, an empty one or one like another; return its URL."""
        name = f"test_{uuid4().hex}"
        self.ask("postgres", f"CREATE DATABASE {name} TEMPLATE {like}")
        return self.url(name)

    def prepared_database(self) -> str:
        """Make a database of the newest schema, a copy of one that is made once; return its URL."""
        if self._prepared is None:
            url = self.new_database()
            open_for_writing(url)
            self._prepared = url.rpartition("/")[2]
        return self.new_database(self._prepared)

    def ask(self, database: str, statement: str) -> str:
        """Return what psql answers, as a person would use it."""
        words = ["psql", "-h", "127.0.0.1", "-p", str(self._port), "-U", USER, "-d", database]
        return self._run(*words, "-v", "ON_ERROR_STOP=1", "-At", "-c", statement)

    def stop(self, *, folder_too: bool = True) -> None:
        """Stop the server at once, and remove what it had."""
        self._run("pg_ctl", "stop", "-m", "immediate", "-D", str(self._folder / "data"))
        if folder_too:
            shutil.rmtree(self._folder)

    def _run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [str(self._binaries / program), *arguments],
            env=os.environ | {"PGPASSWORD": PASSWORD, "LC_ALL": "C"},
            user=self._user,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if program == "psql" else subprocess.DEVNULL,
            stderr=None,
            text=True,
            check=True,
            timeout=60,
        )
        return (done.stdout or "").strip()
