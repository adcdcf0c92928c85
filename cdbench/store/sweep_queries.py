"""Sweeps as they are stored: which configurations one was of."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, bindparam, text

from cdbench.config.run_config import RunConfig
from cdbench.errors import ConfigurationError, MissingResultsError
from cdbench.records.guessing import guessing_level
from cdbench.store.database import Database
from cdbench.store.queries import chunks
from cdbench.store.stored_json import stored_config

LATEST = "latest"
"""What names the sweep that was begun last."""

MIN_UUID = 4
"""Shortest beginning of a uuid that can name a sweep."""

SHOWN = 3
"""Sweeps that are listed where a name fits none."""

_SWEEPS = text(
    "SELECT sweep_id, uuid, command_line, started_at FROM sweep ORDER BY started_at, sweep_id"
)

_CONFIGS = text(
    """
    SELECT run.run_id, run.seed, run.config_digest, configuration.config_json
    FROM run JOIN configuration ON configuration.configuration_id = run.configuration_id
    WHERE run.sweep_id IN :sweeps ORDER BY run.run_id
    """
).bindparams(bindparam("sweeps", expanding=True))

_CLASSES = text(
    """
    SELECT run.dataset, c.n_samples FROM run JOIN class_accuracy AS c ON c.run_id = run.run_id
    WHERE run.run_id IN (
        SELECT max(run_id) FROM run WHERE sweep_id IN :sweeps AND status = 'completed'
        GROUP BY dataset)
    """
).bindparams(bindparam("sweeps", expanding=True))


@dataclass(frozen=True)
class SweepOfRuns:
    """A sweep with what it trained.

    Attributes
    ----------
    sweep_id : int
        Key of its last call in the database.
    command_line : str
        The command as it was typed.
    started_at : str
        When that was, UTC, to the minute.
    configs : tuple of RunConfig
        Those of its runs, each once, in the order in which they were stored; with those of earlier
        calls of the same command, which ``--resume`` goes on with.
    guessing_levels : dict
        By data set, the accuracy up to which a run is no better than guessing; of a regression
        none, for the R² of guessing is 0.
    """

    sweep_id: int
    command_line: str
    started_at: str
    configs: tuple[RunConfig, ...]
    guessing_levels: dict[str, float]


def stored_sweep(database: Database, name: str = LATEST) -> SweepOfRuns:
    """Return a sweep by its id, its uuid or the beginning of that, or the latest one.

    Raises
    ------
    ConfigurationError
        If the name fits no sweep, or several.
    MissingResultsError
        If nothing was swept yet.
    """
    with database.transaction() as connection:
        rows = connection.execute(_SWEEPS).mappings().all()
        found = _named(rows, name, database)
        same = [
            row["sweep_id"]
            for row in rows
            if _without_resume(row["command_line"]) == _without_resume(found["command_line"])
        ]
        configs = _configs(connection, same, database)
        if not configs:
            raise MissingResultsError(
                f"{database.name}: sweep {found['sweep_id']} has no runs; to train some: "
                f"{found['command_line']}"
            )
        return SweepOfRuns(
            found["sweep_id"],
            found["command_line"],
            _minute(found["started_at"]),
            configs,
            _guessing_levels(connection, same),
        )


def _named(rows: Sequence[RowMapping], name: str, database: Database) -> RowMapping:
    sweeps = [row for row in rows if is_sweep(row["command_line"])]
    if not sweeps:
        raise MissingResultsError(
            f"{database.name}: no sweep yet; to begin one: cdbench sweep --B 4 8 --seeds 0 1 2"
        )
    if name == LATEST:
        return sweeps[-1]
    named = [row for row in rows if str(row["sweep_id"]) == name]
    if not named and len(name) >= MIN_UUID:
        named = [row for row in rows if row["uuid"].startswith(name.lower())]
    if len(named) == 1 and is_sweep(named[0]["command_line"]):
        return named[0]
    if len(named) == 1:
        report = "--compare" if "compare" in named[0]["command_line"] else "--claims"
        raise ConfigurationError(
            f"--sweep {name}: that is {named[0]['command_line']}, no sweep; to see what came of "
            f"it: cdbench report {report}"
        )
    newest = "; ".join(f"{row['sweep_id']}: {row['command_line']}" for row in sweeps[-SHOWN:])
    count = f"{len(named)} sweeps begin" if named else "no sweep begins"
    raise ConfigurationError(
        f"--sweep {name}: {count} like that; expected {LATEST}, an id, or {MIN_UUID} or more "
        f"characters of a uuid, as in the table sweep (newest: {newest})"
    )


def is_sweep(command_line: str) -> bool:
    """Whether it is a sweep of the user's, not the runs of an audit or a comparison."""
    return any(word.rpartition(".")[2] == "sweep" for word in _words(command_line)[:2])


def _words(command_line: str) -> list[str]:
    try:
        return shlex.split(command_line)
    except ValueError:
        return command_line.split()


def _without_resume(command_line: str) -> list[str]:
    return [word for word in _words(command_line) if word not in ("--resume", "--details")]


def _minute(moment: datetime | str) -> str:
    return str(moment)[:16]


def _configs(
    connection: Connection, sweeps: Sequence[int], database: Database
) -> tuple[RunConfig, ...]:
    found = dict.fromkeys(
        stored_config(row, database)
        for some in chunks(sweeps)
        for row in connection.execute(_CONFIGS, {"sweeps": some}).mappings()
    )
    return tuple(found)


def _guessing_levels(connection: Connection, sweeps: Sequence[int]) -> dict[str, float]:
    """Return the levels, from the sizes of the test split's classes."""
    counts: dict[str, list[int]] = {}
    for some in chunks(sweeps):
        for dataset, n in connection.execute(_CLASSES, {"sweeps": some}):
            counts.setdefault(dataset, []).append(n)
    return {
        dataset: guessing_level(max(own) / sum(own), sum(own)) for dataset, own in counts.items()
    }
