"""``cdbench runs list``: what it shows of which runs, in what order, and how much of it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cdbench.records.run import Run
from cdbench.store.database import open_for_writing
from cdbench.store.record import record_run
from tests.cli_tools import Here

TinyRun = Callable[..., Run]


def with_accuracy(run: Run, accuracy: float) -> Run:
    return replace(run, epochs=(*run.epochs[:-1], replace(run.epochs[-1], test_accuracy=accuracy)))


@pytest.fixture
def listed(here: Here, tiny_run: TinyRun) -> Here:
    """Return a folder whose runs.db has four runs: 70 to 90 %, and one that was interrupted."""
    database = open_for_writing("runs.db")
    for seed, accuracy in enumerate((0.7, 0.9, 0.8)):
        record_run(database, with_accuracy(tiny_run(seed=seed, learning_rate=0.05), accuracy))
    early = replace(tiny_run(layer="dense", seed=7), status="interrupted", epochs=())
    record_run(database, early)
    return here


def ids(here: Here, *words: str) -> list[int]:
    answer = here("runs", "list", *words, "--format", "json")
    assert answer.code == 0
    return [record["run_id"] for record in json.loads(answer.out)["records"]]


def test_the_newest_come_first_and_a_line_says_how_many_more_there_are(listed: Here) -> None:
    assert ids(listed) == [4, 3, 2, 1]
    answer = listed("runs", "list", "--limit", "1")
    assert (answer.code, answer.err) == (0, "cdbench: 3 more; to see all: --limit 0\n")
    assert "1 of 4 runs in runs.db" in answer.out
    assert ids(listed, "--limit", "0") == [4, 3, 2, 1]


def test_runs_are_sorted_by_any_column_either_way_with_missing_ones_last(listed: Here) -> None:
    assert ids(listed, "--sort", "score") == [1, 3, 2, 4]
    assert ids(listed, "--sort", "-score", "--limit", "2") == [2, 3]
    assert ids(listed, "--sort", "B") == [3, 2, 1, 4]
    assert ids(listed, "--sort", "-B") == [3, 2, 1, 4]


def test_a_run_that_did_not_complete_is_listed_with_what_became_of_it(listed: Here) -> None:
    line = listed("runs", "list", "--limit", "1").out.splitlines()[4]
    assert line.split()[:2] == ["4", "dense"]
    assert "interrupted" in line


@pytest.mark.parametrize("columns", ["80", "120"])
def test_the_usual_table_has_one_line_a_run_within_the_terminal(
    columns: str, listed: Here, tiny_run: TinyRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    knobs = {"learning_rate_scaling": "weight-space", "schedule": "cosine", "warmup": 0.1}
    long = tiny_run(B=3, normalization="batch", **knobs)
    record_run(open_for_writing("runs.db"), long)
    monkeypatch.setenv("COLUMNS", columns)
    lines = listed("runs", "list").out.splitlines()
    assert max(map(len, lines)) <= int(columns)
    assert [line.split()[0] for line in lines[4:9]] == ["5", "4", "3", "2", "1"]


def test_what_all_listed_runs_share_is_told_once(
    listed: Here, tiny_run: TinyRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = listed("runs", "list", "--where", "B = 2").out
    assert "All: iris, hidden=3 epochs=2 learning_rate=0.05.\n" in out
    assert [out.count(word) for word in ("iris", "epochs", "0.05")] == [1, 1, 1]
    mixed = listed("runs", "list").out  # of one setting that differs, the name is the heading
    assert "All: iris, hidden=3 epochs=2.\n" in mixed
    assert mixed.splitlines()[2].split()[:3] == ["Run", "Model", "learning_rate"]
    blocks = tiny_run(layer="block-diagonal", structure="blocks=2 basis=random", B=None, seed=1)
    record_run(open_for_writing("runs.db"), blocks)
    same_seed = listed("runs", "list", "--where", "seed = 1").out
    assert "All: iris, hidden=3 epochs=2, seed 1.\n" in same_seed
    monkeypatch.setenv("COLUMNS", "75")  # no room for the day that they share
    narrow = listed("runs", "list", "--where", "seed = 1").out
    assert "seed 1, started " in narrow
    assert "block-diagonal blocks=2 basis=random" in narrow


def test_groups_by_changes_do_not_repeat_the_data_set(listed: Here) -> None:
    answer = listed("runs", "list", "--by", "changes", "--format", "json")
    assert {record["changes"] for record in json.loads(answer.out)["records"]} == {
        "hidden=3 epochs=2",
        "hidden=3 epochs=2 learning_rate=0.05",
    }


def test_columns_are_those_asked_for_whole_in_csv(listed: Here) -> None:
    answer = listed(
        *("runs", "list", "--columns", "seed", "changes", "--where", "B = 2", "--format", "csv")
    )
    assert answer.out.splitlines()[:2] == [
        "seed,changes",
        "2,dataset=iris hidden=3 epochs=2 learning_rate=0.05",
    ]
    assert len(json.loads(listed("runs", "list", "--columns", "all", "--format", "json").out)) > 0


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--columns", "sede"), "--columns: there is no column 'sede'; did you mean seed?"),
        (("--sort", "-scores"), "--sort: there is no column 'scores'; did you mean score?"),
        (("--by", "modell"), "--by: there is no column 'modell'; did you mean model?"),
        (("--where", "sed < 5"), "--where: there is no column 'sed'; did you mean seed?"),
        (("--by", "model", "--sort", "seed"), "--sort: groups have no seed; expected one of"),
        (("--by", "model", "--columns", "seed"), "--by has its own columns"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(
    words: tuple[str, ...], line: str, listed: Here
) -> None:
    answer = listed("runs", "list", *words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"cdbench: {line}")


def test_groups_have_mean_and_deviation_of_their_completed_runs(listed: Here) -> None:
    answer = listed("runs", "list", "--by", "model", "--format", "json")
    dense, blocks = sorted(json.loads(answer.out)["records"], key=lambda record: record["n_runs"])
    assert (dense["model"], dense["n_completed"], dense["score_mean"]) == ("dense", 0, None)
    assert (blocks["model"], blocks["n_runs"], blocks["dataset"]) == ("cdlinear B=2", 3, "iris")
    assert blocks["score_mean"] == pytest.approx(0.8)
    assert blocks["score_sd"] == pytest.approx((0.02 / 3) ** 0.5)
    table = listed("runs", "list", "--by", "model", "--sort", "-score").out
    assert "80.00 % ± 8.16 %" in table
    assert table.index("cdlinear") < table.index("dense")


def test_nothing_that_is_found_prints_nothing_but_why(listed: Here) -> None:
    answer = listed("runs", "list", "--where", "seed = 99")
    assert (answer.code, answer.out) == (0, "")
    assert answer.err == "cdbench: runs.db: no run for which seed = 99\n"
    assert json.loads(listed("runs", "list", "--where", "B=9", "--format", "json").out) == {
        "title": "0 runs in runs.db",
        "records": [],
        "notes": ["Score: test accuracy after the last epoch, or of a regression R²."],
    }


@pytest.mark.parametrize("words", [(), ("--by", "model")])
def test_csv_has_its_head_also_where_no_run_was_found(words: tuple[str, ...], listed: Here) -> None:
    some, none = (
        listed("runs", "list", *words, "--where", where, "--format", "csv").out.splitlines()
        for where in ("B = 2", "B = 9")
    )
    assert none == some[:1]


def test_a_note_is_listed_whole_in_one_line(listed: Here) -> None:
    assert listed("runs", "note", "1", "first line\nsecond").code == 0
    out = listed("runs", "list", "--columns", "run_id", "note", "--where", "note ~ first").out
    assert "first line second" in out


def test_text_of_the_database_controls_no_terminal(here: Here, tiny_run: TinyRun) -> None:
    run = tiny_run()
    config = replace(run.config, dataset="[bold]red\x1b[31m.csv")
    record_run(open_for_writing("runs.db"), replace(run, config=config))
    out = here("runs", "list").out
    assert "\x1b" not in out
    assert "[bold]red" in out


def test_a_database_without_runs_says_so(here: Here, tmp_path: Path) -> None:
    assert here("runs", "list").code == 3
    open_for_writing(str(tmp_path / "runs.db"))
    answer = here("runs", "list")
    assert (answer.code, answer.out) == (0, "")
    assert answer.err == "cdbench: runs.db: no run yet\n"
