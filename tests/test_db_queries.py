"""Questions of the user's own: they can only read, and what is wrong with one is pointed at."""

import csv
import io
import json
import sqlite3
from pathlib import Path

import pytest

from cdbench.errors import QueryError
from cdbench.reports.answers import answer_report
from cdbench.store.database import open_for_reading, open_for_writing
from cdbench.store.free_queries import answer, answering
from cdbench.store.models import Base
from cdbench.store.recipes import RECIPES, of_dialect
from cdbench.store.record import record_run
from cdbench.store.schema_statements import relations, statements_of
from cdbench.system.interrupts import StatementWatch
from tests.cli_tools import Here, contents
from tests.postgres import PostgresServer

REFUSED = (
    "delete from run",
    "insert into sweep default values returning sweep_id",
    "update run set seed = 1",
    "drop view runs",
    "create table own (x)",
    "create temp table own (x)",
    "attach 'other.db' as other",
    "vacuum into 'other.db'",
    "pragma user_version = 3",
    "pragma writable_schema = 1",
    "pragma query_only = 0",
    "select load_extension('x')",
    "begin",
    "commit",
    "reindex",
    "select 1; delete from run",
    "",
    "/* nothing */",
)


@pytest.fixture
def tiny(here: Here, tiny_run) -> Path:
    """Return a database of two runs, in the working folder, where it is the default."""
    database = open_for_writing("runs.db")
    for knobs in ({"layer": "dense"}, {"B": 3}):
        record_run(database, tiny_run(**knobs))
    return here.folder / "runs.db"


@pytest.mark.parametrize("statement", REFUSED)
def test_what_is_no_query_is_refused_and_changes_nothing(
    here: Here, tiny: Path, statement: str
) -> None:
    before = contents(tiny.parent)
    reply = here("db", "sql", statement)
    assert (reply.code, reply.out) == (2, "")
    assert "expected" in reply.err or "not authorized" in reply.err
    assert contents(tiny.parent) == before


@pytest.mark.parametrize(
    "query",
    [
        "explain query plan select * from runs",
        "pragma table_info(run)",
        "pragma user_version",
        "select name from pragma_table_info('run')",
        "select value from json_each('[1]')",
        "with recursive a(x) as (select 1 union all select x + 1 from a) select x from a limit 3",
        "values (1)",
        "select 'a % b' like 'a %'",
    ],
)
def test_what_only_reads_is_answered(tiny: Path, query: str) -> None:
    assert answer(open_for_reading(str(tiny)), query)[1] != []


@pytest.mark.parametrize(
    ("query", "said", "pointed"),
    [
        ("select acuracy from models", "did you mean test_accuracy", "acuracy"),
        (
            "select r.sede from runs as r",
            "did you mean seed? (all: cdbench db schema runs)",
            "r.sede",
        ),
        ("select 1 from modles", "did you mean models?", "modles"),
        ("select nofun(1)", "no such function", "nofun"),
        ("select 'fro', model\nfrom runs whre fro fro", 'near "fro"', "fro"),
        ("select seed from runs join run on 1", "ambiguous column name: seed", "seed"),
    ],
)
def test_an_error_points_at_the_word_and_names_the_nearest(
    here: Here, tiny: Path, query: str, said: str, pointed: str
) -> None:
    reply = here("db", "sql", query)
    assert (reply.code, reply.out) == (2, "")
    line, arrow, message = reply.err.splitlines()
    assert said in message
    column = arrow.index("^")
    assert line[column : column + arrow.count("^")] == pointed


def test_of_two_equal_words_the_one_that_is_wrong_is_pointed_at(tiny: Path) -> None:
    with pytest.raises(QueryError) as raised:
        answer(open_for_reading(str(tiny)), "select seed from runs where seed and seed seed 1")
    line, arrow = raised.value.where.splitlines()
    assert line[arrow.index("^") :] == "seed 1"


def test_a_query_comes_from_an_argument_a_file_or_standard_input(
    here: Here, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = "select count(*) as n from runs"
    Path("q.sql").write_text(query)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(query.encode())))
    for words in ((query,), ("--file", "q.sql"), ("-",)):
        assert here("db", "sql", *words, "--format", "csv").out == "n\n2\n"
    for wrong in ((), (query, "--file", "q.sql"), ("--file", "absent.sql")):
        reply = here("db", "sql", *wrong)
        assert reply.code == 2
        assert len(reply.err.splitlines()) == 1


def test_values_stand_in_for_placeholders(here: Here, tiny: Path) -> None:
    query = "select :a as a, :b as b, :c as c"
    reply = here("db", "sql", query, "--format", "json", "--param", "a=3", "b=0.5", "c='3'")
    assert json.loads(reply.out)["records"] == [{"a": 3, "b": 0.5, "c": "3"}]
    for word in ("", "a=3", "a"):
        reply = here("db", "sql", query, *(("--param", word) if word else ()))
        assert reply.code == 2
        assert "param" in reply.err


def test_a_value_of_no_placeholder_is_refused(here: Here, tiny: Path) -> None:
    words = ("db", "sql", "select 1 where 2 = :seed", "--param", "seed=2")
    assert here(*words).code == 0
    answer = here(*words, "--param", "sed=3")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.endswith("the query has no placeholder :sed; expected one of :seed\n")


