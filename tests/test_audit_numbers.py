"""docs/audit-numbers.md: its queries run, the answers are theirs, its numbers are in them.

Those of its commands are not run: they train.
"""

import re
import shutil
import sqlite3
from contextlib import closing
from decimal import Decimal

import pytest

from cdbench.statistics.holm import holm
from tests.audit_numbers import Statements, answered, marked, numbers, shows, statements
from tests.recipes import in_the_shell
from tests.released import released_database

RELEASED = released_database()
TABLES = statements()
QUERIES = [query for table in TABLES for query in table.queries]
VERDICTS = {"confirmed", "corrected", "–", "yes", "no"}


def test_the_page_has_tables_with_queries_or_commands_under_them() -> None:
    assert len(TABLES) == 24
    assert all(table.rows and table.answers for table in TABLES)


@pytest.mark.parametrize("query", QUERIES, ids=[str(i) for i in range(len(QUERIES))])
def test_every_query_returns_rows(query: tuple[str, str]) -> None:
    sql, _ = query
    with closing(sqlite3.connect(f"file:{RELEASED}?mode=ro", uri=True)) as connection:
        assert connection.execute(sql).fetchall()


@pytest.mark.parametrize("query", QUERIES, ids=[str(i) for i in range(len(QUERIES))])
def test_measurements_are_asked_for_by_name(query: tuple[str, str]) -> None:
    sql, _ = query
    by_position = r"position\s*(=|in\b|between|-)|, position\)|\(position"
    assert "measurement" not in sql or not re.search(by_position, sql)


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="needs the sqlite3 command")
@pytest.mark.parametrize("query", QUERIES, ids=[str(i) for i in range(len(QUERIES))])
def test_the_page_has_the_answer_of_the_released_results(query: tuple[str, str]) -> None:
    sql, answer = query
    assert in_the_shell(RELEASED, sql, "-box") == answer


@pytest.mark.parametrize("table", TABLES, ids=[str(i) for i in range(len(TABLES))])
def test_marked_numbers_are_in_the_answers(table: Statements) -> None:
    found = answered(table.answers)
    printed = found.get("", []) if not table.queries else []
    for row in table.rows:
        assert row[-1] in VERDICTS, row
        for number in marked(row):
            assert shows(number, found.get(row[0], printed)), (row, number)


def test_every_table_but_those_of_verdicts_has_marked_numbers() -> None:
    bare = [table for table in TABLES if not any(marked(row) for row in table.rows)]
    assert len(bare) == 3
    assert all("verdict" in table.queries[0].sql for table in bare)


def test_holm_in_sql_is_that_of_the_project() -> None:
    (query,) = (query for query in QUERIES if "holm" in query.sql)
    with closing(sqlite3.connect(f"file:{RELEASED}?mode=ro", uri=True)) as connection:
        shown = connection.execute(query.sql).fetchall()
        plain, _, _ = query.sql.partition(",\ntested as")
        tested = connection.execute(
            f"{plain} select position, claim, p_value from plain where p_value is not null"
        ).fetchall()
    for up_to in (16, 34):
        adjusted = holm({claim: p for position, claim, p in tested if position <= up_to})
        rows = [row for row in shown if row[2] == len(adjusted)]
        assert len(rows) == 3
        for _, claim, _, _, after in rows:
            assert after == pytest.approx(adjusted[claim], abs=1e-4)


def test_a_number_is_compared_by_its_printed_digits() -> None:
    assert numbers("−0.39 (1,338 … 4.0e-16)") == [Decimal("-0.39"), 1338, Decimal("4.0e-16")]
    assert shows(Decimal("4.07"), [Decimal("4.0666")])
    assert not shows(Decimal("4.06"), [Decimal("4.0666")])
    assert shows(Decimal("1.2e5"), [Decimal("121596.4")])
    assert not shows(Decimal("1.2e5"), [Decimal("-121596.4")])
