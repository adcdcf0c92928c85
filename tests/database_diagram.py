"""docs/diagrams/database.svg: tables and foreign keys: ``python -m tests.database_diagram``."""

from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, TypeAlias

from sqlalchemy import Table

from cdbench.store.models import Base
from tests.drawing import FILLS, Drawing

FILE = Path(__file__).parents[1] / "docs" / "diagrams" / "database.svg"
WIDTH, GAP, LINE_HEIGHT, BETWEEN, EDGE = 210, 92, 16, 14, 12


class Way(NamedTuple):
    """Where the arrow of a foreign key passes a column of tables."""

    child: Table
    parent: Table
    level: int

    @property
    def name(self) -> str:
        return f"{self.child.name} {self.parent.name}"


Node: TypeAlias = Table | Way


def parents(table: Table) -> list[Table]:
    """Return the tables that a table's foreign keys lead to, in the order of its columns."""
    found = [key.column.table for column in table.columns for key in column.foreign_keys]
    return list(dict.fromkeys(found))


@cache
def depth(table: Table) -> int:
    """Return how many foreign keys lead from a table to one without any, at most."""
    return max((1 + depth(parent) for parent in parents(table)), default=0)


def path(child: Table, parent: Table) -> list[Node]:
    """Return what an arrow goes through: its table, the columns between, the other table."""
    between = range(depth(child) - 1, depth(parent), -1)
    return [child, *(Way(child, parent, level) for level in between), parent]


def lines(table: Table) -> list[str]:
    """Return what a table's box says beneath its name."""
    key = ", ".join(column.name for column in table.primary_key)
    shown = key if len(key) <= 30 else f"{', '.join(key.split(', ')[:2])}, …"
    return [shown, f"{len(table.columns)} columns"]


def height(node: Node) -> int:
    return 4 if isinstance(node, Way) else 26 + LINE_HEIGHT * len(lines(node))


def columns() -> list[list[Node]]:
    """Return the tables by depth, each column in the order of what its tables are joined to."""
    tables = sorted(Base.metadata.tables.values(), key=lambda table: table.name)
    paths = [path(table, parent) for table in tables for parent in parents(table)]
    found: list[list[Node]] = [[] for _ in range(1 + max(map(depth, tables)))]
    for table in tables:
        found[depth(table)].append(table)
    for one in paths:
        for node in one:
            if isinstance(node, Way):
                found[node.level].append(node)
    to_parents: dict[Node, list[Node]] = {node: [] for column in found for node in column}
    to_children: dict[Node, list[Node]] = {node: [] for column in found for node in column}
    for one in paths:
        for lower, upper in pairwise(one):
            to_parents[lower].append(upper)
            to_children[upper].append(lower)
    for joined in [to_parents, to_children] * 8 + [to_parents]:
        _sort(found, joined)
    return found


def _sort(found: list[list[Node]], joined: dict[Node, list[Node]]) -> None:
    """Sort each column by the mean place of what its nodes are joined to on one side."""
    for column in found:
        place = {node: (i + 0.5) / len(one) for one in found for i, node in enumerate(one)}
        wanted = {
            node: sum(place[other] for other in joined[node]) / len(joined[node])
            if joined[node]
            else place[node]
            for node in column
        }
        column.sort(key=lambda node, wanted=wanted: (round(wanted[node], 6), node.name))  # type: ignore[misc]


def corners() -> tuple[dict[Node, tuple[float, float]], float]:
    """Return where each node's upper left corner is, and how high the drawing is."""
    by_depth = columns()
    heights = [sum(map(height, column)) + BETWEEN * (len(column) - 1) for column in by_depth]
    found: dict[Node, tuple[float, float]] = {}
    for level, column in enumerate(by_depth):
        spare = (max(heights) - heights[level]) / (len(column) + 1)
        y = EDGE + spare
        for node in column:
            found[node] = (EDGE + level * (WIDTH + GAP), round(y, 1))
            y += height(node) + BETWEEN + spare
    return found, max(heights) + 2 * EDGE


def database_svg() -> str:
    """Return the drawing: tables that others hang on at the left, arrows along foreign keys."""
    corner, tall = corners()
    tables = [node for node in corner if isinstance(node, Table)]
    drawing = Drawing(
        "The tables of the database, and their foreign keys",
        "; ".join(
            f"{table.name} belongs to {', '.join(one.name for one in parents(table))}"
            for table in tables
            if parents(table)
        ),
    )
    for table in tables:
        for number, parent in enumerate(parents(table)):
            share = (number + 1) / (len(parents(table)) + 1)
            _arrow(drawing, path(table, parent), corner, share)
    for table in tables:
        x, y = corner[table]
        drawing.box(x, y, WIDTH, height(table), FILLS[depth(table)])
        drawing.text(x + 10, y + 18, table.name, bold=True)
        for number, words in enumerate(lines(table)):
            drawing.text(x + 10, y + 36 + LINE_HEIGHT * number, words, size=11)
    return drawing.svg(max(x for x, _ in corner.values()) + WIDTH + EDGE, tall)


def _arrow(
    drawing: Drawing, nodes: list[Node], corner: dict[Node, tuple[float, float]], share: float
) -> None:
    x, y = corner[nodes[0]]
    start = (x, y + height(nodes[0]) * share)
    for node in nodes[1:]:
        left, top = corner[node]
        end = (left + WIDTH, top + height(node) / 2)
        drawing.curve(*start, *end, arrow=isinstance(node, Table))
        if isinstance(node, Way):
            start = (left, end[1])
            drawing.line(*end, *start)


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(database_svg(), encoding="utf-8")
