"""Commands as real processes, to be killed: what they said, who works for them, what they left."""

import os
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import IO, Any, Self

from tests.cli_tools import CDBENCH, plain_environment, processes_of_session

PATIENCE_S = 60.0


def wait_until(holds: Callable[[], Any], what: str, seconds: float = PATIENCE_S) -> Any:
    """Wait for something to hold and return it; fail where it never does."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.002)
    return found


def together(act: Callable[..., None], cases: Sequence[tuple[Any, ...]]) -> None:
    """Run a test's cases at a time, because most of each is waiting."""
    with ThreadPoolExecutor(len(cases)) as threads:
        list(threads.map(lambda case: act(*case), cases))


class Command:
    """A running ``cdbench``, the leader of a session of its own; ended at the block's end.

    Its ``lines`` are all that it said, its ``errors`` those of standard error.
    """

    def __init__(
        self, folder: Path, *words: str, below: Sequence[str] = (), extra: Mapping[str, str] = {}
    ) -> None:
        self.process = subprocess.Popen(
            [*below, CDBENCH, *words],
            cwd=folder,
            env=plain_environment(**extra),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )
        self.pid = self.process.pid
        self.lines: list[str] = []
        self.errors: list[str] = []
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._pipes = (self.process.stdout, self.process.stderr)
        self._readers = [
            threading.Thread(target=self._read, args=(pipe,), daemon=True) for pipe in self._pipes
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, pipe: IO[str]) -> None:
        for line in pipe:
            self.lines.append(line.rstrip())
            if pipe is self.process.stderr:
                self.errors.append(line.rstrip())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pid in processes_of_session(self.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.wait()

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def said(self, word: str) -> int:
        """Return in how many lines it has said a word so far."""
        return sum(word in line for line in list(self.lines))

    def wait(self) -> int:
        """Wait for its end; return the exit code, or minus a signal."""
        code = self.process.wait(PATIENCE_S)
        for reader, pipe in zip(self._readers, self._pipes, strict=True):
            reader.join(PATIENCE_S)
            pipe.close()
        return code

    def ended(self) -> bool:
        return self.process.poll() is not None

    def kill(self, *, alone: bool) -> None:
        """Kill it without warning, the parent alone or all; nothing of it must then be left."""
        with suppress(ProcessLookupError):
            (os.kill if alone else os.killpg)(self.pid, signal.SIGKILL)
        self.process.wait(PATIENCE_S)
        self.assert_nothing_left()
        self.wait()

    def assert_nothing_left(self) -> None:
        """Wait for the last of its processes to end, as they do at once."""
        wait_until(lambda: not processes_of_session(self.pid), "the end of its processes", 20)


def parent_and_cpu_s(pid: int) -> tuple[int, float]:
    """Return a process's parent and the processor time that it has used; 0, 0 where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0, 0.0
    return int(fields[1]), (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def workers_of(command: Command) -> list[int]:
    """Return the worker processes of a command: children of the fork server, its child."""
    processes = {pid: parent_and_cpu_s(pid)[0] for pid in processes_of_session(command.pid)}
    servers = [pid for pid, parent in processes.items() if parent == command.pid]
    return [pid for pid, parent in processes.items() if parent in servers]


def cpu_s(pids: list[int]) -> float:
    """Return the processor time that some processes have used."""
    return sum(parent_and_cpu_s(pid)[1] for pid in pids)


def ask(database: Path, question: str) -> list[tuple[Any, ...]]:
    """Ask a copy of a database, journal and all, so that its own recovery is left to cdbench."""
    copied = database.parent / "copy"
    copied.mkdir(exist_ok=True)
    for name in (database.name, f"{database.name}-journal"):
        (copied / name).unlink(missing_ok=True)
        if (database.parent / name).exists():
            shutil.copy(database.parent / name, copied / name)
    with closing(sqlite3.connect(copied / database.name)) as connection:
        ((sound,),) = connection.execute("PRAGMA integrity_check").fetchall()
        assert sound == "ok"
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'run'").fetchall():
            return []
        return connection.execute(question).fetchall()
