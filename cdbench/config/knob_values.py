"""Knob values as written in ``cdbench.toml`` and on the command line: their types and ranges."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, get_args

from cdbench.config.architecture_knobs import OWN_KNOBS, owners
from cdbench.config.run_config import KNOBS, RunConfig
from cdbench.errors import ConfigurationError


def _value_type(annotation: Any) -> type:
    """Return int of ``int | None`` and of ``tuple[int, ...]``: the type of a value comes first."""
    found: Any = annotation
    while parts := get_args(found):
        found = parts[0]
    kind: type = found
    return kind


KNOB_TYPES: dict[str, type] = {name: _value_type(knob.type) for name, knob in KNOBS.items()}
"""Type of one value of each knob: int, float or str."""

LISTS = frozenset(name for name, knob in KNOBS.items() if "tuple" in str(knob.type))
"""Knobs that are several numbers, one network's; a sweep has one such list for all its runs."""

INTEGER_NAMES = frozenset(
    {"seeds"} | {name for name, kind in KNOB_TYPES.items() if kind is int} - {"seed"}
)
"""Keys and options that take several integers, and so ranges such as ``0..29``."""

KEEP_WEIGHTS = "keep_weights"
"""Key of a file that is no knob: it changes no number of a run (``Diagnostics.weights``)."""

SWITCHES = frozenset({"baseline", KEEP_WEIGHTS})

DEFAULT_NAMES = {*KNOBS, KEEP_WEIGHTS}

SWEEP_NAMES = (set(KNOBS) - {"seed"}) | {"seeds", "jobs"} | SWITCHES

ONE_VALUE = frozenset({"label_column", "task", "test", "encode"})
"""Knobs that say how the files are read: the same for all runs of a sweep."""

MAX_RANGE = 100_000
"""Most values that one range may stand for; a longer one is a typing error."""

# Values are checked one at a time, so the other knobs must neither exclude nor reset them.
_OF_TEXT = {"dataset": "text:FILE", "architecture": "attention"}
_NEIGHBOURS: dict[str, dict[str, Any]] = {
    "B": {"hidden": (2**62,)},
    "hidden": {"B": 1},
    "fisher_form": {"fisher_weight": 1.0},
    "fisher_epsilon": {"fisher_weight": 1.0},
    "dataset": {"architecture": "attention"},
    "weight_decay": {"optimizer": "adamw"},
    **{name: {"architecture": owners(name)[-1]} for name in OWN_KNOBS},
    "heads": {"architecture": "attention", "head_width": 1},
    "width": {"architecture": "attention", "head_width": 1},
    "channels": {"architecture": "conv", "B": 1},
    "kernel": {"architecture": "conv", "padding": "valid"},
    "context": _OF_TEXT,
}


def expand_range(word: str) -> list[str]:
    """Return the integers that ``word`` stands for: ``0..3`` is 0, 1, 2 and 3.

    A word that is not a range is returned unchanged.

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
def named_in_errors(place: str) -> Iterator[None]:
    """Prefix an error's message with the place, and keep the error's class."""
    try:
        yield
    except ConfigurationError as error:
        error.args = (f"{place}{error}",)
        raise


def checked_knob(name: str, value: Any) -> Any:
    """Return the knob's value if RunConfig accepts it."""
    if KNOB_TYPES[name] is str and not isinstance(value, str):
        raise ConfigurationError(f"{name} = {value!r}: expected a text")
    try:
        beside = _OF_TEXT if (name, value) == ("task", "language") else _NEIGHBOURS.get(name, {})
        RunConfig(**beside | {name: value})
    except TypeError:
        raise ConfigurationError(f"{name} = {value!r}: expected {_expected(name)}") from None
    return list(value) if isinstance(value, list) else value


def _expected(name: str) -> str:
    return "whole numbers, as in [64, 64]" if name in LISTS else KNOB_TYPES[name].__name__


def checked_default(name: str, value: Any) -> Any:
    """Return the value of a key of ``[defaults]`` if every run accepts it."""
    return checked_switch(name, value) if name in SWITCHES else checked_knob(name, value)


def checked_switch(name: str, value: Any) -> bool:
    """Return the value of one of SWITCHES; ConfigurationError if it is neither true nor false."""
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} = {value!r}: expected true or false")
    return value


def checked_sweep_value(name: str, value: Any) -> Any:
    """Return the value of a sweep's key, with ranges expanded, if every run accepts it."""
    if name in SWITCHES:
        return checked_switch(name, value)
    if name == "jobs":
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ConfigurationError(f"jobs = {value!r}: expected a whole number, 1 or more")
        return value
    values = listed(name, value)
    if name in INTEGER_NAMES:
        values = [number for item in values for number in _numbers(item)]
    if name in LISTS | ONE_VALUE:
        return checked_knob(name, values)
    if not values:
        raise ConfigurationError(f"{name} = []: expected at least one value")
    if name == "seeds":
        with named_in_errors("seeds: "):
            _check_seeds(values)
    else:
        for item in values:
            checked_knob(name, item)
    return values


def _check_seeds(seeds: list[Any]) -> None:
    """Raise ConfigurationError if one is not a valid seed; there may be 100,000 of them."""
    config = RunConfig()
    for seed in seeds:
        config.with_seed(seed)


def _numbers(item: Any) -> list[Any]:
    """Expand a range; leave anything else for RunConfig to check."""
    words = expand_range(item) if isinstance(item, str) else [item]
    return words if words == [item] else [int(word) for word in words]


def listed(name: str, value: Any) -> Any:
    """Return a list if a sweep takes several values."""
    return value if name in ONE_VALUE | SWITCHES or isinstance(value, list) else [value]
