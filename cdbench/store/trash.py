"""The trash: runs that were removed, and can come back exactly as they were.

Only the status of a removed run changes; all of its rows stay, with its run_id, uuid and place in
the order of writing. No view shows it, and no query finds it as completed.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, bindparam, delete, insert, literal, select, text, update

from cdbench.errors import ConfigurationError
from cdbench.records.run import REMOVED
from cdbench.store import models
from cdbench.store.database import Database
from cdbench.store.insert import table_of
from cdbench.store.queries import chunks
from cdbench.store.run_names import run_keys

_RUN, _TRASH, _OBSERVATION = map(table_of, (models.Run, models.Trash, models.Observation))

_COMPARISONS = text(
    """
    SELECT c.name, r.run_id FROM comparison_run AS r
    JOIN comparison AS c ON c.comparison_id = r.comparison_id WHERE r.run_id IN :ids
    """
).bindparams(bindparam("ids", expanding=True))

_STUDIES = text(
    """
    SELECT studies.name, r.run_id FROM comparison_run AS r
    JOIN studies ON studies.comparison_id = r.comparison_id WHERE r.run_id IN :ids
    """
).bindparams(bindparam("ids", expanding=True))

_CLAIMS = text(
    """
    SELECT DISTINCT claim_result.claim AS name, o.run_id FROM observation AS o
    JOIN series ON series.series_id = o.series_id
    JOIN claim_result ON claim_result.claim_result_id = series.claim_result_id
    WHERE o.run_id IN :ids AND claim_result.claim_result_id IN (
        SELECT claim_result_id FROM claims UNION SELECT claim_result_id FROM replications)
    """
).bindparams(bindparam("ids", expanding=True))

_USERS = {"comparison": _COMPARISONS, "study": _STUDIES, "claim": _CLAIMS}


_INDICES = (
    (
        text("CREATE INDEX observation_of_deleted ON observation (run_id)"),
        text("DROP INDEX observation_of_deleted"),
    ),
    (
        text("CREATE INDEX comparison_run_of_deleted ON comparison_run (run_id)"),
        text("DROP INDEX comparison_run_of_deleted"),
    ),
)
"""Indices for the time of deleting alone: kept, they would take a tenth of the released file."""

_MAY_INDEX = text(
    """
    SELECT bool_and(pg_has_role(relowner, 'USAGE') AND has_schema_privilege(relnamespace, 'CREATE'))
    FROM pg_class WHERE oid IN (to_regclass('observation'), to_regclass('comparison_run'))
    """
)


@dataclass(frozen=True)
class Resting:
    """What rests on some runs.

    Attributes
    ----------
    names : dict
        Names of comparisons, studies and judged claims, by what they are.
    run_ids : frozenset of int
        Those of the runs that something rests on.
    """

    names: dict[str, tuple[str, ...]]
    run_ids: frozenset[int]

    def __str__(self) -> str:
        """Return ``the comparison digits and the claims theorem-1, theorem-2``."""
        parts = [
            f"the {_plural(what) if len(names) > 1 else what} {', '.join(names)}"
            for what, names in self.names.items()
        ]
        return " and ".join([", ".join(parts[:-1]), parts[-1]] if parts[1:] else parts)


def remove_runs(database: Database, run_ids: Sequence[int], *, force: bool = False) -> int:
    """Put runs into the trash, in one transaction; return how many there were to remove.

    Parameters
    ----------
    database : Database
        Opened for writing.
    run_ids : sequence of int
        Keys of the runs; what is in the trash already stays there.
    force : bool
        Whether to remove runs on which a comparison, a study or a claim's newest judgement rests.
        These stay as they were computed until they are made again.

    Raises
    ------
    ConfigurationError
        If something rests on them, and they are not to be removed all the same; none is removed.
    """
    n = 0
    with database.transaction() as connection:
        resting = _resting(connection, run_ids)
        if resting.names and not force:
            raise ConfigurationError(
                f"{resting} rest{'s' * _is_one(resting)} on {_counted(resting.run_ids)}; nothing "
                "was removed; to remove them all the same: --force"
            )
        now = datetime.now(UTC).replace(tzinfo=None)
        for some in chunks(run_ids):
            these = (_RUN.c.run_id.in_(some)) & (_RUN.c.status != REMOVED)
            kept = select(_RUN.c.run_id, _RUN.c.status, literal(now)).where(these)
            connection.execute(insert(_TRASH).from_select([*_TRASH.c.keys()], kept))
            n += connection.execute(update(_RUN).where(these).values(status=REMOVED)).rowcount
    return n


def restore_runs(database: Database, names: Sequence[str] | None) -> list[int]:
    """Bring runs back from the trash, exactly as they were; return their run_ids.

    Parameters
    ----------
    database : Database
        Opened for writing.
    names : sequence of str or None
        Names of runs in the trash, as ``run_names.runs_named`` takes; None for all.

    Raises
    ------
    ConfigurationError
        If a name is of no run in the trash.
    """
    with database.transaction() as connection:
        if names is None:
            keys = removed_keys(connection)
        else:
            keys = run_keys(connection, names, database.name, removed=True)
        for some in chunks(keys):
            ended = select(_TRASH.c.status).where(_TRASH.c.run_id == _RUN.c.run_id)
            of_these = update(_RUN).where(_RUN.c.run_id.in_(some))
            connection.execute(of_these.values(status=ended.scalar_subquery()))
            connection.execute(delete(_TRASH).where(_TRASH.c.run_id.in_(some)))
    return keys


def removed_keys(connection: Connection) -> list[int]:
    """Return the run_ids of what is in the trash."""
    return list(connection.execute(select(_TRASH.c.run_id).order_by(_TRASH.c.run_id)).scalars())


def n_removed(database: Database) -> int:
    """Return how many runs are in the trash."""
    with database.transaction() as connection:
        return len(removed_keys(connection))


def delete_removed(connection: Connection) -> int:
    """Delete what is in the trash for good, with all rows that belong to it; return how many.

    Numbers that judgements observed of these runs stay, without saying of which run they are.
    """
    removed = select(_TRASH.c.run_id)
    n_runs = len(removed_keys(connection))
    if n_runs:
        of_these = _OBSERVATION.c.run_id.in_(removed)
        connection.execute(update(_OBSERVATION).where(of_these).values(run_id=None))
        with _rows_of_runs_indexed(connection):
            connection.execute(delete(_RUN).where(_RUN.c.run_id.in_(removed)))
    return n_runs


@contextmanager
def _rows_of_runs_indexed(connection: Connection) -> Iterator[None]:
    """Let the database find what refers to a run: it would read tables for every run deleted.

    On a server only their owner may do that; for others it takes longer.
    """
    may = connection.dialect.name == "sqlite" or connection.execute(_MAY_INDEX).scalar_one()
    for make, _ in _INDICES if may else ():
        connection.execute(make)
    yield
    for _, drop in _INDICES if may else ():
        connection.execute(drop)


def _resting(connection: Connection, run_ids: Sequence[int]) -> Resting:
    names: dict[str, dict[str, None]] = {}
    used: set[int] = set()
    for what, question in _USERS.items():
        for some in chunks(run_ids):
            for row in connection.execute(question, {"ids": some}):
                names.setdefault(what, {})[row.name] = None
                used.add(row.run_id)
    return Resting({what: tuple(sorted(own)) for what, own in names.items()}, frozenset(used))


def _plural(what: str) -> str:
    return "studies" if what == "study" else f"{what}s"


def _is_one(resting: Resting) -> bool:
    return sum(map(len, resting.names.values())) == 1


def _counted(run_ids: frozenset[int]) -> str:
    if len(run_ids) > 3:
        return f"{len(run_ids):,} of these runs"
    return f"run{'s' * (len(run_ids) > 1)} {', '.join(map(str, sorted(run_ids)))}"
