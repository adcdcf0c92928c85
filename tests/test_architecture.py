"""Who may import whom, what is imported late, and how long files and functions may be."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
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
    "matplotlib": {"api", "cli", "plots"},  # in plots alone for more than types
    "rich": {"cli", "reports"},
    "sklearn": {"datasets", "sklearn"},
    "torch": {"torch"},
    "safetensors": {"projection", "torch", "trained"},
    "onnx": {"trained"},
    "pandas": {"api"},
    "polars": {"api"},
    "pooch": {"datasets"},
    "datasette": {"api"},
    "uvicorn": {"api"},
    "pyarrow": {"api", "datasets"},
    "dask": {"running"},
    "distributed": {"running"},
}
"""Which rooms may import a library."""

ROOMS = {
    "errors": set[str](),
    "start_up": set[str](),
    "entry": {"cli", "start_up"},
    "__main__": {"entry"},
    "system": {"errors", "start_up"},
    "config": {"errors"},
    "records": {"config"},
    "engine": {"config", "errors", "records"},
    "datasets": {"config", "engine", "errors", "records", "system"},
    "diagnostics": {"config", "engine", "errors", "records"},
    "statistics": {"engine", "records"},
    "store": {"config", "errors", "records", "system"},
    "running": {
        "config",
        "datasets",
        "diagnostics",
        "engine",
        "errors",
        "records",
        "start_up",
        "system",
    },
    "trained": {"config", "datasets", "engine", "errors", "records", "running", "system"},
    "projection": {
        "config",
        "datasets",
        "engine",
        "errors",
        "records",
        "running",
        "system",
        "trained",
    },
    "sklearn": {"config", "datasets", "diagnostics", "engine", "errors", "records", "system"},
    "torch": {"config", "diagnostics", "engine", "errors", "projection", "records"},
    "claims": {
        "config",
        "datasets",
        "diagnostics",
        "engine",
        "errors",
        "records",
        "running",
        "statistics",
        "store.audit_queries",
    },
    "comparison": {
        "config",
        "datasets",
        "engine",
        "errors",
        "records",
        "statistics",
        "store.comparison_queries",
        "system",
    },
    "reports": {
        "comparison",
        "config",
        "errors",
        "projection",
        "records",
        "running",
        "statistics",
        "store",
        "system",
    },
    "plots": {"config", "errors", "records", "statistics", "system"},
    "api": {
        "claims",
        "comparison",
        "config",
        "datasets",
        "engine",
        "errors",
        "plots",
        "projection",
        "records",
        "reports",
        "running",
        "start_up",
        "statistics",
        "store",
        "system",
        "trained",
    },
    "cli": {
        "api",
        "claims",
        "comparison",
        "config",
        "datasets",
        "engine",
        "errors",
        "plots",
        "projection",
        "records",
        "reports",
        "running",
        "start_up",
        "statistics",
        "store",
        "system",
        "torch",
        "trained",
    },
}
"""Which rooms, or parts of them, a room may import besides itself."""

OFFERED = {"api", "config", "errors", "records", "trained"}
"""Rooms of which the package itself offers names, loaded late."""

NARROWER = {
    "engine.layers": {"config.structure", "engine.layers", "engine.products", "errors"},
    "engine.products": {"engine.products", "errors"},
    "statistics": {"engine.products.base", "records", "statistics"},
}
"""Parts of rooms, and rooms, that may import only this."""
"""What each room may import of the others; itself and ``cdbench``, for its version, always."""

HEAVY = ("numpy", "scipy", "sklearn", "sqlalchemy", "alembic", "matplotlib", "distributed")

MAX_FILE_LINES = 260
MAX_FUNCTION_LINES = 45


def module_name(path: Path) -> str:
    """Return a module's name below cdbench, such as ``store.queries``; "" for the package."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Return all that a file consists of."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def imports(path: Path) -> Iterator[str]:
    """Yield what a file imports, wherever in it: ``a.b.c`` for ``from a.b import c`` too."""
    for node in nodes(path):
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


def test_module_imports_only_rooms_that_it_may() -> None:
    for path in FILES:
        room = module_name(path).partition(".")[0]
        allowed = ROOMS[room] | {room} if room else OFFERED
        wrong = []
        for name in imports(path):
            inner = name.removeprefix("cdbench.")
            if inner in (name, "__version__"):  # another library, or cdbench itself
                continue
            if not any(within(inner, other) for other in allowed):
                wrong.append(name)
        assert wrong == [], path


def test_module_imports_only_libraries_of_its_room() -> None:
    for path in FILES:
        room = module_name(path).partition(".")[0]
        for name in imports(path):
            library = name.partition(".")[0]
            assert room in LIBRARIES.get(library, {room}), f"{path}: {library} is not for {room}"


def test_migrations_import_nothing_that_changes_after_their_release() -> None:
    assert MIGRATIONS
    for path in MIGRATIONS:
        for name in imports(path):
            known = ("alembic", "sqlalchemy", "cdbench.store", *sys.stdlib_module_names)
            assert any(within(name, own) for own in known)


@pytest.mark.parametrize("part", NARROWER)
def test_parts_of_rooms_import_still_less(part: str) -> None:
    files = [path for path in FILES if within(module_name(path), part)]
    assert files
    for path in files:
        for name in imports(path):
            inner = name.removeprefix("cdbench.")
            assert inner == name or any(within(inner, own) for own in NARROWER[part]), (path, name)


KNOW_CDLINEAR = (
    "engine.layers",
    "claims",
    "config.families",
    "records.published",
    "plots.style",
    "torch",
)
"""Its own rooms, the paper's claims and numbers, the list of families, the colours of figures."""


def test_only_the_papers_own_rooms_know_cdlinear_by_name() -> None:
    for path in FILES:
        if any(within(module_name(path), room) for room in KNOW_CDLINEAR):
            continue
        for node in nodes(path):
            known = {getattr(node, name, None) for name in ("id", "attr", "value", "name")}
            assert not {one for one in known if isinstance(one, str)} & {"cdlinear", "CDLinear"}, (
                path
            )


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


def test_file_and_its_functions_are_short() -> None:
    for path in FILES:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_FILE_LINES, path
        for node in nodes(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) is not None else node.body
                if body:
                    lines = (body[-1].end_lineno or 0) - body[0].lineno + 1
                    assert lines <= MAX_FUNCTION_LINES, f"{path}: {node.name} has {lines} lines"
