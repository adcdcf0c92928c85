"""Stored runs by their knobs, and beside a baseline whose runs are equal in all else."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cdbench.api.grouping import grouped_runs
from cdbench.errors import ConfigurationError, MissingResultsError
from cdbench.records.run import Run
from cdbench.reports.quantities import natural, quantity_of, shown
from cdbench.statistics.groups import paired, summary
from cdbench.store.database import Database, open_for_reading, open_for_writing
from cdbench.store.record import record_runs
from tests.cli_tools import Here, change

RATES = (0.05, 0.1)


@pytest.fixture(scope="module")
def path(tiny_run: Callable[..., Run], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models at two rates with four seeds; the accuracies of cdlinear are made up."""
    runs = []
    for seed in range(4):
        for rate in RATES:
            runs.append(scored(tiny_run(layer="dense", seed=seed, learning_rate=rate), 0.9))
            own = 0.92 + 0.01 * seed + (0.02 if rate == RATES[1] else 0.0)
            runs.append(scored(tiny_run(seed=seed, learning_rate=rate), own))
    runs.append(scored(tiny_run(seed=9, learning_rate=0.05), 0.1))  # has no dense counterpart
    path = tmp_path_factory.mktemp("grouped") / "runs.db"
    record_runs(open_for_writing(str(path)), runs)
    return path


def scored(run: Run, accuracy: float) -> Run:
    last = replace(run.epochs[-1], test_accuracy=accuracy)
    return replace(run, epochs=(*run.epochs[:-1], last))


@pytest.fixture
def database(path: Path) -> Database:
    return open_for_reading(str(path))


def records(database: Database, *by: str, **asked: Any) -> list[dict[str, Any]]:
    return list(grouped_runs(database, by, **asked).records)


def test_groups_have_the_statistics_of_their_runs(database: Database) -> None:
    dense, own = records(database, "model")
    assert (dense["n"], dense["mean"], dense["sd"]) == (8, pytest.approx(0.9), pytest.approx(0))
    values = sorted([0.92, 0.93, 0.94, 0.95, 0.94, 0.95, 0.96, 0.97, 0.1])
    assert own["n"] == 9
    assert own["mean"] == pytest.approx(sum(values) / 9)
    middle = [own["median"], own["lower_quartile"], own["upper_quartile"]]
    assert middle == pytest.approx([0.94, 0.93, 0.95])


def test_only_runs_that_are_equal_in_all_else_are_paired_and_a_seed_counts_once(
    database: Database,
) -> None:
    dense, own = records(database, "model", baseline="dense")
    assert dense["difference"] is None
    assert (own["n_pairs"], own["n_seeds"]) == (8, 4)  # and of seed 9 there is none
    assert own["difference"] == pytest.approx(0.045)
    assert own["difference_low"] < 0.045 < own["difference_high"]
    assert own["difference_wide_low"] < own["difference_low"]
    by_rate = records(database, "learning_rate", baseline="0.05")
    assert [(one["learning_rate"], one["n_pairs"]) for one in by_rate] == [(0.05, 0), (0.1, 8)]
    assert by_rate[1]["difference"] == pytest.approx(0.01)


def test_the_pairs_are_those_of_the_view_against_dense(database: Database) -> None:
    (view,) = records(database, "model", baseline="cdlinear B=2")[1:]
    assert view["difference"] == pytest.approx(-0.045)
    assert view["n_pairs"] == 8


def test_a_damaged_configuration_is_told_where_runs_are_paired(here: Here, path: Path) -> None:
    shutil.copy(path, here.folder / "runs.db")
    change(here.folder / "runs.db", "UPDATE configuration SET config_json = '7'")
    answer = here("report", "--group-by", "learning_rate", "--baseline", "0.05")
    assert (answer.code, answer.err.count("\n")) == (3, 1)
    assert "config_json of configuration 1 is damaged (it does not match its dig" in answer.err


