"""A study: comparisons that belong together, by name, as ``[studies.NAME]`` in cdbench.toml."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cdbench.config.architecture_knobs import OWN_KNOBS
from cdbench.config.canonical import sha256
from cdbench.config.knob_values import checked_knob, checked_sweep_value, named_in_errors
from cdbench.config.numbers import parse_rate
from cdbench.errors import ConfigurationError, UnknownNameError

COMPARED_KNOBS = (
    *("dataset", "label_column", "task", "test", "encode", "permute", "input"),
    *("architecture", "activation", *OWN_KNOBS, "hidden", "head", "normalization"),
    *("epochs", "batch_size", "optimizer", "momentum", "weight_decay", "schedule", "warmup"),
    *("clip", "label_smoothing", "dropout", "dtype"),
)
"""Knobs that all models of a comparison share."""

SEEDS = ("seeds", "tuning_seeds")
NUMBERS = ("budget", "rates")
COMPARE_NAMES = (*SEEDS, *NUMBERS, "layer", "match", "validation")
"""Options of ``cdbench compare`` beside those knobs, by the names of their parameters."""

PARTS = "parts"


@dataclass(frozen=True)
class Study:
    """A study as it is written down.

    Attributes
    ----------
    name : str
        What it is called.
    parts : mapping
        The options of each comparison, by the part's name: the study's own, and over them the
        part's. Values are those of ``cdbench compare``; those that take several are lists.
    """

    name: str
    parts: Mapping[str, dict[str, Any]]

    def canonical_json(self) -> str:
        """Return the parts in their order as JSON, with sorted keys and no spaces."""
        parts = [{"part": name} | options for name, options in self.parts.items()]
        return json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def digest(self) -> str:
        """Return the SHA-256 of the canonical JSON, in hexadecimal."""
        return sha256(self.canonical_json())


def read_study(name: str, table: Mapping[str, Any]) -> Study:
    """Return the study that a table of cdbench.toml is.

    Parameters
    ----------
    name : str
        Its name.
    table : mapping
        Options that all parts share, and under ``parts`` a table of its own options for each.

    Raises
    ------
    UnknownNameError
        If there is no such option; the message gives the nearest one.
    ConfigurationError
        If a value is invalid, or there is no part.
    """
    title = f"[studies.{name}"
    if not isinstance(table, dict):
        raise ConfigurationError(f"studies.{name} = {table!r}: expected a table, {title}]")
    parts = table.get(PARTS)
    if not isinstance(parts, dict) or not parts:
        raise ConfigurationError(
            f"{title}] has no parts; expected a table for each data set, such as "
            f"{title}.parts.digits] with dataset = 'digits'"
        )
    own = {option: value for option, value in table.items() if option != PARTS}
    shared = _checked(f"{title}]", own)
    found = {}
    for part, options in parts.items():
        if not isinstance(options, dict):
            raise ConfigurationError(
                f"{PARTS}.{part} = {options!r}: expected a table, {title}.{PARTS}.{part}]"
            )
        found[part] = shared | _checked(f"{title}.{PARTS}.{part}]", options)
    return Study(name, found)


def _checked(title: str, options: Mapping[str, Any]) -> dict[str, Any]:
    known = (*COMPARED_KNOBS, *COMPARE_NAMES)
    for name in options:
        if name not in known:
            raise UnknownNameError(f"key in {title}", name, known)
    with named_in_errors(f"{title} "):
        return {name: _value(name, value) for name, value in options.items()}


def _value(name: str, value: Any) -> Any:
    if name in SEEDS:
        return checked_sweep_value("seeds", value)
    if name in NUMBERS:
        numbers = value if isinstance(value, list) else [value]
        if not numbers:
            raise ConfigurationError(f"{name} = []: expected numbers, as in [0.5, 0.25]")
        return [parse_rate(name, number) for number in numbers]
    if name == "layer":
        layers = value if isinstance(value, list) else [value]
        if not layers or not all(isinstance(layer, str) for layer in layers):
            raise ConfigurationError(f"layer = {value!r}: expected families, as in ['cdlinear']")
        return layers
    if name == "match":
        if not isinstance(value, str):
            raise ConfigurationError(f"match = {value!r}: expected a text")
        return value  # a plan knows its two words
    return checked_knob(name, value)
