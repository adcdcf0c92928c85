"""Writing: each run is written whole, in one transaction, when it has ended."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, select, update

from cdbench.errors import DatabaseGoneError, StoreError
from cdbench.records.benchmark import Benchmark, Timing
from cdbench.records.judgement import ClaimResult, Observation
from cdbench.records.run import Run
from cdbench.store import models
from cdbench.store.database import Database
from cdbench.store.insert import environment_id, insert_rows, insert_values, table_of
from cdbench.store.location import replaced
from cdbench.store.orphans import remove_leftovers
from cdbench.store.run_rows import configuration_ids, diagnostics_ids, record_parts, run_row, utc
from cdbench.store.sequences import next_sequences
from cdbench.store.statements import measurement_row
from cdbench.store.steadfast import written


@dataclass(frozen=True)
class StoredSweep:
    """A sweep in a database, and what distinguishes it from all others.

    Attributes
    ----------
    sweep_id : int
        Its key in that database; another database may use it for another sweep.
    uuid : str
        Its identity in any database.
    """

    sweep_id: int
    uuid: str


def record_run(database: Database, run: Run, sweep: StoredSweep | None = None) -> int:
    """Write a run with all its results, in one transaction; return its run_id.

    Raises
    ------
    StoreError
        If it cannot be written; nothing of it is then in the database.
    """
    return record_runs(database, [run], sweep)[0]


def record_runs(
    database: Database, runs: Sequence[Run], sweep: StoredSweep | None = None
) -> list[int]:
    """Write runs with all their results, in one transaction; return their run_ids.

    Raises
    ------
    StoreError
        If one cannot be written, or the database no longer holds the sweep; none of them is then in
        the database.
    """

    def write(connection: Connection) -> list[int]:
        if sweep is not None:
            _require(database, connection, sweep)
        environments = {
            environment: environment_id(connection, environment)
            for environment in {run.environment for run in runs}
        }
        sweep_id = None if sweep is None else sweep.sweep_id
        keys = configuration_ids(connection, runs)
        measured = diagnostics_ids(connection, runs)
        numbers = next_sequences(connection, models.Run, len(runs))
        rows = [
            run_row(run)
            | {"sweep_id": sweep_id, "environment_id": environments[run.environment]}
            | {"configuration_id": key, "diagnostics_id": diagnostics, "sequence": number}
            for run, key, diagnostics, number in zip(runs, keys, measured, numbers, strict=True)
        ]
        run_ids = insert_rows(connection, models.Run, rows)
        remove_leftovers(connection, run_ids)
        record_parts(connection, list(zip(run_ids, runs, strict=True)))
        return run_ids

    def find(connection: Connection) -> list[int] | None:
        keys = [_key_of(connection, models.Run, uuid=run.uuid) for run in runs]
        known = [key for key in keys if key is not None]
        return known if len(known) == len(runs) else None  # all arrived, or none

    return written(database, write, find)


def store_runs(database: Database, runs: Sequence[Run], sweep: StoredSweep | None) -> Sequence[Run]:
    """Write runs that ended together, in one transaction; return them.

    Raises
    ------
    StoreError
        If one cannot be written; all the others are still written.
    DatabaseGoneError
        If the database they belong to is gone; they are then written nowhere.
    """
    try:
        record_runs(database, runs, sweep)
    except DatabaseGoneError:
        raise
    except StoreError:
        if len(runs) == 1:
            raise
        refused = None
        for run in runs:
            try:
                record_run(database, run, sweep)
            except DatabaseGoneError:
                raise
            except StoreError as error:
                refused = error
        if refused is not None:
            raise refused from None
    return runs


def start_sweep(database: Database, command_line: str) -> StoredSweep:
    """Record that a sweep began; return what identifies it."""
    uuid = str(uuid4())
    values = {"uuid": uuid, "command_line": command_line, "started_at": utc(datetime.now(UTC))}
    sweep_id = written(
        database,
        lambda connection: insert_rows(connection, models.Sweep, [values])[0],
        lambda connection: _key_of(connection, models.Sweep, uuid=uuid),
    )
    return StoredSweep(sweep_id, uuid)


def end_sweep(database: Database, sweep: StoredSweep) -> None:
    """Record that a sweep ended now.

    Raises
    ------
    StoreError
        If it cannot be written, or the database no longer holds the sweep.
    """
    table = table_of(models.Sweep)
    ended_at = utc(datetime.now(UTC))

    def write(connection: Connection) -> None:
        _require(database, connection, sweep)
        own = table.c.sweep_id == sweep.sweep_id
        connection.execute(update(table).where(own).values(ended_at=ended_at))

    written(database, write, lambda _: None)


def record_claim(database: Database, result: ClaimResult) -> int:
    """Write the judgement of a claim, in one transaction; return its claim_result_id.

    Raises
    ------
    StoreError
        If it cannot be written; nothing of it is then in the database.
    """
    identity = {
        "measured_at": utc(result.measured_at),
        "claim": result.claim,
        "inputs_digest": result.inputs_digest,
    }
    names = ("position", "published", "rule", "seeds", "rule_version", "block", "p_value")
    values = {name: getattr(result, name) for name in names} | identity
    values |= asdict(result.judgement) | {"duration_s": result.duration_s}

    def write(connection: Connection) -> int:
        values["environment_id"] = environment_id(connection, result.environment)
        (values["sequence"],) = next_sequences(connection, models.ClaimResult, 1)
        (key,) = insert_rows(connection, models.ClaimResult, [values])
        of_result = {"claim_result_id": key}
        _record_observations(connection, key, result.observations)
        rows = [
            of_result | {"position": position} | measurement_row(connection, result.claim, found)
            for position, found in enumerate(result.measurements, 1)
        ]
        insert_rows(connection, models.Measurement, rows)
        return key

    return written(
        database, write, lambda connection: _key_of(connection, models.ClaimResult, **identity)
    )


def _record_observations(
    connection: Connection, key: int, observations: Sequence[Observation]
) -> None:
    """Write the observations of a judgement, a series for each quantity and subject."""
    named = dict.fromkeys((found.quantity, found.subject) for found in observations)
    rows = [
        {"claim_result_id": key, "quantity": quantity, "subject": subject}
        for quantity, subject in named
    ]
    series = dict(zip(named, insert_rows(connection, models.Series, rows), strict=True))
    insert_values(
        connection,
        models.Observation,
        ("series_id", "place", "value", "run_id"),
        [(series[o.quantity, o.subject], o.place, o.value, o.run_id) for o in observations],
    )


def record_benchmark(database: Database, benchmark: Benchmark) -> int:
    """Write a benchmark with its timings, in one transaction; return its benchmark_id.

    Raises
    ------
    StoreError
        If it cannot be written; nothing of it is then in the database.
    """

    def write(connection: Connection) -> int:
        (number,) = next_sequences(connection, models.Benchmark, 1)
        values = {
            "uuid": benchmark.uuid,
            "sequence": number,
            "environment_id": environment_id(connection, benchmark.environment),
            "started_at": utc(benchmark.started_at),
            "duration_s": benchmark.duration_s,
        }
        (key,) = insert_rows(connection, models.Benchmark, [values])
        rows = [{"benchmark_id": key} | _timing_row(timing) for timing in benchmark.timings]
        insert_rows(connection, models.Timing, rows)
        return key

    return written(
        database,
        write,
        lambda connection: _key_of(connection, models.Benchmark, uuid=benchmark.uuid),
    )


def _timing_row(timing: Timing) -> dict[str, Any]:
    values = asdict(timing)
    values |= values.pop("size")
    values["n_samples"] = values.pop("N")  # SQLite does not distinguish N from n
    return values


def _key_of(connection: Connection, model: type[models.Base], **identity: object) -> int | None:
    """Return the key of the row with these values, or None."""
    table = table_of(model)
    (key,) = table.primary_key
    question = select(key).where(*(table.c[name] == value for name, value in identity.items()))
    found: int | None = connection.execute(question.order_by(key.desc())).scalar()
    return found


def _require(database: Database, connection: Connection, sweep: StoredSweep) -> None:
    """Raise DatabaseGoneError if another database has replaced the sweep's."""
    if _key_of(connection, models.Sweep, uuid=sweep.uuid) != sweep.sweep_id:
        raise replaced(database.name)
