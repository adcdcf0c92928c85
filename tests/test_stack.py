"""Runs side by side: every stored number but times is that of the run alone, bit for bit."""

import time
from dataclasses import fields, replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.datasets import limits, load_dataset, pin_dataset
from cdbench.engine.stack import Stack
from cdbench.engine.trainer import Trainer
from cdbench.records.run import COMPLETED, DIVERGED, FAILED, INTERRUPTED, Run
from cdbench.running.execution import execute, execute_together
from cdbench.running.grouping import MOST, grouped
from cdbench.running.worker import Task

TIMES = {"uuid", "started_at", "duration_s", "cpu_s", "peak_memory_bytes"}
SPECTRA = Diagnostics(spectra_every=1, floors=True)
COMMON: dict[str, Any] = {"epochs": 3, "B": 4, "product": "gather"}
KNOBS: list[dict[str, Any]] = [
    {},
    {"layer": "dense", "B": None},
    {"dtype": "float32", "B": 8, "learning_rate_scaling": "weight-space", "hidden": (20, 12, 9)},
    {"dtype": "float32", "layer": "dense", "B": None, "schedule": "cosine", "warmup": 0.3},
    {"validation": 0.2, "early_stopping": 1, "epochs": 9, "learning_rate": 0.5},
    {"optimizer": "adamw", "activation": "gelu", "label_smoothing": 0.1, "head": "dense"},
    {"dataset": "iris", "batch_size": 5, "learning_rate_scaling": "sharp", "B": 3},
    {"dataset": "wine", "batch_size": 10_000, "dtype": "float32"},
]


def numbers(run: Run) -> dict[str, Any]:
    """Return everything of a run but its times, in a form in which NaN equals NaN."""
    found = {own.name: getattr(run, own.name) for own in fields(Run) if own.name not in TIMES}
    found["epochs"] = [replace(epoch, duration_s=0.0) for epoch in run.epochs]
    return {name: repr(value) for name, value in found.items()}


@pytest.fixture
def joined(monkeypatch: pytest.MonkeyPatch) -> list[RunConfig]:
    """The runs that train in a stack."""
    found: list[RunConfig] = []
    join = Stack.join

    def watched(stack: Stack, member: Any) -> Any:
        found.append(member.config)
        return join(stack, member)

    monkeypatch.setattr(Stack, "join", watched)
    return found


@pytest.mark.long
@pytest.mark.parametrize("knobs", KNOBS, ids=str)
def test_a_run_side_by_side_is_the_run_alone(knobs, joined):
    for S in (2, 7):
        configs = [RunConfig(**COMMON | knobs, seed=seed) for seed in range(S)]
        together = execute_together([(config, SPECTRA) for config in configs])
        assert len(joined) == S
        joined.clear()
        alone = [execute(config, diagnostics=SPECTRA) for config in configs]
        assert [numbers(run) for run in together] == [numbers(run) for run in alone]
        assert {run.status for run in alone} == {COMPLETED}
        assert [run.spectra for run in together] == [run.spectra for run in alone]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_one_that_diverges_ends_by_itself_and_changes_nobody(dtype, joined):
    rates = [0.05, 1e60, 0.1, 30.0]
    configs = [
        RunConfig(dataset="iris", dtype=dtype, learning_rate=rate, seed=seed, epochs=4, B=3)
        for rate, seed in product(rates, (0, 1))
    ]
    needs = [(config, Diagnostics()) for config in configs]
    together = execute_together(needs)
    assert len(joined) == len(configs)
    alone = [execute(config) for config in configs]
    assert [numbers(run) for run in together] == [numbers(run) for run in alone]
    assert {run.status for run in together[2:4]} == {DIVERGED}
    assert {run.status for run in (*together[:2], *together[4:6])} == {COMPLETED}


def small(n: int, **knobs: Any) -> list[RunConfig]:
    common: dict[str, Any] = {"dataset": "iris", "hidden": (6,), "B": 3, "epochs": 3}
    return [RunConfig(**common | knobs, seed=seed) for seed in range(n)]


def needs_of(configs: list[RunConfig]) -> list[tuple[RunConfig, Diagnostics]]:
    return [(config, Diagnostics(spectra=False)) for config in configs]


def test_an_interrupt_ends_all_that_have_begun_and_keeps_their_epochs():
    seen = []

    def interrupt(metrics):
        seen.append(metrics.epoch)
        if len(seen) == 5:  # the second run's second epoch
            raise KeyboardInterrupt

    runs = execute_together(needs_of(small(3)), on_epoch=interrupt)
    assert [run.status for run in runs] == [INTERRUPTED] * 3
    assert [len(run.epochs) for run in runs] == [2, 2, 1]
    assert {run.error for run in runs} == {"interrupted by the user"}


