"""Exit codes: one table for the code, the help and the documentation; each error has its own."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from cdbench import errors
from cdbench.cli import DATABASE, EXIT_CODES, RUN_FAILED, USAGE
from cdbench.config.canonical import sha256
from cdbench.store.database import open_for_writing
from tests.cli_tools import NEWEST, SMALL, Here, change

PAGE = (Path(__file__).parent.parent / "docs" / "reliability.md").read_text(encoding="utf-8")

CODES = {
    errors.CdbenchError: USAGE,
    errors.ConfigurationError: USAGE,
    errors.DatasetError: USAGE,
    errors.ShapeError: USAGE,
    errors.ClusterError: USAGE,  # at the start; one that is lost later ends a sweep with 1
    errors.WorkerError: RUN_FAILED,
    errors.OutputError: RUN_FAILED,
    errors.StoreError: DATABASE,
    errors.MissingResultsError: DATABASE,
    MemoryError: RUN_FAILED,
}


def test_the_help_shows_every_exit_code(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = re.findall(r"^ +(\d+)  +(\S.*?) *$", here("--help").out, re.MULTILINE)
    assert [(int(code), means) for code, means in shown] == [*EXIT_CODES.items()]


def test_the_page_shows_every_exit_code() -> None:
    shown = re.findall(r"^\| Exit code (\d+): (.*?) \|", PAGE, re.MULTILINE)
    assert [(int(code), means) for code, means in shown] == [*EXIT_CODES.items()]


@pytest.mark.parametrize("error", CODES, ids=lambda error: error.__name__)
def test_every_error_has_its_exit_code_and_one_line(
    here: Here, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error("it went wrong")

    monkeypatch.setattr("cdbench.store.database.open_for_writing", fail)
    answer = here("train", *SMALL)
    assert answer.code == CODES[error]
    assert (answer.out, answer.err.count("\n")) == ("", 1)
    assert answer.err.startswith("cdbench: ")
    assert "it went wrong" in answer.err


@pytest.mark.parametrize(
    ("statement", "command", "told"),
    [
        ("run SET started_at = 'soon'", "runs list", "run.started_at is not a time"),
        ("run SET n_parameters = 'x'", "runs show 3", "run.n_parameters is not a number"),
        ("run SET dataset = x'41'", "report", "run.dataset is not text"),
        ("epoch SET test_loss = 'x'", "plot curves 3", "epoch.test_loss is not a number"),
    ],
)
def test_an_error_that_damaged_rows_explain_is_told_as_their_damage(
    here: Here, statement: str, command: str, told: str
) -> None:
    shutil.copy(NEWEST, "runs.db")
    change(here.folder / "runs.db", f"UPDATE {statement} WHERE run_id = 3")
    answer = here(*command.split())
    assert answer.code == DATABASE
    assert answer.err.startswith(f"cdbench: runs.db: {told} in ")
    assert "(run_id 3" in answer.err
    assert answer.err.endswith("; restore a backup, or delete them and train them again\n")


def test_an_error_of_our_own_making_is_not_hidden(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("a bug")

    shutil.copy(NEWEST, "runs.db")
    change(here.folder / "runs.db", "CREATE VIEW mine AS SELECT 1")
    monkeypatch.setattr("cdbench.reports.overview.overview", fail)
    with pytest.raises(ValueError, match="a bug"):
        here("report")


NAMES = {
    "run": (
        *("runs show {}", "runs diff {} {}", "runs export {}", "runs tag {} x", "runs note {}"),
        *("runs rm {} --yes", "plot curves {}", "reproduce {}", "model show {}", "model check {}"),
    ),
    "sweep": ("report --sweep {}",),
    "comparison": (
        *("report --compare --name {}", "report --compare --name {} x", "plot pareto {}"),
        *("plot standings {} x", "plot --compare --name {}", "report --html x.html --name {}"),
    ),
    "study": (
        *("report --study {}", "plot study {}", "plot --study {}"),
        "report --html x.html --study {}",
    ),
}
"""Commands that take the name of something stored."""

OF_CDBENCH = (
    *("report --claims --name {}", "plot claim {}", "audit --claim {}", "plot {}", "db recipes {}"),
    *("db schema {}", "report --group-by {}", "runs list --where {}=1", "runs list --sort {}"),
    *("train --dataset {}", "train --layer {}", "sweep {}", "compare --study {}", "db {}", "{}"),
)
"""Commands that take a name that no database decides."""


def test_a_name_of_nothing_is_what_was_typed_and_where_there_is_nothing_yet_the_database(
    here: Here,
) -> None:
    def code(command: str, *words: str) -> int:
        answer = here(*command.format("nothing", "nothing").split(), *words)
        assert (answer.out, answer.err.count("\n")) == ("", 1), command
        assert answer.code != DATABASE or re.search(r"; to \w+ \w+: cdbench ", answer.err)
        return answer.code

    open_for_writing("none.db")
    whole = here.folder / "whole.db"
    shutil.copy(NEWEST, whole)
    for table, own in (("comparison", ", uuid, ended_at"), ("study", "")):
        shared = f"'own', '[]', '{sha256('[]')}', 'typed', '2026-01-01 00:00:00.000000'"
        rest = own and ", 'x', '2026-01-01 00:00:00.000000'"
        change(
            whole,
            f"INSERT INTO {table} (name, plan_json, plan_digest, command_line, started_at{own}) "
            f"VALUES ({shared}{rest})",
        )
    for commands in NAMES.values():
        for command in commands:
            assert code(command, "--db", "none.db") == DATABASE, command
            assert code(command, "--db", str(whole)) == USAGE, command
    shutil.move(whole, "runs.db")
    for command in OF_CDBENCH:
        assert code(command) == USAGE, command


@pytest.mark.skipif(sys.platform == "win32", reason="starts workers by a fork server")
def test_dead_workers_are_a_failure_and_no_usage_error(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cdbench.running.worker.serve", id)  # which returns at once
    answer = here("sweep", *SMALL, "--B", "2", "--seeds", "0", "1", "--jobs", "2")
    assert answer.code == RUN_FAILED
    assert "3 worker processes in a row died as they started" in answer.err
    assert "Traceback" not in answer.err
