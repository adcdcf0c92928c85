"""Finding stored runs by the names that users type: RUN on a command line.

A name is ``latest``, ``best``, a run_id, a tag, a uuid or the beginning of one, looked for in this
order. Runs in the trash have no names.
"""

import logging
from collections.abc import Sequence
from difflib import get_close_matches

from sqlalchemy import Connection, Row, Select, String, case, cast, func, select

from cdbench.errors import ConfigurationError, MissingResultsError
from cdbench.records.run import COMPLETED, REMOVED
from cdbench.store import models
from cdbench.store.database import FIRST_COMMAND, Database
from cdbench.store.insert import table_of

LATEST, BEST = "latest", "best"
"""What names the newest run, and the best of the data set and task that it is of."""

RESERVED = (LATEST, BEST)
"""Names with a meaning of their own."""

MIN_UUID = 4
"""Shortest beginning of a uuid that can name a run."""

SHOWN = 3
"""Runs listed in the error for an ambiguous name."""

_LOG = logging.getLogger("cdbench")

_RUN, _EPOCH, _KEPT, _TAG = map(
    table_of, (models.Run, models.Epoch, models.KeptWeights, models.RunTag)
)

_KEY_TEXT = cast(_RUN.c.run_id, String)


def run_named(database: Database, name: str, *, kept: bool = False) -> int:
    """Return the run_id that a name stands for.

    ``latest`` is the run that was written last. ``best`` is the completed run of the latest one's
    data set, label column, test split and task with the highest test accuracy; of a regression the
    highest R²; of a language the fewest bits per character. Of equals it is the one with the lower
    test loss, then the later one. A warning says which it is.

    Parameters
    ----------
    database : Database
        Where the runs are.
    name : str
        A run_id, a uuid or its first 4 characters or more, a tag, ``latest`` or ``best``.
    kept : bool
        Whether ``latest`` is the newest run whose network was kept.

    Raises
    ------
    ConfigurationError
        If it names no run, or several.
    MissingResultsError
        If there is no run yet, or none that ``latest`` or ``best`` can be.
    """
    with database.transaction() as connection:
        return run_key(connection, name, database.name, kept=kept)


def runs_named(database: Database, names: Sequence[str]) -> list[int]:
    """Return the run_ids that names stand for, each once, in the order in which they are named.

    A tag stands for all runs that have it, the newest first.

    Raises
    ------
    ConfigurationError, MissingResultsError
        As ``run_named``.
    """
    with database.transaction() as connection:
        return run_keys(connection, names, database.name)


def run_keys(
    connection: Connection, names: Sequence[str], source: str, *, removed: bool = False
) -> list[int]:
    """Return what ``runs_named`` does, within a transaction in the database called ``source``.

    With ``removed``, of the runs in the trash instead of all others.
    """
    found: dict[int, None] = {}
    for name in names:
        keys = _found(connection, name, source, kept=False, removed=removed)
        found |= dict.fromkeys(keys)
    return list(found)


def run_key(connection: Connection, name: str, source: str, *, kept: bool = False) -> int:
    """Return what ``run_named`` does, within a transaction in the database called ``source``."""
    keys = _found(connection, name, source, kept=kept, removed=False)
    if len(keys) > 1:
        some = ", ".join(map(str, keys[:SHOWN])) + ", ..." * (len(keys) > SHOWN)
        raise ConfigurationError(
            f"RUN {name}: {len(keys)} runs have this tag ({some}); expected one run"
        )
    return keys[0]


def tags_of(connection: Connection) -> list[str]:
    """Return all tags of runs that are not in the trash, in alphabetical order."""
    named = select(_TAG.c.tag).distinct().join(_RUN, _RUN.c.run_id == _TAG.c.run_id)
    return sorted(connection.execute(named.where(_RUN.c.status != REMOVED)).scalars())


def _found(
    connection: Connection, name: str, source: str, *, kept: bool, removed: bool
) -> list[int]:
    key, uuid = _RUN.c.run_id, _RUN.c.uuid
    there = _RUN.c.status == REMOVED if removed else _RUN.c.status != REMOVED
    if name == LATEST and not removed:
        return [_latest(connection, source, kept)]
    if name == BEST and not removed:
        return [_best(connection, source)]
    if name.isascii() and name.isdigit() and len(name) < 19:  # SQLite's integers end there
        found = connection.execute(select(key).where(key == int(name), there)).scalars().all()
        if found:
            return list(found)
    tagged = (
        select(key)
        .join(_TAG, _TAG.c.run_id == key)
        .where(_TAG.c.tag == name, there)
        .order_by(_RUN.c.sequence.desc(), key.desc())
    )
    found = connection.execute(tagged).scalars().all()
    if found:
        return list(found)
    named = uuid == name
    if len(name) >= MIN_UUID:
        named |= uuid.startswith(name.lower(), autoescape=True)
    rows = connection.execute(select(key, uuid).where(named, there).order_by(key)).all()
    if len(rows) == 1:
        return [int(rows[0].run_id)]
    if rows:
        some = ", ".join(row.uuid for row in rows[:SHOWN]) + ", ..." * (len(rows) > SHOWN)
        raise ConfigurationError(
            f"RUN {name}: {len(rows)} runs begin like that ({some}); expected one"
        )
    raise _unknown(connection, name, source, removed)


