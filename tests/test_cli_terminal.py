"""On a pseudo-terminal: the progress bar, and Ctrl-C; elsewhere plain lines."""

import re
import shlex
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli_tools import (
    CDBENCH,
    SMALL,
    SMALL_NETWORK,
    for_real,
    plain_environment,
    processes_of_session,
    rows,
)

if sys.platform == "win32":
    pytest.skip("needs a pseudo-terminal", allow_module_level=True)

import pexpect
import pyte

WIDTH, HEIGHT = 110, 60
PATIENCE_S = 40.0
QUICKLY_S = 8.0
CTRL_C = "c"


class Terminal:
    """A command in a pseudo-terminal, and the screen that a person would see."""

    def __init__(self, folder: Path, words: list[str], width: int) -> None:
        extra = {"COLUMNS": str(width), "LINES": str(HEIGHT)}
        with warnings.catch_warnings():
            # Python 3.12 warns of a fork beside threads, which pexpect cannot avoid.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.child = pexpect.spawn(
                CDBENCH,
                words,
                cwd=str(folder),
                env=plain_environment(**extra),
                dimensions=(HEIGHT, width),
                encoding="utf-8",
            )
        self.screen = pyte.Screen(width, HEIGHT)
        self._stream = pyte.Stream(self.screen)
        self.session = self.child.pid
        self.seen = ""

    def text(self) -> str:
        """Return the screen as it stands."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    def read(self) -> bool:
        """Take in what the command wrote; return False when it has ended."""
        try:
            written = self.child.read_nonblocking(4096, timeout=0.1)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.seen += written
        self._stream.feed(written)
        return True

    def wait_for(self, holds: Callable[[str], object], seconds: float = PATIENCE_S) -> None:
        """Read until the screen is as wished."""
        end = time.monotonic() + seconds
        while not holds(self.text()):
            alive = self.read()
            assert alive, f"the command ended early:\n{self.text()}"
            assert time.monotonic() < end, f"waited in vain:\n{self.text()}"

    def finish(self, seconds: float = PATIENCE_S) -> int:
        """Read until the command ends; return its exit code, or minus the signal that ended it."""
        end = time.monotonic() + seconds
        while self.read():
            assert time.monotonic() < end, f"it did not end:\n{self.text()}"
        self.child.close()
        if self.child.signalstatus is not None:
            return -int(self.child.signalstatus)
        return int(self.child.exitstatus)


Start = Callable[..., Terminal]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Terminal] = []

    def begin(*words: str, width: int = WIDTH) -> Terminal:
        started.append(Terminal(tmp_path, list(words), width))
        return started[-1]

    yield begin
    for terminal in started:
        with suppress(pexpect.ExceptionPexpect):
            terminal.child.close(force=True)


def done_of(text: str) -> int:
    """Return how many runs the bar says are done, or -1 without a bar."""
    found = re.findall(r"(\d+)/\d+ done", text)
    return int(found[-1]) if found else -1


def assert_no_orphans(session: int) -> None:
    end = time.monotonic() + 5
    while left := processes_of_session(session):
        assert time.monotonic() < end, f"still alive: {left}"
        time.sleep(0.05)


@pytest.mark.long
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_bar_shows_runs_done_running_failed_and_the_time_left(start: Start, jobs: str) -> None:
    terminal = start(
        *("sweep", *SMALL_NETWORK, "--epochs", "300", "--B", "2", "--seeds", "0..3"),
        *("--learning-rate", "0.1", "1e200", "--no-baseline", "--jobs", jobs),
        *("--dropout", "0.1"),  # with which runs train one by one
    )
    terminal.wait_for(lambda text: 1 <= done_of(text) < 8)
    bar = next(line for line in terminal.text().splitlines() if " done" in line)
    assert re.search(rf"training .* \d/8 done · [1{jobs}] running · \d failed · +\S+ +left", bar)
    assert terminal.finish() == 1
    text = terminal.text()
    assert "8/8 done · 0 running · 4 failed" in text
    assert text.count("diverged: the loss stopped being finite") == 4
    assert "4/4" in text
    assert "0/4" in text
    assert "stored in runs.db" in text
    assert "\x1b[?25h" in terminal.seen, "the cursor was not shown again"
    assert_no_orphans(terminal.session)


@pytest.mark.long
def test_many_runs_that_fail_alike_take_a_line_each_and_then_none(start: Start) -> None:
    terminal = start(
        *("sweep", *SMALL_NETWORK, "--epochs", "2", "--B", "2", "--seeds", "0..11"),
        *("--learning-rate", "1e200", "--no-baseline", "--jobs", "2"),
        width=80,
    )
    assert terminal.finish() == 1
    lines = [line.rstrip() for line in terminal.text().splitlines()]
    told = [line for line in lines if "diverged: the loss" in line]
    assert len(told) == 5
    assert "try a smaller --learning-rate" in " ".join(lines[:3])
    assert [line.endswith("…") for line in told[1:]] == [True] * 4
    assert sum("more that fail like these are only counted" in line for line in lines) == 1
    assert any(line.startswith("training ") and "12/12 done" in line for line in lines)
    assert any(line.endswith("12 failed · 0:00 left") for line in lines)


@pytest.mark.long
def test_the_summary_on_a_terminal_has_no_cut_digits(start: Start) -> None:
    terminal = start(
        "sweep", *SMALL_NETWORK, "--epochs", "2", "--B", "2", "--seeds", "0", "--jobs", "1"
    )
    assert terminal.finish() == 0
    assert "…" not in terminal.text()
    for heading in ("Parameters", "Test accuracy", "weight κ", "s/epoch"):
        assert heading in terminal.text()


@pytest.mark.long
def test_a_long_measurement_says_what_it_is_at(start: Start) -> None:
    words = ("--hidden", "48", "--curvature", "lanczos", "--epochs", "1")
    terminal = start("train", "--B", "4", *words)
    assert terminal.finish() == 0
    assert "measuring the network's Gauss–Newton matrix" in terminal.seen
    assert "measuring" not in terminal.text(), "it goes when it has ended"


@pytest.mark.long
def test_elsewhere_there_are_plain_lines(tmp_path: Path) -> None:
    words = ("sweep", *SMALL, "--B", "2", "--seeds", "0", "1", "--jobs", "1")
    answer = for_real(tmp_path, *words)
    assert (answer.code, answer.err) == (0, "")
    assert "\x1b" not in answer.out
    assert "\r" not in answer.out
    for number in range(1, 5):
        assert re.search(rf"^{number}/4 \S.* seed [01]: completed, ", answer.out, re.MULTILINE)
    train = for_real(tmp_path, "train", *SMALL, "--B", "4")
    assert "\x1b" not in train.out + train.err


@pytest.mark.long
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_keeps_what_is_finished_and_says_how_to_go_on(
    start: Start, tmp_path: Path, jobs: str
) -> None:
    terminal = start(
        *("sweep", *SMALL_NETWORK, "--epochs", "2000", "--B", "2", "--seeds", "0..4"),
        *("--jobs", jobs),
    )
    terminal.wait_for(lambda text: done_of(text) >= 2)
    terminal.child.sendcontrol(CTRL_C)
    code = terminal.finish(QUICKLY_S)
    text = terminal.text()
    assert code == 130, text
    assert "Traceback" not in terminal.seen
    assert "Error" not in terminal.seen
    assert_no_orphans(terminal.session)

    def count(status: str) -> int:
        question = f"select count(*) from run where status = '{status}'"
        return int(rows(tmp_path / "runs.db", question)[0][0])

    completed = count("completed")
    assert 2 <= completed < 10
    assert count("failed") == 0
    assert f"interrupted: {completed} of 10 runs are stored" in text.replace("\n", "")
    line = re.search(r"to go on: (cdbench sweep .*? --resume)", text.replace("\n", ""))
    assert line is not None, text
    words = shlex.split(line[1])[1:]
    again = for_real(tmp_path, *words)
    assert (again.code, again.err) == (0, "")
    assert f"{completed} of 10 runs are stored already" in again.out
    assert count("completed") == 10


@pytest.mark.long
def test_a_second_ctrl_c_does_no_harm(start: Start, tmp_path: Path) -> None:
    terminal = start(
        *("sweep", *SMALL_NETWORK, "--epochs", "2000", "--B", "2", "--seeds", "0..4", "--jobs", "2")
    )
    terminal.wait_for(lambda text: done_of(text) >= 1)
    terminal.child.sendcontrol(CTRL_C)
    time.sleep(0.02)
    terminal.child.sendcontrol(CTRL_C)
    assert terminal.finish(QUICKLY_S) == 130
    assert "Traceback" not in terminal.seen
    assert_no_orphans(terminal.session)
    assert rows(tmp_path / "runs.db", "pragma integrity_check") == [("ok",)]


def test_ctrl_c_in_train_stores_the_interrupted_run_with_its_epochs(
    start: Start, tmp_path: Path
) -> None:
    terminal = start("train", *SMALL_NETWORK, "--epochs", "1000000", "--B", "2")
    terminal.wait_for(lambda text: re.search(r"^ +\d\d+ ", text, re.MULTILINE))
    terminal.child.sendcontrol(CTRL_C)
    assert terminal.finish(QUICKLY_S) == 130
    assert "Traceback" not in terminal.seen
    assert "interrupted" in terminal.text()
    assert "stored as run 1 in runs.db" in terminal.text()
    assert rows(tmp_path / "runs.db", "select run_id, status from run") == [(1, "interrupted")]
    ((n_epochs,),) = rows(tmp_path / "runs.db", "select count(*) from epoch")
    assert n_epochs >= 10
    assert_no_orphans(terminal.session)


@pytest.mark.long
@pytest.mark.parametrize("sign", ["fork server", "database", "bar"])
def test_ctrl_c_while_it_starts_shows_no_traceback(start: Start, tmp_path: Path, sign: str) -> None:
    words = ("--epochs", "20000", "--B", "2", "--seeds", "0..4", "--jobs", "2")
    terminal = start("sweep", *SMALL_NETWORK, *words)
    signs: dict[str, Callable[[], object]] = {
        "fork server": lambda: len(processes_of_session(terminal.session)) > 1,
        "database": (tmp_path / "runs.db").exists,
        "bar": lambda: done_of(terminal.text()) >= 0,
    }
    terminal.wait_for(lambda _text: signs[sign]())
    terminal.child.sendcontrol(CTRL_C)
    assert terminal.finish(QUICKLY_S) == 130, terminal.seen
    assert "Traceback" not in terminal.seen
    assert_no_orphans(terminal.session)