def test_only_the_runs_that_a_filter_finds_are_grouped(database: Database) -> None:
    dense, own = records(database, "model", where="learning_rate = 0.1 and seed < 2")
    assert (dense["n"], own["n"]) == (2, 2)
    with pytest.raises(MissingResultsError, match="no completed runs where seed = 77"):
        grouped_runs(database, ["model"], where="seed = 77")


def test_condition_numbers_are_compared_by_ratios(database: Database) -> None:
    _, own = records(database, "model", value="weight_kappa", baseline="dense")
    assert own["ratio"] > 0
    report = grouped_runs(database, ["model"], value="weight_kappa", baseline="dense")
    assert list(report.columns[-2:]) == ["dense / own", "pairs"]


def test_a_wrong_name_is_told_with_the_nearest_one(database: Database) -> None:
    for asked, said in (
        ({"by": ["modle"]}, "did you mean model?"),
        ({"by": ["model"], "value": "wieght_kappa"}, "did you mean weight_kappa?"),
        ({"by": ["model"], "baseline": "dens"}, "did you mean dense?"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            grouped_runs(database, **asked)
    with pytest.raises(ConfigurationError, match="holds text"):
        grouped_runs(database, ["model"], value="status")
    with pytest.raises(ConfigurationError, match="is no knob"):
        grouped_runs(database, ["status"], baseline="completed")


def test_runs_that_diverged_are_counted_and_not_averaged(
    tmp_path: Path, tiny_run: Callable[..., Run]
) -> None:
    run = tiny_run()
    lost = replace(
        run, uuid="lost", status="diverged", diverged_epoch=1, diverged_step=1, error="x", epochs=()
    )
    database = open_for_writing(str(tmp_path / "runs.db"))
    with pytest.raises(MissingResultsError, match="no completed runs"):
        grouped_runs(database, ["model"])
    record_runs(database, [run, replace(lost, config=replace(run.config, seed=5))])
    report = grouped_runs(database, ["model"])
    assert report.rows[0][1] == "1 (1 lost)"
    assert (report.records[0]["n"], report.records[0]["n_diverged"]) == (1, 1)


def test_a_seed_with_several_pairs_counts_as_their_mean() -> None:
    found = paired([(0, 1.0, 0.5), (0, 2.0, 0.5), (1, 3.0, 1.0)], ratio=False)
    assert found is not None
    assert (found.estimate, found.n) == (1.5, 2)
    ratio = paired([(0, 1.0, 4.0), (0, 1.0, 2.0), (1, 1.0, 5.0)], ratio=True)
    assert ratio is not None
    assert ratio.estimate == 4.0
    assert paired([], ratio=False) is None


def test_infinite_numbers_have_a_summary() -> None:
    found = summary([1.0, float("inf"), float("inf"), 2.0])
    assert (found.median, found.lower, found.upper) == (float("inf"), 1.0, float("inf"))


def test_values_come_in_the_order_of_people() -> None:
    keys = [("B=16",), ("B=4",), (None,), ("b",), (3,), (0.5,)]
    assert sorted(keys, key=natural) == [(None,), (0.5,), (3,), ("B=4",), ("B=16",), ("b",)]
    assert [shown(value) for value in (None, "", 0.1, 2.0, "x")] == ["–", "–", "0.1", "2", "x"]


def test_scores_of_several_kinds_are_not_averaged() -> None:
    assert quantity_of(None, ["regression"]).heading == "test R²"
    assert quantity_of("duration_s", []).heading == "duration, s"


def test_the_command_prints_it(here: Here, path: Path) -> None:
    words = ("report", "--group-by", "model", "learning_rate", "--baseline", "dense")
    answer = here(*words, "--db", str(path))
    assert (answer.code, answer.err) == (0, "")
    assert "test accuracy, %" in answer.out
    assert "Pairs: with runs of dense" in answer.out
    answer = here("report", "--value", "weight_kappa")
    assert answer.err.startswith("cdbench: --value is of --group-by; expected report --group-by")
