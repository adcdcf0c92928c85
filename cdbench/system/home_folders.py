"""Paths that begin with ~, which a shell expands only at the beginning of a word."""

import os.path
from pathlib import Path

from cdbench.errors import CdbenchError


def expanded(path: str | Path, error: type[CdbenchError]) -> str:
    """Return a path as typed, except that its ~ is replaced by a home folder.

    After ``--output=`` and in ``cdbench.toml`` no shell does so. This would create a folder called
    ``~``, which nobody dares to remove.

    Parameters
    ----------
    path : str or Path
        The path as typed.
    error : type
        Type of the error to raise.

    Raises
    ------
    CdbenchError
        Of that type, if there is no such home folder.
    """
    found = os.path.expanduser(path)  # noqa: PTH111 - a Path would lose a trailing slash
    if str(found).startswith("~"):
        raise error(f"{path}: there is no such home folder; for a file of that name: ./{path}")
    return str(found)
