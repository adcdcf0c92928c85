"""What a database of 10,000 runs costs: whole commands and views, beside the released database.

python benchmarks/database.py [--runs N] [--quick]
"""

import argparse
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

from cdbench.config.run_config import RunConfig
from cdbench.store.database import open_for_writing
from measure import Call, Row, Spread, console, machine, print_rows

RELEASED = Path(__file__).parent.parent / "runs.db"

COMMANDS = {
    "report --table1": "report --table1",
    "report --claims": "report --claims",
    "plot --fig1 --fig2": "plot --fig1 --fig2 --output figures",
    "plot --claims": "plot --claims --output figures",
    "sweep --resume, 9 runs stored": "sweep --B 4 8 --seeds 0 1 2 --resume",
    "sweep --dry-run, 7,000 looked up": "sweep --B 1 3 4 5 7 8 --seeds 0..999 --dry-run",
}

VIEWS = ("runs", "table1", "epochs", "conditions")

COPIED = ("epoch", "condition_number")
"""What goes with a copied run. Numbers of spectra do not: an audit's runs keep none either."""


def enlarge(path: Path, n_runs: int) -> int:
    """Copy the database's runs, with other seeds, until it has n_runs; return how many it has."""
    connection = sqlite3.connect(path)
    connection.create_function("new_uuid", 0, lambda: str(uuid4()))
    connection.create_function("digest", 2, _digest, deterministic=True)
    have, step = connection.execute("SELECT count(*), max(run_id) FROM run").fetchone()
    for copy in range(1, -(-n_runs // have)):
        changed = {
            "run_id": f"run_id + {copy * step}",
            "uuid": "new_uuid()",
            "seed": f"seed + {copy * 1000}",
            "config_digest": "digest((SELECT config_json FROM configuration AS c "
            f"WHERE c.configuration_id = run.configuration_id), seed + {copy * 1000})",
        }
        last = f"run_id <= {min(step, n_runs - copy * have)}"
        for table in ("run", *COPIED):
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            values = changed if table == "run" else {"run_id": changed["run_id"]}
            chosen = ", ".join(values.get(name, f'"{name}"') for name in names)
            connection.execute(f"INSERT INTO {table} SELECT {chosen} FROM {table} WHERE {last}")
    connection.commit()
    total: int = connection.execute("SELECT count(*) FROM run").fetchone()[0]
    connection.close()
    return total


def _digest(config_json: str, seed: int) -> str:
    return RunConfig.from_mapping(json.loads(config_json) | {"seed": seed}).digest()


def command(words: str, database: Path) -> Call:
    """Return a call that runs a whole command."""
    code = "import sys; from cdbench.cli import main; sys.argv[0] = 'cdbench'; main()"
    arguments = [sys.executable, "-c", code, *words.split(), "--db", str(database)]

    def call() -> None:
        done = subprocess.run(
            arguments, cwd=database.parent, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"cdbench {words}: {done.stderr}")

    return call


def view(name: str, database: Path) -> Call:
    """Return a call that reads all rows of a view."""

    def call() -> None:
        connection = sqlite3.connect(database)
        connection.execute(f"SELECT * FROM {name}").fetchall()
        connection.close()

    return call


def times(calls: list[Call], repetitions: int) -> list[list[float]]:
    """Return each call's times, seconds, the calls in alternation."""
    found: list[list[float]] = [[] for _ in calls]
    for _ in range(repetitions):
        for call, mine in zip(calls, found, strict=True):
            start = time.perf_counter()
            call()
            mine.append(time.perf_counter() - start)
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000, metavar="N")
    parser.add_argument("--quick", action="store_true", help="2,000 runs, each time taken once")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder, "released.db"), Path(folder, "large.db")
        shutil.copy(RELEASED, small)
        open_for_writing(str(small))  # brings it to the newest schema
        shutil.copy(small, large)
        n_runs = enlarge(large, 2000 if asked.quick else asked.runs)
        released = sqlite3.connect(small).execute("SELECT count(*) FROM run").fetchone()[0]
        calls = {
            name: [command(words, database) for database in (small, large)]
            for name, words in COMMANDS.items()
        }
        calls |= {
            f"view {name}": [view(name, database) for database in (small, large)] for name in VIEWS
        }
        rows = []
        for name, both in calls.items():
            before, after = times(both, 1 if asked.quick else 5)
            ratio = Spread.of_ratios(after, before)
            rows.append(Row(name, Spread.of(after), ratio, f"{released:,} runs"))
        console.print(machine())
        print_rows(f"A database of {n_runs:,} runs", rows, "s")


if __name__ == "__main__":
    main()
