"""Sweeps killed at any moment: nothing half, nothing twice, nothing lost; and signals."""

import os
import random
import re
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import Command, ask, cpu_s, wait_until, workers_of
from tests.cli_tools import for_real

if sys.platform != "linux":
    pytest.skip("finds processes in /proc", allow_module_level=True)

pytestmark = pytest.mark.chaos

MOMENTS = [("journal", True), ("start", False), ("runs", True), ("journal", False)]
"""When each kind of sweep is killed, and whether its parent alone; the other kind's is reversed."""

PAPER = "sweep --B 4 8 --seeds 0 1 2 --jobs 2 --resume"
"""Table 1's nine runs."""

TINY = "sweep --dataset iris --hidden 4 --B 2 --epochs 30 --seeds 0..29 --jobs 2 --resume"
"""Sixty runs of milliseconds: the parent then writes most of the time."""

SIZES = """
    SELECT config_digest, status, duration_s > 0,
        (SELECT count(*) FROM epoch e WHERE e.run_id = r.run_id),
        (SELECT json_group_array(training_loss) FROM epoch e WHERE e.run_id = r.run_id),
        (SELECT count(*) FROM condition_number c WHERE c.run_id = r.run_id),
        (SELECT sum(kappa_nonnull) FROM condition_number c WHERE c.run_id = r.run_id),
        (SELECT count(*) FROM spectrum s WHERE s.run_id = r.run_id),
        (SELECT count(*) FROM spectrum JOIN spectrum_value USING (spectrum_id)
         WHERE spectrum.run_id = r.run_id)
    FROM run r ORDER BY config_digest"""
"""Each run with the number of its rows of every kind, and its numbers."""


class Victim:
    """A database whose sweep is killed and resumed until it is done, or no kill is planned."""

    def __init__(
        self, folder: Path, words: str, seed: int, planned: list[tuple[str, bool]]
    ) -> None:
        folder.mkdir()
        self.folder, self.words, self.database = folder, words.split(), folder / "runs.db"
        self.journal = folder / "runs.db-journal"
        self.random, self.planned = random.Random(seed), planned
        self.known: set[tuple[Any, ...]] = set()
        self.n_kills = self.n_journals = self.n_alone = 0

    def moment(self, command: Command, kind: str, start_s: float) -> bool:
        """Wait for the moment to kill; return False where the command ended before.

        It is a time while it starts, or a number of runs stored, or a transaction under way, the
        first of which makes the database.
        """
        n_runs = self.random.choice([0, 0, 1, 2, 3])
        deadline = time.monotonic() + self.random.uniform(0, start_s)
        holds: dict[str, Callable[[], bool]] = {
            "start": lambda: time.monotonic() > deadline,
            "runs": lambda: command.said(": completed") > n_runs,
            "journal": lambda: command.said(": completed") >= n_runs and self.journal.exists(),
        }
        wait_until(lambda: holds[kind]() or command.ended(), kind)
        return not command.ended()

    def kill_once(self, start_s: float) -> bool:
        """Sweep until the moment; return whether the sweep is done instead of killed."""
        with Command(self.folder, *self.words) as command:
            if not self.planned or not self.moment(command, self.planned[0][0], start_s):
                assert command.wait() == 0, command.text
                self.check(command)
                return True
            _, alone = self.planned.pop(0)
            command.kill(alone=alone)
            self.n_kills += 1
            self.n_alone += alone
            self.n_journals += self.journal.exists() and self.journal.stat().st_size > 0
            self.check(command)
            return False

    def check(self, command: Command) -> None:
        """Compare the database with what it had before and with what the command said."""
        assert "Traceback" not in command.text
        runs = ask(self.database, "SELECT uuid, config_digest, status FROM run")
        assert {status for _, _, status in runs} <= {"completed"}
        assert len({digest for _, digest, _ in runs}) == len(runs)
        found = set(runs)
        assert self.known <= found, "a finished run is lost"
        n_said = command.said(": completed")  # after it is stored; of one a worker at most, not yet
        assert n_said <= len(found - self.known) <= n_said + 2, command.text
        self.known = found


