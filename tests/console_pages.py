"""Pages of docs/ that show a terminal: what they print is what the commands print.

``python -m tests.console_pages docs/tutorial.md …`` runs the commands of pages, each page's in a
folder of its own, and writes what they printed into it.

A block ``console`` has commands behind ``$``, whose further lines are behind ``>``, and after each
what it prints, on both streams, 80 columns wide and without colours. A line ``…`` stands for any
lines. Of what differs from one time or machine to another only the kind is compared: ``CHANGING``.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.cli_tools import plain_environment

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
GAP = "…"

CHANGING = (
    (r"^(time|processor time|peak memory) {2,}.*$", r"\1  COST"),  # of two runs, with their ratio
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{8}\b(?=\s|$)", "UUID"),
    (r"\b(\d{4}-)?\d\d-\d\d[ T]\d\d:?\d\d(:?\d\d)?|\b\d{4}-\d\d-\d\d\b", "DATE"),
    (r"\b\d+(\.\d+)? (ms|s|min|h)\b", "TIME"),
    (r"\b\d+(\.\d+)? (kB|MB|GB)\b", "SIZE"),
    (r"(?<=\s)\d\.\d{4}$", "TIME"),  # seconds an epoch, the last column of several tables
    (r" {2,}", "  "),
    (r"─+", "─"),
)
"""What runs cost, times, dates, sizes of files, uuids; and so how wide a column of them is."""


PLACE = "/home/you/bench"
"""Stands for the folder in which a page's commands are run."""


class Step(NamedTuple):
    """A command of a page, and what the page says that it prints."""

    command: str
    printed: str


def steps(page: str) -> Iterator[Step]:
    """Yield the commands of a page's consoles."""
    for block in BLOCK.findall(page):
        yield from _steps(block)


def _steps(block: str) -> Iterator[Step]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        n = 1
        while n < len(lines) and (lines[n] + " ").startswith("> "):
            n += 1
        command = "\n".join([lines[0], *(line[2:] for line in lines[1:n])])
        yield Step(command, "\n".join(lines[n:]).strip("\n"))


def masked(text: str) -> list[str]:
    """Return what was printed, line by line, without what is another each time."""
    for pattern, kind in CHANGING:
        text = re.sub(pattern, kind, text, flags=re.MULTILINE)
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def agrees(said: str, printed: str) -> bool:
    """Return whether a command printed what the page says, whose gaps stand for any lines."""
    parts = "\n".join(["", *masked(said), ""]).split(f"\n{GAP}\n")
    pattern = r"\n(?:.*\n)*?".join(re.escape(part) for part in parts)
    return re.fullmatch(pattern, "\n".join(["", *masked(printed), ""])) is not None


def run(command: str, folder: Path) -> str:
    """Run a command as a person would, and return what it printed on both streams.

    Raises
    ------
    RuntimeError
        If it fails.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=plain_environment(PATH=path, COLUMNS="80", NO_COLOR="1"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{command}\n{done.stdout}")
    return done.stdout.replace(str(folder), PLACE).strip("\n")


def with_gaps(said: str, printed: str) -> str:
    """Return what was printed, with the gaps of what a page said, where their edges are there."""
    edges = [masked(line)[0] if line else "" for line in said.splitlines()]
    found = printed.splitlines()
    plain = [masked(line)[0] if line.strip() else "" for line in found]
    first = 0
    for place, edge in enumerate(edges):
        if edge != GAP:
            continue
        try:
            after = plain.index(edges[place - 1], first) + 1 if place else 0
            last = place + 1 == len(edges)
            before = len(plain) if last else plain.index(edges[place + 1], after)
        except ValueError:
            continue
        found[after:before], plain[after:before] = [GAP], [GAP]
        first = after
    return "\n".join(found)


def record(path: Path, folder: Path) -> None:
    """Write what a page's commands print into it; what agrees stays as it is."""

    def block(match: "re.Match[str]") -> str:
        lines = []
        for step in _steps(match[1]):
            lines += ("$ " + step.command.replace("\n", "\n> ")).splitlines()
            printed = run(step.command, folder)
            agreed = agrees(step.printed, printed)
            said = step.printed if agreed else with_gaps(step.printed, printed)
            lines += said.splitlines()
        return "```console\n" + "".join(f"{line.rstrip()}\n" for line in lines) + "```"

    path.write_text(BLOCK.sub(block, path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as own:
            record(Path(name), Path(own))
