"""Writing: a run enters whole, in one transaction, when it has ended."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, update

from cdbench.benchmark import Benchmark, Timing
from cdbench.config import KNOBS, RunConfig
from cdbench.errors import StoreError
from cdbench.judgement import ClaimResult
from cdbench.run import Condition, Curvature, EpochMetrics, Run
from cdbench.store import models
from cdbench.store.database import Database
from cdbench.store.insert import environment_id, insert_rows, insert_values, table_of
from cdbench.store.orphans import remove_leftovers

ARROW = "→"

EPOCH_FIELDS = tuple(field.name for field in fields(EpochMetrics))
CONDITION_FIELDS = tuple(field.name for field in fields(Condition))
CURVATURE_FIELDS = tuple(
    field.name for field in fields(Curvature) if field.name not in ("nodes", "weights")
)
PLACE_FIELDS = ("layer", "kind", "epoch", "sample")

_epoch_values = attrgetter(*EPOCH_FIELDS)
_condition_values = attrgetter(*CONDITION_FIELDS)
_place = attrgetter(*PLACE_FIELDS)


def record_run(database: Database, run: Run, sweep_id: int | None = None) -> int:
    """Write a run with everything it gave, in one transaction; return its run_id.

    Raises
    ------
    StoreError
        If it cannot be written; nothing of it is then in the database.
    """
    return record_runs(database, [run], sweep_id)[0]


def record_runs(database: Database, runs: Sequence[Run], sweep_id: int | None = None) -> list[int]:
    """Write runs with everything they gave, in one transaction; return their run_ids.

    Raises
    ------
    StoreError
        If one cannot be written; nothing of any of them is then in the database.
    """
    with database.transaction() as connection:
        environments = {
            environment: environment_id(connection, environment)
            for environment in {run.environment for run in runs}
        }
        rows = [
            _run_row(run) | {"sweep_id": sweep_id, "environment_id": environments[run.environment]}
            for run in runs
        ]
        run_ids = insert_rows(connection, models.Run, rows)
        remove_leftovers(connection, run_ids)
        keyed = list(zip(run_ids, runs, strict=True))
        insert_values(
            connection,
            models.Epoch,
            ("run_id", *EPOCH_FIELDS),
            [(key, *_epoch_values(epoch)) for key, run in keyed for epoch in run.epochs],
        )
        _record_spectra(connection, keyed)
        _record_curvature(connection, keyed)
    return run_ids


def store_runs(database: Database, runs: Sequence[Run], sweep_id: int | None) -> Sequence[Run]:
    """Write runs that ended together, in one transaction; return them.

    Raises
    ------
    StoreError
        If one cannot be written; all others are then in the database all the same.
    """
    try:
        record_runs(database, runs, sweep_id)
    except StoreError:
        if len(runs) == 1:
            raise
        refused = None
        for run in runs:
            try:
                record_run(database, run, sweep_id)
            except StoreError as error:
                refused = error
        if refused is not None:
            raise refused from None
    return runs


def start_sweep(database: Database, command_line: str) -> int:
    """Write that a sweep began; return its sweep_id."""
    with database.transaction() as connection:
        values = {"command_line": command_line, "started_at": _utc(datetime.now(UTC))}
        return insert_rows(connection, models.Sweep, [values])[0]


def end_sweep(database: Database, sweep_id: int) -> None:
    """Write that a sweep ended now."""
    table = table_of(models.Sweep)
    with database.transaction() as connection:
        connection.execute(
            update(table)
            .where(table.c.sweep_id == sweep_id)
            .values(ended_at=_utc(datetime.now(UTC)))
        )


def record_claim(database: Database, result: ClaimResult) -> int:
    """Write the audit of a claim, in one transaction; return its claim_result_id.

    Raises
    ------
    StoreError
        If it cannot be written; nothing of it is then in the database.
    """
    values = {
        name: getattr(result, name)
        for name in ("claim", "position", "published", "rule", "seeds", "inputs_digest")
    }
    values |= asdict(result.judgement)
    values |= {"measured_at": _utc(result.measured_at), "duration_s": result.duration_s}
    with database.transaction() as connection:
        values["environment_id"] = environment_id(connection, result.environment)
        (key,) = insert_rows(connection, models.ClaimResult, [values])
        of_result = {"claim_result_id": key}
        insert_rows(
            connection, models.Observation, [of_result | asdict(o) for o in result.observations]
        )
        insert_rows(
            connection,
            models.Measurement,
            [
                of_result | {"position": position} | asdict(measurement)
                for position, measurement in enumerate(result.measurements, 1)
            ],
        )
        return key


def record_benchmark(database: Database, benchmark: Benchmark) -> int:
    """Write a benchmark with its timings, in one transaction; return its benchmark_id.

    Raises
    ------
    StoreError
        If it cannot be written; nothing of it is then in the database.
    """
    with database.transaction() as connection:
        values = {
            "uuid": benchmark.uuid,
            "environment_id": environment_id(connection, benchmark.environment),
            "started_at": _utc(benchmark.started_at),
            "duration_s": benchmark.duration_s,
        }
        (key,) = insert_rows(connection, models.Benchmark, [values])
        rows = [{"benchmark_id": key} | _timing_row(timing) for timing in benchmark.timings]
        insert_rows(connection, models.Timing, rows)
        return key


def _timing_row(timing: Timing) -> dict[str, Any]:
    values = asdict(timing)
    values |= values.pop("size")
    values["n_samples"] = values.pop("N")  # SQLite does not tell N from n
    return values


def _run_row(run: Run) -> dict[str, Any]:
    return _knob_columns(run.config) | {
        "uuid": run.uuid,
        "status": run.status,
        "config_json": run.config.canonical_json(),
        "config_digest": run.config.digest(),
        "group_digest": run.config.group_digest(),
        "dataset_fingerprint": run.dataset_fingerprint,
        "widths": ARROW.join(map(str, run.widths)) or None,
        "n_parameters": run.n_parameters,
        "product_used": run.product_used,
        "diagnostics_json": run.diagnostics.canonical_json() if run.diagnostics else None,
        "started_at": _utc(run.started_at),
        "duration_s": run.duration_s,
        "cpu_s": run.cpu_s,
        "peak_memory_bytes": run.peak_memory_bytes,
        "error": run.error,
        "diverged_epoch": run.diverged_epoch,
        "diverged_step": run.diverged_step,
    }


def _knob_columns(config: RunConfig) -> dict[str, Any]:
    values = {name: getattr(config, name) for name in KNOBS}
    return values | {"hidden": " ".join(map(str, config.hidden))}


def _record_spectra(connection: Connection, keyed: Sequence[tuple[int, Run]]) -> None:
    spectra = [(run_id, spectrum) for run_id, run in keyed for spectrum in run.spectra]
    insert_values(
        connection,
        models.ConditionNumber,
        ("run_id", *PLACE_FIELDS, "step", *CONDITION_FIELDS),
        [
            (run_id, *_place(found), found.step, *_condition_values(found.condition))
            for run_id, found in spectra
        ],
    )
    kept = [(run_id, spectrum) for run_id, spectrum in spectra if spectrum.values]
    names = ("run_id", *PLACE_FIELDS, "multiplicity")
    rows = [
        dict(zip(names, (run_id, *_place(found), found.multiplicity), strict=True))
        for run_id, found in kept
    ]
    values = [
        (spectrum_id, position, value)
        for spectrum_id, (_, found) in zip(
            insert_rows(connection, models.Spectrum, rows), kept, strict=True
        )
        for position, value in enumerate(found.values, 1)
    ]
    insert_values(connection, models.SpectrumValue, ("spectrum_id", "position", "value"), values)


def _record_curvature(connection: Connection, keyed: Sequence[tuple[int, Run]]) -> None:
    for run_id, run in keyed:
        keep_nodes = run.diagnostics is None or run.diagnostics.values
        for curvature in run.curvature:
            row = {name: getattr(curvature, name) for name in CURVATURE_FIELDS}
            (key,) = insert_rows(connection, models.Curvature, [row | {"run_id": run_id}])
            pairs = zip(curvature.nodes, curvature.weights, strict=True)
            nodes = [(key, position, *pair) for position, pair in enumerate(pairs, 1)]
            insert_values(
                connection,
                models.CurvatureNode,
                ("curvature_id", "position", "eigenvalue", "weight"),
                nodes if keep_nodes else [],
            )


def _utc(moment: datetime) -> datetime:
    """Return the moment as it is kept: UTC, without an offset."""
    return moment.astimezone(UTC).replace(tzinfo=None)
