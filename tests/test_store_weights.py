"""Kept networks in a database: what is stored comes back, is merged and copied, and is checked."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.errors import StoreError
from cdbench.records.run import Run
from cdbench.records.weights import Weights
from cdbench.running.execution import execute
from cdbench.store.database import Database, open_for_writing
from cdbench.store.insert import table_of
from cdbench.store.model_queries import kept_models, kept_weights
from cdbench.store.models import KeptWeights
from cdbench.store.record import record_run
from cdbench.store.run_names import run_named
from cdbench.store.upkeep.checks import check_database
from cdbench.store.upkeep.merging import merge_database
from cdbench.store.weights_rows import weights_from

KEEPING = Diagnostics(spectra=False, weights=True)
TINY: dict[str, Any] = {"dataset": "iris", "hidden": (4,), "epochs": 1}


@pytest.fixture(scope="module")
def run() -> Run:
    config = RunConfig(**TINY, input="whiten", normalization="batch", dtype="float32", permute=3)
    return execute(config, diagnostics=KEEPING)


def rows(database: Database) -> list[dict[str, Any]]:
    with database.transaction() as connection:
        found = connection.execute(select(table_of(KeptWeights))).mappings()
        return [dict(row) for row in found]


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal, arrays and all that is made of them included."""
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and bool(np.array_equal(one, other))
    if hasattr(one, "__dataclass_fields__"):
        names = [field.name for field in fields(one)]
        return all(same(getattr(one, name), getattr(other, name)) for name in names)
    if isinstance(one, tuple) and len(one) == len(other):
        return all(map(same, one, other))
    return bool(one == other)


def test_weights_that_are_stored_come_back_bit_for_bit(location: str, run: Run) -> None:
    database = open_for_writing(location)
    record_run(database, run)
    (row,) = rows(database)
    assert isinstance(run.weights, Weights)
    assert same(weights_from(row), run.weights)
    assert len(row["parameters"]) + len(row["arrays"]) == row["n_bytes"]
    assert row["n_parameters"] == run.n_parameters


def test_kept_networks_are_found_by_key_uuid_and_as_the_latest(location: str, run: Run) -> None:
    database = open_for_writing(location)
    with pytest.raises(StoreError) as caught:
        run_named(database, "latest", kept=True)
    assert str(caught.value).endswith(
        "no run's network was kept; to keep one: cdbench train --keep-weights"
    )
    record_run(database, run)
    record_run(database, execute(RunConfig(**TINY)))
    names = ("1", run.uuid, run.uuid[:8], "latest")
    assert [run_named(database, name, kept=True) for name in names] == [1, 1, 1, 1]
    (kept,) = kept_models(database)
    assert run.weights is not None
    assert (kept.uuid, kept.digest) == (run.uuid, run.weights.digest)
    assert kept.accuracy == run.epochs[-1].test_accuracy
    assert same(kept_weights(database, 1), run.weights)
    assert kept_weights(database, 2) is None


def test_a_run_that_was_not_to_be_kept_or_did_not_complete_has_no_row(tmp_path: Path) -> None:
    def interrupt(metrics: object) -> None:
        raise KeyboardInterrupt

    database = open_for_writing(str(tmp_path / "runs.db"))
    wild = RunConfig(**TINY, learning_rate=1e200)
    with np.errstate(all="ignore"):
        runs = [
            execute(RunConfig(**TINY)),
            execute(RunConfig(**TINY), interrupt, diagnostics=KEEPING),
            execute(wild, diagnostics=KEEPING),
        ]
    assert [one.status for one in runs] == ["completed", "interrupted", "diverged"]
    for one in runs:
        record_run(database, one)
    assert rows(database) == []


def test_merging_brings_kept_weights_with_their_runs(
    location: str, tmp_path: Path, run: Run
) -> None:
    other = open_for_writing(str(tmp_path / "other.db"))
    record_run(open_for_writing(location), execute(RunConfig(**TINY)))
    record_run(other, run)
    merge_database(location, str(tmp_path / "other.db"))
    (there,), (here,) = rows(other), rows(open_for_writing(location))
    assert (there.pop("run_id"), here.pop("run_id")) == (1, 2)
    assert here == there


FAULTS = {
    "UPDATE kept_weights SET digest = 'x'": "the digest is not that of the parameters",
    "UPDATE kept_weights SET n_parameters = 3": "32 parameters for 3",
    "UPDATE kept_weights SET parts_json = '{}'": "parts_json cannot be read: KeyError('arrays')",
    "UPDATE kept_weights SET parameters = arrays": "72 parameters for 32",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_check_finds_weights_that_are_not_those_of_the_digest(
    fault: str, tmp_path: Path, run: Run
) -> None:
    database = open_for_writing(str(tmp_path / "runs.db"))
    record_run(database, run)
    assert check_database(database).findings == ()
    with database.transaction() as connection:
        connection.exec_driver_sql(fault)
    (found,) = check_database(database).findings
    assert str(found) == (
        f"1 run: kept weights (run 1: {FAULTS[fault]}); restore a backup, or delete them and "
        "train them again"
    )
