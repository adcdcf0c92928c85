"""Running one command, and turning its errors into one line and an exit code."""

import logging
import os

import typer

from cdbench.cli.echo import complain
from cdbench.cli.exit_codes import COMPLETED, DATABASE, INTERRUPTED, RUN_FAILED, USAGE
from cdbench.cli.mistakes import in_our_words
from cdbench.config.checks import check_text
from cdbench.errors import (
    CdbenchError,
    MissingResultsError,
    OutputError,
    QueryError,
    StoreError,
    WorkerError,
)
from cdbench.system.blas import start_no_threads

OF_DAMAGE = (TypeError, ValueError, AttributeError, LookupError, ArithmeticError, AssertionError)
"""What reading a row may lead to that holds what cdbench never wrote."""


def answer(arguments: list[str]) -> int:
    """Run the command with these arguments and return its exit code."""
    start_no_threads()
    _show_notices()
    try:
        _check_words(arguments)
        return _run(arguments)
    except typer.TyperException as error:
        return _complain(error.format_message(), error.exit_code)
    except MissingResultsError as error:
        from cdbench.cli.recipe import recipe_words
        from cdbench.cli.typed import database_words

        to_type = str(error).rpartition("; ")[2]  # a command, or what is wrong
        words = recipe_words(str(error)) + database_words(arguments) * ("cdbench " in to_type)
        if "no results yet" in str(error):
            from cdbench.cli.released import where_released

            words += f"; {where_released()}"
        return _complain(f"{error}{words}", DATABASE)
    except StoreError as error:
        return _complain(str(error), USAGE if isinstance(error, QueryError) else DATABASE)
    except (OutputError, WorkerError) as error:
        return _complain(str(error), RUN_FAILED)
    except CdbenchError as error:
        return _complain(str(error), USAGE)
    except MemoryError as error:
        return _complain(f"not enough memory{f': {error}' * bool(str(error))}", RUN_FAILED)
    except KeyboardInterrupt:
        return _complain("interrupted", INTERRUPTED)


def _run(arguments: list[str]) -> int:
    """Run the command; of an error that is none of ours, see whether damaged rows explain it.

    SQLite keeps whatever is written into it by hand: text where numbers are, or no time.
    """
    from cdbench.cli.app import app

    try:
        return app(arguments, prog_name="cdbench", standalone_mode=False) or COMPLETED
    except OF_DAMAGE as error:
        from cdbench.store.database import Database

        if Database.last is None:
            raise
        from cdbench.store.upkeep.checks import check_database
        from cdbench.store.upkeep.findings import RETRAIN

        database = Database(Database.last, read_only=True)
        for finding in check_database(database).findings:
            if finding.remedy == RETRAIN:
                raise StoreError(f"{database.name}: {finding}") from error
        raise


def _check_words(arguments: list[str]) -> None:
    """Refuse words and variables that are not valid text: they can be neither stored nor shown."""
    for word in arguments:
        check_text("argument", word)
    for name, value in os.environ.items():
        if name.startswith("CDBENCH_"):
            check_text(name, value)


class _Notices(logging.Handler):
    """Shows log messages of the lower layers while a command runs, one line each."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print the message."""
        complain(record.getMessage())


def _show_notices() -> None:
    log = logging.getLogger("cdbench")
    if not log.handlers:
        log.addHandler(_Notices())
        log.propagate = False


def _complain(message: str, code: int) -> int:
    if message:  # empty if the help was printed because no command was given
        complain(in_our_words(message))
    return code
