"""Sweep: the number of jobs changes no number, and nothing is left behind."""

import multiprocessing
import time
import weakref
from typing import Any

import pytest

from cdbench.config.grid import grid
from cdbench.config.run_config import RunConfig
from cdbench.records.run import Run
from cdbench.running.sweep import execute_all


def numbers(run: Run) -> Any:
    epochs = [(m.epoch, m.training_loss, m.test_loss, m.test_accuracy) for m in run.epochs]
    rest = (run.status, run.error, run.widths, run.n_parameters, run.dataset_fingerprint)
    return epochs, run.spectra, rest, run.environment.blas_threads


def test_number_of_jobs_changes_no_number() -> None:
    knobs: dict[str, list[Any]] = {"dataset": ["iris"], "epochs": [3], "hidden": [(6, 6)]}
    configs = grid(knobs | {"B": [2, 3]}, [0, 1], baseline=True)
    configs.append(RunConfig(dataset="iris", hidden=(6, 6), B=2, learning_rate=1e200))
    configs.append(RunConfig(dataset="missing.csv"))
    alone = {run.config: numbers(run) for run in execute_all(configs, 1)}
    together = {run.config: numbers(run) for run in execute_all(configs, 2)}
    assert set(alone) == set(configs)
    assert alone == together
    statuses = [alone[config][2][0] for config in configs]
    assert statuses == ["completed"] * 6 + ["diverged", "failed"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_blas_threads_reach_every_run(jobs: int) -> None:
    configs = [RunConfig(dataset="iris", hidden=(2,), B=2, epochs=1, seed=s) for s in range(2)]
    runs = execute_all(configs, jobs, blas_threads=2)
    assert [run.environment.blas_threads for run in runs] == [2, 2]


def test_runs_in_processes_are_let_go_of_once_given() -> None:
    configs = [RunConfig(dataset="iris", hidden=(2,), B=2, epochs=1, seed=s) for s in range(4)]
    runs = execute_all(configs, 2)
    first = weakref.ref(next(runs))
    next(runs)
    assert first() is None


def test_one_job_gives_the_runs_in_order_as_they_end() -> None:
    configs = [RunConfig(dataset="iris", hidden=(2,), B=2, epochs=1, seed=s) for s in (2, 0, 1)]
    assert [run.config for run in execute_all(configs, 1)] == configs


def test_nothing_to_train_gives_nothing() -> None:
    assert list(execute_all([], 4)) == []


def test_stopping_early_leaves_no_process_behind() -> None:
    configs = [RunConfig(seed=seed, epochs=100_000) for seed in range(6)]
    configs[0] = RunConfig(dataset="missing.csv")
    runs = execute_all(configs, 2)
    assert next(runs).status == "failed"
    runs.close()  # type: ignore[attr-defined]
    deadline = time.monotonic() + 10  # 100 000 epochs each would take far longer
    while multiprocessing.active_children() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert multiprocessing.active_children() == []
