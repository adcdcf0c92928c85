"""Where the values come from that the shell completes: registries, cdbench.toml, the database."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import typer

from cdbench.cli.options import DEFAULT_DATABASE
from cdbench.store.completions import Offers

Offered = Iterable[tuple[str, str]]

_CLAIM = re.compile(r'^    name = "([\w-]+)"$', re.MULTILINE)


def runs(ctx: typer.Context, typed: str) -> Offered:
    """Yield what names a run: latest, best, tags, and the newest run_ids and uuids."""
    yield "latest", "the newest run"
    yield "best", "the best on the data set of the newest"
    yield from _database(ctx).tags()
    yield from _database(ctx).runs(typed)


def models(ctx: typer.Context, typed: str) -> Offered:
    """Yield what names a kept network; files are completed where nothing here fits."""
    found = _database(ctx).runs(typed, "kept")
    if found:
        yield "latest", "the newest whose network was kept"
    yield from _database(ctx).tags()
    yield from found


def removed(ctx: typer.Context, typed: str) -> Offered:
    """Return the runs in the trash."""
    return _database(ctx).runs(typed, "removed")


def tags(ctx: typer.Context, typed: str) -> Offered:
    """Return the tags."""
    del typed
    return _database(ctx).tags()


def layers(ctx: typer.Context, typed: str) -> Offered:
    """Yield the families of layers."""
    del ctx, typed
    from cdbench.config.families import FAMILIES

    yield from ((name, "") for name in FAMILIES)


def datasets(ctx: typer.Context, typed: str) -> Offered:
    """Yield the data sets known by name, and those that something was trained on."""
    del typed
    from cdbench.config.checks import DATASET_NAMES, FOLDER_NAMES

    yield from ((name, "comes with cdbench") for name in DATASET_NAMES)
    yield from ((name, "to be downloaded once") for name in FOLDER_NAMES)
    yield from _database(ctx).datasets()


def claims(ctx: typer.Context, typed: str) -> Offered:
    """Yield the names of the claims, read from their files: loading them takes too long."""
    del ctx, typed
    folder = Path(__file__).parents[1] / "claims"
    for path in sorted(folder.glob("*.py")):
        yield from ((name, "") for name in _CLAIM.findall(path.read_text(encoding="utf-8")))


def figures(ctx: typer.Context, typed: str) -> Offered:
    """Yield the figures, or behind one what it can be of: runs, claims, comparisons, studies."""
    words = ctx.params.get("figures") or ()
    found = _figures()
    of = found[words[0]][1] if words and words[0] in found else ""
    if of in _FIGURES_OF:
        yield from _FIGURES_OF[of](ctx, typed)
    else:
        yield from ((name, shows) for name, (shows, _) in found.items())


def _figures() -> dict[str, tuple[str, str]]:
    """Return what each figure shows, and of what it is, from the text of the catalogue.

    Loading it would load all figures, and NumPy.
    """
    import ast

    path = Path(__file__).parents[1] / "plots" / "catalogue.py"
    found: dict[str, tuple[str, str]] = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Dict):
            for key, call in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(call, ast.Call):
                    told = ast.literal_eval(call.args[0]), ast.unparse(call.args[-1])
                    found[str(key.value)] = told
    return found


def recipes(ctx: typer.Context, typed: str) -> Offered:
    """Yield the recipes with their questions."""
    del ctx, typed
    from cdbench.store.recipes import RECIPES

    yield from ((recipe.name, recipe.question) for recipe in RECIPES.values())


def relations(ctx: typer.Context, typed: str) -> Offered:
    """Return the views and tables of the database."""
    del typed
    return _database(ctx).relations()


def columns(ctx: typer.Context, typed: str) -> Offered:
    """Return the columns of the view runs."""
    del typed
    return _database(ctx).run_columns()


def comparisons(ctx: typer.Context, typed: str) -> Offered:
    """Return the names of comparisons."""
    del typed
    return _database(ctx).comparisons()


def studies(ctx: typer.Context, typed: str) -> Offered:
    """Yield the studies that cdbench.toml defines, and those that were made."""
    del typed
    yield from ((name, "in cdbench.toml") for name in _settings()[1].get("studies", {}))
    yield from _database(ctx).studies()


def sweeps(ctx: typer.Context, typed: str) -> Offered:
    """Yield the sweeps that cdbench.toml defines."""
    del ctx, typed
    yield from ((name, "in cdbench.toml") for name in _settings()[1].get("sweeps", {}))


_FIGURES_OF = {
    "RUNS": runs,
    "CLAIM": claims,
    "COMPARISON": comparisons,
    "COMPARISONS": comparisons,
    "STUDY": studies,
}
"""What is completed behind a figure, by what the catalogue says that it is of."""


def _database(ctx: typer.Context) -> Offers:
    """Return the database that the command would read, if it is a file."""
    named = ctx.params.get("db")
    source = ctx.get_parameter_source("db")
    if source is None or source.name == "DEFAULT":
        folder, tables = _settings()
        named = tables.get("database", DEFAULT_DATABASE)
        path = folder / _file(named)
    else:
        path = Path(_file(named))
    return Offers(path.expanduser())


def _file(database: Any) -> str:
    """Return the path of a database that is a file; of a server's a path where nothing is."""
    scheme, separator, rest = str(database).partition("://")
    if not separator:
        return scheme
    return rest[1:] if scheme.startswith("sqlite") else os.devnull


def _settings() -> tuple[Path, dict[str, Any]]:
    """Return the folder and the tables of the nearest cdbench.toml; no plug-in of it is loaded."""
    from cdbench.cli.settings import FILE_NAME
    from cdbench.cli.toml_text import MAX_BYTES, document
    from cdbench.cli.trust import read_trusted

    for folder in _upward(Path.cwd()):
        content = read_trusted(folder / FILE_NAME, MAX_BYTES + 1)
        if content is not None:
            return folder, document(content)
    return Path(), {}


def _upward(folder: Path) -> Iterator[Path]:
    yield from (folder, *folder.parents)
