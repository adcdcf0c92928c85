"""Names that the system cannot look for, homes of nobody, a folder that is gone: one line each."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cdbench.cli.options import knob_parameters
from cdbench.store.migrate import revisions
from tests.cli_tools import CDBENCH, SMALL, Answer, Here, contents, plain_environment

ASSETS = Path(__file__).parent / "assets"

LONG = "x" * 300
HOME = "~nosuchuser/x.db"
DATABASES = {
    "train": ("train", *SMALL, "--db", "{}"),
    "sweep": ("sweep", *SMALL, "--dry-run", "--db", "{}"),
    "report": ("report", "--table1", "--db", "{}"),
    "check": ("db", "check", "--db", "{}"),
    "backup": ("db", "backup", "--db", "{}"),
    "upgrade": ("db", "upgrade", "--db", "{}"),
    "merge": ("db", "merge", "{}"),
    "merge into": ("db", "merge", "mine.db", "--db", "{}"),
    "copy": ("db", "copy", "{}", "x.db"),
    "copy to": ("db", "copy", "mine.db", "{}"),
}
HOMELESS = {
    "train": (2, ("train", "--dataset={}.csv")),
    "sweep": (2, ("sweep", "--dataset={}.npz")),
    "report": (1, ("report", "--claims", "--output={}.md")),
    "figures": (1, ("plot", "--crossover", "--output={}")),
    "figure": (1, ("plot", "--crossover", "--output={}.png")),
    "bench": (1, ("bench", "--output={}")),
    "backup to": (3, ("db", "backup", "{}")),
}
"""Exit codes and words of what takes a path that is no database to be opened."""


def refuse(here: Here, code: int, *words: str) -> str:
    """Run a command that must fail in one line and change nothing; return the line."""
    before = contents(here.folder)
    answer = here(*words)
    assert (answer.code, answer.out, answer.err.count("\n")) == (code, "", 1), answer
    assert contents(here.folder) == before
    return answer.err


@pytest.mark.long
@pytest.mark.parametrize("words", DATABASES.values(), ids=list(DATABASES))
def test_databases_of_names_too_long_or_of_no_home_are_refused_in_one_line(here, words):
    assert here("train", *SMALL, "--db", "mine.db").code == 0
    for name in (LONG, f"{LONG}/x.db", f"sqlite:///{LONG}"):
        assert "File name too long" in refuse(here, 3, *(word.format(name) for word in words))
    said = refuse(here, 3, *(word.format(HOME) for word in words))
    assert f"{HOME}: there is no such home folder; for a file of that name: ./{HOME}" in said


@pytest.mark.parametrize(("code", "words"), HOMELESS.values(), ids=list(HOMELESS))
def test_a_home_of_nobody_is_refused_in_the_same_words_wherever_it_is_typed(here, code, words):
    shutil.copy(ASSETS / f"{revisions()[-1]}.db", here.folder / "runs.db")
    said = refuse(here, code, *(word.format("~nosuchuser/x") for word in words))
    typed = words[-1].format("~nosuchuser/x").partition("=")[2] or "~nosuchuser/x"
    assert f"{typed}: there is no such home folder; for a file of that name: ./{typed}" in said


def test_a_home_is_found_where_no_shell_looks_for_it(here, monkeypatch):
    shutil.copy(ASSETS / f"{revisions()[-1]}.db", here.folder / "runs.db")
    home = here.folder / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    lines = "".join(f"{i},{i * i % 7},{'ab'[i % 2]}\n" for i in range(20))
    (home / "mine.csv").write_text("p,q,kind\n" + lines)
    assert here("train", "--dataset=~/mine.csv", *SMALL[2:]).code == 0
    assert here("report", "--claims", "--output=~/t.md").out == f"wrote {home}/t.md\n"
    assert here("plot", "--crossover", "--output=~/a/b").code == 0
    assert here("db", "backup", "~/backup.db").code == 0
    made = ["a", "a/b", "a/b/crossover.png", "backup.db", "mine.csv", "t.md"]
    found = [name for name in contents(home) if not name.startswith(".")]  # matplotlib has a cache
    assert found == made
    assert sorted(path.name for path in here.folder.iterdir()) == ["home", "runs.db"]


def test_settings_that_name_the_home_of_nobody_are_refused_in_one_line(here):
    (here.folder / "cdbench.toml").write_text(f"database = '{HOME}'")
    assert "cdbench.toml: ~nosuchuser/x.db: there is no" in refuse(here, 2, "train", *SMALL)


@pytest.mark.parametrize("name", [f"{LONG}.csv", f"{LONG}.npz", f"{LONG}/x.csv"])
@pytest.mark.parametrize("command", ["train", "sweep"])
def test_data_sets_of_names_too_long_are_refused_in_one_line(here, command, name):
    said = refuse(here, 2, command, "--dataset", name, "--db", "mine.db")
    assert "cannot be looked for (File name too long)" in said


@pytest.mark.parametrize("length", [227, 234, 238, 244, 249, 252, 255])
def test_names_too_long_for_a_backup_beside_them_are_refused_or_work(here, tmp_path, length):
    name = "x" * (length - 3) + ".db"
    shutil.copy(ASSETS / "0001.db", tmp_path / name)
    before = contents(tmp_path)
    answer = here("train", *SMALL, "--db", name)
    if answer.code:
        assert (answer.code, answer.err.count("\n")) == (3, 1)
        assert contents(tmp_path) == before


EVERY_COMMAND = [
    *("train", "sweep", "report --table1", "plot --fig1", "audit", "bench", "reproduce"),
    *("db info", "db check", "db backup", "db upgrade", "db merge x", "db copy x y", "db vacuum"),
]


def for_real_in_a_deleted_folder(folder: Path, *words: str) -> Answer:
    """Run ``cdbench`` in a folder that is deleted before it begins."""
    (folder / "gone").mkdir()
    # The process that deletes the folder becomes the command.
    script = 'import os, sys; os.rmdir("../gone"); os.execv(sys.argv[1], sys.argv[1:])'
    done = subprocess.run(
        [sys.executable, "-c", script, CDBENCH, *words],
        cwd=folder / "gone",
        env=plain_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


GONE = (
    "cdbench: the working folder is no longer there, or cannot be read (No such file or "
    "directory); cd to one that is\n"
)


@pytest.mark.parametrize("command", EVERY_COMMAND)
def test_commands_in_a_deleted_folder_say_so(here, tmp_path, monkeypatch, command):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert here(*command.split()) == Answer(2, "", GONE)
    assert contents(tmp_path) == {}


def test_a_process_that_starts_in_a_deleted_folder_says_so(tmp_path):
    assert for_real_in_a_deleted_folder(tmp_path, "sweep") == Answer(2, "", GONE)


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["train", "--help"]])
def test_help_is_given_even_in_a_deleted_folder(tmp_path, words):
    answer = for_real_in_a_deleted_folder(tmp_path, *words)
    assert (answer.code, answer.err) == (0, "")


OPTIONS = [f"--{knob.name.replace('_', '-')}" for knob in knob_parameters(many=True)]


@pytest.mark.long
@pytest.mark.parametrize("option", [*OPTIONS, "--db", "--spectra-every"])
def test_help_is_given_wherever_it_is_asked_for(here, option):
    for words in ([option, "-h", "--seeds", "0..2"], ["--seeds", "0..2", option, "1", "--help"]):
        answer = here("sweep", *words)
        assert (answer.code, answer.err) == (0, "")
        assert answer.out.lstrip().startswith("Usage: cdbench sweep")


def test_help_behind_an_equals_sign_is_a_value(here):
    assert "unknown dtype '-h'" in refuse(here, 2, "sweep", "--dtype=-h", "--seeds", "0..2")
    said = refuse(here, 2, "sweep", "--dtype", "float32", "--", "-h")
    assert "The name of a sweep comes first" in said
