"""Settings from ``cdbench.toml``: the database, defaults of the knobs, named sweeps and studies.

The file is searched for in the working directory and its parents, and obeyed if nobody else can
have written it (see ``trust``)::

    database = "runs.db"            # a path, relative to this file, or an SQLAlchemy URL
    plugins = ["mylayer.py"]        # see docs/extending.md; never loaded from a folder below

    [defaults]                      # any knob of RunConfig, and keep_weights; not for studies
    epochs = 50

    [sweeps.table1]                 # cdbench sweep table1
    B = [1, 3, 4]                   # any knob, one value or several; and seeds, jobs, baseline
    seeds = "0..29"

    [studies.mine.parts.wine]       # cdbench compare --study mine; see docs/comparison.md
    dataset = "wine"                # any option of cdbench compare
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from cdbench.cli.toml_text import MAX_BYTES, document
from cdbench.cli.trust import is_named, read_trusted, way_to_trust
from cdbench.config import plugins
from cdbench.config.checks import check_text
from cdbench.config.knob_values import (
    DEFAULT_NAMES,
    SWEEP_NAMES,
    checked_default,
    checked_sweep_value,
    listed,
    named_in_errors,
)
from cdbench.config.study import Study, read_study
from cdbench.errors import ConfigurationError, PluginError, StoreError, UnknownNameError
from cdbench.store.urls import local_path
from cdbench.system.home_folders import expanded

_LOG = logging.getLogger(__name__)

FILE_NAME = "cdbench.toml"


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
    studies : dict of Study
        Named studies.
    sweeps : dict of dict
        Named sweeps. Each value is a list, except those of ``ONE_VALUE``, ``jobs`` and the
        ``SWITCHES``.
    """

    path: Path | None = None
    plugins: Sequence[Path] = ()
    database: str | None = None
    defaults: dict[str, Any] = field(default_factory=dict)
    sweeps: dict[str, dict[str, Any]] = field(default_factory=dict)
    studies: dict[str, Study] = field(default_factory=dict)

    def study(self, name: str) -> Study:
        """Return the study of this name.

        Raises
        ------
        UnknownNameError
            If there is no such study.
        """
        _check_defined(self.path, "studies", "study", name, self.studies)
        return self.studies[name]

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
        _check_defined(self.path, "sweeps", "sweep", sweep, self.sweeps)
        return self.sweeps[sweep]


def _check_defined(
    path: Path | None, table: str, kind: str, name: str, defined: Mapping[str, Any]
) -> None:
    """Raise ConfigurationError unless a file defines what has this name, in a table of its own."""
    if not defined:
        where = f"{path} defines none" if path else f"no {FILE_NAME} here or above"
        raise ConfigurationError(
            f"unknown {kind} {name!r}: {where}; expected a table [{table}.{name}]"
        )
    if name not in defined:
        raise UnknownNameError(kind, name, defined)


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
    tables = document(content)
    known = {"database", "defaults", "plugins", "sweeps", "studies"}
    for name in tables:
        if name not in known:
            raise UnknownNameError("key", name, known)
    return Settings(
        path=path,
        plugins=_loaded(path, tables.get("plugins", []), may_run),
        database=_database(path, tables.get("database")),
        defaults=_table(tables, "defaults", "[defaults]", DEFAULT_NAMES, checked_default),
        sweeps={
            name: _table(
                tables["sweeps"], name, f"[sweeps.{name}]", SWEEP_NAMES, checked_sweep_value
            )
            for name in _table(tables, "sweeps", "[sweeps]", None, lambda _, value: value)
        },
        studies=_table(tables, "studies", "[studies]", None, read_study),
    )


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
    with named_in_errors("" if known is None else f"{title} "):
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
