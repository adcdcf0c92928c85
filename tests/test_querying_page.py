"""The commands of docs/querying.md print what the page says, of the released results."""

from pathlib import Path

import pytest

from tests.cli_tools import Here
from tests.querying_page import commands, of_any_schema, words_of
from tests.released import released_database


@pytest.mark.long
def test_the_pages_commands_print_what_it_says(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    Path("runs.db").symlink_to(released_database())
    for command, expected in commands():
        answer = here(*words_of(command))
        printed = of_any_schema(answer.err + answer.out)
        assert printed.rstrip() == expected.rstrip(), command
