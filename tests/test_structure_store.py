"""A family's structure in the database: its column, the views, and what keeps and checks them."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cdbench.config.run_config import RunConfig
from cdbench.records.run import Run
from cdbench.running.execution import execute
from cdbench.store.database import open_for_reading, open_for_writing
from cdbench.store.queries import newest_runs
from cdbench.store.record import record_run
from cdbench.store.run_queries import stored_runs
from cdbench.store.upkeep.checks import check_database
from cdbench.store.upkeep.copying import copy_database
from cdbench.store.upkeep.findings import Finding
from cdbench.store.upkeep.inventory import inventory
from cdbench.store.upkeep.merging import merge_database
from tests.cli_tools import ASSETS, change, rows

pytestmark = pytest.mark.usefixtures("other_families")

TINY: dict[str, Any] = {"dataset": "iris", "epochs": 2, "hidden": (4,)}
EVERY = ("dense", "cdlinear:2", "low-rank:2", "low-rank:4", "block-diagonal:2,basis=dct")
NAMES = {
    "dense": ("dense", None, None),
    "cdlinear B=2": ("cdlinear", None, 2),
    "low-rank rank=2": ("low-rank", "rank=2", None),
    "low-rank rank=4": ("low-rank", "rank=4", None),
    "block-diagonal blocks=2 basis=dct": ("block-diagonal", "blocks=2 basis=dct", None),
}


@pytest.fixture
def runs() -> list[Run]:
    return [execute(RunConfig(**TINY, layer=layer)) for layer in EVERY]


@pytest.fixture
def path(tmp_path: Path, runs: list[Run]) -> Path:
    database = open_for_writing(str(tmp_path / "runs.db"))
    for run in runs:
        record_run(database, run)
    return tmp_path / "runs.db"


def found_in(path: Path) -> tuple[Finding, ...]:
    return check_database(open_for_reading(str(path))).findings


@pytest.mark.parametrize("view", ["runs", "models", "kappa_epochs"])
def test_views_have_the_structure_in_the_model_and_as_a_column(path: Path, view: str) -> None:
    found = rows(path, f'SELECT DISTINCT model, family, structure, "B" FROM {view}')
    assert {model: tuple(rest) for model, *rest in found} == NAMES


@pytest.mark.parametrize("view", ["epochs", "conditions", "spectrum_values", "epochs_to_accuracy"])
def test_every_view_of_runs_has_the_models_name(path: Path, view: str) -> None:
    assert {model for (model,) in rows(path, f"SELECT model FROM {view}")} == set(NAMES)


def test_every_family_but_the_baseline_is_paired_with_dense(path: Path) -> None:
    found = rows(path, "SELECT model, baseline_run_id FROM against_dense")
    assert dict(found) == {model: 1 for model in NAMES if model != "dense"}


def test_table1_has_no_other_family(tmp_path: Path) -> None:
    path = tmp_path / "paper.db"
    database = open_for_writing(str(path))
    for layer in ("dense", "block-diagonal:8"):
        run = execute(RunConfig(layer=layer, epochs=1))
        assert run.status == "completed"
        record_run(database, run)
    change(path, "UPDATE run SET epochs = 25")
    assert rows(path, "SELECT model FROM table1") == [("dense",)]


def test_a_run_comes_back_with_its_structure(path: Path, runs: list[Run]) -> None:
    database = open_for_reading(str(path))
    configs = {run.config for run in runs}
    assert set(newest_runs(database, configs)) == configs
    found = dict(stored_runs(database, [3]))
    assert found[3].config == runs[2].config
    assert json.loads(runs[2].config.canonical_json())["structure"] == "rank=2"


def test_what_the_family_lacks_is_null_in_the_views(path: Path) -> None:
    question = "SELECT published_kappa IS NULL, weight_kappa IS NULL FROM runs ORDER BY run_id"
    assert rows(path, question) == [(0, 0)] * 2 + [(1, 0)] * 3


@pytest.mark.long
@pytest.mark.parametrize("move", [copy_database, lambda old, new: merge_database(new, old)])
def test_copies_and_merges_keep_the_structure(
    path: Path, tmp_path: Path, move: Callable[[str, str], object]
) -> None:
    new = tmp_path / "new.db"
    move(str(path), str(new))
    question = "SELECT uuid, layer, structure, config_digest FROM run ORDER BY uuid"
    assert rows(new, question) == rows(path, question)
    assert not found_in(new)


def test_a_structure_that_differs_from_the_configuration_is_found(path: Path) -> None:
    assert not found_in(path)
    change(path, "UPDATE run SET structure = 'rank=3' WHERE run_id = 3")
    (fault,) = found_in(path)
    assert "the column structure differs from config_json" in fault.what
    assert "run 3: rank=3 for rank=2" in str(fault)


def test_an_inventory_counts_models_by_their_structure(path: Path) -> None:
    assert inventory(open_for_reading(str(path))).models == dict.fromkeys(NAMES, 1)


def test_an_older_database_takes_runs_of_other_families_after_its_upgrade(
    tmp_path: Path, runs: list[Run]
) -> None:
    path = tmp_path / "old.db"
    shutil.copy(ASSETS / "0008.db", path)
    before = rows(path, "SELECT run_id, uuid, config_digest FROM run ORDER BY run_id")
    database = open_for_writing(str(path))
    key = record_run(database, runs[2])
    kept = f"SELECT run_id, uuid, config_digest FROM run WHERE run_id <> {key} "
    assert rows(path, f"{kept} ORDER BY run_id") == before
    assert rows(path, f"SELECT structure FROM run WHERE run_id <> {key}") == [(None,)] * len(before)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    (names,) = zip(
        *rows(path, "SELECT name FROM sqlite_master WHERE tbl_name = 'run'"), strict=True
    )
    assert "ix_run_sequence" in names


def test_an_upgrade_keeps_the_other_rules_of_a_run(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    shutil.copy(ASSETS / "0008.db", path)
    open_for_writing(str(path))
    for wrong in ("status = 'lost'", "diverged_epoch = 1", "uuid = NULL", "sweep_id = 99"):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA foreign_keys = ON")
            with pytest.raises(sqlite3.IntegrityError):
                connection.execute(f"UPDATE run SET {wrong} WHERE run_id = 1")
