"""The views that people read by hand: each answers, and ``table1`` is the report."""

import math
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cdbench.config.run_config import RunConfig
from cdbench.records.run import Run
from cdbench.reports.table1 import table1, table1_configs
from cdbench.store.database import open_for_reading, open_for_writing
from cdbench.store.queries import newest_runs
from cdbench.store.record import record_run
from cdbench.store.views import VIEWS

TinyRun = Callable[..., Run]


def select(path: Path, statement: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(statement)]


def write(path: Path, runs: list[Run]) -> Path:
    database = open_for_writing(str(path))
    for run in runs:
        record_run(database, run)
    return path


def reported(path: Path, seeds: list[int]) -> list[dict[str, Any]]:
    rows = table1_configs(seeds)
    configs = [config for group in rows.values() for config in group]
    return list(table1(rows, newest_runs(open_for_reading(str(path)), configs)).records)


def check_table1(path: Path, seeds: list[int]) -> None:
    found, expected = select(path, "SELECT * FROM table1"), reported(path, seeds)
    assert [row["model"] for row in found] == ["dense", "cdlinear B=4", "cdlinear B=8"]
    assert [row["n_seeds"] for row in found] == [len(seeds)] * 3
    for row, record in zip(found, expected, strict=True):
        assert row["widths"] == record["widths"]
        assert row["n_parameters"] == record["n_parameters"]
        for name in row.keys() - {"model", "widths", "n_parameters", "n_seeds"}:
            assert row[name] == pytest.approx(record[name], rel=1e-12, abs=1e-15), name


NOT_OF_RUNS = {
    *("claims", "replications", "first_audit", "measurements", "observations", "benchmarks"),
    *("curvatures", "noise_floors", "comparisons", "differences", "comparison_accuracies"),
    *("comparison_rates", "layer_gains", "studies", "kept_models"),
}
"""Views that the database has empty; test_audit.py, test_cli_bench.py and test_compare.py fill most
of them."""


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_can_be_selected_and_has_a_purpose(paper_path: Path, view: str) -> None:
    rows = select(paper_path, f"SELECT * FROM {view}")
    assert bool(rows) == (view not in NOT_OF_RUNS)
    assert VIEWS[view].purpose.endswith(".")
    assert select(paper_path, f"SELECT count(*) AS n FROM {view}") == [{"n": len(rows)}]


@pytest.mark.parametrize("seeds", [[0], [0, 2], [0, 1, 2]])
def test_table1_is_what_the_report_computes(
    seeds: list[int], paper_runs: list[Run], tmp_path: Path
) -> None:
    runs = [run for run in paper_runs if run.config.seed in seeds]
    check_table1(write(tmp_path / "some.db", runs), seeds)


def test_table1_takes_the_newest_run_of_the_recipe_only(
    paper_runs: list[Run], tiny_run: TinyRun, tmp_path: Path
) -> None:
    knobs: list[dict[str, Any]] = [
        {"learning_rate": 0.05},
        {"epochs": 24},
        {"hidden": (64,)},
        {"seed": 3},
        {"product": "polygon"},
        {"dtype": "float32"},
        {"dropout": 0.1},
        {"momentum": 0.5},
        {"batch_size": 32},
        {"optimizer": "adam"},
        {"dataset": "wine"},
    ]
    older = [
        replace(run, uuid=f"older {run.uuid}", epochs=run.epochs[:-1], n_parameters=1)
        for run in paper_runs
    ]
    other = [
        replace(run, uuid=f"{i} {run.uuid}", config=replace(run.config, **turned))
        for i, turned in enumerate(knobs)
        for run in (paper_runs[0], paper_runs[3])  # dense, and B = 4
    ]
    later = [replace(paper_runs[0], uuid="later", status="failed", epochs=())]
    path = write(tmp_path / "all.db", older + other + paper_runs + later + [tiny_run()])
    check_table1(path, [0, 1, 2])
    assert select(path, "SELECT n_parameters FROM table1")[0] == {"n_parameters": 8970}


def test_table1_keeps_infinity(paper_runs: list[Run], tmp_path: Path) -> None:
    def singular(run: Run) -> Run:
        spectra = tuple(
            replace(spectrum, condition=replace(spectrum.condition, kappa=math.inf))
            for spectrum in run.spectra
        )
        return replace(run, spectra=spectra)

    path = write(tmp_path / "singular.db", [singular(run) for run in paper_runs])
    row = select(path, "SELECT * FROM table1")[0]
    assert row["published_kappa_mean"] == row["weight_kappa_median"] == math.inf
    check_table1(path, [0, 1, 2])


def test_table1_of_a_database_without_the_paper_is_empty(tiny_run: TinyRun, tmp_path: Path) -> None:
    assert select(write(tmp_path / "tiny.db", [tiny_run()]), "SELECT * FROM table1") == []


