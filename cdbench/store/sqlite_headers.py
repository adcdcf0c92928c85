"""What a file is, from its header and its size, before SQLite opens it."""

import shlex
from pathlib import Path

from cdbench.errors import StoreError

SQLITE_HEADER = b"SQLite format 3\0"
HEADER_BYTES = 100


def is_new(path: Path) -> bool:
    """Return whether there is no file, or an empty one, which can become a database.

    Raises
    ------
    StoreError
        If there is something else than a SQLite database that we can work with.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:  # such as a name that is too long
        raise StoreError(f"{path}: cannot be opened ({error.strerror})") from None
    if path.is_dir():
        raise StoreError(f"{path} is a folder, expected a database file")
    if not path.exists():
        if path.is_symlink():  # to a drive that is not there, perhaps
            raise StoreError(
                f"{path} is a link to a file that is not there; fix it, or name another --db"
            )
        return True
    if not path.is_file():
        raise StoreError(f"{path} is not a regular file, expected a database file")
    try:
        with path.open("rb") as file:
            header = file.read(HEADER_BYTES)
        if header.startswith(SQLITE_HEADER):
            _check(path, header)
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror})") from None
    if header and not header.startswith(SQLITE_HEADER):
        raise StoreError(f"{path} is not a SQLite database; name another --db")
    return not header


def _check(path: Path, header: bytes) -> None:
    """Raise StoreError for a write-ahead log, which leaves files beside, and a torn file."""
    if header[19:20] == b"\2":  # as SQLite decides it
        raise StoreError(
            f"{path} uses a write-ahead log, so it would not be one file; to change that: "
            f"sqlite3 {shlex.quote(str(path))} 'PRAGMA journal_mode = DELETE'"
        )
    page_bytes = int.from_bytes(header[16:18], "big")
    page_bytes = 65536 if page_bytes == 1 else page_bytes or 1
    journal = path.with_name(f"{path.name}-journal")
    # Twice, because another process may be in the middle of making it longer.
    if all(path.stat().st_size % page_bytes and not journal.exists() for _ in range(2)):
        raise StoreError(
            f"{path} is a damaged database: it ends in the middle of a page; restore a backup"
        )
