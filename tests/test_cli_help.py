"""Help, version and completion: they answer at once, and say what can be typed."""

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer

import cdbench
from cdbench.cli.app import app
from cdbench.cli.commands_page import commands
from cdbench.cli.emphasis import bold, coloured
from cdbench.cli.front_page import SUMMARIES
from tests.cli_tools import Here, for_real, plain_environment

GOLDEN = Path(__file__).parent / "assets" / "help.txt"
ROOT: Any = typer.main.get_command(app)
COMMANDS = sorted(ROOT.commands)
IN_GROUPS = [
    [name, one] for name in COMMANDS for one in sorted(getattr(ROOT.commands[name], "commands", ()))
]


def lines_of(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def test_the_help_is_that_of_the_golden_file(tmp_path: Path) -> None:
    answer = for_real(tmp_path, "--help", extra={"COLUMNS": "80"})
    assert (answer.code, answer.err) == (0, "")
    # To renew it: COLUMNS=80 cdbench --help > tests/assets/help.txt
    assert lines_of(answer.out) == lines_of(GOLDEN.read_text(encoding="utf-8"))


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_the_help_names_every_command(here: Here, flag: str) -> None:
    answer = here(flag)
    assert (answer.code, answer.err) == (0, "")
    for command in COMMANDS:
        assert re.search(rf"^\W*{command} ", answer.out, re.MULTILINE)


def test_without_arguments_the_help_is_printed_and_no_empty_complaint(here: Here) -> None:
    answer = here()
    assert answer.code == 2
    assert "Usage: cdbench" in answer.out + answer.err
    assert "cdbench:" not in (answer.out + answer.err).splitlines()[-1]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_commands_help_has_an_example_and_every_option(
    here: Here, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for flag in ("--help", "-h"):
        answer = here(command, flag)
        assert (answer.code, answer.err) == (0, "")
        assert re.search(rf"^\s+cdbench {command} -*\w", answer.out, re.MULTILINE)
        for param in ROOT.commands[command].params:
            for option in (*param.opts, *param.secondary_opts):
                if option.startswith("-"):
                    assert re.search(rf"(?<!\S){option}(?![^\s,])", answer.out), option


@pytest.mark.parametrize("command", COMMANDS)
def test_no_choice_is_broken_in_a_narrow_help(
    here: Here, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    choices = re.findall(r"^  --\S+ (\S+\|\S+)", here(command, "--help").out, re.MULTILINE)
    monkeypatch.setenv("COLUMNS", "60")
    assert {*choices} <= {*here(command, "--help").out.split()}


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("words", [[name] for name in COMMANDS] + IN_GROUPS, ids=" ".join)
def test_a_help_is_filled_to_the_width_and_its_examples_keep_their_lines(
    here: Here, monkeypatch: pytest.MonkeyPatch, words: list[str], width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    page = here(*words, "--help").out
    said, _, examples = dict(commands(ROOT))[" ".join(words)].help.partition("For example:")
    for paragraph in said.split("\n\n"):
        assert " ".join(paragraph.split()) in " ".join(page.split())
    typed = [f"  {line.strip()}" for line in examples.splitlines() if line.strip()]
    lines = page.splitlines()
    at = lines.index("For example:") + 1
    assert lines[at : at + len(typed) + 1] == [*typed, ""]
    assert max(map(len, typed)) <= 80
    del lines[at : at + len(typed)]
    assert max(map(len, lines)) <= width
    for line, after in pairwise(lines[:at]):
        first = "".join(after.split()[:1])
        assert not (line and first) or len(f"{line} {first}") > width


def test_the_help_of_sweep_says_the_seeds_that_it_takes(here: Here) -> None:
    """Without --seeds a sweep trains the paper's three."""
    text = " ".join(here("sweep", "--help").out.split())
    assert re.search(r"is several\. \[default: \(?0 1 2\)?\]", text)


def test_the_version_is_the_packages(tmp_path: Path) -> None:
    answer = for_real(tmp_path, "--version")
    assert (answer.code, answer.out, answer.err) == (0, f"cdbench {cdbench.__version__}\n", "")


def test_help_and_version_import_nothing_heavy(tmp_path: Path) -> None:
    script = f"""
import sys
from cdbench.cli import run
every = [["--help"], ["--version"], *([name, "--help"] for name in {COMMANDS!r})]
for words in [*every, *([*words, "--help"] for words in {IN_GROUPS!r})]:
    assert run(words) == 0
heavy = {{"numpy", "scipy", "sklearn", "sqlalchemy", "alembic", "matplotlib"}}
sys.exit(", ".join(sorted(heavy & set(sys.modules))) or 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=plain_environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("cdbench sw", {"sweep"}),
        ("cdbench sweep --mom", {"--momentum"}),
        ("cdbench train --fisher-", {"--fisher-weight", "--fisher-form", "--fisher-epsilon"}),
        ("cdbench report --format m", {"markdown"}),
    ],
)
def test_the_shell_completes_commands_options_and_choices(
    tmp_path: Path, words: str, expected: set[str]
) -> None:
    extra = {
        "_CDBENCH_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    answer = for_real(tmp_path, extra=extra)
    assert (answer.code, answer.err) == (0, "")
    assert set(answer.out.split()) == expected


def test_completion_works_beside_a_broken_file(tmp_path: Path) -> None:
    (tmp_path / "cdbench.toml").write_text("nonsense")
    extra = {
        "_CDBENCH_COMPLETE": "complete_bash",
        "COMP_WORDS": "cdbench sweep --mom",
        "COMP_CWORD": "2",
    }
    answer = for_real(tmp_path, extra=extra)
    assert (answer.code, answer.out.split(), answer.err) == (0, ["--momentum"], "")


def test_the_completion_script_can_be_shown(tmp_path: Path) -> None:
    answer = for_real(tmp_path, extra={"_CDBENCH_COMPLETE": "source_bash"})
    assert answer.code == 0
    assert "_CDBENCH_COMPLETE" in answer.out


def test_the_front_page_names_every_command_once_and_is_narrow(here: Here) -> None:
    assert list(SUMMARIES) == list(ROOT.commands)
    page = here("--help").out
    assert max(map(len, page.splitlines())) <= 80
    for asked in (["help"], ["-h"]):
        assert here(*asked).out == page
    assert here().code == 2
    assert here().out == page


@pytest.mark.parametrize(
    ("terminal", "variables", "shown"),
    [
        (False, {}, ["Usage", "--db"]),
        (True, {}, ["\x1b[1mUsage\x1b[0m", "\x1b[36m--db\x1b[0m"]),
        (True, {"NO_COLOR": "1"}, ["\x1b[1mUsage\x1b[0m", "--db"]),
        (True, {"TERM": "dumb"}, ["Usage", "--db"]),
    ],
)
def test_words_are_marked_on_terminals_only_and_without_colour_if_asked(
    monkeypatch: pytest.MonkeyPatch,
    terminal: bool,
    variables: dict[str, str],
    shown: list[str],
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert [bold("Usage"), coloured("--db")] == shown


def test_the_front_page_is_printed_before_anything_large_is_loaded() -> None:
    script = (
        "import sys; from cdbench.cli import run; run(['--help']); "
        "loaded = {'typer', 'rich', 'click', 'numpy', 'logging.config'} & set(sys.modules); "
        "sys.exit(', '.join(sorted(loaded)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
