"""Queries of the figures: runs in a few words, their epochs, spectra that were kept, curvature."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, bindparam, text

from cdbench.config.run_config import RunConfig
from cdbench.records.run import EpochMetrics
from cdbench.records.spectra import Curvature
from cdbench.store.database import Database
from cdbench.store.queries import ASKED, OF_ASKED, asked, chunks
from cdbench.store.stored_json import asked_config

_WITH_SPECTRA = text(
    f"""
    SELECT config_digest, run_id FROM run
    WHERE {ASKED} AND status = 'completed' AND (
        SELECT count(*) FROM (
            SELECT kind FROM spectrum WHERE spectrum.run_id = run.run_id
            UNION
            SELECT 'network' FROM curvature JOIN curvature_node USING (curvature_id)
            WHERE curvature.run_id = run.run_id
                AND matrix = 'gauss_newton' AND coordinates = 'own'
        ) AS kept WHERE kind IN :kinds
    ) = :n_kinds
    ORDER BY sequence, run_id
    """
).bindparams(*OF_ASKED, bindparam("kinds", expanding=True))

_CURVATURE = text("SELECT * FROM curvature WHERE run_id = :run_id ORDER BY curvature_id")

_NODES = text(
    """
    SELECT eigenvalue, weight FROM curvature_node
    WHERE curvature_id = :curvature_id ORDER BY position
    """
)

_OF_RUNS: BindParameter[Any] = bindparam("run_ids", expanding=True)

_DESCRIBED = text(
    """
    SELECT run_id, model, family, "B", structure, seed, n_parameters, dataset, task, changes,
        group_digest
    FROM runs WHERE run_id IN :run_ids
    """
).bindparams(_OF_RUNS)

_EPOCHS_OF_RUNS = text(
    """
    SELECT run_id, epoch, training_loss, test_loss, test_accuracy, test_r2, duration_s
    FROM epoch WHERE run_id IN :run_ids ORDER BY run_id, epoch
    """
).bindparams(_OF_RUNS)

_LAST_EPOCHS = text(
    """
    SELECT run_id, epoch, training_loss, test_loss, test_accuracy, test_r2, duration_s
    FROM epoch WHERE run_id IN :run_ids
        AND epoch = (SELECT max(epoch) FROM epoch AS e WHERE e.run_id = epoch.run_id)
    """
).bindparams(_OF_RUNS)

_NEWEST_WITH = {
    "curves": text(
        """
        SELECT run_id FROM run WHERE status IN ('completed', 'diverged')
            AND EXISTS (SELECT 1 FROM epoch AS e WHERE e.run_id = run.run_id AND e.epoch = 1)
            AND EXISTS (SELECT 1 FROM epoch AS e WHERE e.run_id = run.run_id AND e.epoch = 2)
        ORDER BY sequence DESC LIMIT 1
        """
    ),
    "spectra": text(
        """
        SELECT run_id FROM run WHERE status IN ('completed', 'diverged')
            AND EXISTS (SELECT 1 FROM spectrum AS s WHERE s.run_id = run.run_id)
        ORDER BY sequence DESC LIMIT 1
        """
    ),
    "kappa": text(
        """
        SELECT run_id FROM run WHERE status IN ('completed', 'diverged')
            AND (
                SELECT count(DISTINCT k.epoch) FROM condition_number AS k
                WHERE k.run_id = run.run_id AND k.step = 0
            ) > 1
        ORDER BY sequence DESC LIMIT 1
        """
    ),
}


def newest_with(database: Database, figure: str) -> int | None:
    """Return the newest run that has what a figure shows; None without one, or of another figure.

    ``curves`` need epochs before the last, ``spectra`` their numbers, and ``kappa`` condition
    numbers of two epochs.
    """
    question = _NEWEST_WITH.get(figure)
    if question is None:
        return None
    with database.transaction() as connection:
        run_id: int | None = connection.execute(question).scalar()
        return run_id


def runs_with_spectra(
    database: Database, configs: Iterable[RunConfig], kinds: Iterable[str]
) -> dict[RunConfig, int]:
    """Return run_id of each configuration's newest completed run with stored spectra of all kinds.

    An audit's runs keep only the conditions of their spectra, not the numbers. The kind
    ``network`` stands for the eigenvalues of the whole network's Gauss-Newton matrix.
    """
    by_digest = {config.digest(): config for config in configs}
    wanted = sorted(set(kinds))
    found: dict[RunConfig, int] = {}
    with database.transaction() as connection:
        for values in asked(by_digest):
            kept = {"kinds": wanted, "n_kinds": len(wanted)}
            for digest, run_id in connection.execute(_WITH_SPECTRA, values | kept):
                found[asked_config(by_digest, digest, database)] = run_id
    return found


def curvature_of(database: Database, run_id: int) -> tuple[Curvature, ...]:
    """Return the curvature of a run's whole network, with the eigenvalues that were kept."""
    found = []
    with database.transaction() as connection:
        for row in connection.execute(_CURVATURE, {"run_id": run_id}).mappings():
            fields = dict(row)
            del fields["run_id"]
            key = {"curvature_id": fields.pop("curvature_id")}
            pairs = connection.execute(_NODES, key).all()
            nodes, weights = (tuple(pair[i] for pair in pairs) for i in (0, 1))
            found.append(Curvature(**fields, nodes=nodes, weights=weights))
    return tuple(found)


@dataclass(frozen=True)
class DescribedRun:
    """What figures say of a run; the columns are those of the view ``runs``."""

    run_id: int
    model: str
    family: str
    B: int | None
    structure: str | None
    seed: int
    n_parameters: int | None
    dataset: str
    task: str
    changes: str
    group_digest: str


def described_runs(database: Database, run_ids: Sequence[int]) -> dict[int, DescribedRun]:
    """Return what figures say of these runs, by run_id."""
    with database.transaction() as connection:
        return {
            row["run_id"]: DescribedRun(**row)
            for ids in chunks(run_ids)
            for row in connection.execute(_DESCRIBED, {"run_ids": ids}).mappings()
        }


def epochs_of_runs(
    database: Database, run_ids: Sequence[int], *, last_only: bool = False
) -> dict[int, tuple[EpochMetrics, ...]]:
    """Return the epochs of these runs in order, or the last one of each, by run_id."""
    found: dict[int, list[EpochMetrics]] = {}
    question = _LAST_EPOCHS if last_only else _EPOCHS_OF_RUNS
    with database.transaction() as connection:
        for ids in chunks(run_ids):
            for row in connection.execute(question, {"run_ids": ids}).mappings():
                fields = dict(row)
                found.setdefault(fields.pop("run_id"), []).append(EpochMetrics(**fields))
    return {run_id: tuple(epochs) for run_id, epochs in found.items()}
