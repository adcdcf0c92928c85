"""The command line, one file per command. Only here are errors turned into exit codes."""

import gc
import sys

from cdbench.cli.exit_codes import (
    COMPLETED,
    DATABASE,
    EXIT_CODES,
    INTERRUPTED,
    RUN_FAILED,
    USAGE,
)
from cdbench.cli.front_page import asks_for_front_page, front_page
from cdbench.cli.streams import all_was_written, guard_streams

__all__ = [
    "COMPLETED",
    "DATABASE",
    "EXIT_CODES",
    "INTERRUPTED",
    "RUN_FAILED",
    "USAGE",
    "main",
    "run",
]


def main() -> None:
    """Run the command line and exit; errors that are not bugs give one line on standard error."""
    # Imports create many objects but no garbage, and collecting takes 5 % of a sweep of nine
    # runs. Except for reference cycles, objects are freed without it.
    gc.set_threshold(50_000)
    guard_streams()
    code = run(sys.argv[1:])
    if not all_was_written():
        code = code or RUN_FAILED
    if code == INTERRUPTED:
        from cdbench.system.interrupts import interrupted_by

        code = 128 + interrupted_by()
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run the command line with these arguments and return its exit code."""
    if asks_for_front_page(arguments):
        print(front_page(), end="")  # noqa: T201 - typer's own printing takes longer to load
        return COMPLETED if arguments else USAGE
    from cdbench.cli.answering import answer

    return answer(arguments)
