"""Settings from ``cdbench.toml``: the database, defaults of the knobs, and named sweeps.

The file is looked for in the working directory and its parents::

    database = "runs.db"            # a path, relative to this file, or an SQLAlchemy URL

    [defaults]                      # any knob of RunConfig
    epochs = 50

    [sweeps.table1]                 # cdbench sweep table1
    B = [1, 3, 4]                   # any knob, one value or several; and seeds, jobs, baseline
    seeds = "0..29"
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from cdbench.config import KNOBS, RunConfig
from cdbench.errors import ConfigurationError, UnknownNameError

FILE_NAME = "cdbench.toml"

KNOB_TYPES: dict[str, type] = {
    # `int | None` and `tuple[int, ...]` both say their own type first.
    name: (get_args(knob.type) or (knob.type,))[0]
    for name, knob in KNOBS.items()
}
"""Type of one value of each knob: int, float or str."""

INTEGER_NAMES = frozenset(
    {"seeds"} | {name for name, kind in KNOB_TYPES.items() if kind is int} - {"seed"}
)
"""Keys and options of several whole numbers, which take ranges such as ``0..29``."""

SWEEP_NAMES = (set(KNOBS) - {"seed"}) | {"seeds", "jobs", "baseline"}

MAX_RANGE = 100_000
"""Most values that one range may stand for; a longer one is a slip of the keyboard."""

# A value is checked alone, so its neighbours must neither refuse nor hide it.
_NEIGHBOURS: dict[str, dict[str, Any]] = {
    "B": {"hidden": (2**62,)},
    "hidden": {"B": 1},
    "fisher_form": {"fisher_weight": 1.0},
    "fisher_epsilon": {"fisher_weight": 1.0},
}


@dataclass(frozen=True)
class Settings:
    """What a ``cdbench.toml`` says; empty when there is none.

    Attributes
    ----------
    path : Path or None
        The file.
    database : str or None
        Path or SQLAlchemy URL, no longer relative to the file's folder.
    defaults : dict
        Knobs by name.
    sweeps : dict of dict
        Named sweeps. Each value is a list, except ``label_column``, ``jobs`` and ``baseline``.
    """

    path: Path | None = None
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
            Named sweep, whose values go before the defaults.

        Raises
        ------
        UnknownNameError
            If there is no such sweep.
        """
        values = dict(self.defaults)
        if command == "sweep":
            if "seed" in values:
                values["seeds"] = values.pop("seed")
            values = {name: _listed(name, value) for name, value in values.items()}
            if sweep is not None:
                values |= self._named(sweep)
        if self.database is not None:
            values["db"] = self.database
        return values

    def _named(self, sweep: str) -> dict[str, Any]:
        if sweep not in self.sweeps:
            where = self.path or f"no {FILE_NAME} here or above"
            none = "" if self.sweeps else f"none: {where} defines no [sweeps.NAME]"
            raise UnknownNameError("sweep", sweep, self.sweeps, none)
        return self.sweeps[sweep]