@pytest.mark.parametrize("form", ["table", "markdown", "latex", "csv", "json"])
def test_every_form_has_null_bytes_and_equal_names(here: Here, tiny: Path, form: str) -> None:
    query = "select null as x, x'00ff' as x, 1.0/3 as y, '[red]\x1b[0m' as \"z\x1b\""
    out = here("db", "sql", query, "--format", form).out
    assert "\x1b" not in out
    assert "x_2" in out.replace("\\", "")
    assert ("0.3333333333333333" if form in ("csv", "json") else "0.333333") in out
    assert "[red]" in out.replace("\\[", "[").replace("{[}", "[")
    if form == "csv":
        assert next(csv.DictReader(io.StringIO(out)))["x_2"] == "00ff"
    if form == "json":
        (record,) = json.loads(out)["records"]
        assert (record["x"], record["x_2"]) == (None, "00ff")


def test_a_table_ends_after_a_thousand_rows_and_says_so(here: Here, tiny: Path) -> None:
    query = (
        "with recursive a(x) as (select 1 union all select x + 1 from a where x < 1001) "
        "select x from a"
    )
    reply = here("db", "sql", query)
    assert reply.out.split()[-1] == "1000"
    assert reply.err.startswith("cdbench: … and more")
    for words in (("--limit", "0"), ("--format", "csv")):
        reply = here("db", "sql", query, *words)
        assert ("1001\n" in reply.out, reply.err) == (True, "")
    assert here("db", "sql", query, "--format", "csv", "--limit", "2").out == "x\n1\n2\n"


def test_rows_are_read_as_they_are_asked_for(tiny: Path) -> None:
    endless = "with recursive a(x) as (select 1 union all select x + 1 from a) select x from a"
    with answering(open_for_reading(str(tiny)), endless) as (_, rows):
        report, more = answer_report("endless", ["x"], rows, 3)
    assert ([row[0] for row in report.rows], more) == (["1", "2", "3"], True)


def test_an_endless_query_ends_with_an_interrupt(
    here: Here, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_watch: StatementWatch) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(StatementWatch, "look", interrupt)
    endless = "with recursive a(x) as (select 1 union all select x + 1 from a) select max(x) from a"
    reply = here("db", "sql", endless)
    assert (reply.code, reply.out, reply.err) == (130, "", "cdbench: interrupted\n")


@pytest.mark.parametrize("name", relations())
def test_the_schema_knows_every_relation_and_its_statements_make_it(here: Here, name: str) -> None:
    assert name in here("db", "schema").out
    assert here("db", "schema", name).out.startswith(f"{name}: ")
    made = here("db", "schema", name, "--sql").out
    assert made == statements_of(name, "sqlite") + "\n"
    assert sqlite3.complete_statement(made)


def test_the_statements_of_the_schema_make_a_database() -> None:
    with sqlite3.connect(":memory:") as connection:
        for name in (*reversed(relations()),):
            if name in Base.metadata.tables:
                connection.executescript(statements_of(name, "sqlite"))
        for name in relations():
            if name not in Base.metadata.tables:
                connection.executescript(statements_of(name, "sqlite"))
            connection.execute(f"SELECT * FROM {name}")
    connection.close()


def test_an_unknown_relation_or_recipe_is_answered_with_the_nearest(here: Here) -> None:
    for words in (("schema", "modles"), ("schema", "modles", "--sql"), ("recipes", "acuracy")):
        reply = here("db", *words)
        assert (reply.code, reply.out) == (2, "")
        assert "did you mean " in reply.err


def test_a_recipe_is_printed_with_its_sql_above_its_answer(here: Here, tiny: Path) -> None:
    sql = RECIPES["endings"].sql
    assert here("db", "recipes", "endings", "--sql").out == sql
    out = here("db", "recipes", "endings").out
    assert out.startswith(sql)
    assert "completed" in out
    assert here("db", "recipes", "endings", "--format", "csv").out.splitlines()[1:] == [
        "completed,2,2,2"
    ]
    assert here("db", "recipes", "seeds").err.startswith("cdbench: no rows; ")
    listed = here("db", "recipes").out
    assert all(f"{name} " in listed for name in RECIPES)


def test_rounding_is_of_numerics_on_a_server_only() -> None:
    sql = "select round(100 * avg(x), 2), round(y), round(a * (b - round(c, 1)), 3) from t"
    assert of_dialect(sql, "sqlite") == sql
    assert of_dialect(sql, "postgresql") == (
        "select round((100 * avg(x))::numeric, 2), round(y), "
        "round((a * (b - round((c)::numeric, 1)))::numeric, 3) from t"
    )


@pytest.mark.server
def test_a_server_answers_every_recipe_and_points_at_words(
    here: Here, postgres: PostgresServer, tiny_run
) -> None:
    url = postgres.prepared_database()
    record_run(open_for_writing(url), tiny_run(layer="dense"))
    database = open_for_reading(url)
    for recipe in RECIPES.values():
        answer(database, of_dialect(recipe.sql, "postgresql"))
    assert here("db", "sql", "select 'a' like 'a%' as b", "--db", url, "--format", "csv").out == (
        "b\nTrue\n"
    )
    for query, word in (
        ("select acuracy from models", "acuracy"),
        ("select 1 fro models", "models"),
    ):
        line, arrow, _ = here("db", "sql", query, "--db", url).err.splitlines()
        assert line[arrow.index("^") :].startswith(word)
    for statement in REFUSED:
        if not statement.startswith(("select", "pragma")):
            reply = here("db", "sql", statement, "--db", url)
            assert (reply.code, reply.out) == (2, ""), statement
    reply = here("db", "sql", "copy (select 1) to program 'true'", "--db", url)
    assert (reply.code, "expected a query" in reply.err) == (2, True)
