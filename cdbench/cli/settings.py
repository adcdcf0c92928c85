"""Settings from ``cdbench.toml``: the database, defaults of the knobs, and named sweeps.

The file is searched for in the working directory and its parents, and obeyed if nobody else can
have written it (see ``trust``)::

    database = "runs.db"            # a path, relative to this file, or an SQLAlchemy URL
    plugins = ["mylayer.py"]        # see docs/extending.md; never loaded from a folder below

    [defaults]                      # any knob of RunConfig
    epochs = 50

    [sweeps.table1]                 # cdbench sweep table1
    B = [1, 3, 4]                   # any knob, one value or several; and seeds, jobs, baseline
    seeds = "0..29"
"""

import logging
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from cdbench.cli.trust import is_named, read_trusted, way_to_trust
from cdbench.config import plugins
from cdbench.config.checks import check_text
from cdbench.config.knob_values import (
    SWEEP_NAMES,
    checked_knob,
    checked_sweep_value,
    listed,
    named_in_errors,
)
from cdbench.config.run_config import KNOBS
from cdbench.errors import ConfigurationError, PluginError, StoreError, UnknownNameError
from cdbench.store.urls import local_path
from cdbench.system.home_folders import expanded

_LOG = logging.getLogger(__name__)

FILE_NAME = "cdbench.toml"

MAX_BYTES = 1_000_000
"""Largest file; people write a few hundred bytes, and a file of gigabytes is not ours."""

LONG_KEY = re.compile(
    r"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){16}""", re.ASCII
)
"""A key of many parts, a.b.c and so on: Python's memory use grows with their number squared."""


@dataclass(frozen=True)
class Settings:
    """The contents of a ``cdbench.toml``; empty if there is none.

    Attributes
    ----------
    path : Path or None
        The file.
    plugins : sequence of Path
        Plug-ins that it names and that were loaded.
    database : str or None
        Path or SQLAlchemy URL, resolved against the file's folder.
    defaults : dict
        Knob values by name.
    sweeps : dict of dict
        Named sweeps. Each value is a list, except those of ``ONE_VALUE``, ``jobs`` and
        ``baseline``.
    """

    path: Path | None = None
    plugins: Sequence[Path] = ()
    database: str | None = None
    defaults: dict[str, Any] = field(default_factory=dict)
    sweeps: dict[str, dict[str, Any]] = field(default_factory=dict)

    def default_map(self, command: str, sweep: str | None = None) -> dict[str, Any]:
        """Return the values for Click's ``default_map``, by parameter name.

        Parameters
        ----------
        command : str
            Name of the command; ``"sweep"`` gets lists, and ``seeds`` for ``seed``.
        sweep : str, optional
            Named sweep, whose values take precedence over the defaults.

        Raises
        ------
        UnknownNameError
            If there is no such sweep.
        """
        values = dict(self.defaults)
        if command == "sweep":
            if "seed" in values:
                values["seeds"] = values.pop("seed")
            values = {name: listed(name, value) for name, value in values.items()}
            if sweep is not None:
                values |= self._named(sweep)
        if self.database is not None:
            values["db"] = self.database
        return values

    def _named(self, sweep: str) -> dict[str, Any]:
        if not self.sweeps:
            where = f"{self.path} defines none" if self.path else f"no {FILE_NAME} here or above"
            raise ConfigurationError(
                f"unknown sweep {sweep!r}: {where}; expected a table [sweeps.{sweep}]"
            )
        if sweep not in self.sweeps:
            raise UnknownNameError("sweep", sweep, self.sweeps)
        return self.sweeps[sweep]


