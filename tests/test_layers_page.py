"""docs/layers.md is what the families say of themselves."""

from pathlib import Path

from cdbench.config.families import FAMILIES
from cdbench.reports.layers_page import layers_markdown

PAGE = Path(__file__).resolve().parents[1] / "docs" / "layers.md"


def test_layers_page_is_made_from_the_families() -> None:
    assert PAGE.read_text(encoding="utf-8") == layers_markdown(), "run make docs"


def test_layers_page_has_every_family_with_its_weights() -> None:
    lines = layers_markdown().splitlines()
    for name in FAMILIES:
        assert f"## {name}" in lines
        assert any(line.startswith(f"| `{name}` |") for line in lines)
    assert "| `dense` | – | 4,096 | 4,096 | 64 | 0 |" in lines
    assert "| `low-rank` | rank=8 | 1,024 | 1,024 | 8 | 64 |" in lines
