"""SQLite files: opened as untrusted, and copies compared row by row."""

import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cdbench.errors import StoreError
from cdbench.store.sqlite import SqliteFile
from cdbench.store.sqlite_files import connect, copy_file, is_copy

ROWS = (
    "CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 'x'), (2, NULL);"
    'CREATE TABLE "a""b" (c); INSERT INTO "a""b" VALUES (1)'
)


def made(path: Path, *statements: str) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.executescript(statement)
        connection.commit()
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return made(tmp_path / "source.db", ROWS)


def test_a_file_is_opened_as_untrusted_and_waits_for_nothing(source: Path) -> None:
    with closing(connect(source, "ro")) as connection:
        found = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("trusted_schema", "cell_size_check", "foreign_keys", "busy_timeout")
        }
        assert found == {
            "trusted_schema": 0,
            "cell_size_check": 1,
            "foreign_keys": 1,
            "busy_timeout": 0,
        }
        assert connection.getlimit(sqlite3.SQLITE_LIMIT_LENGTH) == 100_000_000
        assert connection.isolation_level is None
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("INSERT INTO t VALUES (3, 3)")


def test_the_mode_is_given_in_a_uri_that_is_said_to_be_one(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some builds of SQLite take any name for a URI, others only what is said to be one."""
    real, said = sqlite3.connect, list[Any]()

    def connect_as_told(name: str, **options: Any) -> sqlite3.Connection:
        said.append((name, options["uri"]))
        opened: sqlite3.Connection = real(name, **options)
        return opened

    monkeypatch.setattr(sqlite3, "connect", connect_as_told)
    connect(source, "ro").close()
    assert said == [(f"file:{source}?mode=ro", True)]


@pytest.mark.parametrize("mode", ["ro", "rw"])
def test_a_missing_file_is_made_only_where_that_is_asked_for(tmp_path: Path, mode: str) -> None:
    with pytest.raises(sqlite3.OperationalError):
        connect(tmp_path / "missing.db", mode)
    connect(tmp_path / "missing.db", "rwc").close()


def test_a_copy_is_equal_and_keeps_who_may_read_it(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.db"
    for mode, expected in ((0o640, 0o640), (0o444, 0o644), (0o755, 0o644)):
        source.chmod(mode)
        copy_file(source, target)
        assert target.stat().st_mode & 0o777 == expected
        assert is_copy(target, source)
        with pytest.raises(StoreError, match="already exists"):
            copy_file(source, target)
        target.unlink()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE t SET b = 'y' WHERE a = 1",
        "UPDATE t SET a = '1' WHERE a = 1",
        "UPDATE t SET a = 1.0 WHERE a = 1",
        "DELETE FROM t WHERE a = 2",
        "INSERT INTO t VALUES (3, 3)",
        "CREATE TABLE u (a)",
        "CREATE VIEW v AS SELECT a FROM t",
        'INSERT INTO "a""b" VALUES (1)',
    ],
)
def test_what_differs_in_anything_is_no_copy(source: Path, tmp_path: Path, statement: str) -> None:
    assert is_copy(made(tmp_path / "equal.db", ROWS), source)
    other = made(tmp_path / "other.db", ROWS, statement)
    assert not is_copy(other, source)
    assert not is_copy(source, other)


def test_neither_the_file_itself_nor_what_is_no_database_is_a_copy(
    source: Path, tmp_path: Path
) -> None:
    assert not is_copy(source, source)
    (tmp_path / "link.db").hardlink_to(source)
    assert not is_copy(tmp_path / "link.db", source)
    (tmp_path / "text.db").write_text("x" * 5000)
    assert not is_copy(tmp_path / "text.db", source)
    assert not is_copy(tmp_path / "missing.db", source)


def test_invalid_text_is_compared_too(tmp_path: Path) -> None:
    bad = "CREATE TABLE t (a); INSERT INTO t VALUES (CAST(x'ff' AS TEXT))"
    one, other = (made(tmp_path / name, bad) for name in ("one.db", "other.db"))
    assert is_copy(one, other)


@pytest.mark.parametrize(
    ("n_missing", "lines", "expected"),
    [
        (0, ["ok"], []),
        (-4096, ["ok"], []),
        (1234, ["ok"], ["its last 1,234 bytes are missing"]),
        (
            4096,
            ["*** in database main ***\nTree 2 page 3", "wrong # of entries", "NULL value in t.a"],
            [
                "its last 4,096 bytes are missing",
                "*** in database main *** Tree 2 page 3",
                "wrong # of entries",
                "NULL value in t.a",
            ],
        ),
    ],
)
def test_damage_is_what_the_check_says_and_what_is_missing_at_the_end(
    source: Path, n_missing: int, lines: list[str], expected: list[str]
) -> None:
    n_bytes = source.stat().st_size + n_missing

    def answer(question: str) -> Any:
        if "integrity_check" in question:
            return SimpleNamespace(scalars=lambda: iter(lines))
        return SimpleNamespace(scalar_one=lambda: n_bytes)

    connection: Any = SimpleNamespace(exec_driver_sql=answer)
    assert SqliteFile(source).damage(connection) == expected


def test_a_sound_file_has_no_damage(source: Path) -> None:
    location = SqliteFile(source)
    with location.engine(read_only=True).connect() as connection:
        assert location.damage(connection) == []
