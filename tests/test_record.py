"""Runs that ended together, where some of them or all are refused; what was written is found."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from cdbench.errors import DatabaseGoneError, StoreError
from cdbench.records.run import Run
from cdbench.store import record
from cdbench.store.database import Database
from cdbench.store.record import record_runs, store_runs

TinyRun = Callable[..., Run]

REFUSED, GONE = StoreError("refused"), DatabaseGoneError("gone")


class Writing:
    """What is tried, run by run, and the errors that come of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, together: Any, *alone: Any) -> None:
        self.tried, self.errors = list[Any](), iter((together, *alone))

        def write(_database: Any, what: Any, _sweep: Any) -> None:
            self.tried.append(what)
            if (error := next(self.errors)) is not None:
                raise error

        for name in ("record_runs", "record_run"):
            monkeypatch.setattr(record, name, write)

    def of(self, runs: Sequence[Any]) -> Any:
        database: Any = None
        try:
            return store_runs(database, runs, None)
        except StoreError as error:
            return error


@pytest.mark.parametrize(
    ("runs", "errors", "result", "n_tried"),
    [
        ("abc", [None], "abc", 1),
        ("abc", [GONE], GONE, 1),
        ("a", [REFUSED], REFUSED, 1),
        ("abc", [REFUSED, None, REFUSED, None], REFUSED, 4),
        ("abc", [REFUSED, REFUSED, GONE], GONE, 3),
        ("abc", [REFUSED, None, None, None], "abc", 4),
    ],
)
def test_all_that_can_be_written_is_written_unless_the_database_is_gone(
    runs: str, errors: list[Any], result: Any, n_tried: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing = Writing(monkeypatch, *errors)
    assert writing.of(runs) == result
    assert writing.tried == [runs, *runs][:n_tried]


def test_runs_that_arrived_are_found_by_their_uuids_all_or_none(
    database: Database, tiny_run: TinyRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the answer of a COMMIT, what it would have returned is asked for."""
    runs = [tiny_run(), tiny_run()]
    keys = record_runs(database, runs)
    found = list[Any]()

    def lost(database: Database, _write: Any, find: Any) -> list[int]:
        with database.transaction() as connection:
            found.append(find(connection))
        return []

    monkeypatch.setattr(record, "written", lost)
    for asked in (runs, runs[::-1], runs[:1], [*runs, tiny_run()], [tiny_run()]):
        record_runs(database, asked)
    assert found == [keys, keys[::-1], keys[:1], None, None]
