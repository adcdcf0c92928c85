"""The released results: where they are, and a warning before a command adds to them."""

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import cdbench
from cdbench.cli.echo import complain, echo

if TYPE_CHECKING:
    from cdbench.store.database import Database

_CHECKOUT = Path(cdbench.__file__).resolve().parents[1]
RELEASED = _CHECKOUT / "runs.db"
"""The released results in a checkout of the source; an installed cdbench does not have them."""


def where_released() -> str:
    """Return text for the end of a sentence that says where the released results are."""
    if RELEASED.exists():
        return f"the released results are in {RELEASED}"
    return "the released results are in the file runs.db of cdbench's source repository"


def open_to_add(location: str) -> "Database":
    """Open a database to add results; warn if it holds only the released results so far.

    Raises
    ------
    StoreError
        As ``open_for_writing``.
    """
    from cdbench.store.database import open_for_writing
    from cdbench.store.location import find_location

    path = find_location(location).path
    if path is not None and _is_as_committed(path):
        complain(
            f"{path.name} holds the released results, and what you do now is added to them; to "
            "have them back alone: git restore runs.db; to keep yours apart: --db mine.db"
        )
    return open_for_writing(location)


def say_if_new(database: "Database") -> None:
    """Say where the database is if this command has made it."""
    if database.is_new and database.path is not None:
        echo(f"{database.path.name} is new, in {database.path.absolute().parent}")


def _is_as_committed(path: Path) -> bool:
    """Return whether it is the checkout's own file, unchanged since it was committed."""
    try:
        if not path.exists() or not path.samefile(RELEASED):
            return False
        git = ["git", "-C", str(_CHECKOUT)]
        for question in (("ls-files", "--error-unmatch"), ("diff", "--quiet", "HEAD", "--")):
            command = [*git, *question, RELEASED.name]
            subprocess.run(command, check=True, capture_output=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return False
    return True
