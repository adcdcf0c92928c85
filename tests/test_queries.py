"""Queries: what reports, figures and sweeps are given."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace

import pytest
from sqlalchemy import text

from cdbench.config.run_config import RunConfig
from cdbench.records.run import Run
from cdbench.store.database import Database, open_for_reading
from cdbench.store.queries import CHUNK, completed_configs, epochs_of, newest_runs, spectra_of
from cdbench.store.record import record_run

TinyRun = Callable[..., Run]


def test_newest_completed_run_wins(database: Database, tiny_run: TinyRun) -> None:
    config = tiny_run().config
    record_run(database, tiny_run())
    newest = record_run(database, replace(tiny_run(), n_parameters=7))
    for status in ("failed", "interrupted"):
        record_run(database, replace(tiny_run(), status=status, error="why"))
    record_run(database, replace(tiny_run(), status="diverged", diverged_epoch=1))
    found = newest_runs(database, [config])
    assert {config: (run.run_id, run.n_parameters) for config, run in found.items()} == {
        config: (newest, 7)
    }


def test_newest_is_the_run_that_was_written_last_whatever_the_clock_said(
    database: Database, tiny_run: TinyRun
) -> None:
    run = tiny_run()
    for year in (2100, 1999, 2026):
        began = run.started_at.replace(year=year)
        newest = record_run(database, replace(tiny_run(), started_at=began))
        assert newest_runs(database, [run.config])[run.config].run_id == newest


def test_newest_is_found_in_whatever_order_the_database_hands_runs_over(
    database: Database, tiny_run: TinyRun
) -> None:
    config = tiny_run().config
    newest, older = (record_run(database, tiny_run()) for _ in range(2))
    with database.transaction() as connection:
        # Without its index the table is read as it was written, which is no longer the order.
        connection.execute(text("DROP INDEX ix_run_configuration_id_seed"))
        connection.execute(text("UPDATE run SET sequence = 1000 - run_id"))
    assert newest_runs(database, [config])[config].run_id == newest != older


@pytest.mark.parametrize("status", ["failed", "interrupted", "diverged"])
def test_configuration_without_completed_run_is_not_completed(
    database: Database, tiny_run: TinyRun, status: str
) -> None:
    diverged = 1 if status == "diverged" else None
    run = replace(tiny_run(), status=status, diverged_epoch=diverged)
    record_run(database, run)
    assert newest_runs(database, [run.config]) == {}
    assert completed_configs(database, [run.config]) == set()


def test_only_what_was_asked_for_is_found(database: Database, tiny_run: TinyRun) -> None:
    for seed in (0, 1, 2):
        record_run(database, tiny_run(seed=seed))
    asked = [tiny_run(seed=seed).config for seed in (1, 2)]
    other = replace(asked[0], seed=5)
    assert set(newest_runs(database, [*asked, other])) == set(asked)
    assert completed_configs(database, [*asked, other]) == set(asked)
    assert newest_runs(database, []) == {}
    assert completed_configs(database, []) == set()


def test_more_configurations_than_a_statement_takes_are_found(
    database: Database, tiny_run: TinyRun
) -> None:
    runs = [tiny_run(seed=seed) for seed in (0, 1)]
    for run in runs:
        record_run(database, run)
    asked = [replace(runs[0].config, seed=seed) for seed in range(2 * CHUNK + 2)]
    # The stored ones first in the second chunk, and last of all.
    asked = [*asked[2 : CHUNK + 2], asked[1], *asked[CHUNK + 2 :], asked[0]]
    assert set(newest_runs(database, asked)) == {run.config for run in runs}
    assert completed_configs(database, asked) == {run.config for run in runs}


def test_configuration_with_every_knob_turned_comes_back(
    database: Database, tiny_run: TinyRun
) -> None:
    config = RunConfig(
        dataset="a path/with 'quotes\" and ünïcode.csv",
        label_column="species; DROP TABLE run",
        dataset_fingerprint="ab" * 32,
        B=3,
        hidden=(7, 5, 3),
        epochs=2,
        batch_size=9,
        learning_rate=0.1 + 0.2,
        momentum=0.1,
        optimizer="adam",
        dropout=0.0118,
        fisher_weight=1e-300,
        fisher_form="log-variance",
        fisher_epsilon=1e-9,
        dtype="float32",
        seed=2**32 - 1,
    )
    record_run(database, replace(tiny_run(), config=config))
    (found,) = newest_runs(database, [config])
    assert found == config
    assert found.digest() == config.digest()


def test_result_is_frozen(database: Database, tiny_run: TinyRun) -> None:
    run = tiny_run()
    record_run(database, run)
    stored = newest_runs(database, [run.config])[run.config]
    with pytest.raises(FrozenInstanceError):
        stored.run_id = 2  # type: ignore[misc]


def test_run_that_is_not_there_has_no_epochs_and_no_spectra(database: Database) -> None:
    assert epochs_of(database, 1) == ()
    assert spectra_of(database, 1) == ()


def test_spectra_of_two_epochs_stay_apart(database: Database, tiny_run: TinyRun) -> None:
    run = tiny_run()
    first = tuple(replace(spectrum, epoch=1, values=(3.0, 2.0)) for spectrum in run.spectra)
    run_id = record_run(database, replace(run, spectra=first + run.spectra))
    found = spectra_of(database, run_id)
    assert set(found) == set(first + run.spectra)
    assert len(found) == 2 * len(run.spectra)


def test_spectra_within_an_epoch_are_not_those_at_its_end(
    database: Database, tiny_run: TinyRun
) -> None:
    run = tiny_run()
    within = tuple(replace(spectrum, values=(), step=1) for spectrum in run.spectra)
    run_id = record_run(database, replace(run, spectra=within + run.spectra))
    found = spectra_of(database, run_id)
    assert set(found) == set(run.spectra)
    assert len(found) == len(run.spectra)


def test_reader_finds_what_a_writer_stored_since(
    location: str, database: Database, tiny_run: TinyRun
) -> None:
    reader = open_for_reading(location)
    config = tiny_run().config
    assert completed_configs(reader, [config]) == set()
    record_run(database, tiny_run())
    assert completed_configs(reader, [config]) == {config}