def undisturbed(folder: Path, words: str) -> tuple[float, list[tuple[Any, ...]]]:
    """Sweep without a kill; return the seconds to the first run, and the runs stored."""
    folder.mkdir()
    began = time.monotonic()
    with Command(folder, *words.split()) as command:
        wait_until(lambda: command.said(": completed") or command.ended(), "a first run")
        start_s = time.monotonic() - began
        assert command.wait() == 0, command.text
    return start_s, ask(folder / "runs.db", SIZES)


def kill_sweeps(folder: Path, words: str, seed: int, start_s: float) -> list[Victim]:
    """Kill sweeps, one database after the other, until there were all planned kills."""
    planned = [(kind, alone ^ (seed == 1)) for kind, alone in MOMENTS]
    victims: list[Victim] = []
    while planned:
        name = f"killed-{seed}-{len(victims)}"
        victims.append(Victim(folder / name, words, seed + 2 * len(victims), planned))
        while not victims[-1].kill_once(start_s):
            pass
    return victims


def test_no_run_is_half_or_twice_or_lost_however_a_sweep_is_killed(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    start_s, paper = undisturbed(tmp_path / "paper", PAPER)
    _, tiny = undisturbed(tmp_path / "tiny", TINY)
    assert (len(paper), len(tiny)) == (9, 60)
    with ThreadPoolExecutor(2) as threads:
        ways = [threads.submit(kill_sweeps, tmp_path, words, seed, start_s)
                for seed, words in enumerate([PAPER, TINY])]  # fmt: skip
        victims = [victim for way in ways for victim in way.result()]
    for victim in victims:
        is_paper = victim.words == PAPER.split()
        assert ask(victim.database, SIZES) == (paper if is_paper else tiny)
        if is_paper:  # the table holds no times and no path but the database's, runs.db for both
            tables = [
                for_real(folder, "report", "--table1")
                for folder in (tmp_path / "paper", victim.folder)
            ]
            assert tables[0].code == 0
            assert tables[0] == tables[1]
    counts = {
        "sweeps": len(victims),
        "kills": sum(victim.n_kills for victim in victims),
        "kills of the parent alone": sum(victim.n_alone for victim in victims),
        "hot journals": sum(victim.n_journals for victim in victims),
    }
    for name, value in counts.items():
        record_property(name, value)
    print(counts)  # noqa: T201
    assert counts["kills"] == 2 * len(MOMENTS)
    assert counts["hot journals"] >= 1


def statuses(folder: Path) -> dict[str, int]:
    return dict(ask(folder / "runs.db", "SELECT status, count(*) FROM run GROUP BY status"))


def busy_worker(command: Command) -> int:
    """Return the one worker that computes."""
    before: dict[int, float] = {}

    def growing() -> list[int]:
        now = {pid: cpu_s([pid]) for pid in workers_of(command)}
        for pid in now:
            before.setdefault(pid, now[pid])
        # Starting takes time as well, but less.
        return [pid for pid in now if now[pid] - before[pid] > 1]

    return int(wait_until(growing, "a busy worker")[0])


def test_a_worker_killed_once_leaves_no_trace(tmp_path: Path) -> None:
    words = "sweep --dataset iris --hidden 4 --B 2 --epochs 500 --seeds 0..5 --jobs 2"
    with Command(tmp_path, *words.split()) as command:
        wait_until(lambda: command.said(": completed"), "a first run")
        first, second = workers_of(command)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: command.said(": completed") >= 6, "the others")
        assert command.ended() or second in workers_of(command)
        assert command.wait() == 0, command.text
        command.assert_nothing_left()
    assert statuses(tmp_path) == {"completed": 12}


def test_a_run_whose_worker_is_killed_twice_has_failed_and_the_others_complete(
    tmp_path: Path,
) -> None:
    n_epochs = [str(n) for n in range(100, 108)]
    words = ["sweep", "--dataset", "iris", "--hidden", "4", "--B", "2", "--seeds", "0"]
    words += ["--no-baseline", "--jobs", "2", "--epochs", "100000000", *n_epochs]
    with Command(tmp_path, *words) as command:
        wait_until(lambda: command.said(": completed") == 8, "the others")
        for _ in range(2):
            os.kill(busy_worker(command), signal.SIGKILL)
        assert command.wait() == 1, command.text
        command.assert_nothing_left()
    assert statuses(tmp_path) == {"completed": 8, "failed": 1}
    assert command.said("failed: the worker process died twice (signal 9, perhaps out of") == 1
    ((epochs, error),) = ask(
        tmp_path / "runs.db", "SELECT epochs, error FROM run WHERE status = 'failed'"
    )
    assert epochs == 100000000
    assert "\n" not in error


SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


def wait_for_work(command: Command, jobs: int) -> None:
    """Wait until every process that trains is in the middle of it."""
    wait_until(lambda: command.said(": completed") >= 2, "two runs")
    pids = workers_of(command) if jobs > 1 else [command.pid]
    before = cpu_s(pids)
    wait_until(lambda: cpu_s(pids) > before + 0.2 * jobs, "some work")


@pytest.mark.parametrize(("jobs", "to_all"), [(1, False), (2, False), (2, True)])
@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_an_interrupted_sweep_keeps_what_it_has_and_goes_on(
    tmp_path: Path, number: int, code: int, jobs: int, to_all: bool
) -> None:
    n_epochs = ["4000", "4001", "4002", "4003", "4004"]  # so that none ends with the first
    words = ["sweep", "--dataset", "iris", "--hidden", "4", "--B", "2", "--seeds", "0"]
    words += ["--no-baseline", "--jobs", str(jobs), "--epochs", *n_epochs]
    with Command(tmp_path, *words) as command:
        wait_for_work(command, jobs)
        for _ in range(2):  # a second one does no harm
            (os.killpg if to_all else os.kill)(command.pid, number)
        assert command.wait() == code, command.text
        command.assert_nothing_left()
    found = statuses(tmp_path)
    n_completed = found.pop("completed")
    assert "Traceback" not in command.text
    assert f"interrupted: {n_completed} of 5 runs are stored; to go on: cdbench" in command.text
    assert 2 <= n_completed < 5
    assert n_completed == command.said(": completed")
    assert set(found) == {"interrupted"}
    assert found["interrupted"] <= min(jobs, 5 - n_completed)
    under_way = ask(
        tmp_path / "runs.db",
        "SELECT epochs, (SELECT count(*) FROM epoch e WHERE e.run_id = r.run_id) "
        "FROM run r WHERE status = 'interrupted'",
    )
    assert any(n for _, n in under_way)
    assert all(n < epochs for epochs, n in under_way)
    again = for_real(tmp_path, *words, "--resume")
    assert (again.code, again.err) == (0, "")
    assert f"{n_completed} of 5 runs are stored already" in again.out
    assert statuses(tmp_path) == {"completed": 5} | found


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_an_interrupted_training_is_stored_with_its_epochs(
    tmp_path: Path, number: int, code: int
) -> None:
    words = "train --dataset iris --hidden 4 --B 2 --epochs 100000000"
    with Command(tmp_path, *words.split()) as command:
        wait_until(lambda: len(command.lines) > 20, "some epochs")
        command.process.send_signal(number)
        assert command.wait() == code, command.text[-500:]
    said = [line for line in command.lines if re.match(r" +\d+ +\d", line)]
    ((status, n_epochs),) = ask(
        tmp_path / "runs.db", "SELECT status, (SELECT count(*) FROM epoch) FROM run"
    )
    assert status == "interrupted"
    assert n_epochs - len(said) in (0, 1)  # it may be between the epoch and its line
    assert "stored as run 1" in command.text


@pytest.mark.parametrize("words", ["audit --jobs 2", "bench"])
@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_audits_and_benchmarks_end_by_a_signal_with_all_of_their_processes(
    tmp_path: Path, number: int, code: int, words: str
) -> None:
    with Command(tmp_path, *words.split()) as command:
        if words == "bench":
            wait_until((tmp_path / "runs.db").exists, "a database")
        else:
            wait_until(lambda: len(workers_of(command)) == 2, "its workers")
        before = cpu_s([command.pid, *workers_of(command)])
        wait_until(lambda: cpu_s([command.pid, *workers_of(command)]) > before + 1, "some work")
        command.process.send_signal(number)
        assert command.wait() == code, command.text
        command.assert_nothing_left()
    assert command.said("interrupted") == 1, command.text
    assert "Traceback" not in command.text
    ((n_benchmarks,),) = ask(tmp_path / "runs.db", "SELECT count(*) FROM benchmark")
    assert n_benchmarks == 0
