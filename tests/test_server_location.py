"""A server's location: what it is called, and which of the driver's errors say that it is away."""

from typing import Any

import psycopg
import pytest
from psycopg import errors
from sqlalchemy.exc import OperationalError

from cdbench.store.postgresql import PostgresDatabase, _quoted

URL = "postgresql://me:secret@127.0.0.1:1/runs?connect_timeout=3"


@pytest.fixture
def location() -> PostgresDatabase:
    return PostgresDatabase(URL)


def test_it_is_called_by_its_url_with_its_password_hidden_and_no_parameters(
    location: PostgresDatabase,
) -> None:
    assert location.name == "postgresql://me:***@127.0.0.1:1/runs"
    assert location.label == "runs"
    assert PostgresDatabase("postgresql://host").label == "host"


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize(
    ("error", "is_away"),
    [
        (errors.AdminShutdown(), True),
        (errors.CannotConnectNow(), True),
        (errors.ConnectionFailure(), True),
        (errors.TooManyConnections(), True),
        (errors.QueryCanceled(), False),
        (errors.DiskFull(), False),
        (errors.UniqueViolation(), False),
        (psycopg.OperationalError(), True),  # the connection was lost
        (ValueError(), False),
    ],
    ids=repr,
)
def test_a_server_is_away_by_its_state(
    location: PostgresDatabase, error: Exception, is_away: bool, wrapped: bool
) -> None:
    told = OperationalError("SELECT 1", {}, error) if wrapped else error
    assert location.is_away(told) is is_away
    assert location.is_away(None) is False


@pytest.mark.parametrize("is_there", [True, False])
def test_a_refused_connection_is_away_if_the_server_does_not_answer(
    location: PostgresDatabase, is_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pgconn: Any = object()
    refused = psycopg.OperationalError("refused", pgconn=pgconn)
    monkeypatch.setattr(location, "_is_unreachable", lambda: not is_there)
    assert location.is_away(refused) is not is_there


@pytest.mark.parametrize(
    ("pings", "connects", "expected"),
    [
        (["NO_RESPONSE"], None, True),
        (["REJECT"], None, True),
        (["OK"], True, True),  # it came back a moment ago
        (["OK", "OK"], False, False),
        (["OK", "REJECT"], False, True),
    ],
    ids=str,
)
def test_a_server_is_unreachable_unless_it_answers_and_refuses(
    location: PostgresDatabase,
    pings: list[str],
    connects: bool | None,
    expected: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed, words = list[str](), set[str]()

    class Connection:
        def close(self) -> None:
            closed.append("closed")

    class Server:
        @staticmethod
        def ping(asked: bytes) -> psycopg.pq.Ping:
            words.add(asked.decode())
            return psycopg.pq.Ping[pings.pop(0)]

    def connect(asked: str) -> Connection:
        words.add(asked)
        if not connects:
            raise psycopg.OperationalError("refused")
        return Connection()

    monkeypatch.setattr(psycopg.pq, "PGconn", Server)
    monkeypatch.setattr(psycopg, "connect", connect)
    assert location._is_unreachable() is expected
    assert pings == []
    assert closed == ["closed"] * bool(connects)
    (one,) = words
    assert set(one.split()) == {
        *("host=127.0.0.1", "port=1", "dbname=runs", "user=me", "password=secret"),
        "connect_timeout=3",
    }


def test_an_error_is_the_drivers_in_one_line(location: PostgresDatabase) -> None:
    for error in (ValueError("a\n  b"), OperationalError("SELECT 1", {}, Exception("a\nb"))):
        assert str(location.error(error)) == f"{location.name}: a b"


def test_what_only_a_server_does_is_not_done_here(location: PostgresDatabase) -> None:
    connection: Any = None
    assert location.is_empty() is False
    assert location.back_up("0001") is None
    assert location.damage(connection) == []


def test_names_are_quoted_as_sql_quotes_them() -> None:
    assert _quoted('a "b" c') == '"a ""b"" c"'


@pytest.mark.parametrize("read_only", [True, False])
def test_a_connection_is_the_watched_kind_and_knows_its_place(
    location: PostgresDatabase, read_only: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cdbench.store.server_connection import ServerConnection

    asked = list[dict[str, Any]]()

    class RefusedError(Exception):
        pass

    def connect(**options: Any) -> None:
        asked.append(options)
        raise RefusedError

    monkeypatch.setattr(ServerConnection, "connect", connect)
    engine = location.engine(read_only=read_only)
    with pytest.raises(RefusedError):
        engine.connect()
    assert asked[0]["connect_timeout"] in {3, "3", 10}
    assert asked[0]["fallback_application_name"] == "cdbench"
    assert engine.pool.size() == 1  # type: ignore[attr-defined]
