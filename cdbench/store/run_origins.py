"""What a stored run belongs to: sweep and comparisons; and what people say of it."""

from dataclasses import dataclass

from sqlalchemy import text

from cdbench.store.database import Database
from cdbench.store.run_labels import NO_LABELS, Labels, labels

_RUN = text(
    """
    SELECT runs.model, runs.changes, runs.is_latest, runs.sweep_id, sweep.command_line,
        kept_weights.n_bytes AS kept_bytes, kept_weights.digest AS kept_digest
    FROM runs LEFT JOIN sweep ON sweep.sweep_id = runs.sweep_id
    LEFT JOIN kept_weights ON kept_weights.run_id = runs.run_id
    WHERE runs.run_id = :run_id
    """
)

_COMPARISONS = text(
    """
    SELECT comparison.name, comparison_run.stage,
        (SELECT max(line.multiply_adds) FROM comparison_line AS line
            WHERE line.comparison_id = comparison.comparison_id AND line.layer = run.layer
            AND coalesce(line.structure, '') = coalesce(run.structure, '')
            AND coalesce(line."B", 0) = coalesce(run."B", 0)
            AND line.n_parameters = run.n_parameters) AS multiply_adds
    FROM run JOIN comparison ON 1 = 1 JOIN comparison_run
        ON comparison_run.comparison_id = comparison.comparison_id
        AND comparison_run.run_id = run.run_id
    WHERE run.run_id = :run_id ORDER BY comparison.sequence
    """
)


@dataclass(frozen=True)
class RunOrigin:
    """What the database knows of a run beside the run itself.

    Attributes
    ----------
    run_id : int
        Its key in the database.
    model, changes : str
        As in the view runs.
    is_latest : bool
        Whether it is the newest completed run of its configuration and seed.
    sweep_id, command_line
        The sweep that it is of, and the command as it was typed; None of a run of its own, whose
        command is not kept.
    comparisons : tuple of (str, str)
        Names of the comparisons that rest on it, each with the stage, tuning or reported.
    multiply_adds : int or None
        Real multiply-adds of a sample, where a comparison has counted them.
    kept_bytes, kept_digest
        Size and digest of its network, if that was kept.
    labels : Labels
        Its tags and its note.
    """

    run_id: int
    model: str
    changes: str
    is_latest: bool
    sweep_id: int | None
    command_line: str | None
    comparisons: tuple[tuple[str, str], ...]
    multiply_adds: int | None
    kept_bytes: int | None
    kept_digest: str | None
    labels: Labels = NO_LABELS


def run_origin(database: Database, run_id: int) -> RunOrigin:
    """Return what a run belongs to."""
    with database.transaction() as connection:
        comparisons = connection.execute(_COMPARISONS, {"run_id": run_id}).all()
        row = connection.execute(_RUN, {"run_id": run_id}).one()
        said = labels(connection, [run_id]).get(run_id, NO_LABELS)
    return RunOrigin(
        run_id,
        row.model,
        row.changes,
        bool(row.is_latest),
        row.sweep_id,
        row.command_line,
        tuple((one.name, one.stage) for one in comparisons),
        max((one.multiply_adds for one in comparisons if one.multiply_adds), default=None),
        row.kept_bytes,
        row.kept_digest,
        said,
    )
