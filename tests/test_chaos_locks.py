"""Many processes at one database, and locks that others hold: waited for and named."""

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from tests.chaos import Command, ask, together, wait_until
from tests.cli_tools import for_real

if sys.platform != "linux":
    pytest.skip("finds holders of locks in /proc", allow_module_level=True)

pytestmark = pytest.mark.chaos

New = Callable[[], Path]

HELD_S = 40
CACHE_BYTES = 2_000_000
N_SWEEPS = 8
TINY = ("--dataset", "iris", "--hidden", "4", "--B", "2", "--epochs", "3")
LARGE = ("--dataset", "iris", "--hidden", "8", "--B", "2", "--epochs", "800")
SPECTRA = ("--spectra-every", "1")
"""A run whose rows outgrow SQLite's cache of 2 MB, so that they meet a lock before their commit."""

N_EPOCHS = "SELECT (SELECT count(*) FROM epoch e WHERE e.run_id = r.run_id) FROM run r"

HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in sys.argv[2:]:
    connection.execute(statement).fetchone()
print("held", flush=True)
sys.stdin.read()
"""
READ = ("BEGIN", "SELECT count(*) FROM run")
HALF_WRITTEN = (  # with a journal that whoever comes next has to roll back
    "PRAGMA cache_size = 1",
    "BEGIN IMMEDIATE",
    "UPDATE run SET uuid = uuid || 'x', error = hex(zeroblob(20000)), status = 'failed'",
    "UPDATE epoch SET training_loss = 0",
)


class Holder:
    """Another process that holds a lock of a database."""

    def __init__(self, path: Path, *statements: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(path), *statements],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "held\n"
        self.since = time.monotonic()

    def release(self) -> None:
        self.process.communicate()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextmanager
def held(path: Path, *statements: str) -> Iterator[Holder]:
    holder = Holder(path, *statements)
    try:
        yield holder
    finally:
        holder.kill()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return a database of two runs."""
    folder = tmp_path_factory.mktemp("trained")
    answer = for_real(folder, "sweep", *TINY, "--seeds", "0", "--jobs", "1")
    assert (answer.code, answer.err) == (0, "")
    return (folder / "runs.db").read_bytes()


@pytest.fixture
def new_database(tmp_path: Path, trained: bytes) -> Callable[[], Path]:
    """Return a function that gives a database of two runs in a folder of its own."""
    numbers = count()

    def make() -> Path:
        folder = tmp_path / f"{next(numbers)}"
        folder.mkdir()
        (folder / "runs.db").write_bytes(trained)
        return folder / "runs.db"

    return make


def errors_in(lines: Sequence[str]) -> list[str]:
    """Return the lines but for notices of waiting, which a busy machine may cause."""
    return [line for line in lines if not line.endswith("; waiting")]


def test_eight_processes_make_one_database(tmp_path: Path) -> None:
    with ExitStack() as stack:
        commands = [
            stack.enter_context(Command(tmp_path, "train", *TINY, "--seed", str(seed)))
            for seed in range(8)
        ]
        for command in commands:
            assert (command.wait(), errors_in(command.errors)) == (0, []), command.text
    found = ask(tmp_path / "runs.db", "SELECT seed, status FROM run ORDER BY seed")
    assert found == [(seed, "completed") for seed in range(8)]
    assert ask(tmp_path / "runs.db", N_EPOCHS) == [(3,)] * 8
    assert ask(tmp_path / "runs.db", "SELECT count(*) FROM environment") == [(1,)]
    assert {path.name for path in tmp_path.iterdir()} == {"runs.db", "copy"}


