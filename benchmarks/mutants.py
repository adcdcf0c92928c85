"""Which single changes of the code no test of its room notices: a sample of them, by hand.

python benchmarks/mutants.py [--room diagnostics] [--n 40] [--seed 0]

Works on a copy of the checkout. Each mutant is tried with the tests of its room until one fails;
those that survive are printed as a diff, to be killed by a law or found to be equivalent. What is
no Python, or differs in an annotation only, is no mutant: any import would kill it. Some of the
store is for servers, so tests with a PostgreSQL server count (Debian: postgresql).
"""

import argparse
import ast
import os
import random
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

from cosmic_ray.commands.init import init
from cosmic_ray.mutating import mutate_and_test, mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB
from cosmic_ray.work_item import TestOutcome
from rich.console import Console

ROOT = Path(__file__).resolve().parents[1]

ROOMS = {
    "engine": (
        "engine",
        "activation optimizers trainer tying losses regularizers normalization blocks workspace "
        "family_laws abstract footprint layers products real_dft planner thresholds training "
        "network",
    ),
    "diagnostics": (
        "diagnostics",
        "spectra layer_hessian thresholds family_laws curvature curvature_lanczos diagnostics "
        "noise_floors",
    ),
    "statistics": (
        "statistics claims/evidence/comparison.py",
        "holm ranks resampled over_tasks claim_statistics bootstrap comparison thresholds reports "
        "estimands study",
    ),
    "store": (
        "store/*.py store/models",
        "server_connection server_location server_statements steadfast locks schema_page "
        "abstract record sqlite_files store_files ledger_queries audit_queries migrations store "
        "queries clocks older_schemas run_queries passwords store_values structure_store views "
        "measurement_tables validation compare",
    ),
    "upkeep": (
        "store/upkeep",
        "schema_checks streaming abstract db_commands checks merge",
    ),
}
"""Code and test files of each room, the quick ones first."""

SLOWEST = 3.0
"""A mutant is killed, too, by taking so many times as long as the tests do without it."""


def copied(folder: Path) -> Path:
    """Return a copy of the checkout with its git directory, which some tests ask."""
    ignored = shutil.ignore_patterns(".venv", "__pycache__", ".*_cache", ".hypothesis", "paper")
    return Path(shutil.copytree(ROOT, folder / "checkout", ignore=ignored))


def sampled(checkout: Path, sources: str, n: int, seed: int) -> list[Any]:
    """Return mutations of a room, n of all that there are."""
    files = [
        path
        for source in sources.split()
        for path in sorted((checkout / "cdbench" / source).rglob("*.py"))
        or sorted((checkout / "cdbench").glob(source))
    ]
    with tempfile.TemporaryDirectory() as folder:
        database = WorkDB(str(Path(folder, "work.sqlite")), WorkDB.Mode.create)
        init(files, database, {})
        found = sorted(
            (item.mutations for item in database.work_items),
            key=lambda m: (str(m[0].module_path), m[0].operator_name, m[0].occurrence),
        )
        database.close()
    random.Random(seed).shuffle(found)
    return list(islice(filter(changes_code, found), n))


def changes_code(mutations: Any) -> bool:
    """Return whether a mutated file is Python, and not the same but for annotations."""
    (mutation,) = mutations
    before = mutation.module_path.read_text(encoding="utf-8")
    operator = get_operator(mutation.operator_name)(**mutation.operator_args)
    try:
        after = without_annotations(mutate_code(before, operator, mutation.occurrence))
    except SyntaxError:
        return False
    return after != without_annotations(before)


def without_annotations(source: str) -> str:
    """Return the source's syntax tree as text, every annotation left out."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
        elif isinstance(node, ast.FunctionDef):
            node.returns = None
    return ast.dump(tree)


def tests(checkout: Path, names: list[str]) -> str:
    """Return the command that runs test files in this order until one test fails."""
    return (
        f"env PYTHONPATH={checkout} {sys.executable} -m pytest -x -q -n0 "
        f"-m 'not (long or chaos or cluster)' "
        f"-p no:cacheprovider --rootdir {checkout} -c {checkout}/pyproject.toml "
        + " ".join(f"{checkout}/tests/test_{name}.py" for name in names)
    )


def main() -> None:
    """Try the mutants and print what survives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--room", choices=ROOMS, action="append")
    parser.add_argument("--n", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        checkout = copied(Path(folder))
        os.chdir(checkout)  # python -m looks for modules here first, so not in the original
        for room in asked.room or ROOMS:
            sources, names = ROOMS[room]
            start = time.perf_counter()
            command = tests(checkout, names.split())
            subprocess.run(
                shlex.split(command), check=True, stdout=subprocess.DEVNULL, cwd=checkout
            )
            limit = SLOWEST * (time.perf_counter() - start) + 5
            mutants = sampled(checkout, sources, asked.n, asked.seed)
            killed = timeouts = 0
            for mutations in mutants:
                path = str(mutations[0].module_path.relative_to(checkout))
                # Files that are called like the changed one will probably kill it; they come first.
                in_order = sorted(names.split(), key=lambda name: name not in path)
                found = mutate_and_test(mutations, tests(checkout, in_order), limit)
                if found.test_outcome == TestOutcome.SURVIVED:
                    console.print(f"\n[bold]{room}[/] survived:", highlight=False)
                    diff = (found.diff or "").replace(str(checkout), "")
                    console.print(diff, markup=False, highlight=False, soft_wrap=True)
                elif found.test_outcome == TestOutcome.KILLED:
                    killed += 1
                    timeouts += found.output == "timeout"
                else:
                    raise SystemExit(found.output)
            share = 100 * killed / max(1, len(mutants))
            console.print(
                f"\n[bold]{room}: {killed} of {len(mutants)} killed, {share:.0f} %[/]; "
                f"{timeouts} of them by taking too long"
            )


if __name__ == "__main__":
    main()
