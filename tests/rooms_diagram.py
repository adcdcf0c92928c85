"""docs/diagrams/rooms.svg: who imports whom, from the code: ``python -m tests.rooms_diagram``."""

import re
from pathlib import Path

from tests.drawing import FILLS, Drawing
from tests.test_architecture import FILES, PACKAGE, imports, module_name

FILE = Path(__file__).parents[1] / "docs" / "diagrams" / "rooms.svg"

FLOORS = {
    "the ground": ("errors", "start_up", "system", "config", "records"),
    "numbers": ("engine", "datasets", "diagnostics", "statistics"),
    "the database": ("store",),
    "training": ("running", "trained", "projection"),
    "judging": ("claims", "comparison"),
    "showing": ("reports", "plots"),
    "other libraries": ("sklearn", "torch"),
    "the doors": ("api", "cli", "entry"),
}
"""The rooms in ARCHITECTURE.md's order, by what they are for."""

PURPOSES = {
    "errors": "what went wrong, in one line",
    "start_up": "before anything is loaded",
    "system": "files, memory, signals, threads",
    "config": "what a run is to be",
    "records": "what a run was, as plain values",
    "engine": "layers, products, training in NumPy",
    "datasets": "samples, and how they are read",
    "diagnostics": "spectra and curvature",
    "statistics": "estimates and intervals",
    "store": "SQLite or PostgreSQL",
    "running": "from configurations to runs",
    "trained": "networks to keep and take away",
    "projection": "the nearest members of families",
    "claims": "the paper's statements, with rules",
    "comparison": "families, compared fairly",
    "reports": "tables in five formats",
    "plots": "figures",
    "sklearn": "estimators",
    "torch": "layers for PyTorch",
    "api": "import cdbench",
    "cli": "the commands",
    "entry": "the command's first lines",
}
ROW, LEFT, TOP = 27, 12, 92


def order() -> list[str]:
    """Return the rooms in the order in which ARCHITECTURE.md lists them."""
    text = (PACKAGE.parent / "ARCHITECTURE.md").read_text(encoding="utf-8")
    listed = text.partition("never one below.")[2].strip().partition("\n\n")[0]
    return re.findall(r"\w+", listed)


def imported() -> dict[str, set[str]]:
    """Return which other rooms each room imports, as its files do."""
    found: dict[str, set[str]] = {room: set() for room in order()}
    for path in FILES:
        room = module_name(path).partition(".")[0]
        if room in found:
            names = (own.removeprefix("cdbench.") for own in imports(path) if "cdbench." in own)
            found[room] |= {name.partition(".")[0] for name in names} & found.keys() - {room}
    return found


def rooms_svg() -> str:
    """Return the drawing: a row for each room, a dot in the column of each that it imports."""
    rooms, may = order(), imported()
    drawing = Drawing(
        "The rooms of cdbench, and which of them each imports",
        "; ".join(f"{room} imports {', '.join(sorted(may[room])) or 'nothing'}" for room in rooms),
    )
    fill = {room: FILLS[i] for i, floor in enumerate(FLOORS.values()) for room in floor}
    first = LEFT + 362
    for i, room in enumerate(rooms):
        y = TOP + ROW * i
        x = first + ROW * i
        if i:
            drawing.line(first - 6, y + 11, x - 14, y + 11, 0.25)
        if i < len(rooms) - 1:
            drawing.line(x + 4, TOP - 4, x + 4, TOP + ROW * (len(rooms) - 1) + 14, 0.25)
            drawing.turned_text(x + 6, TOP - 10, room)
    for i, room in enumerate(rooms):
        y = TOP + ROW * i
        drawing.box(LEFT, y, 334, 22, fill[room])
        drawing.text(LEFT + 8, y + 15.5, room, bold=True)
        drawing.text(LEFT + 118, y + 15.5, PURPOSES[room], size=12)
        for other in sorted(may[room], key=rooms.index):
            column = rooms.index(other)
            says = f"{room} imports {other}"
            drawing.dot(first + ROW * column + 4, y + 11, fill[other], says)
    return drawing.svg(first + ROW * len(rooms) + 46, TOP + ROW * len(rooms) + 8)


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(rooms_svg(), encoding="utf-8")
