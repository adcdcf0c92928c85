"""Regression: gradients, what is reported, curvature, and the way into the database and out."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score

from cdbench.config.diagnostics import Diagnostics
from cdbench.config.families import FAMILIES
from cdbench.config.run_config import RunConfig
from cdbench.datasets import load_dataset, pin_dataset
from cdbench.datasets.quantities import Quantities
from cdbench.diagnostics.curvature import gauss_newton, hessian, measure_curvature
from cdbench.diagnostics.curvature.exact import gauss_newton_matrix, hessian_matrix
from cdbench.engine.building import build_network
from cdbench.engine.layers import Dense
from cdbench.engine.losses import SquaredError
from cdbench.engine.network import Network
from cdbench.engine.tasks import TASKS
from cdbench.engine.training import train
from cdbench.records.run import Run
from cdbench.running.execution import execute
from cdbench.running.reproduction import BIT_FOR_BIT, DIFFERENT, PRINTED_EQUAL, compare_runs
from cdbench.store.database import open_for_writing
from cdbench.store.queries import epochs_of, newest_runs
from cdbench.store.record import record_run
from cdbench.store.run_queries import stored_runs
from cdbench.store.upkeep.checks import check_database
from tests.cli_tools import Here

TASK = TASKS["regression"]
RNG = np.random.default_rng(5)
X = RNG.normal(size=(200, 4))
Y = 30 + 4 * (np.sin(X[:, 0]) + X[:, 1] * X[:, 2] + 0.1 * RNG.normal(size=200))
SMALL: dict[str, Any] = {"task": "regression", "hidden": (8,), "B": 2, "learning_rate": 0.03}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "data.npz"
    np.savez(path, X=X, y=Y)
    return str(path)


def pinned(path, **knobs):
    return pin_dataset(RunConfig(dataset=path, **{**SMALL, "epochs": 3, **knobs}))


@pytest.fixture(scope="module")
def a_run(path) -> Run:
    run = execute(pinned(path), diagnostics=Diagnostics(spectra_every=1, curvature="exact"))
    assert run.status == "completed", run.error
    return run


def loss_of(network, theta, x, y):
    outputs, _ = network.forward(network.views(theta), x)
    return 0.5 * np.mean((outputs[:, 0] - y) ** 2)


def gradient_of(network, theta, x, y):
    outputs, pullback = network.forward(network.views(theta), x)
    loss = SquaredError(outputs)
    loss.gradient(y)
    gradient = np.zeros_like(theta)
    pullback.to_parameters(loss.dy, network.views(gradient))
    return gradient


def a_point(hidden=(6,), **knobs):
    network = build_network(RunConfig(hidden=hidden, **{"B": 2, **knobs}), 4, 1)
    theta = network.initial_parameters(np.random.default_rng(1))
    return network, theta + 0.1, X[:30], (Y[:30] - 30) / 4


# Losses and scores


def test_the_gradient_of_a_network_is_that_of_central_differences():
    for layer in ("dense", "cdlinear:2", "low-rank:2"):
        network, theta, x, y = a_point(
            **({"layer": layer} | ({} if layer[0] == "c" else {"B": None}))
        )
        h, numeric = 1e-6, np.empty_like(theta)
        for i, step in enumerate(h * np.eye(theta.size)):
            ends = [loss_of(network, theta + sign * step, x, y) for sign in (1, -1)]
            numeric[i] = (ends[0] - ends[1]) / (2 * h)
        found = gradient_of(network, theta, x, y)
        assert np.linalg.norm(found - numeric) <= 1e-7 * np.linalg.norm(found)


def test_r2_of_the_mean_is_zero_of_the_targets_one_and_else_scikit_learns():
    y = Y[:50]
    for predicted in (np.full(50, y.mean()), y, X[:50, 0], np.full(50, y.mean() + 1)):
        loss = TASK.bind(predicted[:, None])
        score = TASK.score(*TASK.tally(loss, y), y, 1.0)
        assert score.r2 == pytest.approx(r2_score(y, predicted), abs=1e-13)
        assert score.loss == pytest.approx(np.mean((y - predicted) ** 2))
        assert score.accuracy is None
    assert r2_score(y, np.full(50, y.mean())) == 0


def test_a_linear_network_fits_a_linear_target_and_else_finds_least_squares():
    for y in (3 + X @ [1, -2, 0.5, 4], Y):
        split = Quantities("q", X, y).split(0, transform="standardize")
        network = Network([Dense(4, 1)])
        theta = network.initial_parameters(np.random.default_rng(0))
        config = RunConfig(
            task="regression", layer="dense", epochs=1000, batch_size=200, learning_rate=0.2
        )
        *_, last = train(network, theta, split, config)
        fitted = LinearRegression().fit(split.X_train, split.y_train)
        (params,) = network.views(theta)
        np.testing.assert_allclose(params["weight"][0], fitted.coef_, atol=1e-9)
        assert last.test_r2 == pytest.approx(fitted.score(split.X_test, split.y_test), abs=1e-9)
        residuals = split.y_train - fitted.predict(split.X_train)
        assert last.training_loss == pytest.approx(
            split.unit * np.mean(residuals**2), rel=1e-9, abs=1e-12
        )


def test_losses_are_in_the_targets_unit_squared_and_r2_has_none(tmp_path):
    runs = []
    for factor, shift in ((1.0, 0.0), (1000.0, -7.0)):
        np.savez(tmp_path / f"{factor}.npz", X=X, y=factor * Y + shift)
        runs.append(execute(pinned(str(tmp_path / f"{factor}.npz"), validation=0.2)))
    for one, other in zip(*(run.epochs for run in runs), strict=True):
        assert other.test_r2 == pytest.approx(one.test_r2, abs=1e-9)
        for name in ("training_loss", "test_loss", "validation_loss"):
            assert getattr(other, name) == pytest.approx(1e6 * getattr(one, name), rel=1e-9)


def test_the_test_loss_is_the_mean_squared_error_of_the_predictions(a_run):
    config = a_run.config
    data = load_dataset(config)
    split = data.split(config.seed, transform=config.input or "")
    network = build_network(config, 4, 1)
    theta = network.initial_parameters(np.random.default_rng(config.seed))
    for last in train(network, theta, split, config):
        assert replace(last, duration_s=0) == replace(a_run.epochs[last.epoch - 1], duration_s=0)
    outputs, _ = network.forward(network.views(theta), split.X_test)
    assert isinstance(data, Quantities)
    order = np.random.RandomState(config.seed).permutation(200)
    test, rest = Y[order[:40]], Y[order[40:]]
    predicted = rest.mean() + rest.std() * outputs[:, 0]
    assert last.test_loss == pytest.approx(np.mean((predicted - test) ** 2), rel=1e-12)
    assert last.test_r2 == pytest.approx(r2_score(test, predicted), rel=1e-12)
    assert last.test_accuracy is None
    assert a_run.classes == ()


def test_every_family_learns_a_quantity(path):
    for layer in FAMILIES:
        config = pin_dataset(
            RunConfig(
                dataset=path, task="regression", layer=layer, hidden=(32,), head="dense",
                learning_rate=0.003, epochs=10,
            )
        )  # fmt: skip
        run = execute(config)
        assert run.status == "completed", run.error
        losses = [epoch.training_loss for epoch in run.epochs]
        assert losses[-1] < losses[0], layer


def test_a_run_that_learns_nothing_or_diverges_says_so(here: Here, path):
    words = ("train", "--task", "regression", "--dataset", path, "--hidden", "8")
    answer = here(*words, "--learning-rate", "1e-9", "--epochs", "1", "--B", "2")
    assert answer.code == 0
    assert "is no better than guessing the mean\n" in answer.out
    assert "learned nothing: an R² of −" in answer.out
    answer = here(*words, "--learning-rate", "1e9", "--B", "2")
    assert answer.code == 1
    assert "diverged: " in answer.err


# Curvature


def test_matrices_are_derivatives_of_the_gradient_and_of_the_outputs():
    network, theta, x, y = a_point()
    at = (network, theta, x, y)
    h, steps = 1e-6, 1e-6 * np.eye(theta.size)
    slopes = np.array(
        [gradient_of(network, theta + s, x, y) - gradient_of(network, theta - s, x, y)
         for s in steps]
    ) / (2 * h)  # fmt: skip
    found = hessian_matrix(*at, task=TASK)
    np.testing.assert_allclose(found, slopes, atol=1e-7 * abs(found).max())

    def outputs(at):
        return network.forward(network.views(at), x)[0][:, 0].copy()

    J = np.array([outputs(theta + s) - outputs(theta - s) for s in steps]).T / (2 * h)
    G = gauss_newton_matrix(*at, task=TASK)
    np.testing.assert_allclose(G, J.T @ J / len(y), atol=1e-8 * abs(G).max())
    for matrix, operator in ((found, hessian), (G, gauss_newton)):
        products = operator(*at, task=TASK) @ np.eye(theta.size)
        np.testing.assert_allclose(products, matrix, atol=1e-12 * abs(matrix).max())


def test_where_every_residual_is_zero_the_hessian_is_the_gauss_newton_matrix():
    network, theta, x, _ = a_point()
    y = network.forward(network.views(theta), x)[0][:, 0].copy()
    G = gauss_newton_matrix(network, theta, x, y, task=TASK)
    np.testing.assert_allclose(
        hessian_matrix(network, theta, x, y, task=TASK), G, atol=1e-14 * abs(G).max()
    )


def test_lanczos_finds_the_ends_and_the_trace_of_the_exact_matrices():
    network, theta, x, y = a_point(hidden=(10,))
    exact, estimated = (
        measure_curvature(
            network, theta, x, y, sample="train", epoch=0, method=method, task="regression"
        )
        for method in ("exact", "lanczos")
    )
    for one, other in zip(exact, estimated, strict=True):
        assert other.largest == pytest.approx(one.largest, rel=1e-9)
        assert other.smallest == pytest.approx(one.smallest, abs=1e-6 * one.largest)
        assert abs(other.trace - one.trace) <= 4 * other.trace_error + 1e-9 * abs(one.trace)


# Configuration, database, reports


def test_a_configuration_is_what_it_was_without_the_task():
    assert "task" not in json.loads(RunConfig().canonical_json())
    one, other = RunConfig(), RunConfig(task="regression")
    assert one.digest() != other.digest()
    assert RunConfig.from_mapping(json.loads(other.canonical_json())) == other
    assert other.baseline().task == "regression"


def test_a_stored_run_is_the_run_that_was_trained(a_run, tmp_path):
    database = open_for_writing(str(tmp_path / "runs.db"))
    key = record_run(database, a_run)
    assert not check_database(database).findings
    assert epochs_of(database, key) == a_run.epochs
    ((_, whole),) = stored_runs(database, [key])
    assert whole.epochs == a_run.epochs
    (summary,) = newest_runs(database, [a_run.config]).values()
    assert (summary.test_r2, summary.test_accuracy) == (a_run.epochs[-1].test_r2, None)
    with database.transaction() as connection:
        ((task, r2, accuracy, changes),) = connection.exec_driver_sql(
            "SELECT task, test_r2, test_accuracy, changes FROM runs"
        )
        assert (task, r2, accuracy) == ("regression", a_run.epochs[-1].test_r2, None)
        assert "task=regression" in changes
        for view, n_rows in (("epochs", 3), ("epochs_to_accuracy", 0), ("class_accuracies", 0)):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {view}").scalar() == n_rows


def test_models_and_differences_from_dense_are_told_by_r2(path, tmp_path):
    database = open_for_writing(str(tmp_path / "runs.db"))
    reached: dict[str, list[float]] = {"dense": [], "cdlinear": []}
    for seed in range(3):
        config = pinned(path, seed=seed)
        for own in (config, config.baseline()):
            run = execute(own)
            record_run(database, run)
            reached[own.layer].append(run.epochs[-1].score)
    with database.transaction() as connection:
        for family, mean, sd in connection.exec_driver_sql(
            "SELECT family, test_r2_mean, test_r2_sd FROM models"
        ):
            assert mean == pytest.approx(np.mean(reached[family]))
            assert sd == pytest.approx(np.std(reached[family]))
        differences = connection.exec_driver_sql(
            "SELECT r2_difference FROM against_dense ORDER BY seed"
        ).scalars()
        expected = np.subtract(reached["cdlinear"], reached["dense"])
        np.testing.assert_allclose(list(differences), expected)


def test_reproduction_compares_r2_and_errors_as_they_are_printed(a_run):
    def changed(**values):
        last = replace(a_run.epochs[-1], **values)
        return compare_runs(a_run, replace(a_run, epochs=(*a_run.epochs[:-1], last)))

    r2, error = a_run.epochs[-1].test_r2, a_run.epochs[-1].test_loss
    assert r2 is not None
    assert changed().verdict == BIT_FOR_BIT
    assert changed(test_r2=r2 * (1 + 1e-12)).verdict == PRINTED_EQUAL
    assert changed(test_loss=error * (1 + 1e-12)).verdict == PRINTED_EQUAL
    found = changed(test_r2=r2 + 0.001)
    assert (found.verdict, found.words[:18]) == (DIFFERENT, "test r2 of epoch 3")
    assert changed(test_loss=error * 1.001).words.startswith("test squared error of epoch 3")


def test_commands_tell_r2_and_compare_with_dense(here: Here, path):
    data = ("--task", "regression", "--dataset", path, "--hidden", "8")
    quick = (*data, "--B", "2", "--epochs", "2", "--learning-rate", "0.03")
    answer = here("train", *quick)
    assert answer.code == 0, answer.err
    assert f"{path}: 200 samples of 4 features; target " in answer.out
    heading, first = answer.out.splitlines()[3:5]
    assert heading == "epoch   training loss   test loss         test R²   seconds"
    assert "%" not in first
    answer = here("sweep", *quick, "--seeds", "0..2", "--jobs", "1")
    assert answer.code == 0, answer.err
    assert ": completed, R² " in answer.out
    for told in ("Test R²", "test R²", "Against dense", "Test R²: mean ± standard deviation"):
        assert told in answer.out
    assert "ccuracy" not in answer.out


def test_a_sweep_in_a_file_has_one_task(here: Here, path):
    (here.folder / "cdbench.toml").write_text(
        f'[sweeps.prices]\ntask = "regression"\ndataset = ["{path}"]\nhidden = [8]\nB = [2]\n'
        "epochs = [1]\nseeds = [0]\n"
    )
    answer = here("sweep", "prices", "--dry-run")
    assert answer.code == 0, answer.err
    assert "2 runs, 0 of them stored" in answer.out
    (here.folder / "cdbench.toml").write_text(
        '[sweeps.prices]\ntask = ["classification", "regression"]\n'
    )
    answer = here("sweep", "prices", "--dry-run")
    assert answer.code == 2
    assert answer.err.endswith(
        "[sweeps.prices] task = ['classification', 'regression']: expected a text\n"
    )


def test_a_large_set_gives_the_same_run_from_its_shared_copy(path, a_run, tmp_path, monkeypatch):
    monkeypatch.setattr("cdbench.datasets.limits.LARGE", 0)
    monkeypatch.setenv("CDBENCH_CACHE", str(tmp_path))
    load_dataset.__globals__["_read_pinned"].cache_clear()
    config = pinned(path)
    assert (data := load_dataset(config)).is_large
    assert isinstance(data.X, np.memmap)
    assert type(data) is Quantities
    found = [replace(epoch, duration_s=0) for epoch in execute(config).epochs]
    assert found == [replace(epoch, duration_s=0) for epoch in a_run.epochs]
    load_dataset.__globals__["_read_pinned"].cache_clear()
