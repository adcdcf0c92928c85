"""Paths that begin with ~, which a shell replaces only where a word begins with it."""

import os.path
from pathlib import Path

from cdbench.errors import CdbenchError


def expanded(path: str | Path, error: type[CdbenchError]) -> str:
    """Return a path as it was typed, but for its ~, which is replaced by a home folder.

    Behind ``--output=`` and in ``cdbench.toml`` no shell does it, and a folder called ``~`` would
    be made, which nobody dares to remove.

    Parameters
    ----------
    path : str or Path
        As it was typed.
    error : type
        What to raise.

    Raises
    ------
    CdbenchError
        Of that type, if there is no such home folder.
    """
    found = os.path.expanduser(path)  # noqa: PTH111 - a path would lose the slash at its end
    if str(found).startswith("~"):
        raise error(f"{path}: there is no such home folder; for a file of that name: ./{path}")
    return str(found)
