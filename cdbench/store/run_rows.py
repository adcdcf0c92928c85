"""The rows of a run: its own, and those of its epochs, spectra and curvature."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection

from cdbench.config.run_config import KNOBS, RunConfig
from cdbench.records.run import ClassAccuracy, EpochMetrics, LayerGain, Run
from cdbench.records.spectra import Condition, Curvature
from cdbench.store import models
from cdbench.store.floor_columns import FLOOR_COLUMNS, floor_values
from cdbench.store.insert import insert_rows, insert_values, shared_key
from cdbench.store.stored_json import ARROW
from cdbench.store.weights_rows import WEIGHTS_COLUMNS, weights_values

CONFIG_COLUMNS = (*KNOBS, "structure")
"""What a configuration has a column for, but the fingerprint, which the run has read."""


EPOCH_FIELDS = tuple(field.name for field in fields(EpochMetrics))
CLASS_FIELDS = tuple(field.name for field in fields(ClassAccuracy))
GAIN_FIELDS = tuple(field.name for field in fields(LayerGain))
CONDITION_FIELDS = tuple(field.name for field in fields(Condition) if field.name != "floors")
CURVATURE_FIELDS = tuple(
    field.name for field in fields(Curvature) if field.name not in ("nodes", "weights")
)
PLACE_FIELDS = ("layer", "kind", "epoch", "sample")

_epoch_values = attrgetter(*EPOCH_FIELDS)
_class_values = attrgetter(*CLASS_FIELDS)
_gain_values = attrgetter(*GAIN_FIELDS)
_condition_values = attrgetter(*CONDITION_FIELDS)
_place = attrgetter(*PLACE_FIELDS)


def run_row(run: Run) -> dict[str, Any]:
    """Return the columns of a run, except its keys and its place in the order of writing."""
    return knob_columns(run.config) | {
        "uuid": run.uuid,
        "status": run.status,
        "config_digest": run.config.digest(),
        "widths": ARROW.join(map(str, run.widths)) or None,
        "n_parameters": run.n_parameters,
        "product_used": run.product_used,
        "started_at": utc(run.started_at),
        "duration_s": run.duration_s,
        "cpu_s": run.cpu_s,
        "peak_memory_bytes": run.peak_memory_bytes,
        "error": run.error,
        "diverged_epoch": run.diverged_epoch,
        "diverged_step": run.diverged_step,
    }


def configuration_ids(connection: Connection, runs: Sequence[Run]) -> list[int]:
    """Return the key of each run's configuration, which is written now if there is none yet."""
    names = [(run.config.group_digest(), run.dataset_fingerprint) for run in runs]
    keys = {
        name: shared_key(
            connection,
            models.Configuration,
            ("group_digest", "dataset_fingerprint"),
            {
                "group_digest": name[0],
                "dataset_fingerprint": name[1],
                "config_json": config.group_json(),
                "baseline_digest": config.baseline().group_digest(),
            },
        )
        for name, config in dict(zip(names, (run.config for run in runs), strict=True)).items()
    }
    return [keys[name] for name in names]


def diagnostics_ids(connection: Connection, runs: Sequence[Run]) -> list[int | None]:
    """Return the key of what was measured of each run, as for its configuration."""
    keys = {
        measured: shared_key(
            connection,
            models.Diagnostics,
            ("diagnostics_json",),
            {"diagnostics_json": measured.canonical_json()},
        )
        for measured in dict.fromkeys(run.diagnostics for run in runs)
        if measured is not None
    }
    return [None if run.diagnostics is None else keys[run.diagnostics] for run in runs]


def knob_columns(config: RunConfig) -> dict[str, Any]:
    """Return a configuration's columns, CONFIG_COLUMNS, as they are stored."""
    values = {name: getattr(config, name) for name in CONFIG_COLUMNS}
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    """Return a knob's value as a column holds it: numbers of a list with spaces between."""
    return " ".join(map(str, value)) if isinstance(value, tuple) else value


def record_parts(connection: Connection, keyed: Sequence[tuple[int, Run]]) -> None:
    """Write the rows that belong to runs; the runs are given with their keys."""
    insert_values(
        connection,
        models.Epoch,
        ("run_id", *EPOCH_FIELDS),
        [(key, *_epoch_values(epoch)) for key, run in keyed for epoch in run.epochs],
    )
    insert_values(
        connection,
        models.ClassAccuracy,
        ("run_id", "position", *CLASS_FIELDS),
        [
            (key, place, *_class_values(one))
            for key, run in keyed
            for place, one in enumerate(run.classes, 1)
        ],
    )
    insert_values(
        connection,
        models.LayerGain,
        ("run_id", *GAIN_FIELDS),
        [(key, *_gain_values(one)) for key, run in keyed for one in run.gains],
    )
    insert_values(
        connection,
        models.KeptWeights,
        ("run_id", *WEIGHTS_COLUMNS),
        [(key, *weights_values(run.weights)) for key, run in keyed if run.weights is not None],
    )
    _record_spectra(connection, keyed)
    _record_curvature(connection, keyed)


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
    insert_values(
        connection,
        models.NoiseFloor,
        ("run_id", "layer", "kind", "epoch", *FLOOR_COLUMNS),
        [
            (run_id, found.layer, found.kind, found.epoch, *floor_values(found.condition.floors))
            for run_id, found in spectra
            if found.condition.floors
        ],
    )
    kept = [(run_id, spectrum) for run_id, spectrum in spectra if spectrum.values]
    rows = [
        dict(zip(PLACE_FIELDS, _place(found), strict=True))
        | {"run_id": run_id, "multiplicity": found.multiplicity, "n_numbers": found.n_numbers}
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


def utc(moment: datetime) -> datetime:
    """Return the moment as it is stored: in UTC, without an offset."""
    return moment.astimezone(UTC).replace(tzinfo=None)
