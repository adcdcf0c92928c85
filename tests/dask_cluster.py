"""A real Dask cluster for tests: a scheduler and workers as processes, which end with the block."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cli_tools import plain_environment

PATIENCE_S = 50
"""How long anything may take before a test fails."""

DASK = str(Path(sys.executable).with_name("dask"))


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


class DaskProcesses:
    """A scheduler at ``address``, and workers that are started and killed one by one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.started: list[subprocess.Popen[bytes]] = []
        self.address = f"tcp://127.0.0.1:{_free_port()}"
        # Should this process die, they end by themselves.
        ends = ("--no-dashboard", "--idle-timeout", "300s")
        self.scheduler = self._start("scheduler", "--host", self.address, *ends)
        until(self._is_listening, "the scheduler")

    def worker(self, *, preload: str = "", nthreads: int = 1) -> subprocess.Popen[bytes]:
        """Start a worker, which runs the code of ``preload`` first; it may register late."""
        words = ["worker", self.address, "--no-nanny", "--no-dashboard", "--death-timeout", "20"]
        words += ["--nthreads", str(nthreads)]
        if preload:
            path = self._folder / f"preload_{len(self.started)}.py"
            path.write_text(preload, encoding="utf-8")
            words += ["--preload", str(path)]
        return self._start(*words)

    def nanny(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start a worker as the documentation does, by a process that starts it anew if it dies."""
        words = ["worker", self.address, "--nthreads", "1", "--no-dashboard"]
        return self._start(*words, "--death-timeout", "20", **environment)

    def has_started(self) -> bool:
        """Return whether the worker of a nanny that was started last listens."""
        return b"Start worker at" in self._log(-1).read_bytes()

    def has_registered(self) -> bool:
        """Return whether the worker that was started last is known to the scheduler."""
        return b"Registered to" in self._log(-1).read_bytes()

    def stop(self) -> None:
        """Kill what still runs."""
        for process in reversed(self.started):
            process.kill()
        for process in self.started:
            process.wait()

    def _log(self, offset: int) -> Path:
        return self._folder / f"dask_{len(self.started) + offset}.log"

    def _start(self, *words: str, **environment: str) -> subprocess.Popen[bytes]:
        timeout = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s"}
        with self._log(0).open("wb") as log:
            process = subprocess.Popen(
                [DASK, *words],
                cwd=self._folder,
                env=plain_environment(**timeout, **environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.started.append(process)
        return process

    def _is_listening(self) -> bool:
        host, port = self.address.removeprefix("tcp://").split(":")
        with socket.socket() as tried:
            return tried.connect_ex((host, int(port))) == 0


@contextmanager
def dask_cluster(folder: Path, n_workers: int = 2) -> Iterator[DaskProcesses]:
    """Give a cluster of workers with one thread each; nothing of it is left afterwards."""
    folder.mkdir(exist_ok=True)
    processes = DaskProcesses(folder)
    try:
        for _ in range(n_workers):
            processes.worker()
        yield processes
    finally:
        processes.stop()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
