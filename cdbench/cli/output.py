"""What commands print: to a terminal as wide as it is, elsewhere plain; and files, whole or not."""

import os
import shutil
import sys
from pathlib import Path

import typer

from cdbench.errors import ConfigurationError
from cdbench.reports.formats import Report, render


def terminal_width() -> int | None:
    """Return the columns of the terminal on standard output, or None where it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def print_report(report: Report) -> None:
    """Print a report as a terminal table."""
    typer.echo(render(report, "table", terminal_width()), nl=False)


def write_file(path: Path, text: str) -> None:
    """Write a text file whole: to a neighbour first, which then takes its name.

    Raises
    ------
    ConfigurationError
        If it cannot be written.
    """
    if path.is_dir():
        raise ConfigurationError(f"--output {path}: cannot be written (it is a folder)")
    neighbour = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        neighbour.write_text(text, encoding="utf-8")
        neighbour.replace(path)
    except OSError as error:
        neighbour.unlink(missing_ok=True)
        raise ConfigurationError(f"--output {path}: cannot be written ({error.strerror})") from None


def one_line(text: str | None) -> str:
    """Return the last line of an error, which for a traceback is the error itself."""
    return (text or "").strip().splitlines()[-1] if text else ""
