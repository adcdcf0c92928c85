"""Load: 100,000 made runs of 25 epochs written, then reports, a dry run and views on them.

python benchmarks/load.py [--runs N] [--db LOCATION] [--quick]

Runs are trained once a model and then written again with other seeds and numbers. The location is
a SQLite file in a temporary folder, or an empty database, such as postgresql+psycopg://host/name,
which keeps what was written. Where a bar is, it is for 100,000 runs.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import median
from uuid import uuid4

import numpy as np
from sqlalchemy import text

from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.records.run import Run
from cdbench.running.execution import execute
from cdbench.store.database import Database, open_for_reading, open_for_writing
from cdbench.store.record import record_run, record_runs
from measure import Bar, console, machine, new_table, verdict
from memory import resident

DENSE, BLOCKS_4, BLOCKS_8 = RunConfig(layer="dense"), RunConfig(B=4), RunConfig(B=8)
TABLE1_SEEDS = (0, 1, 2)
BATCH = 100
"""Runs of one transaction where several go into one."""
MB = 1e6

RUNS_A_SECOND, REPORT_S, DRY_RUN_S = Bar(300), Bar(1, at_most=True), Bar(5, at_most=True)
MEMORY_TIMES = Bar(1.1, at_most=True)

VIEWS = {
    "view table1": "SELECT * FROM table1",
    "view runs, all": "SELECT * FROM runs",
    "view runs, one seed": "SELECT * FROM runs WHERE dataset = 'digits' AND seed = 7",
    "view epochs, one run": "SELECT * FROM epochs WHERE run_id = 7",
    "view conditions, one run": "SELECT * FROM conditions WHERE run_id = 7",
}

Line = tuple[str, float, str, Bar | None]
"""What was measured, the number, its unit, and the bar for it."""


class Maker:
    """Makes runs that look like trained ones: each model is trained once, for all of its seeds.

    Parameters
    ----------
    values : bool
        Whether the numbers of spectra are kept, as a sweep does; an audit keeps conditions alone.
    """

    def __init__(self, *, values: bool) -> None:
        self._diagnostics = Diagnostics(values=values)
        self._trained: dict[RunConfig, Run] = {}
        self._rng = np.random.default_rng(0)

    def make(self, models: Sequence[RunConfig], seeds: Iterable[int]) -> Iterator[Run]:
        """Yield a run of each model with each seed."""
        for seed in seeds:
            for model in models:
                if model not in self._trained:
                    self._trained[model] = execute(model, diagnostics=self._diagnostics)
                yield self._with_seed(self._trained[model], seed)

    def _with_seed(self, run: Run, seed: int) -> Run:
        more = float(self._rng.uniform(1, 1.1))
        epochs = [replace(e, training_loss=more * e.training_loss) for e in run.epochs]
        spectra = [
            replace(s, condition=replace(s.condition, kappa=more * s.condition.kappa))
            for s in run.spectra
        ]
        return replace(
            run,
            uuid=str(uuid4()),
            config=run.config.with_seed(seed),
            epochs=tuple(epochs),
            spectra=tuple(spectra),
        )


class Writing:
    """Writes runs, and keeps each transaction's seconds and the memory after it."""

    def __init__(self, database: Database, runs: Iterable[Run], batch: int) -> None:
        self.seconds: list[float] = []
        self.bytes: list[int] = []
        self.batch, runs = batch, iter(runs)
        while several := list(islice(runs, batch)):
            start = time.perf_counter()
            if batch == 1:
                record_run(database, several[0])
            else:
                record_runs(database, several)
            self.seconds.append(time.perf_counter() - start)
            self.bytes.append(resident("VmRSS"))

    def rate(self) -> float:
        """Return runs a second."""
        return self.batch * len(self.seconds) / sum(self.seconds)

    def slowing(self) -> float:
        """Return the rate of the last tenth over that of the first."""
        tenth = max(1, len(self.seconds) // 10)
        return sum(self.seconds[:tenth]) / sum(self.seconds[-tenth:])

    def growth(self) -> float:
        """Return the memory at the end over that after a tenth."""
        return self.bytes[-1] / self.bytes[len(self.bytes) // 10]


def size(database: Database) -> int:
    """Return the bytes that a database takes."""
    if database.path is not None:
        return database.path.stat().st_size
    with database.transaction() as connection:
        question = text("SELECT pg_database_size(current_database())")
        return int(connection.execute(question).scalar_one())


def command(words: str, location: str, folder: Path, said: str = "") -> Callable[[], None]:
    """Return a call that runs a whole command, and ends with an error where it says not that."""
    code = "import sys; from cdbench.cli import main; sys.argv[0] = 'cdbench'; main()"
    arguments = [sys.executable, "-c", code, *words.split(), "--db", location]

    def call() -> None:
        done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode or said not in done.stdout:
            sys.exit(f"cdbench {words}: {done.stderr or done.stdout[-200:]}")

    return call


def reading(question: str, location: str) -> Callable[[], None]:
    """Return a call that reads all rows of a question, without keeping them."""
    database = open_for_reading(location)

    def call() -> None:
        with database.transaction() as connection:
            options = {"stream_results": True, "max_row_buffer": 1000}
            for _ in connection.execute(text(question), execution_options=options):
                pass

    return call


def seconds(call: Callable[[], None], repetitions: int) -> float:
    """Return the median time of a call."""
    taken = []
    for _ in range(repetitions):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return median(taken)


def write(database: Database, n_runs: int) -> Iterator[Line]:
    """Write the grid's runs, a few one by one, and a few with their spectra; yield the lines."""
    lean, full, half = Maker(values=False), Maker(values=True), n_runs // 2
    before = size(database)
    grid = Writing(database, lean.make([DENSE, BLOCKS_4], range(3, half)), BATCH)
    yield f"{n_runs:,} runs, {BATCH} a transaction", grid.rate(), "runs/s", RUNS_A_SECOND
    yield "  last tenth to first", grid.slowing(), "", None
    yield "  memory, end to first tenth", grid.growth(), "", MEMORY_TIMES
    yield "  memory at the end", grid.bytes[-1] / MB, "MB", None
    yield "  size of a run", (size(database) - before) / n_runs, "bytes", None
    seeds = range(half, half + n_runs // 50)
    single = Writing(database, lean.make([DENSE, BLOCKS_4], seeds), 1)
    yield "then each in its own transaction", single.rate(), "runs/s", RUNS_A_SECOND
    before, n_full = size(database), n_runs // 50
    seeds = range(seeds.stop, seeds.stop + n_full // 2)
    spectra = Writing(database, full.make([DENSE, BLOCKS_4], seeds), 10)
    yield "then with spectra, 10 a transaction", spectra.rate(), "runs/s", None
    yield "  size of a run", (size(database) - before) / n_full, "bytes", None


def measure(location: str, n_runs: int, repetitions: int, folder: Path) -> Iterator[Line]:
    """Write a database, ask it, and yield the lines."""
    database = open_for_writing(location)
    models = [DENSE, BLOCKS_4, BLOCKS_8]
    record_runs(database, list(Maker(values=False).make(models, TABLE1_SEEDS)))
    report = command("report --table1", location, folder, said="CD-MLP B=8")
    start_up = seconds(report, repetitions)
    yield from write(database, n_runs)
    yield "report --table1", seconds(report, repetitions), "s", None
    yield "  beyond that of 9 runs", seconds(report, repetitions) - start_up, "s", REPORT_S
    half = n_runs // 2
    words, said = "sweep --B 4 --resume --dry-run", f"{2 * half} runs, {2 * half} of them stored"
    dry_run = command(f"{words} --seeds 0..{half - 1}", location, folder, said)
    yield f"sweep --resume --dry-run of {n_runs:,}", seconds(dry_run, repetitions), "s", DRY_RUN_S
    for name, question in VIEWS.items():
        yield name, seconds(reading(question, location), repetitions), "s", None


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000, metavar="N")
    parser.add_argument("--db", metavar="LOCATION", help="an empty database to write into")
    parser.add_argument("--quick", action="store_true", help="2,000 runs, each time taken once")
    asked = parser.parse_args()
    n_runs = 2000 if asked.quick else asked.runs
    with tempfile.TemporaryDirectory() as folder:
        location = asked.db or str(Path(folder, "load.db"))
        table = new_table(f"A database of {n_runs:,} runs", "What", "Measured", "", "Target", "")
        for what, number, unit, bar in measure(
            location, n_runs, 1 if asked.quick else 3, Path(folder)
        ):
            met = verdict(bar.is_met(number)) if bar else ""
            table.add_row(what, f"{number:,.3g}" if number < 100 else f"{number:,.0f}", unit,
                          str(bar or ""), met)  # fmt: skip
        console.print(table)
        console.print(machine())


if __name__ == "__main__":
    main()