def _unknown(connection: Connection, name: str, source: str, removed: bool) -> ConfigurationError:
    """Return the error for a name that is of no run, with the nearest tag or word.

    Where there is no run at all, that is what is raised.
    """
    if removed:
        return ConfigurationError(
            f"RUN {name}: not in the trash of {source}; expected one of: cdbench runs list --trash"
        )
    gone = (_RUN.c.status == REMOVED) & ((_RUN.c.uuid == name) | (_KEY_TEXT == name))
    if connection.execute(select(_RUN.c.run_id).where(gone)).first():
        return ConfigurationError(
            f"RUN {name}: is in the trash; to bring it back: cdbench runs restore {name}"
        )
    _latest(connection, source, kept=False)
    words = {word.casefold(): word for word in (*RESERVED, *tags_of(connection))}
    nearest = get_close_matches(name.casefold(), words, n=1)
    expected = f"did you mean {words[nearest[0]]}? Expected" if nearest else "expected"
    return ConfigurationError(
        f"RUN {name}: no such run in {source}; {expected} a run_id, a uuid's first {MIN_UUID} "
        f"characters or more, {LATEST}, {BEST} or a tag; to see the runs: cdbench runs list"
    )


def _latest(connection: Connection, source: str, kept: bool) -> int:
    question = select(_RUN.c.run_id).where(_RUN.c.status != REMOVED)
    if kept:
        question = question.join(_KEPT, _KEPT.c.run_id == _RUN.c.run_id)
    newest = question.order_by(_RUN.c.sequence.desc(), _RUN.c.run_id.desc()).limit(1)
    found = connection.execute(newest).scalar()
    if found is not None:
        return int(found)
    if kept:
        raise MissingResultsError(
            f"{source}: no run's network was kept; to keep one: cdbench train --keep-weights"
        )
    raise MissingResultsError(f"{source}: no results yet; to make some: {FIRST_COMMAND}")


_TASK = ("dataset", "label_column", "test", "task")
"""Columns in which runs agree whose scores can be compared."""


def _best(connection: Connection, source: str) -> int:
    latest = connection.execute(
        select(*(_RUN.c[name] for name in _TASK)).where(
            _RUN.c.run_id == _latest(connection, source, kept=False)
        )
    ).one()
    found = connection.execute(_ranked(latest)).first()
    if found is None:
        raise MissingResultsError(
            f"{source}: no run of {latest.dataset} completed, so none is the best; "
            f"expected a run_id, or {LATEST}"
        )
    score = (
        f"R² {found.test_r2:.4f}"
        if found.test_r2 is not None
        else f"test loss {found.test_loss:.4f}"
        if latest.task == "language"
        else f"test accuracy {100 * found.test_accuracy:.2f} %"
    )
    _LOG.warning(
        "%s is run %d: %s, the best completed run of %s (%s), of which the latest run is",
        *(BEST, found.run_id, score, latest.dataset, latest.task),
    )
    return int(found.run_id)


def _ranked(task: "Row[tuple[str, ...]]") -> "Select[tuple[int, float, float, float]]":
    """Return the query for the best completed run of a data set and task."""
    last = (
        select(func.max(_EPOCH.c.epoch))
        .where(_EPOCH.c.run_id == _RUN.c.run_id)
        .correlate(_RUN)
        .scalar_subquery()
    )
    score = case(
        (_RUN.c.task == "language", -_EPOCH.c.test_loss),
        else_=func.coalesce(_EPOCH.c.test_r2, _EPOCH.c.test_accuracy),
    )
    return (
        select(_RUN.c.run_id, _EPOCH.c.test_accuracy, _EPOCH.c.test_r2, _EPOCH.c.test_loss)
        .join(_EPOCH, (_EPOCH.c.run_id == _RUN.c.run_id) & (_EPOCH.c.epoch == last))
        .where(_RUN.c.status == COMPLETED)
        .where(*(_RUN.c[name].is_not_distinct_from(getattr(task, name)) for name in _TASK))
        .order_by(score.desc(), _EPOCH.c.test_loss, _RUN.c.sequence.desc())
        .limit(1)
    )
