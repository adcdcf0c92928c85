"""``cdbench runs export``: what is written is what is stored, number by number."""

import csv
import io
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cdbench.api.exporting import file_parts
from cdbench.records.run import Run
from cdbench.store import run_export
from cdbench.store.database import Database, open_for_writing
from cdbench.store.record import record_run
from cdbench.store.run_export import ORDERS, exported_rows
from tests.cli_tools import Here, rows

INFINITE = float("inf")


def three_runs(tiny_run: Callable[..., Run]) -> list[Run]:
    """Return a run of the recipe's layer, a dense one that is singular, and one that failed."""
    plain, singular = tiny_run(), tiny_run(layer="dense", seed=1)
    first = singular.spectra[0]
    spoilt = replace(first, condition=replace(first.condition, kappa=INFINITE, flatness=None))
    failed = tiny_run(seed=2)
    return [
        plain,
        replace(singular, spectra=(spoilt, *singular.spectra[1:])),
        replace(failed, status="failed", error='=1+1\n"é",\x1b', epochs=(), spectra=()),
    ]


@pytest.fixture
def stored(here: Here, tiny_run: Callable[..., Run]) -> Here:
    """Return a folder whose runs.db has three runs."""
    database = open_for_writing(str(here.folder / "runs.db"))
    for run in three_runs(tiny_run):
        record_run(database, run)
    return here


def expected(folder: Path, what: str) -> list[list[Any]]:
    """Return a view's rows as SQLite gives them, its truths made into such."""
    view, order = ORDERS[what]
    names = [row[1] for row in rows(folder / "runs.db", f"PRAGMA table_info({view})")]
    found = rows(folder / "runs.db", f"SELECT * FROM {view} ORDER BY {', '.join(order)}")
    truth = names.index("is_latest")
    return [[*row[:truth], bool(row[truth]), *row[truth + 1 :]] for row in map(list, found)]


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal, and of one type: 1.0 is not 1, and "" is not None."""
    return bool(one == other) and type(one) is type(other)


@pytest.mark.parametrize("what", list(ORDERS))
def test_json_lines_give_every_value_back(stored: Here, what: str) -> None:
    answer = stored("runs", "export", "--what", what, "--format", "jsonl")
    assert (answer.code, answer.err) == (0, "")
    found = [list(json.loads(line).values()) for line in answer.out.splitlines()]
    wanted = expected(stored.folder, what)
    assert len(found) == len(wanted) > 2
    for row, own in zip(found, wanted, strict=True):
        for value, stored_value in zip(row, own, strict=True):
            if stored_value == INFINITE:
                assert float(value) == INFINITE
            else:
                assert same(value, stored_value)
    assert '"Infinity"' in answer.out or what in ("epochs", "spectra")


@pytest.mark.parametrize("what", list(ORDERS))
def test_parquet_gives_every_value_back(stored: Here, what: str) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    answer = stored("runs", "export", "--what", what, "-o", "out.parquet")
    assert (answer.code, answer.out) == (0, "")
    assert answer.err.startswith(f"wrote out.parquet: {what} of runs.db, ")
    found = parquet.read_table(stored.folder / "out.parquet").to_pylist()
    wanted = expected(stored.folder, what)
    assert len(found) == len(wanted)
    for row, own in zip(found, wanted, strict=True):
        for value, stored_value in zip(row.values(), own, strict=True):
            if isinstance(value, datetime):
                assert f"{value:%Y-%m-%d %H:%M:%S.%f}" == stored_value
            else:
                assert same(value, stored_value)


def test_csv_gives_every_number_back_and_no_formula(stored: Here) -> None:
    found = list(csv.reader(io.StringIO(stored("runs", "export").out)))
    wanted = expected(stored.folder, "runs")
    assert len(found) == len(wanted) + 1
    for row, own in zip(found[1:], wanted, strict=True):
        for value, stored_value in zip(row, own, strict=True):
            if isinstance(stored_value, int | float) and not isinstance(stored_value, bool):
                assert float(value) == stored_value
            elif stored_value is None:
                assert value == ""
    errors = [row[found[0].index("error")] for row in found[1:]]
    assert errors == ["", "", '\'=1+1\\n"é",\\x1b']


def test_only_the_runs_that_are_named_are_exported_each_once(
    stored: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keys(*words: str) -> list[int]:
        answer = stored("runs", "export", *words, "--format", "jsonl")
        return [json.loads(line)["run_id"] for line in answer.out.splitlines()]

    assert keys() == [1, 2, 3]
    assert keys("latest", "1", "1") == [1, 3]
    assert set(keys("2", "--what", "epochs")) == {2}
    assert keys("--where", "family = dense or status = failed") == [2, 3]
    assert keys("1", "2", "--where", "seed > 0") == [2]
    assert keys("1", "--where", "seed > 0") == []
    monkeypatch.setattr(run_export, "MANY", 1)
    monkeypatch.setattr(run_export, "TOGETHER", 1)
    assert keys("3", "1") == [1, 3]
    assert stored("runs", "export", "99").code == 2


def test_what_cannot_be_written_leaves_the_file_as_it_was(
    stored: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = stored.folder / "out.parquet"
    target.write_text("mine")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    answer = stored("runs", "export", "-o", "out.parquet")
    assert answer.code == 2
    assert answer.err == (
        "cdbench: Parquet needs pyarrow; to install it: pip install 'cdbench[parquet]', or without "
        "it: --format jsonl\n"
    )
    assert target.read_text() == "mine"
    refused = stored("runs", "export", "-o", "runs.db", "--format", "csv")
    assert (refused.code, "it is a database" in refused.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-o", "runs.xls"), "no format has the ending .xls; expected .csv, .jsonl"),
        (("--format", "jsonlines"), "unknown format 'jsonlines'; did you mean jsonl?"),
        (("--what", "epoch"), "unknown --what 'epoch'; did you mean epochs?"),
    ],
)
def test_bad_words_are_refused_in_one_line(stored: Here, words: tuple[str, ...], said: str) -> None:
    answer = stored("runs", "export", *words)
    assert answer.code == 2
    assert answer.err.count("\n") == 1
    assert said in answer.err


def test_both_databases_give_the_same_rows(
    database: Database, tmp_path: Path, tiny_run: Callable[..., Run]
) -> None:
    runs = three_runs(tiny_run)
    other = open_for_writing(str(tmp_path / "other.db"))
    for one in (database, other):
        for run in runs:
            record_run(one, run)
    for what in ORDERS:
        found, wanted = (
            b"".join(file_parts(exported_rows(one, what), "jsonl")).splitlines()
            for one in (database, other)
        )
        assert found == wanted
