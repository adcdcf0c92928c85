"""Files that commands write: complete or not at all, and never over what must not be replaced."""

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cdbench.errors import OutputError, StoreError
from cdbench.system.work_folders import work_folder

DATABASE_HEADERS = (b"SQLite format 3\0", b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7")
"""First bytes of any SQLite database, and of its rollback journal."""

BESIDE_DATABASES = ("-journal", "-wal", "-shm")
"""Suffixes of files beside a database that SQLite creates, and trusts."""

REFUSED = {
    stat.S_IFDIR: "it is a folder",
    stat.S_IFSOCK: "it is a socket",
    stat.S_IFBLK: "it is a disk",
}

STANDARD_OUTPUT = "-"


def write_output(target: str | Path, content: bytes, called: str = "--output") -> bool:
    """Write a command's output to a file or a stream.

    A regular file is replaced in one step by a new one with the same mode and, if permitted, the
    same owner. Links are followed. Pipes, terminals and other devices are written to and never
    replaced; nor is the file that standard output or error goes to.

    Parameters
    ----------
    target : str or Path
        Where to write; ``-`` is standard output.
    content : bytes
        The whole output.
    called : str, optional
        The user's name for the target: that of an option or an argument.

    Returns
    -------
    bool
        Whether a file was written; False for a stream.

    Raises
    ------
    OutputError
        If it cannot be written, or is a folder, a socket, a block device, or a database, which no
        output may replace. In that case nothing is changed.
    """
    with _errors_named(target, called):
        if str(target) == STANDARD_OUTPUT:
            _write_to_standard_output(content)
            return False
        status = _status(target)
        if status is not None:
            number = _descriptor(Path(target), status)
            if number is not None or stat.S_ISFIFO(status.st_mode) or stat.S_ISCHR(status.st_mode):
                _write_stream(Path(target), number, content)
                return False
        _replace(Path(os.path.realpath(target)), status, content)
        return True


def check_output(target: str | Path, called: str = "--output") -> None:
    """Refuse what ``write_output`` would refuse, before any lengthy work.

    Raises
    ------
    OutputError
        If no output may replace what is there, the name is invalid, or its folder is not there.
    """
    with _errors_named(target, called):
        if _status(target) is None:
            Path(os.path.realpath(target)).parent.stat()


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """Give a temporary name to create a new file under; it gets its own name at the end.

    Only a complete file, safely on disk, gets that name, and only if nothing else has it: of two
    processes that create the same file at once, one is refused.

    Raises
    ------
    StoreError
        If something with that name exists, or the file cannot be written.
    """
    try:
        with suppress(FileNotFoundError):
            target.lstat()  # also refuses an overlong name, before the work
            raise FileExistsError
        with work_folder(target.parent) as folder:
            unfinished = folder / "new"
            yield unfinished
            _force_to_disk(unfinished)
            _give_name(unfinished, target)
        _force_to_disk(target.parent)
    except FileExistsError:
        raise StoreError(f"{target} already exists; name another file") from None
    except OSError as error:
        raise StoreError(f"{target}: cannot be written ({error.strerror or error})") from None


@contextmanager
def _errors_named(target: str | Path, called: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"{called} {target}: cannot be written ({reason})") from None


def _status(target: str | Path) -> os.stat_result | None:
    """Return the status of what is there, or None for a new file; raise OSError for obstacles."""
    try:
        status: os.stat_result | None = Path(target).stat()
    except FileNotFoundError:
        if str(target).endswith(os.sep):
            raise
        status = None
    kind = 0 if status is None else stat.S_IFMT(status.st_mode)
    if kind in REFUSED:
        raise OSError(errno.EINVAL, REFUSED[kind])
    if _is_database(Path(os.path.realpath(target))):
        raise OSError(errno.EEXIST, "it is a database, or belongs to one; name another file")
    return status


def _is_database(path: Path) -> bool:
    return _begins_as_database(path) or any(
        path.name.endswith(end) and _begins_as_database(path.with_name(path.name.removesuffix(end)))
        for end in BESIDE_DATABASES
        if path.name != end
    )


def _begins_as_database(path: Path) -> bool:
    if not path.is_file():  # opening a pipe would wait
        return False
    with path.open("rb") as file:
        return file.read(16).startswith(DATABASE_HEADERS)


def _descriptor(path: Path, status: os.stat_result) -> int | None:
    """Return the descriptor of this process that a path refers to, such as /dev/stdout.

    The file that standard output or error goes to also refers to it.
    """
    if path.name.isdecimal() and os.path.realpath(path.parent) == os.path.realpath("/dev/fd"):
        return int(path.name)
    for number in (1, 2):
        with suppress(OSError):  # the descriptor is closed
            if os.path.samestat(status, os.fstat(number)):
                return number
    return None


def _write_to_standard_output(content: bytes) -> None:
    if sys.stdout is None:
        raise OSError(errno.EBADF, "standard output is closed")
    sys.stdout.flush()
    with open(sys.stdout.fileno(), "wb", closefd=False) as file:
        file.write(content)


def _write_stream(path: Path, number: int | None, content: bytes) -> None:
    if number is not None:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()  # what was printed before must come first
        with open(number, "wb", closefd=False) as file:
            file.write(content)
        return
    number = os.open(path, os.O_WRONLY | getattr(os, "O_NOCTTY", 0))  # creates no file
    with os.fdopen(number, "wb") as file:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EBUSY, "another file took its place meanwhile")
        file.write(content)


def _replace(path: Path, old: os.stat_result | None, content: bytes) -> None:
    if old is not None:
        os.close(os.open(path, os.O_WRONLY))  # do not replace what is not writable
    # In our own folder next to it, so that the rename stays on one file system and a new file gets
    # the user's ordinary permissions.
    with work_folder(path.parent) as folder:
        unfinished = folder / "new"
        unfinished.write_bytes(content)
        if old is not None:
            _take_over(unfinished, old)
        _force_to_disk(unfinished)
        unfinished.replace(path)
    _force_to_disk(path.parent)


def _take_over(path: Path, old: os.stat_result) -> None:
    """Give a file the owner, group and mode of the file that it replaces."""
    for owner in (old.st_uid, -1):  # only root may change the owner; anyone, to one of their groups
        with suppress(OSError, AttributeError):  # AttributeError: Windows
            os.chown(path, owner, old.st_gid)
            break
    path.chmod(stat.S_IMODE(old.st_mode) & 0o777)


def _give_name(unfinished: Path, target: Path) -> None:
    try:
        os.link(unfinished, target)  # never replaces anything
    except FileExistsError:
        raise
    except OSError:
        # The file system has no links. An empty file takes the name first, because renaming would
        # replace a file that another process created meanwhile.
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        try:
            unfinished.replace(target)
        except OSError:
            target.unlink()
            raise


def _force_to_disk(path: Path) -> None:
    if os.name == "nt" and path.is_dir():  # Windows does it unasked, and cannot be asked
        return
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
