"""What kind of file it is, judged by its header and size before SQLite opens it."""

import shlex
from pathlib import Path

from cdbench.errors import StoreError

SQLITE_HEADER = b"SQLite format 3\0"
HEADER_BYTES = 100


def is_new(path: Path) -> bool:
    """Return whether the file is missing or empty, so that it can become a database.

    Raises
    ------
    StoreError
        If there is anything but a SQLite database that we can work with.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:  # for example, the name is too long
        raise StoreError(f"{path}: cannot be opened ({error.strerror})") from None
    if path.is_dir():
        raise StoreError(f"{path} is a folder, expected a database file")
    if not path.exists():
        if path.is_symlink():  # perhaps to a drive that is not mounted
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
    """Raise StoreError for a truncated file, or a write-ahead log (which keeps extra files)."""
    if header[19:20] == b"\2":  # the byte by which SQLite decides
        raise StoreError(
            f"{path} uses a write-ahead log, so it would not be one file; to change that: "
            f"sqlite3 {shlex.quote(str(path))} 'PRAGMA journal_mode = DELETE'"
        )
    page_bytes = int.from_bytes(header[16:18], "big")
    page_bytes = 65536 if page_bytes == 1 else page_bytes or 1
    journal = path.with_name(f"{path.name}-journal")
    # Checked twice, because another process may be extending the file right now.
    if all(path.stat().st_size % page_bytes and not journal.exists() for _ in range(2)):
        raise StoreError(
            f"{path} is a damaged database: it ends in the middle of a page; restore a backup"
        )
