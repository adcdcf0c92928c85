"""Reading whole runs: what was recorded of each, as a Run again."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, RowMapping, Select, Table, select

from cdbench.records.run import ClassAccuracy, Environment, EpochMetrics, LayerGain, Run
from cdbench.records.spectra import Condition, Curvature, Spectrum
from cdbench.store import models
from cdbench.store.database import Database
from cdbench.store.floor_columns import floors_in
from cdbench.store.insert import table_of
from cdbench.store.queries import chunks
from cdbench.store.stored_json import (
    damaged,
    stored_config,
    stored_diagnostics,
    stored_widths,
)

_RUN, _CONFIGURATION, _DIAGNOSTICS, _ENVIRONMENT, _EPOCH, _CLASS, _GAIN = (
    table_of(models.Run),
    table_of(models.Configuration),
    table_of(models.Diagnostics),
    table_of(models.Environment),
    table_of(models.Epoch),
    table_of(models.ClassAccuracy),
    table_of(models.LayerGain),
)
_CONDITION, _SPECTRUM = table_of(models.ConditionNumber), table_of(models.Spectrum)
_FLOOR, _VALUE, _CURVATURE, _NODE = (
    table_of(models.NoiseFloor),
    table_of(models.SpectrumValue),
    table_of(models.Curvature),
    table_of(models.CurvatureNode),
)

Rows = dict[int, list[Row[Any]]]
"""Rows, by the key of the row that they belong to."""


def stored_runs(database: Database, run_ids: Iterable[int]) -> Iterator[tuple[int, Run]]:
    """Yield run_id and run, ordered by run_id, reading a few hundred at a time.

    They equal the runs given to ``record_run``, except for networks, which ``model_queries`` reads,
    and for what it does not keep: spectra are in
    the order of their keys (layer, kind, epoch, step), those without values have multiplicity 1,
    and curvature has no nodes if values were not to be kept.

    Raises
    ------
    StoreError
        If a run's row holds something that cdbench never wrote.
    """
    for ids in chunks(sorted(set(run_ids))):
        with database.transaction() as connection:
            parts = _Parts(connection, ids)
            rows = connection.execute(_runs().where(_RUN.c.run_id.in_(ids))).all()
        for row in rows:
            yield row.run_id, _run(row, parts, database)


class _Parts:
    """All rows that belong to some runs, read with one query per table."""

    def __init__(self, connection: Connection, ids: Sequence[int]) -> None:
        def of_runs(table: Table, *order: str) -> Rows:
            question = select(table).where(table.c.run_id.in_(ids))
            return _grouped(connection, question, "run_id", [table.c[name] for name in order])

        def of_parts(table: Table, parent: Table, key: str) -> Rows:
            question = select(table).join(parent, same(table, parent, key))
            question = question.where(parent.c.run_id.in_(ids))
            return _grouped(connection, question, key, [table.c[key], table.c.position])

        self.epochs = of_runs(_EPOCH, "epoch")
        self.gains = of_runs(_GAIN, "layer")
        self.classes = of_runs(_CLASS, "position")
        self.conditions = of_runs(_CONDITION, "layer", "kind", "epoch", "step")
        self.floors = of_runs(_FLOOR, "layer", "kind", "epoch")
        self.spectra = of_runs(_SPECTRUM, "spectrum_id")
        self.values = of_parts(_VALUE, _SPECTRUM, "spectrum_id")
        self.curvature = of_runs(_CURVATURE, "curvature_id")
        self.nodes = of_parts(_NODE, _CURVATURE, "curvature_id")


def _grouped(connection: Connection, question: Select[Any], key: str, order: Sequence[Any]) -> Rows:
    groups: Rows = {}
    for row in connection.execute(question.order_by(*order)):
        groups.setdefault(getattr(row, key), []).append(row)
    return groups


def same(one: Table, other: Table, name: str) -> Any:
    """Return the SQL condition that two tables agree in a column."""
    return one.c[name] == other.c[name]


def _runs() -> Select[Any]:
    shared = [_CONFIGURATION.c.config_json, _CONFIGURATION.c.dataset_fingerprint]
    shared.append(_DIAGNOSTICS.c.diagnostics_json)
    shared += [column for column in _ENVIRONMENT.c if column.name in _names(Environment)]
    return (
        select(_RUN, *shared)
        .outerjoin_from(_RUN, _CONFIGURATION, same(_RUN, _CONFIGURATION, "configuration_id"))
        .outerjoin(_ENVIRONMENT, same(_RUN, _ENVIRONMENT, "environment_id"))
        .outerjoin(_DIAGNOSTICS, same(_RUN, _DIAGNOSTICS, "diagnostics_id"))
        .order_by(_RUN.c.run_id)
    )


def _run(row: Row[Any], parts: _Parts, database: Database) -> Run:
    values = row._mapping
    for key, other in (("configuration_id", "config_json"), ("environment_id", "python_version")):
        if values[other] is None:
            why = f"{values[key]} is not there"
            raise damaged(database, key, f"run {row.run_id}", why)
    plain = _names(Run) & set(values) - {"epochs"}  # this column is the number asked for
    started: datetime = values["started_at"]
    derived = {
        "config": stored_config(values, database),
        "diagnostics": stored_diagnostics(values, database),
        "environment": Environment(**_fields(Environment, values)),
        "started_at": started.replace(tzinfo=UTC),
        "widths": stored_widths(values, database),
        "epochs": tuple(
            EpochMetrics(**_fields(EpochMetrics, epoch._mapping))
            for epoch in parts.epochs.get(row.run_id, ())
        ),
        "gains": tuple(LayerGain(own.layer, own.gain) for own in parts.gains.get(row.run_id, ())),
        "classes": tuple(
            ClassAccuracy(**_fields(ClassAccuracy, own._mapping))
            for own in parts.classes.get(row.run_id, ())
        ),
        "spectra": _spectra(parts, row.run_id),
        "curvature": _curvature(parts, row.run_id),
    }
    return Run(**({name: values[name] for name in plain} | derived))


def _spectra(parts: _Parts, run_id: int) -> tuple[Spectrum, ...]:
    kept = {
        (row.layer, row.kind, row.epoch, 0): (
            tuple(number.value for number in parts.values.get(row.spectrum_id, ())),
            row.multiplicity,
            row.n_numbers,
        )
        for row in parts.spectra.get(run_id, ())
    }
    floors_at = {
        (row.layer, row.kind, row.epoch): floors_in(row._mapping)
        for row in parts.floors.get(run_id, ())
    }
    spectra = []
    for row in parts.conditions.get(run_id, ()):
        place = (row.layer, row.kind, row.epoch, row.step)
        values, multiplicity, n_numbers = kept.get(place, ((), 1, None))
        floors = () if row.step else floors_at.get(place[:3], ())
        condition = Condition(**_fields(Condition, row._mapping), floors=floors)
        spectra.append(
            Spectrum(
                *(row.layer, row.kind, row.epoch, values, condition, row.sample, row.step),
                multiplicity=multiplicity,
                n_numbers=n_numbers,
            )
        )
    return tuple(spectra)


def _curvature(parts: _Parts, run_id: int) -> tuple[Curvature, ...]:
    found = []
    for row in parts.curvature.get(run_id, ()):
        nodes = parts.nodes.get(row.curvature_id, ())
        points = {
            "nodes": tuple(node.eigenvalue for node in nodes),
            "weights": tuple(node.weight for node in nodes),
        }
        found.append(Curvature(**(_fields(Curvature, row._mapping) | points)))
    return tuple(found)


def _fields(kind: Any, values: RowMapping) -> dict[str, Any]:
    return {name: values[name] for name in _names(kind) & set(values)}


def _names(kind: Any) -> set[str]:
    return {field.name for field in fields(kind)}
