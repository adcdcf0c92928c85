"""What a browser of the database is told: what views, tables and columns are, and the recipes."""

import sqlite3
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cdbench.store.locks import uri
from cdbench.store.migrate import VERSION_TABLE
from cdbench.store.models import Base
from cdbench.store.recipes import RECIPES
from cdbench.store.schema_page import purpose, table_meaning, view_columns
from cdbench.store.sqlite_files import MAX_VALUE_BYTES, UNTRUSTED
from cdbench.store.view_columns import column_meaning
from cdbench.store.views import VIEWS

FACETS = {
    "runs": ("status", "dataset", "model"),
    "against_dense": ("dataset", "model"),
    "kept_models": ("dataset", "model"),
    "claims": ("verdict",),
    "comparisons": ("name", "budget"),
    "differences": ("name", "against"),
    "benchmarks": ("is_fastest",),
}
"""Columns of views by whose values a browser lets people choose at once."""

FIRST = {"runs": "run_id", "models": "test_accuracy_mean", "kept_models": "run_id"}
"""Columns by which views are sorted at first, the largest above."""


def browsing_connection(path: Path) -> sqlite3.Connection:
    """Open a file for a browser, whose threads share its connections, as untrusted and to be read.

    It is opened anew by each thread, with SQLite's own waiting for locks.
    """
    connection = sqlite3.connect(uri(path, "ro"), uri=True, check_same_thread=False)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    for pragma in UNTRUSTED:
        connection.execute(pragma)
    return connection


def descriptions(name: str, label: str) -> dict[str, Any]:
    """Return Datasette's metadata: titles, descriptions, facets, and the recipes to run.

    Parameters
    ----------
    name : str
        The database's name there.
    label : str
        Its name for people.
    """
    relations = {view: _view(view, columns) for view, columns in view_columns().items()}
    for table in Base.metadata.sorted_tables:
        columns = {column.name: table_meaning(column) for column in table.columns}
        told = {"description": purpose(table), "columns": columns}
        relations[table.name] = told | {"hidden": True}  # beneath the views, which come first
    relations[VERSION_TABLE] = {"hidden": True}
    queries = {
        recipe.name: {"title": recipe.question, "description": _bare(recipe.why), "sql": recipe.sql}
        for recipe in RECIPES.values()
    }
    return {
        "title": f"cdbench: {label}",
        "description": "Results of cdbench, to look at; nothing can be changed here.",
        "databases": {
            name: {
                "description_html": _overview(name),
                "tables": relations,
                "queries": queries,
            }
        },
    }


def _overview(name: str) -> str:
    """Return HTML that says what each view is, for the database's page."""
    items = "".join(
        f'<li><a href="/{quote(name)}/{view}">{view}</a>: {escape(_bare(told.purpose))}</li>'
        for view, told in VIEWS.items()
    )
    return (
        "<p>The queries below answer what is asked most. Views are made to be read; the hidden "
        f"tables are what they are made of.</p><details><summary>What the views have</summary>"
        f"<ul>{items}</ul></details>"
    )


def _bare(text: str) -> str:
    """Return text without the marks of Markdown, which is not read there."""
    return text.replace("`", "")


def _view(view: str, columns: list[str]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "description": _bare(VIEWS[view].purpose),
        "columns": {column: _bare(column_meaning(view, column)) for column in columns},
        "sortable_columns": columns,
    }
    if view in FACETS:
        told["facets"] = list(FACETS[view])
    if view in FIRST:
        told["sort_desc"] = FIRST[view]
    return told
