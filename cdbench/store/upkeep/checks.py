"""Checking whether a database is sound; nothing is written, and damage does not stop the check."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, inspect, select

from cdbench.errors import StoreError
from cdbench.records.run import REMOVED
from cdbench.store.database import Database, revision_of
from cdbench.store.insert import table_of
from cdbench.store.migrate import revisions
from cdbench.store.models import Base, Run
from cdbench.store.upkeep.findings import Check, Checked, Finding
from cdbench.store.upkeep.form_checks import (
    check_diagnostics,
    check_measures,
    check_plans,
    check_widths,
)
from cdbench.store.upkeep.row_checks import (
    check_foreign_keys,
    check_gaps,
    check_rules,
    check_values,
)
from cdbench.store.upkeep.run_checks import check_configurations, check_environments, check_epochs
from cdbench.store.upkeep.schema_checks import check_own_things, check_tables, check_views
from cdbench.store.upkeep.streaming import Reader
from cdbench.store.upkeep.time_checks import check_times
from cdbench.store.upkeep.trash_checks import check_trash
from cdbench.store.upkeep.weights_checks import check_weights

CHECKS: tuple[Check, ...] = (
    check_tables,
    check_views,
    check_own_things,
    check_foreign_keys,
    check_values,
    check_rules,
    check_configurations,
    check_environments,
    check_epochs,
    check_widths,
    check_diagnostics,
    check_plans,
    check_measures,
    check_weights,
    check_trash,
    check_gaps,
    check_times,
)

OF_ROWS = ("CHECK constraint failed in ", "NULL value in ")
"""How lines of SQLite's own check begin when they are about rows, not the file."""

BACKUP = "restore a backup; to save what can be read: sqlite3 FILE .recover"


@dataclass(frozen=True)
class CheckUp:
    """What all checks found.

    Attributes
    ----------
    findings : tuple of Finding
        What is wrong; empty if the database is sound.
    remarks : tuple of Finding
        What is not wrong but worth knowing.
    n_runs : int
        Number of runs that are not in the trash; 0 if they cannot be counted.
    """

    findings: tuple[Finding, ...]
    remarks: tuple[Finding, ...] = ()
    n_runs: int = 0


def check_database(database: Database) -> CheckUp:
    """Look for everything that can be wrong in a database.

    Raises
    ------
    StoreError
        If it is not a database of ours at all.
    """
    is_newest = revision_of(database) == revisions()[-1]
    found = _damage(database)
    if any(finding.remedy == BACKUP for finding in found):
        return CheckUp(tuple(found))
    n_runs = 0
    try:
        with database.transaction() as connection:
            run = table_of(Run)
            kept = select(func.count()).select_from(run).where(run.c.status != REMOVED)
            n_runs = connection.execute(kept).scalar_one()
            whole, partly = _own_tables(connection)
            if partly:
                found.append(Finding(f"rows of {partly} are checked after cdbench db upgrade only"))
            checked = Checked(Reader(database, connection), is_newest, whole)
            for check in CHECKS:
                found += check(checked)
    except (StoreError, ValueError, TypeError) as error:
        found.append(Finding(str(error), remedy=BACKUP))
    return CheckUp(
        tuple(finding for finding in found if finding.remedy),
        tuple(finding for finding in found if not finding.remedy),
        n_runs,
    )


def _damage(database: Database) -> list[Finding]:
    """Return the faults that the database itself reports in its file."""
    try:
        with database.transaction() as connection:
            lines = database.location.damage(connection)
    except StoreError as error:
        return [Finding(str(error), remedy=BACKUP)]
    # Faults in rows are left to check_values and check_rules, which word them better.
    of_file = [line for line in lines if not line.startswith(OF_ROWS)]
    if not of_file:
        return []
    more = f" and {len(of_file) - 1} more" if len(of_file) > 1 else ""
    return [Finding("the file is damaged", f"{of_file[0]}{more}", BACKUP)]


def _own_tables(connection: Connection) -> tuple[frozenset[str], str]:
    """Return our tables that have all their present columns, and the names of the others."""
    inspector = inspect(connection)
    whole = {
        table.name: set(table.columns.keys())
        <= {column["name"] for column in inspector.get_columns(table.name)}
        for table in Base.metadata.sorted_tables
        if inspector.has_table(table.name)
    }
    partly = ", ".join(name for name, is_whole in whole.items() if not is_whole)
    return frozenset(name for name, is_whole in whole.items() if is_whole), partly
