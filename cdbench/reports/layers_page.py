"""docs/layers.md, made from the layer families: ``python -m cdbench.reports.layers_page FILE``."""

import inspect
import sys
from math import prod
from pathlib import Path
from typing import Any

from cdbench.config import families
from cdbench.config.structure import Family, StructureParameter

WIDTH = 64
"""Of the square layers whose numbers the table has."""

HEADER = f"""\
# The layer families

`--layer` takes a family with its structure, `FAMILY[:VALUE][,NAME=VALUE…]`: `dense`, `cdlinear:4`,
`low-rank:8`, `monarch:8,inner=16`. A bare VALUE is that of the first parameter. Several are a grid:

```
cdbench sweep --layer dense cdlinear:4 low-rank:8 monarch:8 --seeds 0 1 2
```

All have biases, hand-derived gradients, both precisions, and the same gain at the start,
n_in · Var W = 2. One learning rate for all is no fair comparison: at the paper's 0.1 several of
them diverge for their step alone. `cdbench compare` finds each one's own
([comparison.md](comparison.md)).

Widths that a family cannot have are padded, and counted with the padding. Of every family `weight`
and `layer_hessian` are measured, which can be compared; the other kinds mean something for
circulant blocks and dense layers only ([conditions.md](conditions.md)).

The numbers are those of a layer from {WIDTH} to {WIDTH} with the defaults; dense has
{WIDTH * WIDTH:,} weights. Multiply-adds are those of one sample with the weights, without fixed
transforms such as a DFT. Null directions change the weights and not the matrix: κ is taken over the
others. This page is made from the families' own descriptions by `make pages`.

Left out: butterfly and kaleidoscope matrices, which Monarch has superseded; block-sparse with
low-rank; tensor trains, which share more weights than the block tensor train that Monarch with a
wide inner width is, and are no better; learned tridiagonal operators; 2:4 sparsity, a format of
hardware.
"""


def layers_markdown() -> str:
    """Return the page: a table of all families, then each in its own words."""
    rows = [_row(name) for name in families.FAMILIES]
    heads = ("family", "structure", "weights", "multiply-adds", "rank", "null directions")
    table = ["| " + " | ".join(cells) + " |" for cells in (heads, ["---"] * len(heads), *rows)]
    parts = [HEADER, "\n".join(table) + "\n"]
    parts += [_section(name) for name in families.FAMILIES]
    return "\n".join(parts).rstrip() + "\n"


def _layer(name: str) -> Any:
    return families.family(name).build(WIDTH, WIDTH, _defaults(name))


def _defaults(name: str) -> dict[str, Any]:
    if name in families.WITH_B:
        return {"B": families.DEFAULT_B}
    return dict(families.structure_of(name, None))


def _row(name: str) -> list[str]:
    layer = _layer(name)
    shapes = layer.parameter_shapes()
    weights = sum(prod(shape) for own, shape in shapes.items() if own != "bias")
    structure = " ".join(f"{key}={value}" for key, value in _defaults(name).items()) or "–"
    numbers = (weights, layer.multiply_adds(), layer.expected_rank(), layer.n_null_directions())
    return [f"`{name}`", structure, *(f"{number:,}" for number in numbers)]


def _section(name: str) -> str:
    family = families.family(name)
    text = inspect.getdoc(family) or ""
    paragraphs = text.partition("\nParameters\n----------")[0].strip()
    return "\n".join([f"## {name}\n", _code(paragraphs), "", *_parameters(name, family)])


def _code(text: str) -> str:
    """Return a docstring's text as Markdown: its literals in single backticks."""
    return text.replace("``", "`").replace("*", "\\*")


def _parameters(name: str, family: type[Family]) -> list[str]:
    lines = [f"- `{own.name}`: {own.help}{_range(name, own)}" for own in family.structure]
    return [*lines, ""] if lines else []


def _range(name: str, own: StructureParameter) -> str:
    default = families.DEFAULT_B if name in families.WITH_B else own.default
    said = "" if default is None else f", by default {default}"
    expected = f"One of {', '.join(own.choices)}" if own.choices else f"At least {own.least}"
    return f" {expected}{said}."


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(layers_markdown(), encoding="utf-8")
