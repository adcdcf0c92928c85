"""Queries of the audit: runs and their measurements, in bulk."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, text

from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.records.noise_floors import NoiseFloor
from cdbench.records.run import EpochMetrics
from cdbench.records.spectra import Condition, Curvature, Spectrum
from cdbench.store.database import Database
from cdbench.store.floor_columns import FLOOR_COLUMNS, floors_in
from cdbench.store.queries import ASKED, OF_ASKED, asked, chunks
from cdbench.store.stored_json import asked_config, stored_config, stored_diagnostics

Floors = dict[tuple[int, str, int], tuple[NoiseFloor, ...]]
"""Noise floors of a run, by layer, kind and epoch."""


@dataclass(frozen=True)
class AuditedRun:
    """A completed run with everything measured in it except the numbers of its spectra.

    Attributes
    ----------
    run_id : int
        Its key in the database.
    uuid : str
        Its identity in any database.
    config : RunConfig
        What was trained.
    n_parameters : int
        Weights and biases.
    epochs : tuple of EpochMetrics
        In order.
    spectra : tuple of Spectrum
        Their conditions; the values are left out.
    curvature : tuple of Curvature
        Without their nodes.
    """

    run_id: int
    uuid: str
    config: RunConfig
    n_parameters: int
    epochs: tuple[EpochMetrics, ...]
    spectra: tuple[Spectrum, ...]
    curvature: tuple[Curvature, ...]

    def conditions(self, kind: str, epoch: int | None = None) -> list[Condition]:
        """Return one kind's conditions, layer by layer, after an epoch (by default the last)."""
        if epoch is None:  # a training may have ended early
            epoch = self.epochs[-1].epoch if self.epochs else self.config.epochs
        found = [s for s in self.spectra if (s.kind, s.epoch, s.step) == (kind, epoch, 0)]
        return [spectrum.condition for spectrum in sorted(found, key=lambda s: s.layer)]

    @property
    def test_accuracy(self) -> float:
        """Test accuracy after the last epoch of a classification, 0 to 1."""
        return self.epochs[-1].accuracy

    @property
    def test_r2(self) -> float | None:
        """R² of the test split after the last epoch; None of a classification."""
        return self.epochs[-1].test_r2

    @property
    def training_loss(self) -> float:
        """Training loss of the last epoch, in nats."""
        return self.epochs[-1].training_loss


_STORED = text(
    f"""
    SELECT run_id, uuid, config_digest, diagnostics_json
    FROM run LEFT JOIN diagnostics USING (diagnostics_id)
    WHERE {ASKED} AND status = 'completed' ORDER BY sequence, run_id
    """
).bindparams(*OF_ASKED)

_RUNS = text(
    """
    SELECT run_id, uuid, seed, config_json, config_digest, n_parameters
    FROM run JOIN configuration USING (configuration_id) WHERE run_id IN :ids
    """
).bindparams(bindparam("ids", expanding=True))

_EPOCHS = text(
    """
    SELECT run_id, epoch, training_loss, test_loss, test_accuracy, duration_s, validation_loss,
        validation_accuracy, test_r2
    FROM epoch WHERE run_id IN :ids ORDER BY run_id, epoch
    """
).bindparams(bindparam("ids", expanding=True))

_CONDITIONS = text(
    """
    SELECT run_id, layer, kind, epoch, step, sample, largest, smallest, kappa, kappa_nonnull,
        rank, size, threshold, flatness, effective_rank
    FROM condition_number WHERE run_id IN :ids ORDER BY run_id, layer, kind, epoch, step
    """
).bindparams(bindparam("ids", expanding=True))

_FLOORS = text(
    f"SELECT run_id, layer, kind, epoch, {', '.join(FLOOR_COLUMNS)} FROM noise_floor "
    "WHERE run_id IN :ids"
).bindparams(bindparam("ids", expanding=True))

_CURVATURE = text(
    """
    SELECT run_id, matrix, coordinates, epoch, sample, n_samples, method, size, rank, threshold,
        largest, smallest, kappa, kappa_nonnull, trace, trace_error, effective_rank, damping,
        damped_kappa
    FROM curvature WHERE run_id IN :ids ORDER BY curvature_id
    """
).bindparams(bindparam("ids", expanding=True))


def covering_runs(
    database: Database, needs: Mapping[RunConfig, Diagnostics]
) -> dict[RunConfig, tuple[int, str]]:
    """Return run_id and uuid of each configuration's newest completed run that meets its needs."""
    by_digest = {config.digest(): config for config in needs}
    found: dict[RunConfig, tuple[int, str]] = {}
    with database.transaction() as connection:
        for values in asked(by_digest):
            for row in connection.execute(_STORED, values).mappings():
                config = asked_config(by_digest, row["config_digest"], database)
                measured = stored_diagnostics(row, database)
                if measured is not None and measured.covers(needs[config], config.epochs):
                    found[config] = (row["run_id"], row["uuid"])
    return found


def audited_runs(database: Database, run_ids: Iterable[int]) -> dict[RunConfig, AuditedRun]:
    """Return the runs with these keys, by configuration."""
    runs: dict[RunConfig, AuditedRun] = {}
    with database.transaction() as connection:
        for ids in chunks(list(run_ids)):
            rows = {
                name: connection.execute(query, {"ids": ids}).mappings().all()
                for name, query in (
                    ("runs", _RUNS),
                    ("epochs", _EPOCHS),
                    ("conditions", _CONDITIONS),
                    ("floors", _FLOORS),
                    ("curvature", _CURVATURE),
                )
            }
            epochs = _grouped(rows["epochs"])
            conditions = _grouped(rows["conditions"])
            floors = _floors(rows["floors"])
            curvature = _grouped(rows["curvature"])
            for row in rows["runs"]:
                run_id = row["run_id"]
                config = stored_config(row, database)
                runs[config] = AuditedRun(
                    run_id,
                    row["uuid"],
                    config,
                    row["n_parameters"],
                    tuple(EpochMetrics(**values) for values in epochs.get(run_id, ())),
                    tuple(
                        _spectrum(values, floors.get(run_id, {}))
                        for values in conditions.get(run_id, ())
                    ),
                    tuple(
                        Curvature(**values, nodes=(), weights=())
                        for values in curvature.get(run_id, ())
                    ),
                )
    return runs


def _grouped(rows: Iterable[Any]) -> dict[int, list[dict[str, Any]]]:
    groups: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        values = dict(row)
        groups.setdefault(values.pop("run_id"), []).append(values)
    return groups


def _floors(rows: Iterable[Any]) -> dict[int, Floors]:
    """Return the noise floors of each run."""
    found: dict[int, Floors] = {}
    for row in rows:
        own = found.setdefault(row["run_id"], {})
        own[row["layer"], row["kind"], row["epoch"]] = floors_in(row)
    return found


def _spectrum(values: dict[str, Any], floors: Floors) -> Spectrum:
    key = {name: values.pop(name) for name in ("layer", "kind", "epoch", "step", "sample")}
    own = () if key["step"] else floors.get((key["layer"], key["kind"], key["epoch"]), ())
    return Spectrum(**key, values=(), condition=Condition(**values, floors=own))
