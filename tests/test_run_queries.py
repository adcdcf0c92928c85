"""Whole runs: what was recorded comes back as it was, whatever became of the run."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from math import inf, nextafter

import pytest
from sqlalchemy import text

from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.errors import StoreError
from cdbench.records.run import Run
from cdbench.running.execution import execute
from cdbench.store.database import Database, open_for_reading, open_for_writing
from cdbench.store.record import record_run
from cdbench.store.run_queries import stored_runs
from cdbench.store.training_queries import stored_trainings
from tests.cli_tools import Here
from tests.cli_tools import change as change_file

TinyRun = Callable[..., Run]

TINY = RunConfig(dataset="iris", epochs=2, hidden=(3,), B=2)


def as_kept(run: Run) -> Run:
    """Return the run without what ``record_run`` says that it leaves out."""
    keep_nodes = run.diagnostics is None or run.diagnostics.values
    spectra = [s if s.values else replace(s, multiplicity=1) for s in run.spectra]
    return replace(
        run,
        spectra=tuple(sorted(spectra, key=lambda s: (s.layer, s.kind, s.epoch, s.step))),
        curvature=tuple(
            curvature if keep_nodes else replace(curvature, nodes=(), weights=())
            for curvature in run.curvature
        ),
    )


def stored_run(database: Database, run_id: int) -> Run:
    ((_, run),) = stored_runs(database, [run_id])
    return run


def interrupted() -> Run:
    def interrupt(_metrics: object) -> None:
        raise KeyboardInterrupt

    return execute(TINY, interrupt)


@cache
def run_of(name: str) -> Run:
    everything = Diagnostics(spectra_every=1, curvature="exact", curvature_every=1, batches=True)
    return {
        "dense": lambda: execute(replace(TINY, layer="dense", B=None)),
        "float32": lambda: execute(replace(TINY, dtype="float32", hidden=(5, 3))),
        "everything": lambda: execute(TINY, diagnostics=everything),
        "lanczos": lambda: execute(TINY, diagnostics=Diagnostics(curvature="lanczos")),
        "no values": lambda: execute(TINY, diagnostics=replace(everything, values=False)),
        "of schema 0001": lambda: replace(execute(TINY), diagnostics=None),
        "diverged": lambda: execute(replace(TINY, learning_rate=1e200)),
        "interrupted": interrupted,
        "failed": lambda: execute(RunConfig(dataset="no such file.csv")),
        "no commit": lambda: no_commit(execute(TINY)),
    }[name]()


def no_commit(run: Run) -> Run:
    environment = replace(run.environment, git_commit=None, git_dirty=None)
    return replace(run, environment=environment, peak_memory_bytes=None)


NAMES = (
    *("dense", "float32", "everything", "lanczos", "no values", "of schema 0001"),
    *("diverged", "interrupted", "failed", "no commit"),
)


def change(database: Database, column: str, value: str) -> None:
    with database.transaction() as connection:
        table = "configuration" if column == "config_json" else "diagnostics"
        connection.execute(text(f"UPDATE {table} SET {column} = :value"), {"value": value})


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_run_comes_back_as_it_was(database: Database, name: str) -> None:
    run = run_of(name)
    assert name not in ("diverged", "interrupted", "failed") or run.status == name
    run_id = record_run(database, run)
    record_run(database, replace(run_of("everything"), uuid="another"))
    assert stored_run(database, run_id) == as_kept(run)


def test_extreme_numbers_come_back_bit_for_bit(database: Database) -> None:
    run = run_of("everything")
    numbers = (inf, 1.7976931348623157e308, 0.1 + 0.2, nextafter(0.3, 1), 5e-324, 0.0)
    spectrum = replace(run.spectra[0], values=numbers)
    epoch = replace(run.epochs[0], training_loss=5e-324, test_loss=1.7976931348623157e308)
    curvature = replace(run.curvature[0], smallest=-5e-324, damped_kappa=inf, largest=0.1 + 0.2)
    run = replace(run, spectra=(spectrum,), epochs=(epoch,), curvature=(curvature,))
    assert stored_run(database, record_run(database, run)) == run


def test_the_start_comes_back_in_utc(database: Database) -> None:
    moment = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)
    run = replace(run_of("dense"), started_at=moment)
    found = stored_run(database, record_run(database, run))
    assert (found.started_at, found.started_at.tzinfo) == (moment, UTC)


def test_many_runs_come_back_in_order_however_they_are_asked_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cdbench.store.queries.CHUNK", 3)
    runs = {
        record_run(database, replace(run_of(name), uuid=name)): as_kept(
            replace(run_of(name), uuid=name)
        )
        for name in NAMES
    }
    assert list(stored_runs(database, [*reversed(runs), *runs, 999])) == sorted(runs.items())


def test_a_run_that_is_not_there_is_left_out(database: Database) -> None:
    assert list(stored_runs(database, [7])) == []


@pytest.mark.parametrize("column", ["config_json", "diagnostics_json"])
@pytest.mark.parametrize(
    "said",
    ["", "{", "[]", "7", '{"learning_rate":"fast"}', '{"nonsense":1}', '{"curvature":"x"}'],
)
def test_a_damaged_run_is_named_with_the_command_that_finds_others(
    database: Database, column: str, said: str
) -> None:
    run_id = record_run(database, run_of("dense"))
    change(database, column, said)
    for read in (lambda: stored_run(database, run_id), lambda: stored_trainings(database)):
        with pytest.raises(StoreError) as caught:
            read()
        message = str(caught.value)
        assert f"{column} of run {run_id} is damaged" in message
        assert f"cdbench db check --db {database.name}" in message
        assert "\n" not in message


@pytest.mark.parametrize("said", ["", "nonsense", "4→→3", "4→-3", "4 3"])
def test_damaged_widths_are_told_with_their_run_and_their_form(
    database: Database, said: str
) -> None:
    run_id = record_run(database, run_of("dense"))
    with database.transaction() as connection:
        connection.execute(text("UPDATE run SET widths = :said"), {"said": said})
    with pytest.raises(StoreError) as caught:
        stored_run(database, run_id)
    assert str(caught.value) == (
        f"{database.name}: widths of run {run_id} is damaged ({said!r}; expected such as "
        f"64→64→12); to see what else is, and what to do: cdbench db check --db {database.name}"
    )


@pytest.mark.parametrize("parent", ["configuration", "environment"])
def test_a_run_without_its_configuration_or_environment_is_told(here: Here, parent: str) -> None:
    run_id = record_run(open_for_writing("runs.db"), run_of("dense"))
    change_file(here.folder / "runs.db", f"DELETE FROM {parent}")
    for words in (("runs", "show", "1"), ("runs", "diff", "1", "1"), ("model", "show", "1")):
        answer = here(*words)
        assert (answer.code, answer.err.count("\n")) == (3, 1), words
        assert f"{parent}_id of run {run_id} is damaged (1 is not there); " in answer.err


def test_without_names_come_the_runs_that_gave_results(database: Database, location: str) -> None:
    for name in ("dense", "interrupted", "diverged", "failed", "of schema 0001"):
        record_run(database, replace(run_of(name), uuid=name))
    found = stored_trainings(open_for_reading(location))
    assert [(one.run_id, one.status) for one in found] == [
        (1, "completed"),
        (3, "diverged"),
        (5, "completed"),
    ]
    assert [one.config for one in found] == [
        run_of(name).config for name in ("dense", "diverged", "of schema 0001")
    ]
    assert found[2].diagnostics == Diagnostics()
    assert found[0].environment == run_of("dense").environment
