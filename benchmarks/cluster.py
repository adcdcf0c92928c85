"""What a run costs on a Dask cluster: processor time of parent and scheduler, bytes, rows.

Needs Dask: pip install 'cdbench[dask]'. Starts a scheduler and two workers on this machine.

python benchmarks/cluster.py [--quick]
"""

import argparse
import json
import logging
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.records.run import Run
from cdbench.running.cluster import execute_on_cluster
from cdbench.running.cluster_workers import Cluster
from cdbench.running.execution import execute
from cdbench.running.sweep import execute_all, one_by_one
from cdbench.store.database import open_for_writing
from cdbench.store.record import record_run
from measure import console, machine, new_table

DASK = str(Path(sys.executable).with_name("dask"))

TINY = RunConfig(dataset="iris", hidden=(2,), B=2, epochs=1)
PAPER = RunConfig(B=4)

KEPT = {"default diagnostics": Diagnostics(), "without values": Diagnostics(values=False)}


MEASURED = {
    "tiny": (TINY, KEPT["default diagnostics"], 2000),
    "paper, B = 4": (PAPER, KEPT["default diagnostics"], 400),
    "paper, B = 4, without values": (PAPER, KEPT["without values"], 400),
}
"""Configuration, diagnostics, and how many runs."""


@contextmanager
def processes(n_workers: int) -> Iterator[tuple[str, int]]:
    """Give the address and process number of a scheduler with workers of one thread each."""
    with tempfile.TemporaryDirectory() as folder:
        started = []

        def start(*words: str) -> None:
            started.append(
                subprocess.Popen(
                    [DASK, *words, "--no-dashboard"],
                    cwd=folder,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )

        where = Path(folder, "scheduler.json")
        file = ("--scheduler-file", str(where))
        try:
            start("scheduler", "--host", "127.0.0.1", "--port", "0", *file)
            for _ in range(n_workers):
                start("worker", "--no-nanny", "--nthreads", "1", *file)
            yield _address(where), started[0].pid
        finally:
            for process in started:
                process.kill()
                process.wait()


def _address(where: Path) -> str:
    for _ in range(600):
        if where.exists() and where.read_text(encoding="utf-8"):
            return str(json.loads(where.read_text(encoding="utf-8"))["address"])
        time.sleep(0.05)
    raise SystemExit("the scheduler did not start")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few runs")
    quick = parser.parse_args().quick
    logging.getLogger("cdbench").setLevel(logging.ERROR)  # workers come later than it looks
    console.print(machine("distributed"))
    table = new_table(
        "Two workers on this machine",
        *("Runs", "Number", "Dask: runs/s", "--jobs 2: runs/s", "Parent: ms of CPU a run"),
        "Scheduler: ms of CPU a run",
    )
    for name, (config, diagnostics, many) in MEASURED.items():
        number = max(20, many // 20) if quick else many
        configs = [replace(config, seed=seed) for seed in range(number)]
        needs = dict.fromkeys(configs, diagnostics)
        by_dask, parent, scheduler = through_dask(needs)
        begin = time.perf_counter()
        for _ in execute_all(configs, 2, needs):
            pass
        local = number / (time.perf_counter() - begin)
        table.add_row(
            *(name, str(number), f"{by_dask:.1f}", f"{local:.1f}"),
            *(f"{1e3 * parent:.2f}", f"{1e3 * scheduler:.2f}"),
        )
    console.print(table)
    table = new_table("One run of the paper's recipe, B = 4", "Kept", "Bytes on the wire")
    for heading in ("Bytes in SQLite", "Rows", "ms of CPU to store"):
        table.add_column(heading)
    for kept, diagnostics in KEPT.items():
        run = execute(PAPER, diagnostics=diagnostics)
        stored, rows, seconds = in_sqlite(run, 20 if quick else 400)
        table.add_row(
            kept, f"{len(pickle.dumps(run)):,}", f"{stored:,.0f}", str(rows), f"{1e3 * seconds:.2f}"
        )
    console.print(table)


def through_dask(needs: dict[RunConfig, Diagnostics]) -> tuple[float, float, float]:
    """Return runs a second, and the parent's and the scheduler's seconds of CPU for each."""
    configs = list(needs)
    with processes(2) as (address, scheduler):
        cluster = Cluster(address)
        cluster.client.wait_for_workers(2)
        for worker in cluster.client.nthreads():  # imports what it needs with its first run
            cluster.client.submit(execute, configs[0], workers=[worker], pure=False).result()
        before, own, begin = cpu_s(scheduler), time.process_time(), time.perf_counter()
        n_runs = 0
        for run in one_by_one(execute_on_cluster(configs, cluster, needs)):
            assert run.status == "completed"
            n_runs += 1
            if n_runs == len(configs):  # ahead of leaving the cluster
                wall, parent = time.perf_counter() - begin, time.process_time() - own
                spent = cpu_s(scheduler) - before
        return n_runs / wall, parent / n_runs, spent / n_runs


def cpu_s(process: int) -> float:
    """Return the seconds of CPU that another process has taken; Linux only."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def in_sqlite(run: Run, n_runs: int) -> tuple[float, int, float]:
    """Return bytes, rows and seconds of CPU to store, of one run among many."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "runs.db")
        database = open_for_writing(str(path))
        record_run(database, run)
        empty, begin = path.stat().st_size, time.process_time()
        for seed in range(1, n_runs):
            config = replace(run.config, seed=seed)
            record_run(database, replace(run, uuid=str(uuid4()), config=config))
        seconds = (time.process_time() - begin) / (n_runs - 1)
        stored = (path.stat().st_size - empty) / (n_runs - 1)
    numbers = [*run.spectra, *run.curvature]
    values = sum(len(spectrum.values) + bool(spectrum.values) for spectrum in run.spectra)
    return stored, 1 + len(run.epochs) + len(numbers) + values, seconds


if __name__ == "__main__":
    main()
