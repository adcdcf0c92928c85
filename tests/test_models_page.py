"""The commands and the Python of docs/models.md do what the page says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cdbench.datasets import DATASETS
from tests.cli_tools import Here

PAGE = (Path(__file__).parents[1] / "docs" / "models.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.long
def test_the_pages_commands_and_its_python_run(here: Here) -> None:
    rows = DATASETS["wine"]().X[:5].tolist()
    (here.folder / "new.csv").write_text("\n".join(",".join(map(str, row)) for row in rows))
    commands = [line.split()[1:] for block in blocks("sh") for line in block.splitlines()]
    assert len(commands) == 7
    for words in commands:
        answer = here(*words)
        assert (answer.code, answer.err) == (0, ""), words
    assert len((here.folder / "predicted.csv").read_text().splitlines()) == 6
    (script,) = blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[0] == "CDLinear c (16, 4, 4)"
    assert len(done.stdout.splitlines()) == 6
