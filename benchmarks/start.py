"""How long the command takes to answer for help, as a ratio to importing what it is made with.

Also how long ``import cdbench`` takes beyond Python's own start. What reading commands take is in
reading.py.

python benchmarks/start.py [--quick]
"""

import argparse
import subprocess
import sys
import time

from measure import Bar, Row, Spread, console, machine, print_rows, verdict

BARS = {"--help": Bar(2.5, at_most=True)}
RICH = "import rich"
RIVALS = {name: [sys.executable, "-c", name] for name in (RICH, "import typer, rich")}
ASKED = ("--help", "sweep --help", "trian", "db info", "report --table1")
CDBENCH = [sys.executable, "-m", "cdbench"]

MOST_MS = Bar(60, at_most=True)
"""For the import."""
PYTHON, IMPORT = ([sys.executable, "-c", code] for code in ("pass", "import cdbench"))


def seconds(command: list[str]) -> float:
    """Return the wall time of a whole process."""
    start = time.perf_counter()
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="each time taken once")
    rounds = 1 if parser.parse_args().quick else 30
    console.print(machine())
    commands = RIVALS | {f"cdbench {words}": [*CDBENCH, *words.split()] for words in ASKED}
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            times[name].append(seconds(command))
    rows = [Row(RICH, Spread.of(times[RICH]))]
    for name in list(commands)[1:]:
        ratio = Spread.of_ratios(times[name], times[RICH])
        bar = BARS.get(name.removeprefix("cdbench "))
        rows.append(Row(name, Spread.of(times[name]), ratio, RICH, bar))
    print_rows("Starting, whole processes", rows)
    beyond = Spread.of(
        1e3 * (seconds(IMPORT) - own) for own in (seconds(PYTHON) for _ in range(rounds))
    )
    told = verdict(MOST_MS.is_met(beyond.median))
    console.print(f"import cdbench, beyond Python: {beyond.times()} ms, target {MOST_MS}, {told}")


if __name__ == "__main__":
    main()