def load_settings(start: Path) -> Settings:
    """Read the ``cdbench.toml`` of a folder or of the nearest of its parents.

    Parameters
    ----------
    start : Path
        Folder to begin at.

    Raises
    ------
    ConfigurationError
        If the file cannot be read or says what cannot be; the message begins with its path.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        path = folder / FILE_NAME
        if path.is_file():
            with _naming(f"{path}: "):
                return _parse(path)
    return Settings()


def expand_range(word: str) -> list[str]:
    """Return the whole numbers that ``word`` stands for: ``0..3`` is 0, 1, 2 and 3.

    A word that is no range is returned as it is.

    Raises
    ------
    ConfigurationError
        If the range descends or is longer than 100,000 values.

    Examples
    --------
    >>> expand_range("0..3"), expand_range("7")
    (['0', '1', '2', '3'], ['7'])
    """
    # The lengths are bounded because Python refuses to convert thousands of digits.
    match = re.fullmatch(r"(-?[0-9]{1,18})\.\.(-?[0-9]{1,18})", word)
    if match is None:
        return [word]
    first, last = int(match[1]), int(match[2])
    if last < first:
        raise ConfigurationError(f"range {word} descends; expected {last}..{first}")
    if last - first >= MAX_RANGE:
        raise ConfigurationError(
            f"range {word} has {last - first + 1:,} values; expected {MAX_RANGE:,} at most"
        )
    return [str(number) for number in range(first, last + 1)]


@contextmanager
def _naming(place: str) -> Iterator[None]:
    """Put the place in front of an error's message, and keep the error's class."""
    try:
        yield
    except ConfigurationError as error:
        error.args = (f"{place}{error}",)
        raise


def _parse(path: Path) -> Settings:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # ValueError: not TOML, or not UTF-8
        raise ConfigurationError(" ".join(str(error).split())) from None
    known = {"database", "defaults", "sweeps"}
    for name in document:
        if name not in known:
            raise UnknownNameError("key", name, known)
    database = document.get("database")
    if not isinstance(database, str | None) or database == "":
        raise ConfigurationError(f"database = {database!r}: expected a path or an SQLAlchemy URL")
    return Settings(
        path=path,
        database=database and _located(database, path.parent),
        defaults=_table(document, "defaults", "[defaults]", KNOBS, _checked),
        sweeps={
            name: _table(document["sweeps"], name, f"[sweeps.{name}]", SWEEP_NAMES, _checked_sweep)
            for name in _table(document, "sweeps", "[sweeps]", None, lambda _, value: value)
        },
    )


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
    with _naming(f"{title} "):
        return {name: check(name, value) for name, value in table.items()}


def _checked(name: str, value: Any) -> Any:
    """Return the knob's value if a RunConfig takes it."""
    if KNOB_TYPES[name] is str and not isinstance(value, str):
        raise ConfigurationError(f"{name} = {value!r}: expected a text")
    try:
        RunConfig(**_NEIGHBOURS.get(name, {}) | {name: value})
    except TypeError:
        raise ConfigurationError(f"{name} = {value!r}: expected {_expected(name)}") from None
    return list(value) if isinstance(value, list) else value


def _expected(name: str) -> str:
    return "whole numbers, as in [64, 64]" if name == "hidden" else KNOB_TYPES[name].__name__


def _checked_sweep(name: str, value: Any) -> Any:
    """Return the value of a sweep's key, with ranges expanded, if each of its runs takes it."""
    if name == "baseline":
        if not isinstance(value, bool):
            raise ConfigurationError(f"baseline = {value!r}: expected true or false")
        return value
    if name == "jobs":
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ConfigurationError(f"jobs = {value!r}: expected a whole number, 1 or more")
        return value
    values = _listed(name, value)
    if name in INTEGER_NAMES:
        values = [number for item in values for number in _numbers(item)]
    if name in {"hidden", "label_column"}:
        return _checked(name, values)
    if not values:
        raise ConfigurationError(f"{name} = []: expected at least one value")
    for item in values:
        with _naming("seeds: " if name == "seeds" else ""):
            _checked("seed" if name == "seeds" else name, item)
    return values


def _numbers(item: Any) -> list[Any]:
    """Expand a range; anything else is left for RunConfig to judge."""
    words = expand_range(item) if isinstance(item, str) else [item]
    return words if words == [item] else [int(word) for word in words]


def _listed(name: str, value: Any) -> Any:
    """Return several values where a sweep takes several; a label column is one for all runs."""
    return value if name == "label_column" or isinstance(value, list) else [value]


def _located(database: str, folder: Path) -> str:
    """Return the database, its path relative to the file's folder no longer."""
    scheme, separator, path = database.partition("://")
    if not separator:
        return str(folder / Path(database).expanduser())
    if not scheme.startswith("sqlite") or len(path) < 2 or path[1:].startswith((":", "file:")):
        return database  # another server's, or a database in memory
    return f"{scheme}:///{(folder / path[1:]).as_posix()}"
