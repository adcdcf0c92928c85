"""docs/recipes.md: every question is answered alike by every client, and as the page says."""

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from importlib.metadata import files
from typing import Any

import duckdb
import pandas as pd
import pytest

from cdbench.store.database import open_for_reading
from cdbench.store.models import Base
from cdbench.store.recipes import RECIPES
from cdbench.store.schema_page import view_columns
from cdbench.store.view_columns import column_meaning
from tests.recipes import PAGE, in_the_shell, page, recipes
from tests.released import released_database

RELEASED = released_database()

QUESTIONS = {question: (sql, answer) for question, sql, answer in recipes()}
every_question = pytest.mark.parametrize("question", QUESTIONS)

Rows = list[tuple[str, ...]]


def shown(value: Any) -> str:
    """Return a cell as the shell shows it, whatever a client makes of NULL and whole numbers."""
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return str(float(value)) if isinstance(value, (int, float)) else str(value)


def as_rows(found: Any) -> Rows:
    return [tuple(shown(cell) for cell in row) for row in found]


def of_box(text: str) -> Rows:
    """Return the rows of a table as ``sqlite3 -box`` draws it."""

    def cell(word: str) -> str:
        try:
            return str(float(word))
        except ValueError:
            return word

    lines = [line for line in text.splitlines() if line.startswith("│")][1:]
    return [tuple(cell(word.strip()) for word in line.strip("│").split("│")) for line in lines]


@cache
def by_python(sql: str) -> Rows:
    with closing(sqlite3.connect(f"file:{RELEASED}?mode=ro", uri=True)) as connection:
        return as_rows(connection.execute(sql).fetchall())


def by_pandas(sql: str) -> Rows:
    with closing(sqlite3.connect(f"file:{RELEASED}?mode=ro", uri=True)) as connection:
        frame = pd.read_sql_query(sql, connection)
    return as_rows(frame.astype(object).itertuples(index=False))


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    """Return DuckDB with the released database attached; its extension comes in a wheel."""
    (extension,) = (
        path
        for path in files("duckdb_extension_sqlite_scanner") or ()
        if path.suffix == ".duckdb_extension"
    )
    with duckdb.connect() as connection:
        connection.execute(f"LOAD '{extension.locate()}'")
        connection.execute(f"ATTACH '{RELEASED}' AS released (TYPE sqlite, READ_ONLY)")
        connection.execute("USE released")
        connection.execute("SET threads = 1")  # the sums of several are rounded as it happens
        yield connection


def test_there_are_twenty_questions_and_each_is_short() -> None:
    assert len(QUESTIONS) == 20
    for sql, answer in QUESTIONS.values():
        assert len(sql.splitlines()) <= 10
        assert max(map(len, sql.splitlines())) <= 80
        assert answer


def test_the_page_is_made_from_the_recipes() -> None:
    answers = {name: answer for name, (_, answer) in QUESTIONS.items()}
    assert PAGE.read_text(encoding="utf-8") == page(answers)
    for recipe in RECIPES.values():
        assert recipe.question.endswith("?")
        assert recipe.why.endswith(".")


@every_question
def test_the_page_has_the_answer_of_the_released_results(question: str) -> None:
    sql, answer = QUESTIONS[question]
    assert of_box(answer) == by_python(sql) != []


@pytest.mark.long
@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="needs the sqlite3 command")
@every_question
def test_the_shell_answers(question: str) -> None:
    sql, _ = QUESTIONS[question]
    assert of_box(in_the_shell(RELEASED, sql, "-box")) == by_python(sql)


@pytest.mark.long
@every_question
def test_pandas_answers(question: str) -> None:
    sql, _ = QUESTIONS[question]
    assert by_pandas(sql) == by_python(sql)


@pytest.mark.long
@every_question
def test_duckdb_answers(duck: duckdb.DuckDBPyConnection, question: str) -> None:
    sql, _ = QUESTIONS[question]
    assert as_rows(duck.execute(sql).fetchall()) == by_python(sql)


@pytest.mark.long
def test_datasette_answers() -> None:
    from datasette.app import Datasette  # takes a second, in every process of the tests

    async def ask() -> None:
        app = Datasette(files=[str(RELEASED)], settings={"sql_time_limit_ms": 10_000})
        await app.invoke_startup()
        for question, (sql, _) in QUESTIONS.items():
            answer = await app.client.get("/runs.json", params={"sql": sql, "_shape": "arrays"})
            assert answer.status_code == 200, answer.text
            assert as_rows(answer.json()["rows"]) == by_python(sql), question

    asyncio.run(ask())


@pytest.mark.long
def test_duckdb_counts_every_table_and_view_and_knows_booleans(
    duck: duckdb.DuckDBPyConnection,
) -> None:
    with closing(sqlite3.connect(RELEASED)) as connection:
        for name in (*Base.metadata.tables, *view_columns()):
            counted = duck.execute(f"SELECT count(*) FROM {name}").fetchall()
            assert counted == connection.execute(f"SELECT count(*) FROM {name}").fetchall(), name
    for view, columns in view_columns().items():
        if "is_latest" in columns:
            kinds = duck.execute(f"SELECT typeof(is_latest) FROM {view} LIMIT 1").fetchall()
            assert {*kinds} <= {("BOOLEAN",)}, view  # the file has no accuracies of classes


def test_duckdb_has_the_noise_floors_of_the_shell(duck: duckdb.DuckDBPyConnection) -> None:
    sql = (
        "SELECT run_id, layer, kind, epoch, level, damped_kappa, cut_kappa, n_left "
        "FROM noise_floors WHERE run_id % 20 = 0 ORDER BY run_id, layer, kind, epoch, level"
    )
    assert as_rows(duck.execute(sql).fetchall()) == by_python(sql) != []


@pytest.mark.parametrize("view", view_columns())
def test_every_column_of_a_view_has_a_meaning(view: str) -> None:
    for column in view_columns()[view]:
        assert column_meaning(view, column).endswith("."), column


def test_a_column_called_layer_is_always_the_number_of_a_layer() -> None:
    database = open_for_reading(str(RELEASED))
    with database.transaction() as connection:
        for view, columns in view_columns().items():
            if "layer" in columns:
                kinds = connection.exec_driver_sql(f"SELECT DISTINCT typeof(layer) FROM {view}")
                assert {*kinds.scalars()} <= {"integer"}, view
