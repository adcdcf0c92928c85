"""Whether to obey a file that was found, not named: who owns it, and who may write to it.

A settings file in a folder that others can write to could send a password to their server, or
results to their file. As with git repositories, it is obeyed only if nobody but this user and root
could have written it, or if the user has named it in ``CDBENCH_TRUST``.
"""

import os
import shlex
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from cdbench.errors import ConfigurationError

VARIABLE = "CDBENCH_TRUST"
"""Environment variable: absolute paths, as in PATH, of files to obey whoever can write them."""

MOST_LINKS = 40
"""Most links in a chain, as in Linux."""


INSTEAD = (
    "to do without it, put a file of your own with that name, which may be empty, into a folder "
    "below"
)


def read_trusted(path: Path, longest: int, instead: str = INSTEAD) -> bytes | None:
    """Return the first bytes of a file that may be obeyed, or None if there is no such file.

    The file that is read is the one that was checked: it is opened once, and owner and mode are
    those of the open file.

    Parameters
    ----------
    path : Path
        The file, its folder resolved.
    longest : int
        Bytes to read at most.
    instead : str
        What to do if it is not to be trusted, for the error.

    Raises
    ------
    ConfigurationError
        If others could have written it, and the user has not declared it trusted.
    OSError
        If it cannot be read.
    """
    if not path.is_file():  # a pipe or device is not even opened
        return None
    with open(path, "rb", opener=_open_at_once) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            return None
        # Windows has users but no user numbers, so they cannot be told apart.
        fault = _fault(path, status) if hasattr(os, "getuid") else None
        if fault and path not in _trusted():
            raise ConfigurationError(
                f"{fault}, so it is not obeyed; {instead}; to trust it: {way_to_trust(path)}"
            )
        return file.read(longest)


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting, in case a pipe has replaced the file in the meantime."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _fault(path: Path, status: os.stat_result) -> str | None:
    """Return how others could have written the file, or have put it or a link to it here."""
    checked = [("", status, path)]
    for step in islice(_steps(path), MOST_LINKS):
        if step.is_symlink():
            checked.append((f"the link {step} ", step.lstat(), step))
        checked.append((f"its folder {step.parent} ", step.parent.stat(), step.parent))
    for subject, found, place in checked:
        if found.st_uid not in (os.geteuid(), 0):
            return f"{subject}belongs to {_user(found.st_uid)}, neither to you nor to root"
        if stat.S_ISLNK(found.st_mode):
            continue  # every link has mode 777, but nobody can write to one
        if _others_may_write(found, place):
            mode = f"mode {stat.S_IMODE(found.st_mode):o}"
            return f"{subject}may be written to by others ({mode})"
    return None


def _steps(path: Path) -> Iterator[Path]:
    """Yield the path and the target of each link, up to the file."""
    yield path
    while path.is_symlink():
        path = path.parent / path.readlink()
        yield path


def _others_may_write(found: os.stat_result, path: Path) -> bool:
    """Return whether anyone other than the user and root may write.

    The sticky bit does not help: it keeps others from removing files, not from adding new ones.
    """
    if found.st_mode & stat.S_IWOTH:
        return True
    # The group bits are also the mask of access lists, which admit whom they name.
    return bool(found.st_mode & stat.S_IWGRP) and (
        _has_access_list(path) or not _is_private(found.st_gid)
    )


def _is_private(group_id: int) -> bool:
    """Return whether a group belongs to this user or root alone.

    Many systems give each user a group of the same name and a umask of 002, so group-writable files
    are common and harmless. A group counts as private if it has its user's name, is that user's
    primary group, and has no other member by /etc/group or /etc/passwd.
    """
    import grp
    import pwd

    try:
        group = grp.getgrgid(group_id)
        owner = pwd.getpwnam(group.gr_name)
    except KeyError:
        return False
    members = {*group.gr_mem, *(user.pw_name for user in pwd.getpwall() if user.pw_gid == group_id)}
    is_ours = owner.pw_uid in (os.geteuid(), 0)
    return is_ours and owner.pw_gid == group_id and members <= {owner.pw_name}


def _has_access_list(path: Path) -> bool:
    try:
        return "system.posix_acl_access" in os.listxattr(path)
    except (AttributeError, OSError):  # another system, or a file system without them
        return False


def _user(number: int) -> str:
    import pwd

    try:
        return f"{pwd.getpwuid(number).pw_name} (user {number})"
    except KeyError:
        return f"user {number}"


def _trusted() -> set[Path]:
    """Return the files that the user trusts; raise ConfigurationError for a relative path.

    A relative path would trust a file in whatever folder the user happens to be.
    """
    words = [word for word in os.environ.get(VARIABLE, "").split(os.pathsep) if word]
    for word in words:
        if not Path(word).is_absolute():
            raise ConfigurationError(
                f"is not obeyed, because {VARIABLE} names {word!r}: expected absolute paths of "
                f"settings files, not of folders, with {os.pathsep} between them"
            )
    return {Path(word).parent.resolve() / Path(word).name for word in words}


def is_named(path: Path) -> bool:
    """Return whether the user has named the file as one to obey."""
    return path in _trusted()


def way_to_trust(path: Path) -> str:
    """Return what to type for a file to be obeyed."""
    before = os.environ.get(VARIABLE)
    value = f"{before}{os.pathsep}{path}" if before else str(path)
    return f"export {VARIABLE}={shlex.quote(value)}"
