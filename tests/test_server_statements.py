"""What a server is asked, by a connection that keeps the statements and gives made-up answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.dialects import postgresql

from cdbench.errors import StoreError
from cdbench.store import privileges
from cdbench.store.models import Base
from cdbench.store.postgresql import PostgresDatabase
from cdbench.store.privileges import is_read_only, missing_privileges

LOCATION = PostgresDatabase("postgresql://me@host/runs")


class Asked:
    """A connection: it keeps what it is asked, and answers in turn."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked, self.named = iter(answers), list[str](), list[Any]()

    def execute(self, statement: Any, named: Any = None) -> Any:
        self.named.append(named)
        return self.exec_driver_sql(str(statement.compile(dialect=postgresql.dialect())))

    def exec_driver_sql(self, statement: str, **_: Any) -> Any:
        self.asked.append(statement)
        answer = next(self.answers, None)
        give = lambda: answer  # noqa: E731
        return SimpleNamespace(scalar_one=give, scalars=give, first=give, all=give)


def connection(*answers: Any) -> Any:
    return Asked(*answers)


@pytest.mark.parametrize("answer", [True, False])
def test_whether_anything_can_be_written_is_the_servers_answer(answer: bool) -> None:
    assert is_read_only(asked := connection(answer)) is answer
    assert "transaction_read_only" in asked.asked[0]


def test_rights_are_asked_for_every_table_and_every_key_that_counts_by_itself() -> None:
    asked = connection(["INSERT on run"], ["USAGE on run_run_id_seq"])
    assert missing_privileges(asked) == ["INSERT on run", "USAGE on run_run_id_seq"]
    on_tables, on_keys = asked.named
    wanted = set(zip(on_tables["relations"], on_tables["privileges"], strict=True))
    tables = Base.metadata.tables
    assert wanted == {(name, right) for name in tables for right in ("SELECT", "INSERT")} | {
        *((own, "UPDATE") for own in ("sweep", "comparison", "study_part")),
        *((own, "DELETE") for own in ("comparison_run", "comparison_line")),
    }
    keys = dict(zip(on_keys["relations"], on_keys["keys"], strict=True))
    assert keys["run"] == "run_id"
    assert keys.keys() == {
        name for name, table in tables.items() if table.autoincrement_column is not None
    }


@pytest.mark.parametrize(
    ("read_only", "missing", "words"),
    [
        (False, [], None),
        (True, [], "accepts no writes"),
        (False, ["INSERT on run"], "the right INSERT on run, which"),
        (False, ["INSERT on run", "x", "y"], "the right INSERT on run and 2 more, which"),
    ],
)
def test_who_may_not_write_is_told_what_is_lacking(
    read_only: bool, missing: list[str], words: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(privileges, "is_read_only", lambda _: read_only)
    monkeypatch.setattr(privileges, "missing_privileges", lambda _: missing)
    if words is None:
        LOCATION.check_may_write(connection())
        return
    with pytest.raises(StoreError, match=words):
        LOCATION.check_may_write(connection())


@pytest.mark.parametrize(("found", "expected"), [((1,), True), (None, False)])
def test_a_schema_with_any_table_or_view_is_not_empty(found: Any, expected: bool) -> None:
    assert LOCATION.has_tables(connection(found)) is expected


def test_a_migration_waits_for_the_others_before_it_changes_anything() -> None:
    asked = connection()

    @contextmanager
    def begin() -> Iterator[Any]:
        asked.asked.append("BEGIN")
        yield asked
        asked.asked.append("COMMIT")

    engine: Any = SimpleNamespace(begin=begin)
    with LOCATION.migration(engine) as given:
        given.exec_driver_sql("CHANGE")
    lock = int.from_bytes(b"CDbe", "big")
    assert asked.asked == ["BEGIN", f"SELECT pg_advisory_xact_lock({lock})", "CHANGE", "COMMIT"]


def test_every_column_gets_its_comment() -> None:
    LOCATION.describe(asked := connection())
    columns = [column for table in Base.metadata.sorted_tables for column in table.columns]
    assert len(asked.asked) == len(columns)
    for statement, column in zip(asked.asked, columns, strict=True):
        assert statement.startswith(f"COMMENT ON COLUMN {column.table.name}.")


def test_views_are_remade_from_their_definitions_and_dropped_by_their_quoted_names() -> None:
    found = [("runs", "SELECT 1"), ('a "b"', "SELECT 2")]
    assert dict(LOCATION.views(connection(found))) == {
        "runs": 'CREATE VIEW "runs" AS SELECT 1',
        'a "b"': 'CREATE VIEW "a ""b""" AS SELECT 2',
    }
    LOCATION.drop_views(asked := connection(found))
    assert asked.asked[1:] == [
        'DROP VIEW IF EXISTS "runs" CASCADE',
        'DROP VIEW IF EXISTS "a ""b""" CASCADE',
    ]


def test_kind_and_size_are_the_servers_first_word_and_the_databases_bytes() -> None:
    asked = connection("15.6 (Debian 15.6-0)", 123)
    assert LOCATION.kind_and_size(asked) == ("PostgreSQL 15.6", 123)


def test_space_is_freed_outside_of_a_transaction() -> None:
    asked, options = connection(), list[Any]()

    def execution_options(**given: Any) -> Any:
        options.append(given)
        return asked

    @contextmanager
    def connect() -> Iterator[Any]:
        yield SimpleNamespace(execution_options=execution_options)

    engine: Any = SimpleNamespace(connect=connect)
    LOCATION.compact(engine)
    assert options == [{"isolation_level": "AUTOCOMMIT"}]
    assert asked.asked == ["VACUUM ANALYZE"]
