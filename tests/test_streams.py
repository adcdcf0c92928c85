"""Output that can't be written harms no result: said once, and 1 is the exit code."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli_tools import CDBENCH, NEWEST, SMALL, Answer, by_shell, plain_environment, rows

if not Path("/dev/full").exists():
    pytest.skip("needs /dev/full", allow_module_level=True)

TRAIN = ("train", *SMALL, "--B", "2")
SWEEP = ("sweep", *SMALL, "--B", "2", "--seeds", "0", "1")

CLOSED = "cdbench: standard output cannot be written (it is closed); results are kept all the same"
FULL = "cdbench: standard output cannot be written (No space left on device); results are kept all"
BROKEN = "cdbench: standard output cannot be written (Broken pipe); results are kept all the same"


def redirected(folder: Path, words: Sequence[str], redirection: str, **extra: str) -> Answer:
    """Run ``cdbench`` with a shell's redirection of its streams."""
    return by_shell(folder, f'"$0" "$@" {redirection}', *words, **extra)


def statuses(folder: Path) -> list[str]:
    return [status for (status,) in rows(folder / "runs.db", "select status from run")]


@pytest.mark.long
@pytest.mark.parametrize(
    ("redirection", "said"),
    [("> /dev/full", FULL), (">&-", CLOSED), ("| :; exit ${PIPESTATUS[0]}", BROKEN)],
    ids=["full", "closed", "broken pipe"],
)
@pytest.mark.parametrize(
    ("words", "n_runs"),
    [(TRAIN, 1), ((*SWEEP, "--jobs", "1"), 4), ((*SWEEP, "--jobs", "2"), 4)],
    ids=["train", "sweep", "sweep in processes"],
)
def test_a_lost_standard_output_harms_no_run(
    tmp_path: Path, words: Sequence[str], n_runs: int, redirection: str, said: str
) -> None:
    answer = redirected(tmp_path, words, redirection)
    assert statuses(tmp_path) == ["completed"] * n_runs
    assert answer.code == 1
    assert answer.err.startswith(said)
    assert len(answer.err.splitlines()) == 1


def test_a_reader_who_has_seen_enough_of_what_is_there_is_told_nothing(tmp_path: Path) -> None:
    shutil.copy(NEWEST, tmp_path / "runs.db")
    # More than a pipe holds, so that writing fails.
    query = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000) "
    words = ["db", "sql", query + "select i from n", "--format", "csv"]
    answer = redirected(tmp_path, words, "| head -n 1; exit ${PIPESTATUS[0]}")
    assert answer == Answer(1, "i\n", "")
    for words in (["train", "--help"], ["help", "db", "sql"]):
        answer = redirected(tmp_path, words, "| :; exit ${PIPESTATUS[0]}")
        assert answer == Answer(1, "", "")


@pytest.mark.long
@pytest.mark.parametrize("redirection", [">&- 2>&-", "> /dev/full 2> /dev/full", "<&- >&- 2>&-"])
def test_where_nothing_can_be_said_the_exit_code_says_it(tmp_path: Path, redirection: str) -> None:
    assert redirected(tmp_path, TRAIN, redirection) == Answer(1, "", "")
    assert statuses(tmp_path) == ["completed"]


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1"])
def test_a_report_to_a_closed_output_is_not_taken_for_written(tmp_path: Path, name: str) -> None:
    shutil.copy(NEWEST, tmp_path / "runs.db")
    answer = redirected(tmp_path, ["report", "--claims", "--output", name], ">&-")
    assert answer.code == 1
    assert len(answer.err.splitlines()) == 1


def test_a_standard_error_that_was_not_needed_is_not_missed(tmp_path: Path) -> None:
    assert redirected(tmp_path, TRAIN, "2>&-").code == 0


@pytest.mark.parametrize(
    ("words", "redirection", "code"),
    [
        (["--help"], "> /dev/full", 1),
        (["--version"], ">&-", 1),
        (["report", "--table1", "--format", "csv"], "> /dev/full", 3),  # there is no database
        (["train", "--nonsense"], "2> /dev/full", 2),
    ],
)
def test_a_lost_output_gives_no_traceback_and_hides_no_other_error(
    tmp_path: Path, words: list[str], redirection: str, code: int
) -> None:
    answer = redirected(tmp_path, words, redirection)
    assert answer.code == code
    assert "Traceback" not in answer.err + answer.out
    assert "Exception" not in answer.err + answer.out


def test_no_database_takes_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    """Its descriptor would be 1, and whatever else writes there would write into the database."""
    code = (
        "import os; from cdbench.start_up import open_standard_streams as o; o();"
        "os._exit(os.open('x', os.O_CREAT | os.O_WRONLY))"
    )
    done = subprocess.run(
        ["bash", "-c", f'"{sys.executable}" -c "{code}" <&- >&- 2>&-'],
        cwd=tmp_path,
        check=False,
        timeout=60,
    )
    assert done.returncode > 2


@pytest.mark.long
@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_what_an_encoding_lacks_is_written_in_its_letters(tmp_path: Path, encoding: str) -> None:
    extra = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    named = tmp_path / "größe.csv"
    named.write_text("x,y\n" + "".join(f"{i},{i % 2}\n" for i in range(40)), encoding="utf-8")
    words = ("sweep", "--dataset", named.name, "--hidden", "4", "--epochs", "2", "--seeds", "0..2")
    answer = redirected(tmp_path, [*words, "--B", "2", "--jobs", "1"], "", **extra)
    assert (answer.code, answer.err) == (0, "")
    assert "weight k  " in answer.out
    assert "------" in answer.out
    shown = redirected(tmp_path, ["db", "info"], "", **extra).out
    assert ("gr\\xf6\\xdfe.csv" if encoding == "ascii" else "gr\ufffd\ufffde.csv") in shown


@pytest.mark.long
def test_a_reader_that_takes_a_line_and_goes_ends_no_training(tmp_path: Path) -> None:
    words = ("train", *SMALL[:-2], "--epochs", "2000", "--B", "2")
    answer = redirected(tmp_path, words, "| head -1; exit ${PIPESTATUS[0]}")
    assert answer.out == "cdlinear B=2 · iris · seed 0\n"
    assert answer.err.startswith(BROKEN)
    assert answer.code == 1
    question = "select status, count(*) from run join epoch using (run_id)"
    assert rows(tmp_path / "runs.db", question) == [("completed", 2000)]


def test_output_is_whole_where_it_can_be_written(tmp_path: Path) -> None:
    reads, writes = os.pipe()
    with subprocess.Popen(
        [CDBENCH, "--help"], cwd=tmp_path, env=plain_environment(), stdout=writes
    ) as process:
        os.close(writes)
        with os.fdopen(reads, encoding="utf-8") as pipe:
            text = pipe.read()
    assert process.returncode == 0
    assert "cdbench audit" in text
