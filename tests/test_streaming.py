"""Rows that are copied in bulk: what no database can hold is named by its place and refused."""

from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import insert, select, text

from cdbench.errors import StoreError
from cdbench.store.database import Database, open_for_writing
from cdbench.store.insert import table_of
from cdbench.store.models import Environment, Epoch, Run, Sweep
from cdbench.store.upkeep import streaming
from cdbench.store.upkeep.streaming import Reader, end_sequences, new_keys, write_rows

EPOCH, SWEEP = table_of(Epoch), table_of(Sweep)


@pytest.fixture
def sqlite(tmp_path: Any) -> Database:
    return open_for_writing(str(tmp_path / "runs.db"))


def test_not_a_number_is_named_by_its_column_and_keys_and_nothing_is_written(
    sqlite: Database,
) -> None:
    rest = (0.5,) * (len(EPOCH.columns) - 4)
    rows = [(1, 1, 0.5, 0.5, *rest), (1, 2, 0.5, float("nan"), *rest)]
    with (
        sqlite.transaction() as connection,
        pytest.raises(StoreError, match=r"^epoch.test_loss is not a number \(NaN\)") as caught,
    ):
        write_rows(connection, EPOCH, rows)
    assert "at run_id 1, epoch 2; nothing was written" in str(caught.value)
    with sqlite.transaction() as connection:
        assert connection.execute(select(EPOCH)).all() == []


class RefusalError(Exception):
    """The driver's error."""


def server() -> Any:
    """A connection to a server, as far as writing asks it."""
    dialect = SimpleNamespace(name="postgresql", loaded_dbapi=SimpleNamespace(Error=RefusalError))
    return SimpleNamespace(dialect=dialect)


@pytest.mark.parametrize(
    ("typed", "expected"), [("a\0b", StoreError), ("plain", RefusalError)], ids=["NUL", "plain"]
)
def test_text_that_a_server_cannot_hold_is_named_and_other_refusals_are_the_drivers(
    typed: str, expected: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise RefusalError

    monkeypatch.setattr(streaming, "send_rows", refuse)
    rows = [(7, "uuid", "fine", None, None), (8, "other", typed, None, None)]
    with pytest.raises(expected) as caught:
        write_rows(server(), SWEEP, rows)
    if expected is StoreError:
        assert str(caught.value).startswith("sweep.command_line is text with the character NUL")
        assert "at sweep_id 8;" in str(caught.value)


def test_no_rows_are_nothing_to_write() -> None:
    write_rows(server(), SWEEP, [])


def test_new_keys_follow_the_largest(sqlite: Database) -> None:
    with sqlite.transaction() as connection:
        assert list(new_keys(connection, SWEEP, 3)) == [1, 2, 3]
        moment = text("'2026-01-01 00:00:00.000000'")
        values = {"sweep_id": 5, "uuid": "u", "command_line": "c", "started_at": moment}
        connection.execute(insert(SWEEP).values(values))
        assert list(new_keys(connection, SWEEP, 2)) == [6, 7]
        assert list(new_keys(connection, SWEEP, 0)) == []


def test_keys_of_a_server_are_its_sequences_next_and_in_order() -> None:
    asked = list[Any]()

    def execute(question: Any) -> Any:
        asked.append(str(question))
        first, last = sorted(v for v in question.compile().params.values() if isinstance(v, int))
        return SimpleNamespace(scalars=lambda: range(6 + last, 6 + first - 1, -1))

    connection = server()
    connection.execute = execute
    assert new_keys(connection, SWEEP, 3) == [7, 8, 9]
    assert "nextval(pg_get_serial_sequence(" in asked[0]
    assert "generate_series" in asked[0]


def test_a_servers_sequences_go_on_behind_the_largest_keys() -> None:
    largest = iter([4, None])
    asked = list[str]()

    def execute(question: Any) -> Any:
        asked.append(str(question))
        found = next(largest) if "max(" in asked[-1] else None
        return SimpleNamespace(scalar=lambda: found)

    connection = server()
    connection.execute = execute
    no_own_key = EPOCH
    end_sequences(connection, [SWEEP, no_own_key, table_of(Environment)])
    assert len(asked) == 3
    assert "setval(pg_get_serial_sequence(" in asked[1]
    connection.dialect.name = "sqlite"
    end_sequences(connection, [table_of(Run)])
    assert len(asked) == 3


def test_rows_come_in_lists_of_the_size_asked_for(sqlite: Database) -> None:
    question = select(SWEEP.c.sweep_id).order_by(SWEEP.c.sweep_id)
    with sqlite.transaction() as connection:
        for number in range(7):
            connection.exec_driver_sql(
                "INSERT INTO sweep (uuid, command_line, started_at) VALUES (?, 'c', 'x')",
                (str(number),),
            )
        reader = Reader(sqlite, connection)
        assert [len(rows) for rows in reader.chunks(question, 3)] == [3, 3, 1]
        assert list(reader.chunks(question)) == [[(key,) for key in range(1, 8)]]


@pytest.mark.parametrize(
    ("question", "words"),
    [(text("SELECT absent FROM run"), "no such column"), (select(SWEEP.c.started_at), "db check")],
    ids=["wrong", "no time"],
)
def test_rows_that_cannot_be_read_are_told_with_the_databases_name(
    sqlite: Database, question: Any, words: str
) -> None:
    with sqlite.transaction() as connection:
        connection.exec_driver_sql(
            "INSERT INTO sweep (uuid, command_line, started_at) VALUES ('u', 'c', 'x')"
        )
        with pytest.raises(StoreError, match=words) as caught:
            list(Reader(sqlite, connection).chunks(question))
    assert str(caught.value).startswith(f"{sqlite.name}: ")
