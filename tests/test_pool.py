"""The pool: a worker's death concerns its own run only; an interrupt loses nothing."""

import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from multiprocessing import forkserver
from typing import Any

import pytest

from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.errors import WorkerError
from cdbench.records.run import COMPLETED, FAILED, INTERRUPTED, Run
from cdbench.running.pool import Pool
from cdbench.running.servers import start_server
from cdbench.running.sweep import _give_up, one_by_one
from cdbench.running.worker import Task
from tests.chaos import cpu_s, wait_until

if sys.platform == "win32":
    pytest.skip("kills by signals", allow_module_level=True)

ENDLESS = 10**8


def task(seed: int, epochs: int = 1) -> Task:
    config = RunConfig(dataset="iris", hidden=(2,), B=2, epochs=epochs, seed=seed)
    return Task(config, Diagnostics(), 1)


def pool(n_workers: int = 2) -> Pool:
    return Pool(start_server(), n_workers, _give_up)


def workers(of: Pool, epochs: int) -> list[Any]:
    """Return the workers whose run has so many epochs."""
    return [one for one in of._busy() if one.attempt and one.attempt.task.config.epochs == epochs]


class Tasks:
    """A long task, and short ones until it has been dealt with."""

    def __init__(self, epochs: int) -> None:
        self.epochs, self.n_read, self.enough = epochs, 0, False

    def __iter__(self) -> Iterator[Task]:
        yield task(0, self.epochs)
        while not self.enough:
            self.n_read += 1
            yield task(self.n_read)


def test_a_killed_worker_s_run_is_tried_again_and_the_others_go_on() -> None:
    of, tasks, found = pool(), Tasks(500), []
    other = 0
    for run in one_by_one(of.batches(tasks)):
        found.append(run)
        tasks.enough |= run.config.epochs == 500
        if not other:
            (victim,) = workers(of, 500)
            (other,) = [one.process.pid for one in of._workers if one is not victim]
            os.kill(victim.process.pid, signal.SIGKILL)
        assert other in [one.process.pid for one in of._workers]
    assert [run.status for run in found] == [COMPLETED] * (tasks.n_read + 1)
    assert {run.config.seed for run in found} == set(range(tasks.n_read + 1))
    assert tasks.n_read > 2


def test_a_run_whose_worker_dies_twice_is_a_failed_one_and_the_others_complete() -> None:
    of, tasks, failed = pool(), Tasks(ENDLESS), []
    pids = set()
    n_completed = 0
    for run in one_by_one(of.batches(tasks)):
        if run.status == FAILED:
            failed.append(run)
            tasks.enough = True
        else:
            n_completed += run.status == COMPLETED
        for victim in workers(of, ENDLESS):
            pids.add(victim.process.pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim.process.pid, signal.SIGKILL)
    (run,) = failed
    assert run.error is not None
    assert run.error.startswith("the worker process died twice (signal 9, perhaps out of")
    assert "\n" not in run.error
    assert (run.config, run.epochs, run.widths) == (task(0, ENDLESS).config, (), ())
    assert run.duration_s >= 0
    assert n_completed == tasks.n_read
    assert len(pids) == 2


def test_runs_side_by_side_whose_worker_dies_are_tried_again_each_by_itself() -> None:
    of, found = pool(1), []
    short = [task(seed) for seed in range(3)]
    together = task(9, ENDLESS)._replace(beside=tuple(short))
    killed: list[int] = []

    def tasks() -> Iterator[Task]:
        yield task(100)  # so that something ends while the others train
        yield together

    for run in one_by_one(of.batches(tasks())):
        found.append(run)
        for victim in workers(of, ENDLESS):
            killed.append(len(victim.attempt.task.beside))
            os.kill(victim.process.pid, signal.SIGKILL)
    assert killed == [3, 0]
    statuses = {run.config.seed: run.status for run in found}
    assert statuses == {100: COMPLETED, 9: FAILED, **dict.fromkeys(range(3), COMPLETED)}


def test_a_failed_run_names_the_environment_of_the_others() -> None:
    of, tasks, environments = pool(), Tasks(ENDLESS), []
    for run in one_by_one(of.batches(tasks)):
        environments.append(run.environment)
        tasks.enough |= run.status == FAILED
        for victim in workers(of, ENDLESS):
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim.process.pid, signal.SIGKILL)
    assert len(set(environments)) == 1


def test_workers_that_never_start_end_in_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cdbench.running.worker.serve", id)  # which returns
    with pytest.raises(WorkerError, match=r"as they started \(exit code 0\).*--jobs 1"):
        list(pool().batches([task(0), task(1)]))
    assert multiprocessing.active_children() == []


def test_the_fork_server_s_death_is_no_worker_s() -> None:
    tasks, n_runs = Tasks(500), 0
    for run in one_by_one(pool().batches(tasks)):
        assert run.status == COMPLETED
        n_runs += 1
        if n_runs == 2:
            server: Any = forkserver._forkserver
            os.kill(server._forkserver_pid, signal.SIGKILL)
        tasks.enough |= run.config.epochs == 500
    assert n_runs == tasks.n_read + 1


def test_tasks_are_read_as_workers_need_them() -> None:
    tasks = Tasks(1)
    for n_ended, _ in enumerate(one_by_one(pool().batches(tasks)), 1):
        tasks.enough = n_ended >= 10
        assert tasks.n_read <= n_ended + 2 * 2


@pytest.mark.parametrize("again", [False, True])
def test_an_interrupt_gives_the_runs_under_way_with_their_epochs(again: bool) -> None:
    """Raised on the consumer's side, it waits until the pool does."""
    of, found = pool(), list[Run]()

    def consume() -> None:
        for run in one_by_one(
            of.batches(task(seed, 1 if seed < 3 else ENDLESS) for seed in range(9))
        ):
            found.append(run)
            if len(found) == 3:
                for one in of._busy():
                    used = cpu_s([one.process.pid])
                    wait_until(lambda: cpu_s([one.process.pid]) > used + 0.1, "work")  # noqa: B023
            if len(found) == 3 or (again and len(found) == 4):
                signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        consume()
    assert [run.status for run in found] == [COMPLETED] * 3 + [INTERRUPTED] * 2
    assert all(run.epochs for run in found)
    assert multiprocessing.active_children() == []
