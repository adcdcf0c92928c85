"""runs.db in the checkout: who adds to it is told; what reads the released rows has its own."""

import shutil
import subprocess
from pathlib import Path

import pytest

from cdbench.cli import released
from cdbench.store.upkeep.sources import open_as_it_is
from tests.cli_tools import SMALL, Here, rows
from tests.released import ROOT, released_database, staged_database


@pytest.fixture
def checkout(here: Here, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a made checkout with a committed runs.db, which is taken for cdbench's own."""
    assert here("train", *SMALL).code == 0
    for line in ("init -q", "add runs.db", "-c user.name=a -c user.email=a@b commit -qm one"):
        subprocess.run(["git", *line.split()], cwd=here.folder, check=True)
    monkeypatch.setattr(released, "_CHECKOUT", here.folder)
    monkeypatch.setattr(released, "RELEASED", here.folder / "runs.db")
    return here.folder


@pytest.mark.long
@pytest.mark.parametrize("words", [("train", *SMALL), ("sweep", *SMALL, "--seeds", "0")])
def test_who_adds_to_the_released_results_is_told_once(
    here: Here, checkout: Path, words: tuple[str, ...]
) -> None:
    first, second = here(*words), here(*words)
    assert "git restore runs.db" in first.err
    assert "--db mine.db" in first.err
    assert "released" not in second.err
    assert "released" not in here(*words, "--db", "mine.db").err
    subprocess.run(["git", "restore", "runs.db"], cwd=checkout, check=True)
    assert rows(checkout / "runs.db", "select count(*) from run") == [(1,)]
    assert "git restore runs.db" in here(*words).err


def test_reading_the_released_results_says_nothing(here: Here, checkout: Path) -> None:
    assert here("report", "--claims").err == ""


def test_a_file_that_git_does_not_know_is_nobodys_release(here: Here, checkout: Path) -> None:
    shutil.rmtree(checkout / ".git")
    assert "released" not in here("train", *SMALL).err


@pytest.mark.parametrize("words", ["report --table1", "report --claims", "plot --fig1"])
def test_without_results_it_is_said_where_the_released_ones_are(
    here: Here, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    assert f"the released results are in {ROOT / 'runs.db'}" in here(*words.split()).err
    monkeypatch.setattr(released, "RELEASED", here.folder / "no.db")  # as in a wheel
    answer = here(*words.split())
    assert answer.err.endswith(
        "; the released results are in the file runs.db of cdbench's source repository\n"
    )
    assert answer.err.count("\n") == 1


def test_what_a_user_adds_disturbs_no_released_row(tmp_path: Path) -> None:
    assert released_database().read_bytes() == staged_database()
    assert not released_database().samefile(ROOT / "runs.db")
    with open_as_it_is(str(released_database())).transaction() as connection:
        (count,) = connection.exec_driver_sql("SELECT count(*) FROM run").one()
    assert count > 3000
