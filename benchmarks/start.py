"""How long the command takes to answer for help, as a ratio to importing what it is made with.

And how long ``import cdbench`` takes beyond Python's own start.

python benchmarks/start.py [--quick]
"""

import argparse
import subprocess
import sys
import time

from measure import Bar, Row, Spread, console, machine, print_rows, verdict

BAR = Bar(1.3, at_most=True)
RIVAL = [sys.executable, "-c", "import typer, rich"]
ASKED = [sys.executable, "-m", "cdbench"]

MOST_MS = Bar(60, at_most=True)
"""For the import."""
PYTHON, IMPORT = ([sys.executable, "-c", code] for code in ("pass", "import cdbench"))


def seconds(command: list[str]) -> float:
    """Return the wall time of a whole process."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="each time taken once")
    rounds = 1 if parser.parse_args().quick else 30
    console.print(machine())
    asked = {"cdbench --help": ["--help"], "cdbench sweep --help": ["sweep", "--help"]}
    times: dict[str, list[float]] = {name: [] for name in ("import typer, rich", *asked)}
    for _ in range(rounds):
        times["import typer, rich"].append(seconds(RIVAL))
        for name, words in asked.items():
            times[name].append(seconds([*ASKED, *words]))
    first, *others = times
    rows = [Row(first, Spread.of(times[first]))]
    for name in others:
        ratio = Spread.of_ratios(times[name], times[first])
        bar = BAR if name == "cdbench --help" else None
        rows.append(Row(name, Spread.of(times[name]), ratio, first, bar))
    print_rows("Starting, whole processes", rows)
    beyond = Spread.of(
        1e3 * (seconds(IMPORT) - own) for own in (seconds(PYTHON) for _ in range(rounds))
    )
    told = verdict(MOST_MS.is_met(beyond.median))
    console.print(f"import cdbench, beyond Python: {beyond.times()} ms, target {MOST_MS}, {told}")


if __name__ == "__main__":
    main()
