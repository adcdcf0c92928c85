"""Reading configurations and diagnostics from rows that may be damaged."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.errors import CdbenchError, StoreError
from cdbench.store.database import Database

_Read = TypeVar("_Read")


def stored_config(row: Mapping[Any, Any], database: Database) -> RunConfig:
    """Return the configuration of a run; raise StoreError if it is damaged.

    Parameters
    ----------
    row : mapping
        Of ``run``, joined with ``configuration``: has run_id, seed, config_digest and config_json.
    database : Database
        Where the row is from, for the error.
    """

    def build(values: dict[str, Any]) -> RunConfig:
        return RunConfig.from_mapping(values | {"seed": row["seed"]})

    config = _read(build, row, "config_json", database)
    if (config.group_json(), config.digest()) != (row["config_json"], row["config_digest"]):
        raise _damaged(row, "config_json", "it does not match its digest", database)
    return config


def stored_diagnostics(row: Mapping[Any, Any], database: Database) -> Diagnostics | None:
    """Return a row's diagnostics, or None if it has none; raise StoreError if damaged."""
    if row["diagnostics_json"] is None:
        return None
    return _read(Diagnostics.from_mapping, row, "diagnostics_json", database)


def asked_config(by_digest: Mapping[str, RunConfig], digest: str, database: Database) -> RunConfig:
    """Return the configuration by which a row was found; raise StoreError if the digest differs.

    It differs if an index and its table no longer agree.
    """
    try:
        return by_digest[digest]
    except KeyError:
        raise StoreError(
            f"{database.name}: a run was found by a digest that is not its own, so an index is "
            f"damaged; to see what else is: cdbench db check --db {database.name}"
        ) from None


def _read(
    build: Callable[[Any], _Read], row: Mapping[Any, Any], column: str, database: Database
) -> _Read:
    try:
        return build(json.loads(row[column]))
    except (CdbenchError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(row, column, " ".join(str(error).split()), database) from None


def _damaged(row: Mapping[Any, Any], column: str, why: str, database: Database) -> StoreError:
    return StoreError(
        f"{database.name}: {column} of run {row['run_id']} is damaged ({why}); to see what else "
        f"is: cdbench db check --db {database.name}"
    )
