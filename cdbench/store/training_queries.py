"""Finding stored runs to train again, by the names that users type."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, select

from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.records.run import COMPLETED, DIVERGED, Environment
from cdbench.store import models
from cdbench.store.database import Database
from cdbench.store.insert import table_of
from cdbench.store.queries import chunks
from cdbench.store.run_names import run_keys
from cdbench.store.run_queries import same
from cdbench.store.stored_json import stored_config, stored_diagnostics

_RUN, _ENVIRONMENT = table_of(models.Run), table_of(models.Environment)
_CONFIGURATION, _DIAGNOSTICS = table_of(models.Configuration), table_of(models.Diagnostics)


@dataclass(frozen=True)
class StoredTraining:
    """Everything needed to train a stored run again.

    Attributes
    ----------
    run_id : int
        Its key in the database.
    config : RunConfig
        What was trained.
    diagnostics : Diagnostics
        What was measured; for runs of schema 0001, which did not record it, the default.
    environment : Environment
        With what it was trained.
    status : str
        How it ended.
    """

    run_id: int
    config: RunConfig
    diagnostics: Diagnostics
    environment: Environment
    status: str


def stored_trainings(
    database: Database, names: Sequence[str] | None = None
) -> list[StoredTraining]:
    """Return what is needed to train stored runs again, ordered by run_id.

    Parameters
    ----------
    database : Database
        Where the runs are.
    names : sequence of str, optional
        Names of runs, as ``run_names.run_named`` takes; by default, all runs that completed or
        diverged.

    Raises
    ------
    ConfigurationError
        If a name matches no run, or several.
    StoreError
        If a run's row holds something that cdbench never wrote.
    """
    runs = _RUN.c
    columns = (
        *(runs.run_id, runs.status),
        *(runs.seed, _CONFIGURATION.c.config_json, runs.config_digest),
        _DIAGNOSTICS.c.diagnostics_json,
    )
    question = (
        select(*columns, *(_ENVIRONMENT.c[field.name] for field in fields(Environment)))
        .join_from(_RUN, _ENVIRONMENT, same(_RUN, _ENVIRONMENT, "environment_id"))
        .join(_CONFIGURATION, same(_RUN, _CONFIGURATION, "configuration_id"))
        .outerjoin(_DIAGNOSTICS, same(_RUN, _DIAGNOSTICS, "diagnostics_id"))
        .order_by(runs.run_id)
    )
    with database.transaction() as connection:
        if names is None:
            rows = _all(connection, question.where(runs.status.in_((COMPLETED, DIVERGED))))
        else:
            wanted = sorted(run_keys(connection, names, database.name))
            rows = [
                row
                for ids in chunks(wanted)
                for row in _all(connection, question.where(runs.run_id.in_(ids)))
            ]
    return [
        StoredTraining(
            row["run_id"],
            stored_config(row, database),
            stored_diagnostics(row, database) or Diagnostics(),
            Environment(**{field.name: row[field.name] for field in fields(Environment)}),
            row["status"],
        )
        for row in rows
    ]


def _all(connection: Connection, question: Select[Any]) -> Sequence[RowMapping]:
    return connection.execute(question).mappings().all()
