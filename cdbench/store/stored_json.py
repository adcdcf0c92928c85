"""Reading what rows hold as JSON, or as text of a form, where somebody may have changed it."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from cdbench.config.canonical import sha256
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.errors import CdbenchError, StoreError
from cdbench.records.comparison import MEASURES
from cdbench.store.database import Database

_Read = TypeVar("_Read")

ARROW = "→"
"""What stands between two widths of a network."""


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
        raise _damaged_run(row, "config_json", "it does not match its digest", database)
    return config


def stored_diagnostics(row: Mapping[Any, Any], database: Database) -> Diagnostics | None:
    """Return a row's diagnostics, or None if it has none; raise StoreError if damaged."""
    if row["diagnostics_json"] is None:
        return None
    return _read(Diagnostics.from_mapping, row, "diagnostics_json", database)


def stored_widths(row: Mapping[Any, Any], database: Database) -> tuple[int, ...]:
    """Return a run's widths, none where it ended before; raise StoreError if damaged."""
    try:
        return widths_in(row["widths"])
    except ValueError as error:
        raise _damaged_run(row, "widths", str(error), database) from None


def widths_in(text: Any) -> tuple[int, ...]:
    """Return the widths of a column's text, none of NULL; ValueError of anything else.

    Examples
    --------
    >>> widths_in("64→64→12"), widths_in(None)
    ((64, 64, 12), ())
    """
    if text is None:
        return ()
    words = text.split(ARROW) if isinstance(text, str) else []
    if not words or not all(word.isdecimal() for word in words):
        raise ValueError(f"{text!r}; expected such as 64→64→12")
    return tuple(map(int, words))


def check_plan(row: Mapping[Any, Any], of: str, database: Database) -> None:
    """Raise StoreError if a plan is not what its digest is of.

    Parameters
    ----------
    row : mapping
        Of ``comparison`` or ``study``: has plan_json and plan_digest.
    of : str
        Which row, in words.
    database : Database
        Where it is from, for the error.
    """
    if not is_of_digest(row["plan_json"], row["plan_digest"]):
        raise damaged(database, "plan_json", of, "it does not match its digest")


def is_of_digest(text: Any, digest: str) -> bool:
    """Whether a digest is that of a column's text."""
    return isinstance(text, str) and sha256(text) == digest


def check_measure(row: Mapping[Any, Any], of: str, database: Database) -> None:
    """Raise StoreError if a comparison's measure is none."""
    if row["measure"] not in MEASURES:
        why = f"{row['measure']!r}; expected {', '.join(MEASURES)}"
        raise damaged(database, "measure", of, why)


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
        raise _damaged_run(row, column, " ".join(str(error).split()), database) from None


def _damaged_run(row: Mapping[Any, Any], column: str, why: str, database: Database) -> StoreError:
    return damaged(database, column, f"run {row['run_id']}", why)


def damaged(database: Database, column: str, of: str, why: str) -> StoreError:
    """Return the error for a column that holds what cdbench never wrote, with what to do next."""
    return StoreError(
        f"{database.name}: {column} of {of} is damaged ({why}); to see what else is, and what to "
        f"do: cdbench db check --db {database.name}"
    )
