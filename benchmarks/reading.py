"""How long commands that read take on the released results, which are more than 10,000 runs.

python benchmarks/reading.py [--rounds N] [--quick]

Whole processes, in turns. Processor time is that of the process, least of the rounds; on a machine
that does other work it tells more than the wall time, for which the target is. Beside them, what
Python takes to import the library that prints and the one that reads: a command can be no quicker.
"""

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from measure import Bar, console, machine, new_table, verdict

RELEASED = Path(__file__).parent.parent / "runs.db"

RICH, SQLALCHEMY, ORM = "import rich", "import sqlalchemy", "import sqlalchemy.orm"
"""Imports that commands are measured by; the last is not part of any."""

COMMANDS = (
    "runs list",
    "runs list --where 'B > 3 and seed < 5'",
    "runs list --by model",
    "runs show latest",
    "runs diff best latest",
    "report",
    "report --table1",
    "report --claims",
    "report --claims --short",
    "report --compare",
    "report --study released",
    "report --group-by model",
    "report --sweep",
    "report --benchmark",
)

WALL_S = Bar(0.7, at_most=True)
HELP = Bar(2.5, at_most=True)
"""Of the wall time, and of the help's by that of importing what prints it."""


def taken(arguments: list[str], folder: str) -> tuple[float, float]:
    """Return the seconds of a whole process: on the wall, and of the processor."""
    start = time.perf_counter()
    process = subprocess.Popen(
        arguments, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(arguments)}: exit code {process.returncode}")
    return wall, used.ru_utime + used.ru_stime


def processes() -> dict[str, list[str]]:
    """Return the command lines that are measured, by what they are called."""
    found = {name: [sys.executable, "-c", name] for name in (RICH, SQLALCHEMY, ORM)}
    found["cdbench --help"] = [sys.executable, "-m", "cdbench", "--help"]
    for words in COMMANDS:
        typed = [*shlex.split(words), "--db", str(RELEASED)]
        found[words] = [sys.executable, "-m", "cdbench", *typed]
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, metavar="N")
    parser.add_argument("--quick", action="store_true", help="each time taken once")
    asked = parser.parse_args()
    every = processes()
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in every}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(1 if asked.quick else asked.rounds):
            for name, arguments in every.items():
                times[name].append(taken(arguments, folder))
    wall = {name: median(own for own, _ in found) for name, found in times.items()}
    cpu = {name: min(own for _, own in found) for name, found in times.items()}
    table = new_table(
        "Reading, whole processes",
        "",
        "Wall s, median",
        "Target",
        "",
        "Processor s, least",
        "× orm",
    )
    for name in every:
        bar, value = (HELP, wall[name] / wall[RICH]) if "--help" in name else (WALL_S, wall[name])
        judged = ("", "") if name.startswith("import") else (str(bar), verdict(bar.is_met(value)))
        told = f"{wall[name]:.2f}" + (f", {value:.2f} × rich" if bar is HELP else "")
        table.add_row(name, told, *judged, f"{cpu[name]:.2f}", f"{cpu[name] / cpu[ORM]:.2f}")
    console.print(machine())
    console.print(table)


if __name__ == "__main__":
    main()
