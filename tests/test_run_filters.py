"""Filters of runs: what they find, and that nothing in them is ever run as SQL."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdbench.config.run_config import RunConfig
from cdbench.errors import ConfigurationError
from cdbench.records.run import Run
from cdbench.store.database import Database, open_for_writing
from cdbench.store.record import record_run
from cdbench.store.run_lists import filter_columns, listed_runs

TinyRun = Callable[..., Run]


@pytest.fixture
def runs(database: Database, tiny_run: TinyRun) -> Database:
    """Return a database of dense, B = 2 and B = 3 with seeds 0 and 1, and one that diverged."""
    began = datetime(2026, 5, 1, 12, tzinfo=UTC)
    for B in (None, 2, 3):
        for seed in (0, 1):
            run = tiny_run(seed=seed, **({"layer": "dense"} if B is None else {"B": B}))
            record_run(database, replace(run, started_at=began.replace(day=seed + 1)))
    path = "it's 100%_of.csv"
    config = RunConfig(dataset=path, hidden=(3,), epochs=2, B=2)
    failed = replace(tiny_run(seed=5), config=config, status="failed", error="no file", epochs=())
    record_run(database, failed)
    return database


FOUND = {
    "B > 2": [6, 5],
    "b>2 AND seed<1": [5],
    "B = 2 or B = 3": [7, 6, 5, 4, 3],
    "not B = 2": [6, 5],
    "B is null": [2, 1],
    "B is not null and not (seed = 0 or seed = 1)": [],
    "status in (failed, 'interrupted')": [7],
    "status not in (failed)": [6, 5, 4, 3, 2, 1],
    "2 < B": [6, 5],
    "model = dense": [2, 1],
    'model = "cdlinear B=3"': [6, 5],
    "model ~ CDLINEAR and seed != 0": [6, 4],
    "model !~ linear": [2, 1],
    "model like 'CDL%' and seed = 0": [7, 5, 3],
    "model not like '%3'": [7, 4, 3, 2, 1],
    r"dataset like 'it''s 100\%\_%'": [7],
    "dataset ~ '%_'": [7],
    "dataset = 'it''s 100%_of.csv'": [7],
    "is_latest": [6, 5, 4, 3, 2, 1],
    "not is_latest": [7],
    "is_latest = false": [7],
    "started_at >= 2026-05-02 and B is null": [2],
    "started_at < '2026-05-01T14:00+02:00'": [],
    "score >= 0 and score <= 1 and seed = 1": [6, 4, 2],
    "score is null": [7],
    "epochs_trained < epochs": [],
    "weight_kappa < inf and B = 3": [6, 5],
    "run_id <= 2.5": [2, 1],
    "seed > 99999999999999999999999": [],
    "learning_rate = 1e-1 and B = 3": [6, 5],
}


def test_a_filter_finds_what_it_says(runs: Database) -> None:
    found = {
        filter_: [row["run_id"] for row in listed_runs(runs, ["run_id"], where=filter_).rows]
        for filter_ in FOUND
    }
    assert found == FOUND


REFUSED = {
    "": "expected a filter",
    "B >": "expected a column or a value at the end",
    "sed < 5": "there is no column 'sed'; did you mean seed?",
    "B > 3 andd seed < 5": "expected and, or, or the end, not andd",
    "(B > 3": "expected ) at the end",
    "B > 'x'": "B is a number, not x",
    "seed = wine": "seed is a number, and there is no column 'wine'",
    "model = 'a": "a quote is not closed",
    "B in (1, 2": "expected ) at the end",
    "B not 3": "expected in or like before 3",
    "3 < 4": "expected a column, not 3",
    "is_latest = 'maybe'": "is_latest is true or false, not maybe",
    "started_at > 'soon'": "started_at is a time, such as 2026-05-31",
    "started_at > 0001-01-01T00:00+14:00": "started_at is a time, such as 2026-05-31",
    "B is 3": "expected null before 3",
    "seed ~ 4": "seed is no text",
    "B = null": "nothing is equal to null; expected is null",
    "seed = model": "seed and model cannot be compared",
    "model like 'a\\'": "a pattern cannot end in a single \\",
    "seed": "expected a comparison such as = or > at the end",
    "nan = seed": "seed is a number",
    "not " * 60 + "is_latest": "more than 50 brackets or nots",
    "seed = 1 or " * 200 + "seed = 1": "expected at most 2,000",
    "seed = 1; DROP TABLE run": "expected and, or, or the end, not ;",
}


def test_what_is_no_filter_is_refused_in_a_line_that_says_why(runs: Database) -> None:
    for filter_, why in REFUSED.items():
        with pytest.raises(ConfigurationError) as raised:
            listed_runs(runs, ["run_id"], where=filter_)
        assert why in str(raised.value)
        assert "\n" not in str(raised.value)


WORDS = "seed B model is_latest and or not ( ) in , = < ~ like is null 3 -1e400 'x' ' -- ; % :seed"
PIECES = st.sampled_from([*WORDS.split(), '"', "\x00", "DROP TABLE run"])


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Database:
    return open_for_writing(str(tmp_path_factory.mktemp("empty") / "runs.db"))


@given(st.lists(PIECES, max_size=12).map(" ".join) | st.text(max_size=30))
def test_any_text_is_answered_or_refused(empty: Database, filter_: str) -> None:
    with suppress(ConfigurationError):  # any other would have come from the database
        assert listed_runs(empty, ["run_id"], where=filter_).n_found == 0


def test_the_kind_of_every_column_is_that_of_its_values(runs: Database) -> None:
    kinds: dict[str, type | tuple[type, ...]] = {"number": (int, float), "text": str}
    kinds |= {"truth": bool, "time": datetime}
    rows = listed_runs(runs, ["all"]).rows
    with runs.transaction() as connection:
        for name, column in filter_columns(connection).items():
            values = [row[name] for row in rows if row[name] is not None]
            assert all(isinstance(value, kinds[column.kind]) for value in values), name
