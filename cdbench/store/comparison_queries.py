"""Queries of comparisons: their runs while they go on, and their lines as stored."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, bindparam, text

from cdbench.config.run_config import RunConfig
from cdbench.errors import MissingResultsError, UnknownNameError
from cdbench.records.comparison import ComparedModel, Difference
from cdbench.records.run import COMPLETED, DIVERGED, FAILED
from cdbench.store.database import Database
from cdbench.store.queries import ASKED, OF_ASKED, asked, chunks
from cdbench.store.run_views import NATS_A_BIT
from cdbench.store.stored_json import asked_config, check_measure, check_plan


@dataclass(frozen=True)
class EndedRun:
    """A run that ended, with what its last epoch gave on the held-out samples."""

    run_id: int
    is_completed: bool
    validation_accuracy: float | None
    validation_loss: float | None


@dataclass(frozen=True)
class ReportedRun:
    """A completed run, as far as comparisons report it; None is what is not of its task."""

    run_id: int
    test_accuracy: float | None
    test_r2: float | None
    bits_per_character: float | None
    seconds_per_epoch: float
    weight_kappa: float | None
    hessian_kappa: float | None


@dataclass(frozen=True)
class StoredComparison:
    """A comparison as stored; without lines if it did not come to its end."""

    comparison_id: int
    name: str
    measure: str
    plan_json: str
    n_tuning: int
    n_reported: int
    lines: tuple[ComparedModel, ...]


_ENDED = text(
    f"""
    SELECT run.run_id, run.config_digest, run.status = 'completed' AS is_completed,
        epoch.validation_accuracy, epoch.validation_loss
    FROM run LEFT JOIN epoch ON epoch.run_id = run.run_id
        AND epoch.epoch = (SELECT max(e.epoch) FROM epoch AS e WHERE e.run_id = run.run_id)
    WHERE {ASKED} AND run.status IN :statuses
    ORDER BY run.sequence, run.run_id
    """
).bindparams(*OF_ASKED, bindparam("statuses", expanding=True))

_REPORTED = text(
    f"""
    SELECT run.config_digest, run.run_id, epoch.test_accuracy, epoch.test_r2,
        CASE run.task WHEN 'language' THEN epoch.test_loss / {NATS_A_BIT} END
            AS bits_per_character,
        (SELECT avg(e.duration_s) FROM epoch AS e WHERE e.run_id = run.run_id)
            AS seconds_per_epoch,
        (SELECT avg(k.kappa) FROM condition_number AS k WHERE k.run_id = run.run_id
            AND k.kind = 'weight' AND k.epoch = epoch.epoch AND k.step = 0) AS weight_kappa,
        (SELECT avg(k.kappa_nonnull) FROM condition_number AS k WHERE k.run_id = run.run_id
            AND k.kind = 'layer_hessian' AND k.epoch = epoch.epoch AND k.step = 0)
            AS hessian_kappa
    FROM run JOIN epoch ON epoch.run_id = run.run_id
        AND epoch.epoch = (SELECT max(e.epoch) FROM epoch AS e WHERE e.run_id = run.run_id)
    WHERE run.run_id IN :ids
    """
).bindparams(bindparam("ids", expanding=True))

_COMPARISONS = """
    SELECT comparison_id, name, measure, plan_json, plan_digest,
        (SELECT count(*) FROM comparison_run AS r WHERE r.comparison_id = c.comparison_id
            AND r.stage = 'tuning') AS n_tuning,
        (SELECT count(*) FROM comparison_run AS r WHERE r.comparison_id = c.comparison_id
            AND r.stage = 'reported') AS n_reported
    FROM comparison AS c WHERE ended_at IS NOT NULL """
_NAMED = _COMPARISONS + "AND name = :name ORDER BY sequence DESC"
_ANY = _COMPARISONS + "ORDER BY sequence DESC"
_KEYED = _COMPARISONS + "AND comparison_id = :id"
_BY_NAME, _NEWEST = text(_NAMED), text(_ANY)
_BY_KEY = text(_KEYED)
_NAMES = text("SELECT DISTINCT name FROM comparison WHERE ended_at IS NOT NULL ORDER BY name")

_STATE = text("SELECT name, ended_at FROM comparison WHERE comparison_id = :id")

_LINES = text("SELECT * FROM comparison_line WHERE comparison_id = :id ORDER BY position")
_DIFFERENCES = text(
    """
    SELECT d.* FROM comparison_difference AS d JOIN comparison_line AS l
        ON l.comparison_line_id = d.comparison_line_id
    WHERE l.comparison_id = :id ORDER BY d.against
    """
)

_RATES = text(
    """
    SELECT model, hidden, learning_rate, n_trials = n_completed AS all_completed,
        validation_accuracy_mean, validation_loss_mean
    FROM comparison_rates WHERE comparison_id = :id ORDER BY learning_rate
    """
)


_SCORES = text(
    """
    SELECT role, family, structure, CASE measure WHEN 'accuracy' THEN test_accuracy
        WHEN 'r2' THEN test_r2 ELSE bits_per_character END AS score
    FROM comparison_accuracies
    WHERE comparison_id = :id AND budget = :budget AND role <> 'dense'
    ORDER BY position, seed
    """
)


def ended_runs(
    database: Database, configs: Iterable[RunConfig], *, failed_too: bool = False
) -> dict[RunConfig, EndedRun]:
    """Return the newest run of each configuration that completed or diverged, or failed."""
    statuses = [COMPLETED, DIVERGED, *([FAILED] if failed_too else [])]
    by_digest = {config.digest(): config for config in configs}
    found: dict[RunConfig, EndedRun] = {}
    with database.transaction() as connection:
        for values in asked(by_digest):
            for row in connection.execute(_ENDED, values | {"statuses": statuses}).mappings():
                fields = dict(row)
                config = asked_config(by_digest, fields.pop("config_digest"), database)
                found[config] = EndedRun(**fields)
    return found


def reported_runs(database: Database, run_ids: Sequence[int]) -> dict[int, ReportedRun]:
    """Return these completed runs, by their keys."""
    found = {}
    with database.transaction() as connection:
        for ids in chunks(list(run_ids)):
            for row in connection.execute(_REPORTED, {"ids": ids}).mappings():
                values = {name: row[name] for name in _names(ReportedRun)}
                found[row["run_id"]] = ReportedRun(**values)
    return found


def state_of(database: Database, comparison_id: int) -> tuple[str, bool]:
    """Return a comparison's name, and whether it has come to its end."""
    with database.transaction() as connection:
        name, ended_at = connection.execute(_STATE, {"id": comparison_id}).one()
        return name, ended_at is not None


