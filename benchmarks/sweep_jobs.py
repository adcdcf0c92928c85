"""What a second core is worth to a sweep: whole processes at --jobs 1 and 2, in alternation.

python benchmarks/sweep_jobs.py [--quick]
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import Bar, Row, Spread, console, machine, new_table, print_rows, verdict

GAIN = Bar(1.7)
STARTING = Bar(2.0, at_most=True)

CDBENCH = "import sys; from cdbench.cli import main; sys.argv[0] = 'cdbench'; main()"

FIRST_RUN = """
import time
from cdbench.config.run_config import RunConfig
from cdbench.running.sweep import execute_all
configs = [RunConfig(dataset="iris", hidden=(2,), B=2, epochs=1, seed=s) for s in range(2)]
start = time.perf_counter()
next(execute_all(configs, 2))
print(time.perf_counter() - start)
"""
"""Prints the time from nothing to the first run of two workers; the run itself takes 5 ms."""


def sweep_s(n_runs: int, jobs: int) -> float:
    """Return the wall time of a whole sweep of the paper's recipe into a new database, seconds."""
    grid = f"sweep --B 4 --no-baseline --seeds 0..{n_runs - 1} --jobs {jobs}"
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        _python(CDBENCH, *grid.split(), "--db", str(Path(folder, "runs.db")))
        return time.perf_counter() - start


def starting_s() -> float:
    """Return how long two workers take to start, seconds."""
    return float(_python(FIRST_RUN))


def _python(code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="12 runs, each time taken once")
    quick = parser.parse_args().quick
    n_runs, rounds = (12, 1) if quick else (200, 5)
    console.print(machine())
    alone, together, starting = [], [], []
    for _ in range(rounds):
        alone.append(sweep_s(n_runs, 1))
        together.append(sweep_s(n_runs, 2))
        starting.append(starting_s())
    gain = Spread.of_ratios(alone, together)
    print_rows(
        f"A sweep of {n_runs} runs, whole process",
        [
            Row("--jobs 1", Spread.of(alone)),
            Row("--jobs 2", Spread.of(together), gain, "--jobs 1 / --jobs 2", GAIN),
        ],
        "s",
    )
    table = new_table("Starting workers", "Rival", "s: median (quartiles)", "Bar", "")
    started = Spread.of(starting)
    table.add_row(
        "2 workers", started.times(), f"{STARTING} s", verdict(STARTING.is_met(started.median))
    )
    console.print(table)


if __name__ == "__main__":
    main()
