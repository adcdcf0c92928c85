"""Before the work begins: nothing is imported from the working folder, signals end it at once."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

import cdbench.cli
from cdbench import entry
from tests.chaos import Command, wait_until
from tests.cli_tools import CDBENCH, SMALL, SMALL_NETWORK, for_real, plain_environment, rows

if sys.platform == "win32":
    pytest.skip("signals of POSIX", allow_module_level=True)

INNOCENT = (
    *("abc", "ast", "base64", "bisect", "calendar", "codecs", "collections", "copy", "csv"),
    *("datetime", "decimal", "enum", "functools", "hashlib", "heapq", "inspect", "json", "logging"),
    *("math", "numbers", "operator", "pickle", "queue", "random", "re", "selectors", "shutil"),
    *("signal", "socket", "statistics", "string", "struct", "subprocess", "tempfile", "threading"),
    *("time", "token", "traceback", "types", "typing", "uuid", "warnings", "weakref"),
)
"""Names of the standard library that a person's own file may well have."""

THIRD_PARTY = ("numpy", "scipy", "sqlalchemy", "rich", "typer", "threadpoolctl", "cdbench")


@pytest.fixture
def trapped(tmp_path: Path) -> Path:
    """Return a folder of files with such names, each of which says when it is imported."""
    for name in (*INNOCENT, *THIRD_PARTY):
        told = f"open({str(tmp_path / 'imported')!r}, 'a').write('{name}\\n')\n"
        (tmp_path / f"{name}.py").write_text(told, encoding="utf-8")
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit('imported')", encoding="utf-8")
    return tmp_path


@pytest.mark.long
def test_nothing_is_imported_from_the_working_folder_by_any_process(trapped: Path) -> None:
    assert len(INNOCENT) >= 30
    two = ("--jobs", "2")
    swept = for_real(trapped, "sweep", *SMALL, "--B", "2", "--seeds", "0", "1", *two)
    assert (swept.code, swept.err) == (0, "")
    again = for_real(trapped, "reproduce", "--all", *two)
    assert (again.code, again.err.count("bit for bit")) == (0, 4)
    audited = for_real(trapped, "audit", "--claim", "accuracy", "--seeds", "0..9", *two)
    assert audited.code == 0
    assert not (trapped / "imported").exists(), (trapped / "imported").read_text()


def test_python_that_ignores_the_environment_starts_no_servers(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-E", CDBENCH, "sweep", *SMALL, "--B", "2", "--jobs", "2"],
        cwd=tmp_path,
        env=plain_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "started with -E" in done.stderr
    assert len(done.stderr.splitlines()) == 1


SLOW = """
import os, time
os.write({loading}, b"loading")
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_modules_load_ends_it_at_once_in_silence(
    tmp_path: Path, number: signal.Signals
) -> None:
    reads, writes = os.pipe()
    slow = tmp_path / "modules"
    slow.mkdir()
    (slow / "typer.py").write_text(SLOW.format(loading=writes), encoding="utf-8")
    with subprocess.Popen(
        [CDBENCH, "report", "--table1"],
        cwd=tmp_path,
        env=plain_environment(PYTHONPATH=os.pathsep.join([str(slow), *sys.path[1:]])),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=[writes],
    ) as process:
        os.close(writes)
        assert os.read(reads, 7) == b"loading"
        os.close(reads)
        process.send_signal(number)
        said, _ = process.communicate(timeout=20)
    assert (process.returncode, said) == (128 + number, b"")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        ImportError("x.so: failed to map segment from shared object"),
        ImportError("Importing the C-extensions failed. Was: x.so: cannot allocate memory in TLS"),
    ],
)
def test_memory_that_lacks_while_modules_load_is_one_line(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    for name in ("end_on_signals", "import_nothing_from_here", "open_standard_streams"):
        monkeypatch.setattr(entry, name, lambda: None)
    monkeypatch.setattr(cdbench.cli, "main", mock.Mock(side_effect=error))
    with pytest.raises(SystemExit) as ended:
        entry.main()
    assert str(ended.value.code).startswith("cdbench: not enough memory; ")
    assert "\n" not in str(ended.value.code)


@pytest.mark.parametrize("error", [ImportError("no module"), OSError(errno.ENOENT, "no file")])
def test_another_error_while_modules_load_is_not_taken_for_lacking_memory(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    for name in ("end_on_signals", "import_nothing_from_here", "open_standard_streams"):
        monkeypatch.setattr(entry, name, lambda: None)
    monkeypatch.setattr(cdbench.cli, "main", mock.Mock(side_effect=error))
    with pytest.raises(type(error)):
        entry.main()


def sweeping(folder: Path, epochs: int, seeds: str = "0..2", **extra: str) -> Command:
    """Start a sweep in two processes."""
    words = ("sweep", *SMALL_NETWORK, "--epochs", str(epochs), "--B", "2", "--seeds", seeds)
    return Command(folder, *words, "--jobs", "2", extra=extra)


@pytest.mark.chaos
def test_a_signal_at_any_moment_ends_a_sweep_in_order(tmp_path: Path) -> None:
    """From Python's own start on, which ends by the signal itself, to the middle of training."""
    for case in range(12):
        number = (signal.SIGTERM, signal.SIGHUP)[case % 2]
        with sweeping(tmp_path, 100_000) as command:
            time.sleep(0.1 * case)
            command.process.send_signal(number)
            assert command.wait() in (128 + number, -number), command.text
        assert len(command.errors) <= 1, command.errors


@pytest.mark.chaos
def test_closing_the_terminal_keeps_what_is_trained(tmp_path: Path) -> None:
    with sweeping(tmp_path, 4000, "0..3") as command:
        wait_until(lambda: command.said(": completed"), "a run that ended")
        os.killpg(command.pid, signal.SIGHUP)
        assert command.wait() == 129
    assert "to go on: cdbench sweep" in command.errors[-1]
    stored = dict(rows(tmp_path / "runs.db", "select status, count(*) from run group by 1"))
    assert stored["completed"] >= 1
    assert stored["interrupted"] >= 1


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Return a folder for temporary files whose path is short enough for a socket's."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.chaos
def test_what_killed_sweeps_leave_in_the_temporary_folder_the_next_one_removes(
    tmp_path: Path, temporary: Path
) -> None:
    for _ in range(2):
        with sweeping(tmp_path, 100_000, TMPDIR=str(temporary)) as command:
            wait_until(lambda: list(temporary.rglob("listener-*")), "its server's socket")
            command.kill(alone=False)
        assert len(list(temporary.iterdir())) == 1
    done = for_real(
        tmp_path, "sweep", *SMALL, "--B", "2", "--jobs", "2", extra={"TMPDIR": str(temporary)}
    )
    assert done.code == 0
    assert list(temporary.iterdir()) == []


@pytest.mark.chaos
def test_a_killed_resource_tracker_is_not_spoken_of(tmp_path: Path) -> None:
    with sweeping(tmp_path, 400, "0..3") as command:
        wait_until(lambda: children(command.pid, "resource_tracker"), "the tracker")
        for tracker in children(command.pid, "resource_tracker"):
            os.kill(tracker, signal.SIGKILL)
        assert command.wait() == 0
    assert command.errors == []


def children(parent: int, word: str) -> list[int]:
    """Return the child processes in whose command line a word stands."""
    if shutil.which("pgrep") is None:
        pytest.skip("needs pgrep")
    found = subprocess.run(
        ["pgrep", "-P", str(parent), "-f", word], capture_output=True, text=True, check=False
    )
    return [int(pid) for pid in found.stdout.split()]
