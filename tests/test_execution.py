"""execute: what a Run holds, whatever became of it."""

from dataclasses import replace
from datetime import UTC

import numpy as np
import pytest

from cdbench.config.run_config import RunConfig
from cdbench.datasets import DATASETS
from cdbench.diagnostics.spectra import KINDS
from cdbench.records.run import COMPLETED, DIVERGED, FAILED, INTERRUPTED, EpochMetrics, short_error
from cdbench.running.execution import execute


def numbers(run):
    epochs = [(m.epoch, m.training_loss, m.test_loss, m.test_accuracy) for m in run.epochs]
    return epochs, run.spectra


@pytest.mark.parametrize("knobs", [{"layer": "dense"}, {"B": 3, "dropout": 0.1}])
@pytest.mark.parametrize("dataset", DATASETS)
def test_same_configuration_gives_the_same_numbers_exactly(dataset, knobs):
    config = RunConfig(dataset=dataset, epochs=2, **knobs)
    first, second = execute(config), execute(config)
    assert first.status == COMPLETED
    assert numbers(first) == numbers(second)
    assert first.uuid != second.uuid


def test_completed_run_holds_everything():
    seen: list[EpochMetrics] = []
    run = execute(RunConfig(epochs=3), seen.append)
    assert (run.status, run.error, run.diverged_epoch) == (COMPLETED, None, None)
    assert run.epochs == tuple(seen)
    assert [m.epoch for m in run.epochs] == [1, 2, 3]
    assert (run.widths, run.n_parameters) == ((64, 64, 64, 12), 2380)
    assert run.dataset_fingerprint == DATASETS["digits"]().fingerprint
    expected = [(layer, kind, 3) for layer in (1, 2, 3) for kind in KINDS]
    assert [(s.layer, s.kind, s.epoch) for s in run.spectra] == expected
    assert run.started_at.tzinfo is UTC
    assert run.environment.blas_threads == 1
    assert run.environment.numpy_version == np.__version__


def test_diverged_run_keeps_the_epochs_before():
    run = execute(RunConfig(learning_rate=1e60, batch_size=2000))
    assert (run.status, run.diverged_epoch, run.diverged_step) == (DIVERGED, 2, 1)
    assert [m.epoch for m in run.epochs] == [1]
    assert np.isfinite([run.epochs[0].training_loss, run.epochs[0].test_loss]).all()
    assert run.error is not None
    assert "epoch 2, step 1" in run.error
    assert "--learning-rate" in run.error
    assert (run.n_parameters, run.spectra) == (2380, ())


@pytest.mark.parametrize("knobs", [{"layer": "dense"}, {"B": 4}, {"dtype": "float32"}])
def test_a_learning_rate_out_of_all_bounds_diverges_in_the_first_epoch(knobs):
    run = execute(RunConfig(learning_rate=1e200, **knobs))
    assert (run.status, run.diverged_epoch, run.epochs) == (DIVERGED, 1, ())


def interrupt(metrics):
    if metrics.epoch == 2:
        raise KeyboardInterrupt


def test_interrupted_run_keeps_the_epochs_before():
    run = execute(RunConfig(epochs=5), interrupt)
    assert run.status == INTERRUPTED
    assert [m.epoch for m in run.epochs] == [1, 2]


def test_missing_data_set_fails_in_one_line():
    run = execute(RunConfig(dataset="nowhere.npz"))
    assert (run.status, run.epochs, run.n_parameters) == (FAILED, (), None)
    assert run.error is not None
    assert "nowhere.npz: no such file" in run.error
    assert "\n" not in run.error


def break_down(metrics):
    raise ValueError(f"{metrics.epoch}\nlines of it")


def test_unforeseen_error_keeps_its_traceback_and_is_told_in_one_line():
    run = execute(RunConfig(epochs=1), break_down)
    assert run.status == FAILED
    assert run.error is not None
    assert "Traceback" in run.error
    assert short_error(run.error) == "ValueError: 1 lines of it"
    assert [short_error(text) for text in (None, "", "no file\n")] == ["", "", "no file"]


def test_a_batch_larger_than_the_data_set_is_one_of_all_samples():
    runs = [
        execute(RunConfig(dataset="iris", B=4, batch_size=size, epochs=2)) for size in (120, 10**9)
    ]
    first, second = ([replace(m, duration_s=0) for m in run.epochs] for run in runs)
    assert first == second
    assert runs[0].product_used == runs[1].product_used
    assert runs[1].config.batch_size == 10**9
