"""The database, file or server: what is written comes back, bad runs leave nothing."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from cdbench.config.run_config import RunConfig
from cdbench.errors import DatabaseGoneError, StoreError
from cdbench.records.run import Run
from cdbench.running.execution import execute
from cdbench.store.database import Database
from cdbench.store.queries import epochs_of, newest_runs, spectra_of
from cdbench.store.record import StoredSweep, end_sweep, record_run, start_sweep, store_runs

TABLES = (
    "environment",
    "sweep",
    "run",
    "epoch",
    "condition_number",
    "spectrum",
    "spectrum_value",
)

INSERT_SWEEP = "INSERT INTO sweep (uuid, command_line, started_at) VALUES ('', '', '2026-01-01')"

TinyRun = Callable[..., Run]


def select(database: Database, statement: str) -> list[Any]:
    with database.transaction() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def counts(database: Database) -> dict[str, int]:
    return {table: select(database, f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}


def in_order(run: Run) -> list[Any]:
    return sorted(run.spectra, key=lambda spectrum: (spectrum.layer, spectrum.kind, spectrum.epoch))


@pytest.mark.parametrize(
    "knobs",
    [
        {},
        {"layer": "dense", "seed": 2**32 - 1},
        {"dtype": "float32", "dropout": "alpha-cd", "hidden": (5, 3)},
        {"optimizer": "adam", "fisher_weight": 0.1, "fisher_form": "log-variance"},
    ],
)
def test_completed_run_comes_back_exactly(
    database: Database, tiny_run: TinyRun, knobs: dict[str, Any]
) -> None:
    run = tiny_run(**knobs)
    run_id = record_run(database, run)
    stored = newest_runs(database, [run.config])[run.config]
    assert (stored.run_id, stored.config) == (run_id, run.config)
    assert stored.widths == "→".join(map(str, run.widths))
    assert stored.n_parameters == run.n_parameters
    assert stored.training_loss == run.epochs[-1].training_loss
    assert stored.test_accuracy == run.epochs[-1].test_accuracy
    assert epochs_of(database, run_id) == run.epochs
    assert list(spectra_of(database, run_id)) == in_order(run)


def test_row_of_a_run_holds_its_plain_fields(database: Database, tiny_run: TinyRun) -> None:
    run = tiny_run()
    record_run(database, run)
    columns = "uuid, status, config_json, config_digest, group_digest, dataset_fingerprint"
    whole = "run JOIN configuration USING (configuration_id)"
    assert select(database, f"SELECT {columns} FROM {whole}") == [
        (
            run.uuid,
            "completed",
            run.config.group_json(),
            run.config.digest(),
            run.config.group_digest(),
            run.dataset_fingerprint,
        )
    ]
    ((started, *durations),) = select(database, "SELECT started_at, duration_s, cpu_s FROM run")
    assert str(started) == run.started_at.replace(tzinfo=None).isoformat(sep=" ")
    assert durations == [run.duration_s, run.cpu_s]


def test_floats_come_back_bit_for_bit(database: Database, tiny_run: TinyRun) -> None:
    values = (math.inf, 1.7976931348623157e308, 0.1 + 0.2, 5e-324, 0.0)
    run = tiny_run()
    first = run.spectra[0]
    condition = replace(first.condition, kappa=math.inf, largest=math.inf, smallest=5e-324)
    run = replace(run, spectra=(replace(first, values=values, condition=condition),))
    run_id = record_run(database, run)
    (found,) = spectra_of(database, run_id)
    assert [value.hex() for value in found.values] == [value.hex() for value in values]
    assert found.condition == condition


def test_diverged_run_is_stored_with_the_epochs_before(
    database: Database, tiny_run: TinyRun
) -> None:
    epochs = tiny_run().epochs[:1]
    run = execute(RunConfig(dataset="iris", hidden=(3,), B=2, learning_rate=1e200))
    assert run.status == "diverged"
    run_id = record_run(database, replace(run, epochs=epochs))
    assert epochs_of(database, run_id) == epochs
    assert select(database, "SELECT status, error, diverged_epoch, diverged_step FROM run") == [
        ("diverged", run.error, run.diverged_epoch, run.diverged_step)
    ]


def test_interrupted_run_is_stored_with_its_epochs(database: Database) -> None:
    def interrupt(_metrics: object) -> None:
        raise KeyboardInterrupt

    run = execute(RunConfig(dataset="iris", hidden=(3,), B=2), interrupt)
    run_id = record_run(database, run)
    assert epochs_of(database, run_id) == run.epochs != ()
    assert select(database, "SELECT status, error, diverged_epoch FROM run") == [
        ("interrupted", run.error, None)
    ]
    assert newest_runs(database, [run.config]) == {}


def test_failed_run_is_stored_with_its_error(database: Database) -> None:
    run = execute(RunConfig(dataset="no such file.csv"))
    record_run(database, run)
    assert select(database, "SELECT status, error, widths, n_parameters FROM run") == [
        ("failed", run.error, None, None)
    ]
    assert "no such file.csv" in (run.error or "")


def spoilt(run: Run, how: str) -> Run:
    """Return a run that the schema must refuse, each in another table."""
    epoch, spectrum = run.epochs[-1], run.spectra[-1]
    match how:
        case "accuracy of 2":
            return replace(run, epochs=(*run.epochs[:-1], replace(epoch, test_accuracy=2.0)))
        case "NaN loss":
            return replace(run, epochs=(*run.epochs[:-1], replace(epoch, training_loss=math.nan)))
        case "NaN test loss":
            return replace(run, epochs=(*run.epochs[:-1], replace(epoch, test_loss=math.nan)))
        case "epoch twice":
            return replace(run, epochs=(*run.epochs, epoch))
        case "unknown status":
            return replace(run, status="running")
        case "diverged without its epoch":
            return replace(run, status="diverged")
        case "completed with a diverged epoch":
            return replace(run, diverged_epoch=1)
        case "NaN in a spectrum":
            values = (*spectrum.values[:-1], math.nan)
            return replace(run, spectra=(*run.spectra[:-1], replace(spectrum, values=values)))
        case "NaN condition number":
            condition = replace(spectrum.condition, kappa=math.nan)
            return replace(run, spectra=(*run.spectra[:-1], replace(spectrum, condition=condition)))
        case "spectrum twice":
            return replace(run, spectra=(*run.spectra, spectrum))
    raise AssertionError(how)


@pytest.mark.parametrize(
    "how",
    [
        "accuracy of 2",
        "NaN loss",
        "NaN test loss",
        "epoch twice",
        "unknown status",
        "diverged without its epoch",
        "completed with a diverged epoch",
        "NaN in a spectrum",
        "NaN condition number",
        "spectrum twice",
    ],
)
def test_run_that_violates_the_schema_leaves_nothing(
    database: Database, tiny_run: TinyRun, how: str
) -> None:
    said = r"is not a number \(NaN\)" if "NaN" in how else "constraint"
    with pytest.raises(StoreError, match=said) as caught:
        record_run(database, spoilt(tiny_run(), how))
    assert "\n" not in str(caught.value)
    assert counts(database) == dict.fromkeys(TABLES, 0)


def test_same_run_cannot_be_stored_twice(database: Database, tiny_run: TinyRun) -> None:
    run = tiny_run()
    record_run(database, run)
    before = counts(database)
    with pytest.raises(StoreError, match=r"(?i)unique constraint.*uuid"):
        record_run(database, run)
    assert counts(database) == before


def test_run_of_a_sweep_that_is_not_there_is_refused(database: Database, tiny_run: TinyRun) -> None:
    with pytest.raises(DatabaseGoneError, match="another database was put in its place"):
        record_run(database, tiny_run(), StoredSweep(7, "gone"))
    assert counts(database) == dict.fromkeys(TABLES, 0)


def test_equal_environments_share_one_row(database: Database, tiny_run: TinyRun) -> None:
    run = tiny_run()
    record_run(database, run)
    record_run(database, tiny_run(seed=1))
    assert counts(database)["environment"] == 1
    other = replace(run.environment, git_commit=None, git_dirty=None)
    if other == run.environment:
        other = replace(run.environment, git_commit="0" * 40, git_dirty=True)
    record_run(database, replace(tiny_run(), environment=other))
    assert counts(database)["environment"] == 2
    assert select(database, "SELECT environment_id FROM run ORDER BY run_id") == [(1,), (1,), (2,)]


def test_runs_that_differ_in_their_seeds_share_a_configuration(
    database: Database, tiny_run: TinyRun
) -> None:
    record_run(database, tiny_run())
    unread = replace(tiny_run(seed=1), dataset_fingerprint=None)
    others = [tiny_run(seed=2), unread, replace(unread, uuid="again"), tiny_run(learning_rate=0.5)]
    store_runs(database, others, None)
    found = select(database, "SELECT configuration_id FROM run ORDER BY run_id")
    assert found == [(1,), (1,), (2,), (2,), (3,)]
    assert select(database, "SELECT count(DISTINCT group_digest) FROM configuration") == [(2,)]


def test_deleting_a_run_deletes_all_of_it_and_nothing_else(
    database: Database, tiny_run: TinyRun
) -> None:
    kept = tiny_run()
    kept_id = record_run(database, kept)
    before = counts(database)
    run_id = record_run(database, tiny_run(seed=1))
    assert counts(database)["spectrum_value"] > before["spectrum_value"]
    with database.transaction() as connection:
        connection.execute(text("DELETE FROM run WHERE run_id = :id"), {"id": run_id})
    assert counts(database) == before
    assert list(spectra_of(database, kept_id)) == in_order(kept)


def test_environment_in_use_cannot_be_deleted(database: Database, tiny_run: TinyRun) -> None:
    record_run(database, tiny_run())
    with pytest.raises(StoreError, match=r"(?i)foreign key"), database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM environment")
    assert counts(database)["environment"] == 1


def test_sweep_has_its_command_and_its_times(database: Database, tiny_run: TinyRun) -> None:
    sweep = start_sweep(database, "cdbench sweep --B 1 3")
    assert select(database, "SELECT command_line, ended_at FROM sweep") == [
        ("cdbench sweep --B 1 3", None)
    ]
    record_run(database, tiny_run(), sweep)
    end_sweep(database, sweep)
    assert select(
        database,
        "SELECT run.sweep_id, ended_at >= sweep.started_at FROM run JOIN sweep USING (sweep_id)",
    ) == [(sweep.sweep_id, 1)]


def test_failing_transaction_is_rolled_back(database: Database) -> None:
    class Stop(Exception): ...  # noqa: N818

    def fail_half_way() -> None:
        with database.transaction() as connection:
            connection.exec_driver_sql(INSERT_SWEEP)
            raise Stop

    with pytest.raises(Stop):
        fail_half_way()
    assert counts(database)["sweep"] == 0


def test_of_runs_that_ended_together_one_that_cannot_be_stored_costs_no_other(
    database: Database, tiny_run: TinyRun
) -> None:
    runs = [tiny_run(seed=0), spoilt(tiny_run(seed=1), "NaN loss"), tiny_run(seed=2)]
    with pytest.raises(StoreError, match="NaN"):
        store_runs(database, runs, None)
    assert select(database, "SELECT seed FROM run ORDER BY seed") == [(0,), (2,)]
    good = [tiny_run(seed=seed) for seed in (3, 4)]
    assert store_runs(database, good, None) == good
    assert counts(database)["run"] == 4
