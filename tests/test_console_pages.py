"""Pages that show a terminal: their commands run, in order, and print what the page says."""

from pathlib import Path

import pytest

from tests.console_pages import agrees, run, steps, with_gaps

DOCS = Path(__file__).parents[1] / "docs"
PAGES = [page for page in sorted(DOCS.glob("*.md")) if "```console" in page.read_text()]


@pytest.mark.long
@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_the_commands_of_a_page_print_what_it_says(page: Path, tmp_path: Path) -> None:
    for step in steps(page.read_text(encoding="utf-8")):
        printed = run(step.command, tmp_path)
        assert agrees(step.printed, printed), (
            f"{page.name}: $ {step.command}\n{printed}\nis not\n{step.printed}\n"
            "if it should be: python -m tests.console_pages docs/" + page.name
        )


@pytest.mark.parametrize(
    ("said", "printed", "right"),
    [
        ("12 runs, 0.31 s", "12 runs, 4 s", True),
        ("12 runs, 0.31 s", "13 runs, 0.31 s", False),
        ("first\n…\nlast", "first\nsecond\nthird\nlast", True),
        ("first\n…\nlast", "first\nlast", True),
        ("first\n…\nlast", "first\nlast\nmore", False),
        ("…\nlast", "first\nlast", True),
        ("first\n…", "first\nlast", True),
        ("dense   0.0031\n─────", "dense    0.0102\n──────", True),
        ("kept 2026-01-02 in 3.4 MB", "kept 2027-11-12 in 10 MB", True),
        ("κ 1.0e3", "κ 1.1e3", False),
        ("", "anything", False),
    ],
)
def test_a_page_agrees_but_for_times_and_gaps(said: str, printed: str, right: bool) -> None:
    assert agrees(said, printed) is right


def test_a_command_goes_on_behind_a_greater_than_sign() -> None:
    page = "```console\n$ cat <<END\n> a\n>\n> $ b\n> END\na\n\n$ b\n$ true\n```\n"
    found = [tuple(step) for step in steps(page)]
    assert found[0][0] == "cat <<END\na\n\n$ b\nEND"
    assert found[-1] == ("true", "")


@pytest.mark.parametrize(
    ("said", "printed", "recorded"),
    [
        ("a\n…\nd, 1 s\ne", "a\nb\nc\nd, 2 s\nf", "a\n…\nd, 2 s\nf"),
        ("…\nz", "x\ny\nz\nmore", "…\nz\nmore"),
        ("a\n…", "a\nb\nc", "a\n…"),
        ("a\n…\ngone", "a\nb\nc", "a\nb\nc"),
    ],
)
def test_gaps_are_kept_when_a_page_is_recorded_anew(said: str, printed: str, recorded: str) -> None:
    assert with_gaps(said, printed) == recorded
