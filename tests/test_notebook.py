"""examples/results.ipynb: run from top to bottom, its answers are those that it shows."""

import json
import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.notebook import NOTEBOOK, executed
from tests.released import released_database

CELLS = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]


def outputs(cell: Any) -> list[tuple[str, str, bool]]:
    """Return what a cell gave: the kind, its text, and whether a figure came of it."""
    return [
        (
            output["output_type"],
            "" if "image/png" in output.get("data", {}) else text_of(output),
            "image/png" in output.get("data", {}),
        )
        for output in cell.get("outputs", [])
    ]


def text_of(output: Any) -> str:
    found = output.get("data", {}).get("text/plain", output.get("text", ""))
    return found if isinstance(found, str) else "".join(found)


@pytest.mark.long
def test_the_notebook_gives_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("nbclient")
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the kernel's own libraries
        notebook = executed(Path(released_database()))
    assert len(notebook.cells) == len(CELLS)
    for shown, cell in zip(CELLS, notebook.cells, strict=True):
        assert outputs(shown) == outputs(cell), "".join(shown["source"])


def test_the_notebook_has_small_figures_with_words_and_no_errors() -> None:
    figures = 0
    for cell in CELLS:
        for kind, _, is_figure in outputs(cell):
            assert kind in ("execute_result", "display_data")
            figures += is_figure
            assert not is_figure or "".join(cell["source"]).startswith("# ")
    assert figures >= 4
    assert NOTEBOOK.stat().st_size < 400_000
