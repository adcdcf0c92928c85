"""Checking that tables, columns, indices, constraints and views are as the code defines them."""

import warnings
from collections.abc import Iterator
from typing import Any

from sqlalchemy import CheckConstraint, Connection, inspect

from cdbench.store.migrate import VERSION_TABLE
from cdbench.store.models import Base
from cdbench.store.upkeep.findings import Checked, Finding
from cdbench.store.upkeep.own_things import own_things
from cdbench.store.views import VIEWS

MOVE = "move the rows to a new database: cdbench db copy OLD NEW"
ADDED_BY_USERS = ("remove_table", "remove_index", "remove_column")
"""What Alembic would do to things that exist only in the database."""

REMAKE = "to recreate it: cdbench db upgrade"


def check_tables(checked: Checked) -> Iterator[Finding]:
    """Compare the tables with the models, ignoring what a user added."""
    if not checked.is_newest:
        return
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    context = MigrationContext.configure(
        checked.connection, opts={"version_table": VERSION_TABLE, "compare_type": True}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about unusual things in a user's own tables
        differences = compare_metadata(context, Base.metadata)
    for difference in differences:
        # For a changed column, it is a list of the changes.
        parts = difference if isinstance(difference, list) else [difference]
        yield from (_of_difference(*part) for part in parts if part[0] not in ADDED_BY_USERS)
    yield from _missing_checks(checked)


def check_views(checked: Checked) -> Iterator[Finding]:
    """Compare the views with those in the code."""
    if not checked.is_newest:
        return
    present = set(inspect(checked.connection).get_view_names())
    for name in VIEWS:
        if name not in present:
            yield Finding(f"the view {name} is missing", remedy=REMAKE)
        elif VIEWS.keys() <= present and not _is_the_codes(checked.connection, name):
            yield Finding(f"the view {name} differs from cdbench's", remedy=REMAKE)


def check_own_things(checked: Checked) -> Iterator[Finding]:
    """Mention what a user added, above all triggers, which act without cdbench's knowledge."""
    for thing in own_things(checked.connection):
        if checked.is_newest or thing.kind == "trigger":  # other things may be an older cdbench's
            yield Finding(f"there is {thing} of your own")


def _of_difference(kind: str, *what: Any) -> Finding:
    match kind:
        case "add_table":
            return Finding(f"the table {what[0].name} is missing", remedy=MOVE)
        case "add_column":
            return Finding(f"the column {what[1]}.{what[2].name} is missing", remedy=MOVE)
        case "add_index":
            return Finding(f"the index {what[0].name} is missing or changed", remedy=MOVE)
        case "modify_type" | "modify_nullable" | "modify_default":
            changed = kind.removeprefix("modify_")
            return Finding(f"the column {what[1]}.{what[2]} has a different {changed}", remedy=MOVE)
    constraint = what[0]
    state = "missing or changed" if kind.startswith("add") else "not cdbench's"
    name = constraint.name or "without a name"
    return Finding(f"a constraint of {constraint.table.name} is {state}", str(name), MOVE)


def _missing_checks(checked: Checked) -> Iterator[Finding]:
    inspector = inspect(checked.connection)
    for name in sorted(checked.tables):
        wanted = {
            str(constraint.name)
            for constraint in Base.metadata.tables[name].constraints
            if isinstance(constraint, CheckConstraint)
        }
        present = {str(constraint["name"]) for constraint in inspector.get_check_constraints(name)}
        for missing in sorted(wanted - present):
            yield Finding(f"a constraint of {name} is missing", missing, MOVE)


def _is_the_codes(connection: Connection, name: str) -> bool:
    select = VIEWS[name].select.strip()
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql(
            "SELECT sql FROM sqlite_master WHERE type = 'view' AND name = ?", (name,)
        ).scalar_one()
        return _words(found) == _words(f"CREATE VIEW {name} AS {select}")
    # The server stores a view's meaning, not its text, so compare the query plans instead.
    own, stored = (
        connection.exec_driver_sql(
            f"EXPLAIN (VERBOSE, COSTS OFF) SELECT * FROM {relation}",
            execution_options={"no_parameters": True},
        ).all()
        for relation in (f"({select}) AS {name}", name)
    )
    return own == stored


def _words(statement: str) -> list[str]:
    return statement.replace('"', "").split()
