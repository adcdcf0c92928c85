"""The source of plug-ins: a file that is read once and run as read, or an installed package.

Python's own loaders would read the file again, or run a ``.pyc`` beside it, so that what ran need
not be what the digest is of.
"""

import hashlib
import inspect
import re
import sys
import traceback
from functools import cache
from importlib import import_module
from importlib.abc import ExecutionLoader
from importlib.machinery import ModuleSpec
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from cdbench.errors import PluginError, meant_file

MAX_BYTES = 1_000_000
"""Largest file of a plug-in."""

NAME = re.compile(r"\w[\w .+-]*")
"""What a plug-in may be called, so that its record can be read."""


class _Loader(ExecutionLoader):
    """Gives Python the bytes that were read."""

    def __init__(self, path: Path, source: bytes) -> None:
        self._path, self._source = str(path), source

    def get_filename(self, fullname: str) -> str:
        """Return the file's path, for tracebacks."""
        del fullname
        return self._path

    def get_source(self, fullname: str) -> str:
        """Return the text, for tracebacks."""
        del fullname
        return self._source.decode(errors="replace")

    def get_code(self, fullname: str) -> Any:
        """Return the code of the bytes themselves, whatever encoding they declare."""
        del fullname
        return self.source_to_code(self._source, self._path)


def read(path: Path) -> bytes:
    """Return a plug-in's source; raise PluginError if it cannot be one."""
    try:
        if not path.is_file():  # a pipe or device is not even opened
            raise PluginError(
                f"plug-in {path}: no such file{meant_file(path)}; expected a Python file"
            )
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PluginError(f"plug-in {path}: cannot be read ({error.strerror})") from None


def record_of(name: str, source: bytes) -> str:
    """Return what runs record of a plug-in: its name and the digest of its source.

    Raises
    ------
    PluginError
        If it has no name that can be recorded, or is too large.
    """
    if NAME.fullmatch(name) is None:
        raise PluginError(
            f"plug-in {name!r}: expected a name of letters, digits, blanks and . + - _ only"
        )
    if len(source) > MAX_BYTES:
        raise PluginError(f"plug-in {name}: is larger than {MAX_BYTES:,} bytes; expected a module")
    return f"{name} sha256:{hashlib.sha256(source).hexdigest()}"


def run(path: Path, source: bytes) -> ModuleType:
    """Return the module of a plug-in's file, run from these bytes.

    Raises
    ------
    PluginError
        If it raises anything, in one line with the error and its place in the file.
    """
    loader = _Loader(path, source)
    digest = hashlib.sha256(str(path).encode()).hexdigest()
    spec = ModuleSpec(f"cdbench_plugin_{path.stem}_{digest[:8]}", loader, origin=str(path))
    spec.has_location = True
    module = sys.modules[spec.name] = module_from_spec(spec)
    try:
        loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[spec.name]
        raise PluginError(
            f"plug-in {path.name}: cannot be imported ({described(error, str(path))})"
        ) from error
    return module


def described(error: BaseException, path: str = "") -> str:
    """Return an error in a few words, with its line if it came from that file."""
    words = " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
    frames = [one for one in traceback.extract_tb(error.__traceback__) if one.filename == path]
    if frames and not isinstance(error, SyntaxError):  # whose text has the line
        words += f", line {frames[-1].lineno}"
    return words


@cache
def installed(group: str) -> dict[str, EntryPoint]:
    """Return the entry points of a group by name; of several of one name, the first on the path."""
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=group):
        found.setdefault(point.name, point)
    return found


def load_installed(point: EntryPoint) -> tuple[Any, str]:
    """Return what an entry point names, and the record of the package that has it.

    Raises
    ------
    PluginError
        If it cannot be imported, or has no source.
    """
    package = f"{point.dist.name} {point.dist.version}" if point.dist else point.module
    try:
        value = point.load()
        module = import_module(getattr(value, "__module__", point.module))
        source = Path(inspect.getsourcefile(module) or "").read_bytes()
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"plug-in {package}: {point.value} cannot be imported ({described(error)})"
        ) from error
    return value, record_of(package, source)
