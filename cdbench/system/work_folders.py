"""Our own folders for unfinished files: one for each process, always removed completely.

While a folder is in use, its process holds a system lock on it, which ends with the process. So the
process that makes the next folder beside it can tell which ones killed processes left behind.
"""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where the folders of killed processes stay
    fcntl = None  # type: ignore[assignment]

PREFIX, SUFFIX = ".cdbench-", ".tmp"

ATTEMPTS = 100
"""Attempts to make a folder. One fails if another process cleans up between two calls."""


@contextmanager
def work_folder(parent: Path, prefix: str = PREFIX) -> Iterator[Path]:
    """Give a new folder that nobody else uses or can read, and remove it at the end.

    Such folders left by killed processes in the same place are removed first.

    Parameters
    ----------
    parent : Path
        Where to make it: next to a file to be replaced, or in ``tempfile.gettempdir()``.
    prefix : str
        Start of its name; if that is a dot, the folder is hidden.

    Raises
    ------
    OSError
        If the folder cannot be made.
    """
    remove_leftovers(parent, prefix)
    folder, number = _make(parent, prefix)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(number)


def remove_leftovers(parent: Path, prefix: str = PREFIX) -> None:
    """Remove this user's work folders that no process holds any more, as far as possible."""
    if fcntl is None:
        return
    name = re.compile(re.escape(prefix) + r"[a-z0-9_]{8}" + re.escape(SUFFIX))
    try:
        with os.scandir(parent) as entries:
            found = [entry.path for entry in entries if name.fullmatch(entry.name)]
    except OSError:  # no permission or no folder: making one there gives a better error
        return
    for path in found:
        with suppress(OSError):
            _remove_if_left(Path(path))


def _remove_if_left(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        status = os.fstat(number)
        ours = status.st_uid == os.geteuid() and status.st_mode & 0o777 == 0o700
        if ours and _lock(number) and _is_at(folder, number):
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(number)


def _make(parent: Path, prefix: str) -> tuple[Path, int]:
    """Return a new folder and the descriptor whose lock holds it."""
    for _ in range(ATTEMPTS):
        folder = Path(tempfile.mkdtemp(SUFFIX, prefix, parent))
        if fcntl is None:
            return folder, os.open(os.devnull, os.O_RDONLY)
        # Between these two lines it looks as if left by a killed process.
        with suppress(FileNotFoundError):
            number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            if _lock(number) is not False and _is_at(folder, number):
                return folder, number
            os.close(number)
    raise OSError(errno.EAGAIN, "other processes remove what is made there", str(parent))


def _lock(number: int) -> bool | None:
    """Return whether the lock is ours now; None if the file system has no such locks."""
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _is_at(folder: Path, number: int) -> bool:
    """Return whether an open folder is still the one at that path."""
    try:
        return os.path.samestat(folder.lstat(), os.fstat(number))
    except FileNotFoundError:
        return False
