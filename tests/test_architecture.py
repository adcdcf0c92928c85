"""Who may import whom, what is imported late, and how long files and functions may be."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import cdbench

PACKAGE = Path(cdbench.__file__).parent
FILES = sorted(path for path in PACKAGE.rglob("*.py") if "_migrations" not in path.parts)
MIGRATIONS = sorted((PACKAGE.parent / "migrations").rglob("*.py"))

LIBRARIES = {
    "typer": {"cli"},
    "click": set[str](),
    "sqlalchemy": {"store"},
    "alembic": {"store"},
    "sqlite3": {"store"},
    "matplotlib": {"plots"},
    "rich": {"cli", "reports"},
    "sklearn": {"datasets"},
    "dask": {"cluster"},
    "distributed": {"cluster", "cluster_connection"},
}
"""Which rooms may import a library."""

ROOMS = {
    "errors": set[str](),
    "blas": {"errors"},
    "start_up": set[str](),
    "entry": {"cli", "start_up"},
    "__main__": {"entry"},
    "interrupts": {"start_up"},
    "work_folders": set[str](),
    "home_folders": {"errors"},
    "published": set[str](),
    "output_files": {"errors", "work_folders"},
    "canonical": set[str](),
    "structure": {"errors"},
    "plugin_source": {"errors"},
    "plugin_laws": {"errors", "layers", "plugin_source", "products.base"},
    "plugins": {"errors", "plugin_source"},
    "plugin_records": {"errors", "plugins"},
    "families": {"errors", "plugins", "structure"},
    "split": {"products.base"},
    "config_checks": {"errors", "families", "plugins"},
    "config": {"canonical", "config_checks", "errors", "families", "plugin_records"},
    "diagnostics": {"errors"},
    "judgement": {"run"},
    "knob_values": {"config", "errors"},
    "settings": {
        "config",
        "config_checks",
        "errors",
        "home_folders",
        "knob_values",
        "plugins",
        "store.urls",
        "trust",
    },
    "quantiles": set[str](),
    "noise_floors": set[str](),
    "run": {"config", "diagnostics", "noise_floors", "quantiles"},
    "reproduction": {"quantiles", "run"},
    "environment": {"run"},
    "memory": set[str](),
    "printable": set[str](),
    "trust": {"errors"},
    "averages": set[str](),
    "numerals": set[str](),
    "pace": {"config", "diagnostics"},
    "benchmark": {"run"},
    "crossover": {"benchmark", "config_checks", "environment", "errors", "memory", "products"},
    "products": {"errors"},
    "losses": {"config", "errors", "products.base"},
    "optimizers": {"config", "errors", "products"},
    "regularizers": {"config", "errors", "products.base"},
    "layers": {"errors", "products", "structure"},
    "datasets": {
        "config",
        "errors",
        "home_folders",
        "memory",
        "plugins",
        "products.base",
        "split",
    },
    "bound_network": {"layers", "products.base"},
    "network": {
        "bound_network",
        "config",
        "errors",
        "families",
        "layers",
        "products",
        "structure",
    },
    "footprint": {"config", "errors", "families", "memory", "network"},
    "tying": {"layers", "network", "products"},
    "spectra": {
        "config",
        "errors",
        "layers",
        "network",
        "noise_floors",
        "products.base",
        "quantiles",
        "run",
    },
    "curvature": {
        "config",
        "errors",
        "layers",
        "losses",
        "network",
        "products.base",
        "run",
    },
    "monitor": {
        "config",
        "curvature",
        "split",
        "diagnostics",
        "layers",
        "network",
        "products.base",
        "run",
        "spectra",
    },
    "trainer": {
        "config",
        "split",
        "errors",
        "layers",
        "losses",
        "network",
        "optimizers",
        "products.base",
        "products.workspace",
        "regularizers",
        "tying",
    },
    "training": {
        "config",
        "split",
        "errors",
        "layers",
        "losses",
        "network",
        "products.base",
        "run",
        "trainer",
    },
    "execution": {
        "blas",
        "config",
        "datasets",
        "diagnostics",
        "environment",
        "errors",
        "footprint",
        "monitor",
        "network",
        "plugin_records",
        "run",
        "training",
    },
    "grid": {"config", "errors", "families"},
    "worker": {
        "config",
        "diagnostics",
        "errors",
        "execution",
        "plugin_records",
        "run",
        "start_up",
    },
    "servers": {"errors", "interrupts", "start_up", "work_folders"},
    "pool": {"errors", "interrupts", "plugin_records", "run", "servers", "worker"},
    "sweep": {
        "blas",
        "config",
        "diagnostics",
        "environment",
        "execution",
        "interrupts",
        "pool",
        "run",
        "servers",
        "worker",
    },
    "cluster_connection": {"errors", "interrupts"},
    "cluster_workers": {"cluster_connection", "environment", "errors", "plugin_records", "run"},
    "cluster": {
        "cluster_connection",
        "cluster_workers",
        "config",
        "diagnostics",
        "environment",
        "errors",
        "execution",
        "interrupts",
        "plugin_records",
        "run",
    },
    "store": {
        "benchmark",
        "config",
        "diagnostics",
        "errors",
        "families",
        "home_folders",
        "interrupts",
        "judgement",
        "noise_floors",
        "output_files",
        "run",
        "work_folders",
    },
    "claims": {
        "config",
        "datasets",
        "diagnostics",
        "errors",
        "judgement",
        "layers",
        "losses",
        "network",
        "noise_floors",
        "numerals",
        "plugins",
        "products",
        "published",
        "run",
        "spectra",
        "store.audit_queries",
        "training",
        "split",
    },
    "audit": {"claims", "config", "environment", "errors", "judgement", "plugins"},
    "comparison": {"averages", "claims.statistics", "config", "judgement", "store.audit_queries"},
    "reports": {
        "averages",
        "benchmark",
        "config",
        "errors",
        "families",
        "judgement",
        "numerals",
        "printable",
        "published",
        "reproduction",
        "run",
        "store.ledger_queries",
        "store.upkeep.inventory",
        "store.queries",
        "structure",
    },
    "plots": {
        "averages",
        "benchmark",
        "config",
        "errors",
        "output_files",
        "printable",
        "run",
        "store.queries",
        "work_folders",
    },
    "cli": {
        "audit",
        "benchmark",
        "claims",
        "blas",
        "cluster",
        "cluster_workers",
        "comparison",
        "crossover",
        "diagnostics",
        "judgement",
        "config",
        "config_checks",
        "datasets",
        "errors",
        "interrupts",
        "execution",
        "families",
        "grid",
        "home_folders",
        "knob_values",
        "memory",
        "network",
        "numerals",
        "output_files",
        "pace",
        "plots",
        "plugin_records",
        "plugins",
        "printable",
        "published",
        "reports",
        "reproduction",
        "run",
        "servers",
        "settings",
        "spectra",
        "store",
        "sweep",
    },
}
"""What each room may import of the others; itself and ``cdbench``, for its version, always."""

HEAVY = ("numpy", "scipy", "sklearn", "sqlalchemy", "alembic", "matplotlib", "distributed")

MAX_FILE_LINES = 260
MAX_FUNCTION_LINES = 45


def module_name(path: Path) -> str:
    """Return a module's name below cdbench, such as ``store.queries``; "" for the package."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imports(path: Path) -> Iterator[str]:
    """Yield what a file imports, wherever in it: ``a.b.c`` for ``from a.b import c`` too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name: str, allowed: str) -> bool:
    return name == allowed or name.startswith(f"{allowed}.")


def test_every_room_has_its_place_in_the_plan() -> None:
    found = {module_name(path).partition(".")[0] for path in FILES} - {""}
    assert found == set(ROOMS)


def test_the_plan_has_each_room_once() -> None:
    text = (PACKAGE.parent / "ARCHITECTURE.md").read_text(encoding="utf-8")
    plan = text.partition("    cdbench/\n")[2].partition("    tests/")[0]
    counts = {room: len(re.findall(rf"(?<![\w/]){room}(?:\.py|/)(?=\s)", plan)) for room in ROOMS}
    assert {room: n for room, n in counts.items() if n != 1} == {}


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_module_imports_only_rooms_that_it_may(path: Path) -> None:
    room = module_name(path).partition(".")[0]
    allowed = ROOMS.get(room, set()) | {room}
    wrong = []
    for name in imports(path):
        inner = name.removeprefix("cdbench.")
        if inner in (name, "__version__"):  # another library, or cdbench itself
            continue
        if not any(within(inner, other) for other in allowed):
            wrong.append(name)
    assert wrong == []


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_module_imports_only_libraries_of_its_room(path: Path) -> None:
    room = module_name(path).partition(".")[0]
    for name in imports(path):
        library = name.partition(".")[0]
        assert room in LIBRARIES.get(library, {room}), f"{library} is not for {room}"


def test_migrations_import_nothing_that_changes_after_their_release() -> None:
    assert MIGRATIONS
    for path in MIGRATIONS:
        for name in imports(path):
            known = ("alembic", "sqlalchemy", "cdbench.store", *sys.stdlib_module_names)
            assert any(within(name, own) for own in known)


def test_rooms_do_not_import_each_other_in_circles() -> None:
    left = {room: {other.partition(".")[0] for other in may} for room, may in ROOMS.items()}
    while left:
        free = {room for room, may in left.items() if not may & left.keys()}
        assert free, f"circle among {sorted(left)}"
        left = {room: may for room, may in left.items() if room not in free}


@pytest.mark.parametrize("arguments", [[], ["--help"], ["sweep", "--help"], ["--version"]])
def test_command_line_answers_without_loading_heavy_libraries(arguments: list[str]) -> None:
    call = f"cdbench.cli.run({arguments})" if arguments else "0"
    code = (
        "import sys, cdbench.cli, cdbench.cli.app\n"
        f"code = {call}\n"
        f"print(code, sorted(set({HEAVY}) & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == "0 []\n"


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_file_and_its_functions_are_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_FILE_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            if body:
                lines = (body[-1].end_lineno or 0) - body[0].lineno + 1
                assert lines <= MAX_FUNCTION_LINES, f"{node.name} has {lines} lines"
