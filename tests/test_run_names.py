"""RUN on a command line: which run a name stands for."""

import logging
from collections.abc import Callable
from dataclasses import replace

import pytest

from cdbench.errors import ConfigurationError, MissingResultsError
from cdbench.records.run import Run
from cdbench.store.database import Database
from cdbench.store.record import record_run
from cdbench.store.run_names import run_named, runs_named

TinyRun = Callable[..., Run]


def with_score(run: Run, accuracy: float | None, r2: float | None = None, loss: float = 1.0) -> Run:
    """Return a run whose last epoch has this score."""
    last = replace(run.epochs[-1], test_accuracy=accuracy, test_r2=r2, test_loss=loss)
    return replace(run, epochs=(*run.epochs[:-1], last))


@pytest.fixture
def with_uuids(database: Database, tiny_run: TinyRun) -> Database:
    for uuid in ("0004c7bd-dcc9", "0004c7bd-dcd0", "12345678-aaaa", "a%_b7890-\\", "no"):
        record_run(database, replace(tiny_run(), uuid=uuid))
    return database


def test_a_run_is_named_by_number_uuid_or_its_beginning(with_uuids: Database) -> None:
    found = {
        "3": 3,
        "0003": 3,
        "0004c7bd-dcc9": 1,
        "0004C7BD-DCD": 2,
        "12345678": 3,
        "1234": 3,
        "a%_b7890-\\": 4,
        "no": 5,
        "latest": 5,
    }
    assert {name: run_named(with_uuids, name) for name in found} == found
    assert runs_named(with_uuids, ["5", "1", "no", "0001"]) == [5, 1]


@pytest.mark.parametrize(
    "name", ["6", "0", "-1", "0004c7be", "n", "", "%%%%%%%%", "____", "9" * 30, "²", "1 OR 1"]
)
def test_a_name_of_no_run_is_refused_in_a_line(with_uuids: Database, name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"no such run in .*; expected a run_id"):
        run_named(with_uuids, name)


def test_a_name_of_several_runs_is_refused_with_those(with_uuids: Database) -> None:
    with pytest.raises(
        ConfigurationError, match=r"2 runs begin like that .0004c7bd-dcc9, 0004c7bd-dcd0"
    ):
        run_named(with_uuids, "0004c")


def test_a_mistyped_word_is_named_with_the_nearest(with_uuids: Database) -> None:
    with pytest.raises(ConfigurationError, match=r"RUN lastest: .*; did you mean latest"):
        run_named(with_uuids, "lastest")


def test_the_best_is_the_highest_score_of_the_data_set_that_the_latest_run_is_of(
    database: Database, tiny_run: TinyRun, caplog: pytest.LogCaptureFixture
) -> None:
    wine = tiny_run(dataset="wine", hidden=(3,))
    low, high, equal = (tiny_run(seed=seed) for seed in (1, 2, 3))
    record_run(database, with_score(wine, 1.0))
    record_run(database, with_score(high, 0.9, loss=0.5))
    record_run(database, with_score(equal, 0.9, loss=0.7))
    record_run(database, with_score(low, 0.8))
    record_run(database, replace(with_score(tiny_run(seed=4), 0.99), status="interrupted"))
    with caplog.at_level(logging.WARNING, "cdbench"):
        assert run_named(database, "best") == 2
    (said,) = caplog.messages
    assert said == (
        "best is run 2: test accuracy 90.00 %, the best completed run of iris (classification), of "
        "which the latest run is"
    )


def test_the_best_of_a_regression_has_the_highest_r2(database: Database, tiny_run: TinyRun) -> None:
    for r2 in (0.1, 0.7, 0.3):
        run = tiny_run()
        config = replace(run.config, task="regression")
        record_run(database, with_score(replace(run, config=config), None, r2, loss=r2))
    assert run_named(database, "best") == 2


def test_nothing_is_the_latest_or_the_best_of_an_empty_database(
    database: Database, tiny_run: TinyRun
) -> None:
    for name in ("latest", "best"):
        with pytest.raises(MissingResultsError, match="no results yet; to make some"):
            run_named(database, name)
    record_run(database, replace(tiny_run(), status="interrupted"))
    with pytest.raises(MissingResultsError, match="no run of iris completed, so none is the best"):
        run_named(database, "best")
