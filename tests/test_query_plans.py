"""No view and no query of ours reads a whole table where it could look up its rows."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.errors import StoreError
from cdbench.store import models
from cdbench.store.audit_queries import audited_runs, covering_runs
from cdbench.store.database import Database, open_for_writing
from cdbench.store.figure_queries import curvature_of, runs_with_spectra
from cdbench.store.ledger_queries import measurements_of, observations_of
from cdbench.store.models import Base
from cdbench.store.queries import completed_configs, epochs_of, newest_runs, spectra_of
from cdbench.store.run_origins import run_origin
from cdbench.store.sequences import next_sequences
from cdbench.store.views import VIEWS

SMALL = {"benchmark", "timing", "environment", "sweep", "claim_result", "statement", "diagnostics"}
SMALL |= {"comparison"}
"""Tables of some rows a day: reading all of one is how the newest is found."""

LARGE = {table.name for table in Base.metadata.sorted_tables} - SMALL

LOOKUPS = {
    "latest_run": ["run_id = 5"],
    "runs": ["run_id = 5", "group_digest = 'x' AND seed = 0", "dataset = 'digits' AND seed = 0"],
    "models": [],
    "against_dense": ["run_id = 5", "dataset = 'digits' AND seed = 0"],
    "epochs_to_accuracy": ["run_id = 5"],
    "kappa_epochs": ["run_id = 5"],
    "curvatures": ["run_id = 5"],
    "epochs": ["run_id = 5", "run_id = 5 AND epoch = 3"],
    "spectrum_values": ["run_id = 5"],
    "noise_floors": ["run_id = 5"],
    "replications": ["claim = 'x'"],
    "first_audit": ["claim = 'x'"],
    "conditions": ["run_id = 5", "run_id = 5 AND layer = 1 AND kind = 'weight'"],
    "table1": ["1 = 1"],
    "claims": ["claim = 'x'"],
    "measurements": ["claim = 'x'"],
    "observations": ["claim = 'x'"],
    "benchmarks": ["benchmark_id = 5"],
    "class_accuracies": ["run_id = 5"],
    "layer_gains": ["run_id = 5"],
    "kept_models": ["run_id = 5"],
    "comparisons": ["comparison_id = 5"],
    "differences": ["comparison_line_id = 5"],
    "comparison_rates": ["comparison_id = 5"],
    "studies": ["plan_digest = 'x'"],
    "comparison_accuracies": ["comparison_id = 5"],
}
"""How a view is asked for a part of it; table1 is always a part, and models always of all runs."""

QUESTIONS = [(view, lookup) for view, lookups in LOOKUPS.items() for lookup in lookups]


def scanned(connection: Connection, statement: str, parameters: Any = None) -> set[str]:
    """Return the large tables that a statement reads from end to end, by names in its text."""
    if connection.dialect.name == "sqlite":
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        found = {row[3].split()[1] for row in plan if re.match(r"SCAN \w", row[3])}
        return {name for name in found if table_of(name, statement) in LARGE}
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # on so few rows it would be right
    plan = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
    found = set(re.findall(r"Seq Scan on (\w+)", "\n".join(row[0] for row in plan)))
    return found & LARGE


def table_of(alias: str, statement: str) -> str:
    """Return the table that an alias stands for, in the statement or the views that it uses."""
    everything = " ".join([statement, *(view.select for view in VIEWS.values())])
    found = re.findall(rf"(?:FROM|JOIN)\s+(\w+)\s+AS\s+{alias}\b", everything)
    tables = {name for name in found if name in LARGE | SMALL}
    assert len(tables) <= 1, f"{alias} is several tables in views.py: {tables}"
    return tables.pop() if tables else alias


def test_every_view_has_its_questions() -> None:
    assert LOOKUPS.keys() == VIEWS.keys()


@pytest.mark.parametrize(("view", "lookup"), QUESTIONS)
def test_part_of_a_view_is_looked_up(database: Database, view: str, lookup: str) -> None:
    with database.transaction() as connection:
        assert scanned(connection, f"SELECT * FROM {view} WHERE {lookup}") == set()


def test_whole_table_is_seen_where_there_is_no_index(database: Database) -> None:
    with database.transaction() as connection:
        assert scanned(connection, "SELECT * FROM run AS newer WHERE cpu_s = 1") != set()


@contextmanager
def noted(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """Collect the statements that are sent to a database."""
    statements: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
        if statement.split(None, 1)[0] == "SELECT":
            statements.append((statement, parameters))

    event.listen(database._engine, "before_cursor_execute", note)
    yield statements
    event.remove(database._engine, "before_cursor_execute", note)


def test_every_query_looks_its_rows_up(database: Database) -> None:
    configs = [RunConfig(seed=seed) for seed in range(3)]
    with noted(database) as statements:
        newest_runs(database, configs)
        completed_configs(database, configs)
        covering_runs(database, dict.fromkeys(configs, Diagnostics()))
        audited_runs(database, [1, 2])
        runs_with_spectra(database, configs, ["weight", "network"])
        curvature_of(database, 1)
        epochs_of(database, 1)
        spectra_of(database, 1)
        measurements_of(database, "x")
        observations_of(database, "x")
        with suppress(StoreError):  # there is no such run
            run_origin(database, 1)
    assert len(statements) >= 12
    with database.transaction() as connection:
        for statement, parameters in statements:
            assert scanned(connection, statement, parameters) == set(), statement


@pytest.mark.parametrize("model", [models.Run, models.ClaimResult, models.Benchmark])
def test_order_of_writing_goes_on_without_reading_a_table(
    database: Database, model: type[Base]
) -> None:
    with noted(database) as statements, database.transaction() as connection:
        next_sequences(connection, model, 2)
    ((statement, _),) = [found for found in statements if "sequence" in found[0]]
    with database.transaction() as connection:
        if connection.dialect.name == "sqlite":
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").all()
            assert [row[3].split()[0] for row in plan] == ["SEARCH"]
        else:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            plan = connection.exec_driver_sql(f"EXPLAIN {statement}").all()
            assert f"Backward using ix_{model.__tablename__}_sequence" in str(plan)


def test_newest_run_is_found_without_sorting(tmp_path: Path) -> None:
    question = "SELECT * FROM runs WHERE group_digest = 'x' AND is_latest"
    with open_for_writing(str(tmp_path / "runs.db")).transaction() as connection:
        plan = connection.execute(text(f"EXPLAIN QUERY PLAN {question}")).all()
    assert not [row for row in plan if "TEMP B-TREE" in row[3]]
