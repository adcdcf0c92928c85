"""The command line; one command a file. Only here do errors become exit codes.

0 fine · 1 a run failed · 2 usage · 3 database · 130 interrupted.
"""

import gc
import logging
import shlex
import sys

import typer

from cdbench.errors import CdbenchError, MissingResultsError, StoreError
from cdbench.passwords import without_passwords

COMPLETED, RUN_FAILED, USAGE, DATABASE, INTERRUPTED = 0, 1, 2, 3, 130


def main() -> None:
    """Run the command line and exit; an error that is no bug is one line on standard error."""
    # Imports make many objects and no garbage; looking for it takes 5 % of a sweep of nine
    # runs. What is let go is freed all the same, but for circles.
    gc.set_threshold(50_000)
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run the command line with these arguments and return its exit code."""
    from cdbench.cli.app import app

    _show_notices()
    try:
        return app(arguments, prog_name="cdbench", standalone_mode=False) or COMPLETED
    except typer.TyperException as error:
        return _complain(error.format_message(), error.exit_code)
    except MissingResultsError as error:
        return _complain(f"{error}{_database_words(arguments)}", DATABASE)
    except StoreError as error:
        return _complain(str(error), DATABASE)
    except CdbenchError as error:
        return _complain(str(error), USAGE)
    except KeyboardInterrupt:
        return _complain("interrupted", INTERRUPTED)


class _Notices(logging.Handler):
    """Shows what the rooms below have to say while a command runs, a line each."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print the line."""
        typer.echo(f"cdbench: {without_passwords(record.getMessage())}", err=True)


def _show_notices() -> None:
    log = logging.getLogger("cdbench")
    if not log.handlers:
        log.addHandler(_Notices())
        log.propagate = False


def _database_words(arguments: list[str]) -> str:
    """Return `` --db NAME`` as it was typed, for a message that ends with a command to type."""
    for position, word in enumerate(arguments):
        if word == "--db" or word.startswith("--db="):
            return " " + shlex.join(arguments[position : position + (2 if word == "--db" else 1)])
    return ""


def _complain(message: str, code: int) -> int:
    if message:  # none, where the help was printed because nothing was asked for
        # Typer puts its parser's name for the error into the sentence where a choice is unknown.
        line = without_passwords(" ".join(message.split()).replace(": Value error, ", ": "))
        typer.echo(f"cdbench: {line}", err=True)
    return code