def test_an_interrupt_before_all_have_begun_leaves_out_the_others(monkeypatch):
    begun: list[int] = []

    def load(config):
        begun.append(config.seed)
        if config.seed == 1:
            raise KeyboardInterrupt
        return load_dataset(config)

    monkeypatch.setattr("cdbench.running.execution.load_dataset", load)
    runs = execute_together(needs_of(small(4)))
    assert begun == [0, 1]
    assert [(run.status, run.epochs) for run in runs] == [(INTERRUPTED, ())] * 2


def test_what_fails_for_the_stack_fails_each_run_in_its_own_words(monkeypatch):
    step = Trainer.step
    calls: list[int] = []

    def lacking(trainer, number, batch):
        calls.append(number)
        if len(calls) == 4:  # the first batch of the second epoch
            raise MemoryError("Unable to allocate 7 GiB")
        step(trainer, number, batch)

    monkeypatch.setattr(Trainer, "step", lacking)
    runs = execute_together(needs_of(small(3, batch_size=50)))
    assert [run.status for run in runs] == [FAILED] * 3
    assert [len(run.epochs) for run in runs] == [1] * 3
    assert {run.error for run in runs} == {
        "there was not enough memory to train it (Unable to allocate 7 GiB)"
    }


@pytest.mark.parametrize(
    "knobs",
    [
        {"product": "polygon"},
        {"normalization": "layer"},
        {"fisher_weight": 1e-4},
        {"clip": 1.0},
        {"dropout": 0.1},
        {"layer": "low-rank:2", "B": None},
        {"architecture": "residual-mlp", "width": 6, "depth": 1},
    ],
    ids=str,
)
def test_what_does_not_stack_trains_as_alone(knobs, joined):
    configs = small(2, **knobs)
    together = execute_together(needs_of(configs))
    assert joined == []
    alone = [execute(config, diagnostics=Diagnostics(spectra=False)) for config in configs]
    assert [numbers(run) for run in together] == [numbers(run) for run in alone]


def test_times_of_runs_side_by_side_add_up_to_what_they_took():
    began = time.perf_counter()
    runs = execute_together(needs_of(small(5, epochs=40, batch_size=8)))
    took = time.perf_counter() - began
    assert 0.5 * took < sum(run.duration_s for run in runs) <= took
    epochs = sum(epoch.duration_s for run in runs for epoch in run.epochs)
    assert 0.3 * took < epochs < took


def groups(configs: list[RunConfig], jobs: int = 1) -> list[list[tuple[str, int]]]:
    tasks = [Task(config, Diagnostics(), 1) for config in configs]
    return [
        [(own.config.layer, own.config.seed) for own in task.each] for task in grouped(tasks, jobs)
    ]


def test_groups_differ_in_seed_and_rate_only_and_keep_their_order():
    mixed = [
        one for pair in zip(small(3), small(3, layer="dense", B=None), strict=True) for one in pair
    ]
    mixed += small(1, learning_rate=0.2)
    assert groups(mixed) == [
        [("cdlinear", 0), ("cdlinear", 1), ("cdlinear", 2), ("cdlinear", 0)],
        [("dense", 0), ("dense", 1), ("dense", 2)],
    ]
    scheduled = [*small(1, schedule="cosine"), *small(2, schedule="cosine", learning_rate=0.2)]
    assert groups(scheduled) == [[("cdlinear", 0)], [("cdlinear", 0), ("cdlinear", 1)]]
    wide = small(2, hidden=(512,))
    assert groups(wide) == [[("cdlinear", 0)], [("cdlinear", 1)]]


def test_large_data_sets_are_trained_alone_and_known_before_they_are_read(tmp_path, monkeypatch):
    file = tmp_path / "a.npz"
    np.savez(file, X=np.arange(120.0).reshape(40, 3), y=np.arange(40) % 2)
    monkeypatch.setenv("CDBENCH_CACHE", str(tmp_path / "cache"))
    for large in (2**26, 8 * 40 * 3 - 1):
        monkeypatch.setattr(limits, "LARGE", large)
        pinned = [pin_dataset(config) for config in small(2, dataset=str(file))]
        made = small(2, dataset="gaussian:samples=40,features=3,classes=2")
        assert load_dataset(made[0]).is_large == load_dataset(pinned[0]).is_large == (large < 2**26)
        with monkeypatch.context() as unread:
            unread.setattr("cdbench.datasets.read", None)
            for configs in pinned, made:
                assert len(groups(configs)) == (1 if large == 2**26 else 2)


def test_groups_are_no_larger_than_pays_and_leave_work_for_every_process():
    for n, jobs in ((40, 1), (40, 2), (9, 2), (3, 8)):
        sizes = [len(own) for own in groups(small(n), jobs)]
        assert sum(sizes) == n
        assert max(sizes) <= MOST
        assert len(sizes) >= min(n, 2 * jobs) or jobs == 1
    assert [len(own) for own in groups(small(20))] == [8, 8, 4]
