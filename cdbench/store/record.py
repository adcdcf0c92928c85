"""Writing: a run enters whole, in one transaction, when it has ended."""

import hashlib
import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, insert, select, update

from cdbench.benchmark import Benchmark, Timing
from cdbench.config import KNOBS, RunConfig
from cdbench.judgement import ClaimResult
from cdbench.run import Environment, Run
from cdbench.store import models
from cdbench.store.database import Database

ARROW = "→"


def record_run(database: Database, run: Run, sweep_id: int | None = None) -> int:
    """Write a run with everything it gave, in one transaction; return its run_id.

    Raises
    ------
    StoreError
        If it cannot be written; nothing of it is then in the database.
    """
    with database.transaction() as connection:
        values = _run_row(run) | {
            "sweep_id": sweep_id,
            "environment_id": _environment_id(connection, run.environment),
        }
        run_id = _insert(connection, models.Run, values)
        _insert_many(
            connection, models.Epoch, [{"run_id": run_id} | asdict(epoch) for epoch in run.epochs]
        )
        _record_spectra(connection, run, run_id)
        _record_curvature(connection, run, run_id)
        return run_id


def start_sweep(database: Database, command_line: str) -> int:
    """Write that a sweep began; return its sweep_id."""
    with database.transaction() as connection:
        values = {"command_line": command_line, "started_at": _utc(datetime.now(UTC))}
        return _insert(connection, models.Sweep, values)


def end_sweep(database: Database, sweep_id: int) -> None:
    """Write that a sweep ended now."""
    table = _table(models.Sweep)
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
        values["environment_id"] = _environment_id(connection, result.environment)
        key = {"claim_result_id": _insert(connection, models.ClaimResult, values)}
        _insert_many(connection, models.Observation, [key | asdict(o) for o in result.observations])
        _insert_many(
            connection,
            models.Measurement,
            [
                key | {"position": position} | asdict(measurement)
                for position, measurement in enumerate(result.measurements, 1)
            ],
        )
        return key["claim_result_id"]


def record_benchmark(database: Database, benchmark: Benchmark) -> int:
    """Write a benchmark, in one transaction; return its benchmark_id.

    Raises
    ------
    StoreError
        If it cannot be written; nothing of it is then in the database.
    """
    with database.transaction() as connection:
        values = {
            "uuid": benchmark.uuid,
            "environment_id": _environment_id(connection, benchmark.environment),
            "started_at": _utc(benchmark.started_at),
            "duration_s": benchmark.duration_s,
        }
        key = {"benchmark_id": _insert(connection, models.Benchmark, values)}
        rows = [key | _timing_row(timing) for timing in benchmark.timings]
        _insert_many(connection, models.Timing, rows)
        return key["benchmark_id"]


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


def _record_spectra(connection: Connection, run: Run, run_id: int) -> None:
    conditions, values = [], []
    for spectrum in run.spectra:
        key = {
            "run_id": run_id,
            "layer": spectrum.layer,
            "kind": spectrum.kind,
            "epoch": spectrum.epoch,
            "sample": spectrum.sample,
        }
        conditions.append(key | {"step": spectrum.step} | asdict(spectrum.condition))
        if spectrum.values:
            row = key | {"multiplicity": spectrum.multiplicity}
            spectrum_id = _insert(connection, models.Spectrum, row)
            values += [
                {"spectrum_id": spectrum_id, "position": position, "value": value}
                for position, value in enumerate(spectrum.values, 1)
            ]
    _insert_many(connection, models.ConditionNumber, conditions)
    _insert_many(connection, models.SpectrumValue, values)


def _record_curvature(connection: Connection, run: Run, run_id: int) -> None:
    keep_nodes = run.diagnostics is None or run.diagnostics.values
    for curvature in run.curvature:
        row = asdict(curvature) | {"run_id": run_id}
        nodes, weights = row.pop("nodes"), row.pop("weights")
        curvature_id = _insert(connection, models.Curvature, row)
        rows = [
            {
                "curvature_id": curvature_id,
                "position": position,
                "eigenvalue": node,
                "weight": weight,
            }
            for position, (node, weight) in enumerate(zip(nodes, weights, strict=True), 1)
        ]
        _insert_many(connection, models.CurvatureNode, rows if keep_nodes else [])


def _environment_id(connection: Connection, environment: Environment) -> int:
    """Return the row of an equal environment, written now if there is none yet."""
    values = asdict(environment)
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
    table = _table(models.Environment)
    found = connection.execute(select(table.c.environment_id).where(table.c.digest == digest))
    known: int | None = found.scalar()
    if known is not None:
        return known
    return _insert(connection, models.Environment, values | {"digest": digest})


def _table(model: type[models.Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table


def _insert(connection: Connection, model: type[models.Base], values: dict[str, Any]) -> int:
    key = connection.execute(insert(_table(model)), values).inserted_primary_key
    assert key is not None
    return int(key[0])


def _insert_many(
    connection: Connection, model: type[models.Base], rows: list[dict[str, Any]]
) -> None:
    if rows:
        connection.execute(insert(_table(model)), rows)


def _utc(moment: datetime) -> datetime:
    """Return the moment as SQLite keeps it: UTC, without an offset."""
    return moment.astimezone(UTC).replace(tzinfo=None)