def load_settings(start: Path) -> Settings:
    """Read the ``cdbench.toml`` of a folder or of the nearest parent that has one.

    Its plug-ins are loaded, as its knobs may name what they bring; those of a parent's are not,
    unless the user has declared that file trusted.

    Parameters
    ----------
    start : Path
        Folder to start from.

    Raises
    ------
    ConfigurationError
        If the file cannot be read or is invalid, or if others could have written it and it is not
        trusted; the message begins with its path.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        path = folder / FILE_NAME
        with named_in_errors(f"{path}: "):
            try:
                content = read_trusted(path, MAX_BYTES + 1)
            except OSError as error:
                raise ConfigurationError(f"cannot be read ({error.strerror})") from None
            if content is not None:
                return _parse(path, content, folder == start or is_named(path))
    return Settings()


def _parse(path: Path, content: bytes, may_run: bool) -> Settings:
    document = _document(content)
    known = {"database", "defaults", "plugins", "sweeps"}
    for name in document:
        if name not in known:
            raise UnknownNameError("key", name, known)
    return Settings(
        path=path,
        plugins=_loaded(path, document.get("plugins", []), may_run),
        database=_database(path, document.get("database")),
        defaults=_table(document, "defaults", "[defaults]", KNOBS, checked_knob),
        sweeps={
            name: _table(
                document["sweeps"], name, f"[sweeps.{name}]", SWEEP_NAMES, checked_sweep_value
            )
            for name in _table(document, "sweeps", "[sweeps]", None, lambda _, value: value)
        },
    )


def _document(content: bytes) -> dict[str, Any]:
    try:
        if len(content) > MAX_BYTES:
            raise ConfigurationError(f"is larger than {MAX_BYTES:,} bytes; expected settings")
        text = content.decode()
        if LONG_KEY.search(text):
            raise ConfigurationError("has a key of more than 16 parts; expected at most three")
        return tomllib.loads(text)
    except ValueError as error:  # not TOML, or not UTF-8
        raise ConfigurationError(" ".join(str(error).split())) from None
    except RecursionError:
        raise ConfigurationError("its brackets go too deep; expected settings") from None


def _loaded(path: Path, names: object, may_run: bool) -> Sequence[Path]:
    """Load the plug-ins that a file names, or say why not and how; return those that were."""
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigurationError(f"plugins = {names!r}: expected paths, as in ['mylayer.py']")
    for name in names:
        check_text("plugins", name)
    files = [plugins.located(path.parent / expanded(name, PluginError)) for name in names]
    if not may_run:
        left = tuple(file for file in files if plugins.loaded(file) is None)
        if left:
            _say_not_loaded(path, left)
        return ()
    for file in files:
        if plugins.loaded(file) is None:
            try:
                source = read_trusted(file, MAX_BYTES + 1, f"to name it yourself: --plugin {file}")
            except OSError as error:
                raise PluginError(f"plug-in {file}: cannot be read ({error.strerror})") from None
            except ConfigurationError as error:
                raise PluginError(f"plug-in {file}: {error}") from None
            plugins.load(file, source)
    return files


@cache
def _say_not_loaded(path: Path, files: tuple[Path, ...]) -> None:
    """Say it once: settings are read again for some messages."""
    _LOG.warning(
        "%s: its plug-ins are not loaded, because it is not in the working folder; to load them: "
        "--plugin %s, or trust it: %s",
        path,
        " ".join(map(str, files)),
        way_to_trust(path),
    )


def _database(path: Path, database: object) -> str | None:
    """Return the database that a file names, with its path resolved; never show a password."""
    if not isinstance(database, str | None) or database == "":
        raise ConfigurationError(f"database = {database!r}: expected a path or an SQLAlchemy URL")
    if database is not None:
        if "\0" in database:  # not shown: it may contain a password
            raise ConfigurationError("database: contains NUL; expected text without it")
        database = _located(database, path.parent)
        check_text("database", database)
    return database


def _table(
    parent: Mapping[str, Any],
    key: str,
    title: str,
    known: Any,
    check: Callable[[str, Any], Any],
) -> dict[str, Any]:
    table = parent.get(key, {})
    if not isinstance(table, dict):
        raise ConfigurationError(f"{key} = {table!r}: expected a table, {title}")
    for name in table:
        if known is not None and name not in known:
            raise UnknownNameError(f"key in {title}", name, known)
    with named_in_errors(f"{title} "):
        return {name: check(name, value) for name, value in table.items()}


def _located(database: str, folder: Path) -> str:
    """Return the database, with its path resolved against the file's folder."""
    scheme, separator, path = database.partition("://")
    if not separator:
        try:
            return str(folder / local_path(database))
        except StoreError as error:
            raise ConfigurationError(str(error)) from None
    is_file = scheme.casefold().startswith("sqlite")
    if not is_file or len(path) < 2 or path[1:].startswith((":", "file:")):
        return database  # on a server, or in memory
    return f"{scheme}:///{(folder / path[1:]).as_posix()}"