def test_runs_has_one_row_a_run_with_its_last_epoch(tiny_run: TinyRun, tmp_path: Path) -> None:
    first, dense, second = tiny_run(), tiny_run(layer="dense"), tiny_run()
    failed = replace(
        tiny_run(), status="failed", error="why", epochs=first.epochs[:1], spectra=(), widths=()
    )
    nothing = replace(failed, uuid="nothing", epochs=())
    path = write(tmp_path / "runs.db", [first, dense, second, failed, nothing])
    rows = select(path, "SELECT * FROM runs ORDER BY run_id")
    assert [row["run_id"] for row in rows] == [1, 2, 3, 4, 5]
    assert [row["model"] for row in rows[:3]] == ["cdlinear B=2", "dense", "cdlinear B=2"]
    assert [row["is_latest"] for row in rows] == [0, 1, 1, 0, 0]
    assert [row["epochs_trained"] for row in rows] == [2, 2, 2, 1, None]
    assert rows[0]["training_loss"] == first.epochs[-1].training_loss
    assert rows[3]["training_loss"] == first.epochs[0].training_loss
    assert (rows[3]["error"], rows[3]["weight_kappa"], rows[4]["test_loss"]) == ("why", None, None)
    for kind in ("published", "weight"):
        kappas = [s.condition.kappa for s in first.spectra if s.kind == kind]
        assert rows[0][f"{kind}_kappa"] == pytest.approx(sum(kappas) / len(kappas), rel=1e-12)


def test_is_latest_is_what_latest_run_says(tiny_run: TinyRun, tmp_path: Path) -> None:
    runs = [tiny_run(seed=i % 2) for i in range(5)]
    runs += [replace(tiny_run(seed=seed), status="failed") for seed in (0, 2)]
    path = write(tmp_path / "runs.db", runs)
    latest = select(path, "SELECT run_id FROM latest_run ORDER BY run_id")
    assert latest == [{"run_id": 4}, {"run_id": 5}]
    assert select(path, "SELECT run_id FROM runs WHERE is_latest ORDER BY run_id") == latest


def test_epochs_has_one_row_an_epoch(paper_path: Path, paper_runs: list[Run]) -> None:
    rows = select(paper_path, "SELECT * FROM epochs ORDER BY run_id, epoch")
    assert len(rows) == sum(len(run.epochs) for run in paper_runs) == 225
    assert [row["test_accuracy"] for row in rows] == [
        epoch.test_accuracy for run in paper_runs for epoch in run.epochs
    ]
    assert {(row["model"], row["seed"]) for row in rows} == {
        (run.config.model, run.config.seed) for run in paper_runs
    }


def test_spectrum_values_go_down_from_position_1(paper_path: Path, paper_runs: list[Run]) -> None:
    rows = select(
        paper_path, "SELECT * FROM spectrum_values ORDER BY run_id, layer, kind, position"
    )
    expected = [
        (spectrum.layer, spectrum.kind, position, value)
        for run in paper_runs
        for spectrum in sorted(run.spectra, key=lambda s: (s.layer, s.kind))
        for position, value in enumerate(spectrum.values, 1)
    ]
    assert expected == [(row["layer"], row["kind"], row["position"], row["value"]) for row in rows]
    for above, below in pairwise(rows):
        assert below["position"] == 1 or below["value"] <= above["value"]


def test_bits_per_character_are_the_test_loss_of_a_text_over_ln_2(
    tmp_path: Path, tiny_run: TinyRun
) -> None:
    text: dict[str, Any] = {"dataset": "text:a.txt", "architecture": "attention", "layer": "dense"}
    runs = [tiny_run(), *(replace(tiny_run(), config=RunConfig(**text, seed=s)) for s in (0, 1))]
    path = write(tmp_path / "runs.db", [replace(run, uuid=str(i)) for i, run in enumerate(runs)])
    for view in "runs", "epochs":
        for row in select(path, f"SELECT * FROM {view} ORDER BY run_id"):
            of_text = row["run_id"] > 1
            expected = row["test_loss"] / math.log(2) if of_text else None
            assert row["bits_per_character"] == expected
    bits = [row["bits_per_character"] for row in select(path, "SELECT * FROM runs")]
    found = {
        row["architecture"]: (row["bits_per_character_mean"], row["bits_per_character_sd"])
        for row in select(path, "SELECT * FROM models")
    }
    assert found == {"mlp": (None, None), "attention": (bits[1], 0)}


def test_what_an_architecture_has_is_told_by_changes(tmp_path: Path, tiny_run: TinyRun) -> None:
    config = RunConfig(
        architecture="conv", layer="dense", channels=(4, 8), kernel=1, clip=0.5, dataset="digits"
    )
    path = write(tmp_path / "runs.db", [replace(tiny_run(), config=config)])
    (row,) = select(path, "SELECT changes FROM runs")
    assert "architecture=conv channels=4 8 kernel=1" in row["changes"]
    assert "clip=0.5" in row["changes"]
    (stored,) = select(path, "SELECT channels, kernel, heads, schedule FROM run")
    assert stored == {
        "channels": "4 8", "kernel": 1, "heads": None, "schedule": "constant"
    }  # fmt: skip