def whole(path: Path, most: int) -> int:
    """Return how many runs a database holds, none of them in part."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60)) as connection:
        connection.execute("BEGIN")
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found = connection.execute(
            "SELECT epochs, (SELECT count(*) FROM epoch e WHERE e.run_id = r.run_id), "
            "(SELECT count(*) FROM condition_number c WHERE c.run_id = r.run_id) > 0 FROM run r"
        ).fetchall()
    assert all(measured == epochs for epochs, measured, _ in found)
    assert all(has_conditions for _, _, has_conditions in found)
    assert len(found) <= most
    return len(found)


def repeat(act: Callable[[], None], stop: threading.Event, caught: list[BaseException]) -> None:
    try:
        while not stop.is_set():
            act()
    except BaseException as error:  # noqa: BLE001 - it is raised again
        caught.append(error)


class Readers:
    """What reads a database while others write: tables, its state, rows and copies of it."""

    def __init__(self, folder: Path, n_runs: int) -> None:
        self.folder, self.n_runs, self.n_copies = folder, n_runs, 0
        self.codes: list[int] = []
        self.counts: list[int] = []

    def report(self) -> None:
        answer = for_real(self.folder, "report", "--table1")
        self.codes.append(answer.code)
        assert answer.code in (0, 3)
        assert (errors_in(answer.err.splitlines()) == []) == (answer.code == 0)
        if answer.code:  # before its nine runs are there
            assert "Table 1 needs" in answer.err

    def info(self) -> None:
        answer = for_real(self.folder, "db", "info")
        assert (answer.code, errors_in(answer.err.splitlines())) == (0, [])

    def rows(self) -> None:
        self.counts.append(whole(self.folder / "runs.db", self.n_runs))

    def backup(self) -> None:
        self.n_copies += 1
        copy = self.folder / f"{self.n_copies}.db"
        answer = for_real(self.folder, "db", "backup", copy.name)
        assert (answer.code, errors_in(answer.err.splitlines())) == (0, [])
        whole(copy, self.n_runs)


def test_eight_sweeps_write_at_once_while_others_read_and_copy(
    new_database: New, record_property: Callable[[str, object], None]
) -> None:
    database = new_database()
    folder = database.parent
    words = [["--B", "4", "8", "--seeds", "0", "1", "2"]]
    words += [[*TINY, "--seeds", f"{5 * n}..{5 * n + 4}"] for n in range(1, N_SWEEPS)]
    n_runs = 2 + 9 + 10 * (N_SWEEPS - 1)
    readers = Readers(folder, n_runs)
    stop, caught = threading.Event(), list[BaseException]()
    acts = (readers.report, readers.info, readers.rows, readers.backup)
    threads = [threading.Thread(target=repeat, args=(act, stop, caught)) for act in acts]
    with ExitStack() as stack:
        stack.callback(stop.set)
        commands = [
            stack.enter_context(Command(folder, "sweep", *each, "--jobs", "1")) for each in words
        ]
        for thread in threads:
            thread.start()
        for command in commands:
            assert (command.wait(), errors_in(command.errors)) == (0, []), command.text
    for thread in threads:
        thread.join()
    assert not caught, caught
    readers.report()
    assert readers.codes == sorted(readers.codes, reverse=True)  # once there, never gone
    assert readers.codes[-1] == 0
    assert readers.counts == sorted(readers.counts)
    assert whole(database, n_runs) == n_runs
    distinct = "SELECT count(DISTINCT config_digest), count(DISTINCT uuid) FROM run"
    assert ask(database, distinct) == [(n_runs, n_runs)]
    assert ask(database, "SELECT count(*), count(ended_at) FROM sweep") == [(9, 9)]
    counts = {"rows": n_runs, "readings": len(readers.counts), "copies": readers.n_copies}
    record_property("counts", counts)
    print(counts)  # noqa: T201


def is_notice(line: str, path: str, holder: Holder) -> bool:
    """Return whether a line names the database, and the process that holds it with its command."""
    who = f"process {holder.process.pid} ({sys.executable} -c"
    return line.startswith(f"cdbench: {path} is locked by ") and who in line and "; waiting" in line


WAITS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "write": (("BEGIN IMMEDIATE",), ("train", *TINY, "--seed", "1")),
    "read": (READ, ("train", *LARGE, *SPECTRA, "--seed", "1")),
    "exclusive": (("BEGIN EXCLUSIVE",), ("db", "info")),
}
"""What another process holds, and what has to wait for it: to begin, to commit, to read."""


@dataclass
class Wait:
    """A command that waits for a database that another process holds."""

    path: Path
    holder: Holder
    command: Command


@pytest.fixture(scope="module", autouse=True)
def waits(trained: bytes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Wait]]:
    """Start what the last test looks at, so that the others run meanwhile."""
    folder = tmp_path_factory.mktemp("waits")
    found: dict[str, Wait] = {}
    with ExitStack() as stack:
        for name, (statements, words) in WAITS.items():
            path = folder / f"{name}.db"
            path.write_bytes(trained)
            if statements is not READ:
                holder = stack.enter_context(held(path, *statements))
            command = stack.enter_context(Command(folder, *words, "--db", path.name))
            if statements is READ:
                holder = stack.enter_context(held_while_it_trains(command, path))
            found[name] = Wait(path, holder, command)
        yield found


@contextmanager
def held_while_it_trains(command: Command, path: Path) -> Iterator[Holder]:
    """Read from when a command trains on, so that it is its commit that has to wait."""
    wait_until(lambda: len(command.lines) > 4, "an epoch")
    command.process.send_signal(signal.SIGSTOP)
    with held(path, *READ) as holder:
        command.process.send_signal(signal.SIGCONT)
        yield holder


STATEMENTS = (("BEGIN IMMEDIATE",), READ, HALF_WRITTEN)


def kill_holder(database: Path, *statements: str) -> None:
    before = ask(database, "SELECT uuid, status, error FROM run")
    with held(database, *statements) as holder:
        with Command(database.parent, "train", *TINY, "--seed", "1") as command:
            wait_until(lambda: command.errors, "a notice")
            holder.kill()
            killed = time.monotonic()
            assert command.wait() == 0, command.text
            assert time.monotonic() - killed < 30
        assert len(command.errors) == 1, command.errors
    assert whole(database, 3) == 3
    assert ask(database, "SELECT uuid, status, error FROM run LIMIT 2") == before


def test_a_holder_that_is_killed_is_waited_for_no_longer(new_database: New) -> None:
    together(kill_holder, [(new_database(), *statements) for statements in STATEMENTS])


SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


def interrupt_opening(database: Path, number: int, code: int, *words: str) -> None:
    before = database.read_bytes()
    with held(database, "BEGIN EXCLUSIVE"), Command(database.parent, *words) as command:
        wait_until(lambda: command.errors, "a notice")
        command.process.send_signal(number)
        assert command.wait() == code, command.text
        assert command.errors[1:] == ["cdbench: interrupted"]
    assert database.read_bytes() == before


def test_an_interrupt_ends_the_waiting_where_nothing_was_trained(new_database: New) -> None:
    together(
        interrupt_opening,
        [
            (new_database(), *one, *words)
            for one in SIGNALS
            for words in (("train", *TINY), ("db", "info"))
        ],
    )


def interrupt_storing(command: Command, number: int) -> None:
    wait_until(lambda: command.errors, "a notice")
    command.process.send_signal(number)
    word = "still waiting to store what was trained; interrupt again to discard it"
    wait_until(lambda: command.said(word), "its answer")
    assert not command.ended()


def give_up_training(database: Path, number: int, code: int, *, twice: bool) -> None:
    words = ("train", *TINY[:-1], "2000", "--seed", "1")
    with (
        Command(database.parent, *words) as command,
        held_while_it_trains(command, database) as holder,
    ):
        interrupt_storing(command, number)
        if twice:
            command.process.send_signal(number)
        else:
            holder.release()
        assert command.wait() == code, command.text
    gave_up = "; what was waiting to be stored was not stored" * twice
    assert command.errors[2:] == [f"cdbench: interrupted{gave_up}"]
    assert command.said("stored as run 3") == (not twice)
    assert whole(database, 3) == 3 - twice


def test_what_was_trained_waits_for_its_lock_through_one_interrupt_not_through_two(
    new_database: New,
) -> None:
    together(
        lambda database, one, twice: give_up_training(database, *one, twice=twice),
        [(new_database(), one, twice) for one in SIGNALS for twice in (False, True)],
    )


def give_up_sweep(database: Path, jobs: str) -> None:
    words = ("sweep", *TINY, "--seeds", "1..60", "--jobs", jobs, "--db", database.name)
    with Command(database.parent, *words) as command:
        wait_until(lambda: command.said(": completed"), "a first run")
        with held(database, *READ):
            interrupt_storing(command, signal.SIGINT)
            command.process.send_signal(signal.SIGINT)
            assert command.wait() == 130, command.text
            command.assert_nothing_left()
    n_stored = command.said(": completed")
    (line,) = command.errors[2:]
    assert line.startswith(f"interrupted: {n_stored} of 120 runs are stored; to go on: cdbench")
    assert whole(database, 122) == 2 + n_stored
    again = for_real(database.parent, *words, "--resume")
    assert (again.code, again.err) == (0, "")
    assert whole(database, 122) == 122


def test_a_sweep_that_waits_for_a_lock_can_be_given_up_and_gone_on_with(
    new_database: New,
) -> None:
    together(give_up_sweep, [(new_database(), "1"), (new_database(), "2")])


def test_a_lock_of_forty_seconds_is_waited_for_and_named(waits: dict[str, Wait]) -> None:
    for wait in waits.values():
        wait_until(partial(bool, wait.command.errors), "a notice")
    since = max(wait.holder.since for wait in waits.values())
    wait_until(lambda: time.monotonic() - since > HELD_S, "the time")
    for wait in waits.values():
        assert not wait.command.ended(), wait.command.text
        (line,) = wait.command.errors
        assert is_notice(line, wait.path.name, wait.holder), line
        wait.holder.release()
    for name, n_runs in (("write", 3), ("read", 3), ("exclusive", 2)):
        wait = waits[name]
        assert wait.command.wait() == 0, wait.command.text
        assert len(wait.command.errors) == 1, wait.command.errors
        assert whole(wait.path, 3) == n_runs
    n_bytes = waits["read"].path.stat().st_size - waits["write"].path.stat().st_size
    assert n_bytes > CACHE_BYTES
