"""docs/commands.md and docs/knobs.md: made from the commands and the knobs, nothing is missing."""

import re
from pathlib import Path

import pytest
import typer

from cdbench.cli.app import app
from cdbench.cli.commands_page import commands, commands_markdown, plain
from cdbench.cli.knobs_page import knobs_markdown, values
from cdbench.config.run_config import KNOBS
from cdbench.store.models import Base

DOCS = Path(__file__).parents[1] / "docs"
COMMANDS = dict(commands(typer.main.get_command(app)))


def test_the_page_of_commands_is_what_their_help_says() -> None:
    assert (DOCS / "commands.md").read_text(encoding="utf-8") == commands_markdown(), "make pages"


def test_the_page_of_knobs_is_what_they_say_of_themselves() -> None:
    assert (DOCS / "knobs.md").read_text(encoding="utf-8") == knobs_markdown(), "make pages"


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_has_a_section_with_all_of_its_options(words: str) -> None:
    heading = rf"^##+ {words}\n(.*?)(?=^##|\Z)"
    (section,) = re.findall(heading, commands_markdown(), re.DOTALL | re.MULTILINE)
    with_all_knobs = "an option for each [knob]" in section
    for param in COMMANDS[words].params:
        for option in (*param.opts, *param.secondary_opts):
            in_knobs = with_all_knobs and param.name in (*KNOBS, "seeds")
            if option.startswith("-") and not in_knobs:
                assert re.search(rf"(?<![\w-]){option}(?![\w-])", section), option


def test_every_knob_has_a_row_and_a_column_of_its_name() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", knobs_markdown(), re.MULTILINE)
    assert sorted(rows) == sorted(KNOBS)
    assert KNOBS.keys() <= set(Base.metadata.tables["run"].columns.keys())


def test_a_knobs_values_are_those_that_its_error_names() -> None:
    assert values("momentum") == "0 or more, below 1"
    assert values("dtype") == "`float32`, `float64`"
    assert values("channels") == "several whole numbers, at least 1"
    assert values("dataset") == "text"


def test_no_word_of_the_help_becomes_markup() -> None:
    assert plain("a *b* <c> d_e [f] `g`") == r"a \*b\* \<c> d\_e \[f] \`g\`"