def stored_comparison(database: Database, name: str | None = None) -> StoredComparison:
    """Return the newest comparison that came to its end, of this name if one is given.

    Raises
    ------
    MissingResultsError
        If there is none at all.
    UnknownNameError
        If there is none of this name.
    """
    with database.transaction() as connection:
        question = _NEWEST if name is None else _BY_NAME
        named = {} if name is None else {"name": name}
        row = connection.execute(question, named).mappings().first()
        if row is None:
            names = list(connection.execute(_NAMES).scalars())
            if name is None or not names:
                raise MissingResultsError(
                    f"{database.name}: no comparison has come to its end; to make one: "
                    "cdbench compare --dataset digits --budget 0.25"
                )
            raise UnknownNameError("comparison", str(name), names)
        return _comparison(connection, row, database)


def comparison_of(database: Database, comparison_id: int) -> StoredComparison:
    """Return the comparison of this key, which has come to its end."""
    with database.transaction() as connection:
        row = connection.execute(_BY_KEY, {"id": comparison_id}).mappings().one()
        return _comparison(connection, row, database)


def rate_curves(
    database: Database, comparison_id: int, by_accuracy: bool
) -> dict[tuple[str, str], list[tuple[float, float | None]]]:
    """Return what rates were chosen by, by learning rate, of each model with its hidden widths.

    That is the mean validation accuracy, or loss; None where a run did not complete.
    """
    curves: dict[tuple[str, str], list[tuple[float, float | None]]] = {}
    with database.transaction() as connection:
        for row in connection.execute(_RATES, {"id": comparison_id}).mappings():
            mean = row["validation_accuracy_mean" if by_accuracy else "validation_loss_mean"]
            curves.setdefault((row["model"], row["hidden"]), []).append(
                (row["learning_rate"], mean if row["all_completed"] else None)
            )
    return curves


def seed_scores(
    database: Database, comparison_id: int, budget: float
) -> dict[tuple[str, str, str | None], list[float]]:
    """Return completed runs' measure, by seed, of each role, family and structure."""
    found: dict[tuple[str, str, str | None], list[float]] = {}
    with database.transaction() as connection:
        named = {"id": comparison_id, "budget": budget}
        for row in connection.execute(_SCORES, named).mappings():
            key = (row["role"], row["family"], row["structure"])
            found.setdefault(key, []).append(row["score"])
    return found


def _comparison(
    connection: Connection, row: Mapping[Any, Any], database: Database
) -> StoredComparison:
    """Return a comparison with its lines; raise StoreError if its row is damaged."""
    of = f"comparison {row['name']}"
    check_plan(row, of, database)
    check_measure(row, of, database)
    values: dict[str, Any] = {name: row[name] for name in _names(StoredComparison)[:-1]}
    return StoredComparison(**values, lines=_lines(connection, row["comparison_id"]))


def _lines(connection: Connection, comparison_id: int) -> tuple[ComparedModel, ...]:
    of_line: dict[int, list[Difference]] = {}
    for row in connection.execute(_DIFFERENCES, {"id": comparison_id}).mappings():
        values: dict[str, Any] = {name: row[name] for name in _names(Difference)}
        of_line.setdefault(row["comparison_line_id"], []).append(Difference(**values))
    names = [name for name in _names(ComparedModel) if name != "differences"]
    return tuple(
        ComparedModel(
            **{name: row[name] for name in names} | {"is_at_edge": bool(row["is_at_edge"])},
            differences=tuple(of_line.get(row["comparison_line_id"], ())),
        )
        for row in connection.execute(_LINES, {"id": comparison_id}).mappings()
    )


def _names(record: type[Any]) -> list[str]:
    return [field.name for field in fields(record)]
