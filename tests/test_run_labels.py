"""Tags and notes: what people call runs, and what they write down about them."""

import json
import re
from collections.abc import Callable

import pytest

from cdbench.errors import ConfigurationError
from cdbench.records.run import Run
from cdbench.store.database import Database, open_for_writing
from cdbench.store.record import record_run
from cdbench.store.run_labels import (
    LONGEST_NOTE,
    Labels,
    labels_of,
    tag_runs,
    untag_runs,
    write_note,
)
from cdbench.store.run_lists import listed_runs
from cdbench.store.run_names import run_named, runs_named
from cdbench.store.trash import remove_runs
from tests.cli_tools import Here

TinyRun = Callable[..., Run]


@pytest.fixture
def three(database: Database, tiny_run: TinyRun) -> Database:
    for seed in range(3):
        record_run(database, tiny_run(seed=seed))
    return database


def test_tags_are_given_once_and_taken_away(three: Database) -> None:
    assert tag_runs(three, ["1", "3"], ["good", "paper", "good"]) == [1, 3]
    assert tag_runs(three, ["1"], ["good", "Äther-2"]) == [1]
    assert labels_of(three, 1).tags == ("good", "paper", "Äther-2")
    assert untag_runs(three, ["good"], ["good", "paper"]) == [3, 1]
    assert labels_of(three, 3) == Labels()
    with pytest.raises(ConfigurationError, match="none of these runs has it; expected one of Äth"):
        untag_runs(three, ["1"], ["good"])


def test_a_tag_names_its_runs_the_newest_first(three: Database) -> None:
    tag_runs(three, ["2"], ["only"])
    tag_runs(three, ["1", "3"], ["both"])
    assert run_named(three, "only") == 2
    assert runs_named(three, ["both", "only", "1"]) == [3, 1, 2]
    with pytest.raises(ConfigurationError, match=r"RUN both: 2 runs have this tag \(3, 1\)"):
        run_named(three, "both")
    with pytest.raises(ConfigurationError, match=r"no such run in .*; did you mean only"):
        run_named(three, "onlyy")
    remove_runs(three, [2, 3])
    assert run_named(three, "both") == 1
    with pytest.raises(ConfigurationError, match="RUN only: no such run"):
        run_named(three, "only")


@pytest.mark.parametrize(
    "tag", ["latest", "best", "7", "", "a b", "v1.0", "-x", "_", "x" * 41, "a\n"]
)
def test_what_could_be_another_name_is_no_tag(three: Database, tag: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^tag "):
        tag_runs(three, ["1"], ["fine", tag])
    assert labels_of(three, 1) == Labels()


def test_filters_ask_for_tags_and_notes(three: Database) -> None:
    tag_runs(three, ["1", "2"], ["good"])
    tag_runs(three, ["2"], ["paper"])
    write_note(three, "3", "100% odd")
    found = {
        "tag = good": [2, 1],
        "tag = good and tag = paper": [2],
        "tag != paper": [3, 1],
        "tag in (paper, none)": [2],
        "tag not in (paper)": [3, 1],
        "tag is null": [3],
        "tag is not null and seed = 0": [1],
        "tag like 'PA%'": [2],
        "tag ~ oo": [2, 1],
        "tag !~ oo": [3],
        "note ~ '100% ODD'": [3],
        "note is null": [2, 1],
    }
    for filter_, keys in found.items():
        rows = listed_runs(three, ["run_id"], where=filter_).rows
        assert [row["run_id"] for row in rows] == keys, filter_
    assert listed_runs(three, ["tag"], tags=["paper", "x"]).rows[0]["tag"] == "good paper"


def test_a_note_replaces_the_last_and_is_removed(three: Database) -> None:
    assert write_note(three, "latest", "  two\nlines ") == 3
    assert labels_of(three, 3).note == "two\nlines"
    write_note(three, "3", "another")
    assert labels_of(three, 3).note == "another"
    for bad in ("", "  ", "x" * (LONGEST_NOTE + 1)):
        with pytest.raises(ConfigurationError, match=r"^a note of "):
            write_note(three, "3", bad)
    write_note(three, "3", None)
    assert labels_of(three, 3).note is None


def test_commands_write_labels_and_lists_show_them(here: Here, tiny_run: TinyRun) -> None:
    database = open_for_writing("runs.db")
    for seed in range(2):
        record_run(database, tiny_run(seed=seed))
    assert here("runs", "tag", "latest", "good", "paper").out == "run 2: tagged good, paper\n"
    assert here("runs", "note", "1", "[red]odd\x1b[31m").out == "run 1: noted\n"
    assert here("runs", "note", "1").out == "[red]odd\\x1b[31m\n"
    page = here("runs", "show", "1").out
    assert re.search(r"^ *note +\[red\]odd\\x1b\[31m$", page, re.MULTILINE)
    shown = json.loads(here("runs", "show", "paper", "--format", "json").out)
    assert (shown["tags"], shown["note"]) == (["good", "paper"], None)
    assert re.search(r"^ *tags +good, paper$", here("runs", "show", "good").out, re.MULTILINE)
    lines = here("runs", "list").out.splitlines()
    assert "good paper" in lines[4]
    assert "[red]odd\\x1b[31m" in lines[5]
    listed = here("runs", "list", "--tag", "good", "--format", "json")
    (record,) = json.loads(listed.out)["records"]
    assert (record["run_id"], record["tag"], record["note"]) == (2, "good paper", None)
    assert here("runs", "tag", "good", "paper", "--remove").out == "run 2: no longer tagged paper\n"
    assert here("runs", "note", "1", "--remove").out == "run 1: the note is removed\n"
    assert here("runs", "note", "1").err == (
        "cdbench: run 1 has no note; to write one: cdbench runs note 1 TEXT\n"
    )
    for words, code in ((("note", "1", "x", "--remove"), 2), (("tag", "9", "x"), 2)):
        assert here("runs", *words).code == code
    assert here("runs", "tag", "1", "x", "--db", "none.db").code == 3
    assert not (here.folder / "none.db").exists()
