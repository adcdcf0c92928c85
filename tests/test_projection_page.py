"""The commands and the Python of docs/projection.md do what the page says."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cdbench.datasets import DATASETS
from cdbench.projection.entrants import ALTERNATING, MOST_ALTERNATED, WITHOUT, every_entrant
from cdbench.projection.safetensors_file import write_safetensors
from tests.cli_tools import Here

PAGE = (Path(__file__).parents[1] / "docs" / "projection.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.long
def test_the_pages_commands_and_its_python_run(here: Here) -> None:
    rows = DATASETS["digits"]().X[:5]
    (here.folder / "new.csv").write_text("\n".join(",".join(map(str, row)) for row in rows))
    commands = [line.split()[1:] for block in blocks("sh") for line in block.splitlines()]
    assert len(commands) == 6
    for words in commands:
        assert here(*words).code == 0, words
    weights = {"fc.weight": np.random.default_rng(0).normal(size=(48, 64))}
    write_safetensors(weights, {}, here.folder / "w.safetensors")
    words = ["w.safetensors", "--layer", "cdlinear", "-o", "small.safetensors"]
    assert here("model", "project", *words).code == 0
    (script,) = blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "{'fc': 'cdlinear:4'}\n"


def test_the_page_has_every_family_where_it_belongs() -> None:
    table = PAGE.partition("| family | nearest member")[2].partition("\n\n")[0]
    lines = {name: line for line in table.splitlines() for name in re.split(r"[|,] ?", line)[1:-1]}
    named = {name.strip(): line for name, line in lines.items()}
    for entrant in every_entrant():
        line = named[entrant.family]
        assert ("alternating least squares, from" in line) == (entrant.family in ALTERNATING)
    for family in WITHOUT:
        assert "refused" in named[family]
    assert f"{MOST_ALTERNATED:,}" in PAGE
