"""``cdbench doctor``: look whether everything is as it should be, and say what to do if not."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cdbench.cli import COMPLETED, RUN_FAILED
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption
from cdbench.cli.output import output_width, print_report, print_text
from cdbench.cli.report import FormatOption

if TYPE_CHECKING:
    from cdbench.records.health import Finding

SOURCES = {
    "COMMANDLINE": "named by --db",
    "ENVIRONMENT": "named by CDBENCH_DATABASE",
    "DEFAULT_MAP": "named by cdbench.toml",
    "DEFAULT": "the default, in the working folder",
}
"""Where the database's name comes from, by what Typer calls it."""


def doctor(
    ctx: typer.Context,
    db: DatabaseOption = DEFAULT_DATABASE,
    format: FormatOption = "table",  # noqa: A002 - the option's name
) -> int:
    """Look whether everything is as it should be, and say what to do if not.

    Versions, the machine and its BLAS, the database, extras, settings and the terminal; then
    the engine computes what is known, in about two seconds. Nothing is changed. The exit code
    is 1 if something is in the way of work.

    For example:

        cdbench doctor

        cdbench doctor --db other.db --format json
    """
    from cdbench.cli.stages import stages
    from cdbench.records.health import is_well
    from cdbench.reports.health import health_page, health_report

    with stages() as on_stage:
        on_stage("machine, the database and the engine")
        found = list(_findings(ctx, db))
    if format == "table":
        styled = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        print_text(health_page(found, output_width(), styled=styled))
    else:
        print_report(health_report(found), format)
    return COMPLETED if is_well(found) else RUN_FAILED


def _findings(ctx: typer.Context, db: str) -> "Iterator[Finding]":
    from cdbench.api import health
    from cdbench.running.self_check import self_check

    source = ctx.get_parameter_source("db")
    yield from health.versions()
    yield from health.machine(_folder(db))
    yield from health.database(db, SOURCES[source.name if source is not None else "DEFAULT"])
    yield from _settings()
    yield from health.extras()
    yield from _terminal()
    yield from self_check()


def _folder(db: str) -> Path:
    """Return the folder of a database's file, or the working folder."""
    from cdbench.errors import CdbenchError
    from cdbench.store.location import find_location

    try:
        path = find_location(db).path
    except CdbenchError:
        path = None
    folder = path.absolute().parent if path is not None else Path.cwd()
    return folder if folder.is_dir() else Path.cwd()


def _settings() -> "Iterator[Finding]":
    """Yield which cdbench.toml is obeyed, or why none can be."""
    from cdbench.cli.arguments import working_folder
    from cdbench.cli.settings import FILE_NAME, load_settings
    from cdbench.errors import CdbenchError
    from cdbench.records.health import FAULT, Finding

    of = "Settings"
    try:
        settings = load_settings(working_folder())
    except CdbenchError as error:
        yield Finding(of, FILE_NAME, str(error), FAULT)
    else:
        if settings.path is None:
            yield Finding(of, FILE_NAME, "none here or above; to begin one: cdbench init")
            return
        parts = {
            "a database": settings.database is not None,
            f"{len(settings.defaults)} defaults": settings.defaults,
            f"sweeps {', '.join(settings.sweeps)}": settings.sweeps,
            f"studies {', '.join(settings.studies)}": settings.studies,
            f"{len(settings.plugins)} plug-ins": settings.plugins,
        }
        has = "; ".join(words for words, are_there in parts.items() if are_there)
        said = f"{settings.path}, which only you can have written: {has or 'empty'}"
        yield Finding(of, FILE_NAME, said)
    named = [name for name in sorted(os.environ) if name.startswith("CDBENCH_")]
    yield Finding(of, "variables", ", ".join(named) or "no CDBENCH_ variable is set")


def _terminal() -> "Iterator[Finding]":
    """Yield how wide the terminal is, its colours, and what it can write."""
    from rich.console import Console

    from cdbench.records.health import NOTE, Finding

    of, size = "Terminal", shutil.get_terminal_size()
    colours = Console().color_system
    where = "a terminal" if sys.stdout.isatty() else "not a terminal, but a file or a pipe"
    shown = f"{colours} colours" if colours else "no colours"
    yield Finding(of, "output", f"{where}; {size.columns} columns; {shown}")
    encoding = (sys.stdout.encoding or "ascii").lower()
    if encoding.replace("-", "") == "utf8":
        yield Finding(of, "encoding", encoding)
    else:
        advice = "for lines and Greek letters in tables: export PYTHONUTF8=1"
        yield Finding(of, "encoding", encoding, NOTE, advice)
