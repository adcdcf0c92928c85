"""docs/recording.svg: a terminal in which commands of the README are run, as a moving picture.

``python -m tests.recording`` runs the commands in a new folder, on a pseudo-terminal, and writes
the picture. Typing is made up; what the commands print is what they printed, and when, but for
commands of more than ``LONGEST_S`` seconds, which are played faster.
"""

import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import pexpect
import pyte

from tests.cli_tools import CDBENCH, plain_environment
from tests.console_pages import PLACE
from tests.screen_drawing import Frame, Row, Run, drawn

FILE = Path(__file__).parents[1] / "docs" / "recording.svg"
TITLE = "cdbench in a terminal"
DESCRIPTION = (
    "A sweep of 21 runs, shown by a bar; what it ends with, a table of seven models and their "
    "comparison with a dense network; the runs as a list, model by model; and Table 1 of the "
    "paper, published beside measured: 15 of 15 cells are equal. Commands of more than five "
    "seconds are played faster."
)
SCENES = (
    "cdbench sweep --B 1 3 4 5 7 8 --seeds 0 1 2",
    'cdbench runs list --where "B > 3" --by model',
    "cdbench report --table1",
)
COLUMNS, ROWS = 118, 37
LONGEST_S, BETWEEN_S, HELD_S = 5.0, 0.12, (5.0, 4.0, 9.0)
KEYS_S, KEYS = 0.09, 3
"""How long it takes to type how many characters."""

SVG = "{http://www.w3.org/2000/svg}"


class Written(NamedTuple):
    """What a command wrote, and when after its start."""

    seconds: float
    text: str


def written(command: str, folder: Path) -> Iterator[Written]:
    """Run a command on a pseudo-terminal; yield what it writes.

    Raises
    ------
    RuntimeError
        If it fails.
    """
    with warnings.catch_warnings():
        # Python 3.12 warns of a fork beside threads, which pexpect cannot avoid.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = pexpect.spawn(
            "bash",
            ["-c", command],
            cwd=str(folder),
            env=plain_environment(
                PATH=f"{Path(CDBENCH).parent}:/usr/bin:/bin",
                COLUMNS=str(COLUMNS),
                LINES=str(ROWS),
                TERM="xterm-256color",
            ),
            dimensions=(ROWS, COLUMNS),
            encoding="utf-8",
        )
    began = time.monotonic()
    while True:
        try:
            text = child.read_nonblocking(4096, timeout=300)
        except pexpect.EOF:
            break
        yield Written(time.monotonic() - began, text.replace(str(folder), PLACE))
    child.close()
    if child.exitstatus:
        raise RuntimeError(f"{command}: exit code {child.exitstatus}")


def rows_of(screen: Any) -> tuple[Row, ...]:
    """Return what a screen shows, as runs of characters of one style."""
    return tuple(_row(screen.buffer[y]) for y in range(ROWS))


def _row(line: Any) -> Row:
    cells = [line[x] for x in range(COLUMNS)]
    while cells and cells[-1].data == " ":
        cells.pop()
    styled = groupby(cells, key=lambda cell: (cell.fg, cell.bold))
    return tuple(Run("".join(c.data for c in own), *style) for style, own in styled)


def scene(screen: Any, command: str, folder: Path, begin: float) -> Iterator[Frame]:
    """Yield the frames of a command: typed, run, and as it ends."""
    stream = pyte.Stream(screen)
    stream.feed("\x1b[32m$\x1b[0m ")
    now = begin
    yield Frame(now, rows_of(screen))
    for first in range(0, len(command), KEYS):
        now += KEYS_S
        stream.feed(command[first : first + KEYS])
        yield Frame(now, rows_of(screen))
    stream.feed("\r\n")
    parts = list(written(command, folder))
    faster = max(1.0, parts[-1].seconds / LONGEST_S)
    shown = now
    for part in parts:
        stream.feed(part.text)
        at = now + part.seconds / faster
        if at - shown >= BETWEEN_S or part is parts[-1]:
            shown = at
            yield Frame(at, rows_of(screen))


def frames() -> list[list[Frame]]:
    """Run the commands in a new folder; return the frames of each."""
    found: list[list[Frame]] = []
    begin = 0.0
    screen = pyte.Screen(COLUMNS, ROWS)
    with tempfile.TemporaryDirectory() as folder:
        for command, held in zip(SCENES, HELD_S, strict=True):
            found.append(list(scene(screen, command, Path(folder), begin)))
            begin = found[-1][-1].seconds + held
    return found


def printed(screen: str) -> tuple[str, str]:
    """Return the last command on a screen, and what it printed."""
    command, _, rest = screen.rpartition("$ ")[2].partition("\n")
    return command, rest.rstrip()


def words(rows: tuple[Row, ...]) -> str:
    """Return a screen's text."""
    return "\n".join("".join(run.text for run in row) for row in rows)


def recorded(svg: str) -> list[str]:
    """Return the text of the screens that the commands of a picture end with."""
    root = ET.fromstring(svg)
    return [_at(root, float(end)) for end in root.get("data-ends", "").split()]


def _at(root: ET.Element, seconds: float) -> str:
    lines = [""] * ROWS
    for group in root.iter(f"{SVG}g"):
        start, end = float(group.get("data-from", "0")), float(group.get("data-to", "0"))
        if start <= seconds < end:
            for text in group.iter(f"{SVG}text"):
                lines[int(text.get("data-row", "0"))] = "".join(text.itertext())
    return "\n".join(lines)


def main() -> None:
    """Write the picture."""
    found = frames()
    end = found[-1][-1].seconds + HELD_S[-1]
    ends = [own[-1].seconds for own in found]
    svg = drawn([one for own in found for one in own], end, ends, (COLUMNS, ROWS))
    svg = svg.replace("TITLE", TITLE).replace("DESCRIPTION", DESCRIPTION)
    FILE.write_text(svg, encoding="utf-8")
    sys.stdout.write(f"{FILE.name}: {len(svg.encode()) / 1000:.0f} kB, {end:.0f} s\n")


if __name__ == "__main__":
    main()
