"""Data sets that are made to measure: what their names may say.

``gaussian:classes=5,kappa=1e6`` or ``teacher:low-rank:4,samples=500``: a kind, for a teacher its
layer family as after ``--layer``, and parameters. The canonical name has those that are not at
their defaults, in a fixed order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from cdbench.config import families
from cdbench.errors import ConfigurationError, UnknownNameError

GAUSSIAN, TEACHER = "gaussian", "teacher"
KINDS = (GAUSSIAN, TEACHER)

WHOLE = {"samples": (2000, 2), "features": (64, 1), "classes": (10, 2), "seed": (0, 0)}
"""Parameters of both kinds that are whole numbers: the default, and the smallest."""

REAL = {"kappa": (1.0, 1.0), "separation": (4.0, 0.0)}
"""Those of Gaussian classes that are any numbers: the default, and the smallest."""

HIDDEN = {"hidden": (0, 0)}
"""That of a teacher: the width of its hidden layer; 0 is none."""

PARAMETERS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    GAUSSIAN: WHOLE | REAL,
    TEACHER: WHOLE | HIDDEN,
}

GRAMMAR = (
    "expected KIND[:NAME=VALUE...], as in gaussian:classes=5,kappa=1e6, or "
    "teacher:FAMILY[:VALUE][,NAME=VALUE...], as in teacher:low-rank:4,samples=500"
)


@dataclass(frozen=True)
class MadeSet:
    """What a made set's name says.

    Attributes
    ----------
    kind : str
        One of KINDS.
    values : mapping
        The value of every parameter in PARAMETERS of the kind.
    layer : str
        A teacher's layers, as after ``--layer``; otherwise empty.
    name : str
        The canonical name.
    """

    kind: str
    values: Mapping[str, float]
    layer: str
    name: str


def is_made(dataset: str) -> bool:
    """Return whether a data set's name is of this kind."""
    return dataset.partition(":")[0] in KINDS


@lru_cache(maxsize=64)
def parse(dataset: str) -> MadeSet:
    """Return what a made set's name says.

    Raises
    ------
    ConfigurationError
        If it cannot be read, or asks for the impossible.
    """
    kind, _, rest = dataset.partition(":")
    given, others = dict[str, str](), list[str]()
    for part in rest.split(",") if rest else ():
        key, equals, value = part.partition("=")
        if kind == TEACHER and key not in PARAMETERS[kind]:
            others.append(part)
        elif not equals or not value or key in given:
            raise ConfigurationError(f"dataset = {dataset!r}: {GRAMMAR}")
        elif key not in PARAMETERS[kind]:
            raise UnknownNameError(f"parameter of {kind}", key, PARAMETERS[kind])
        else:
            given[key] = value
    layer = _layer(dataset, ",".join(others)) if kind == TEACHER else ""
    values = {
        key: _number(dataset, key, given[key]) if key in given else default
        for key, (default, _) in PARAMETERS[kind].items()
    }
    if values["samples"] < 5 * values["classes"]:
        raise ConfigurationError(
            f"dataset = {dataset!r}: {values['samples']} samples of {values['classes']} classes; "
            "expected at least five times as many"
        )
    if kind == GAUSSIAN and values["samples"] <= values["features"]:
        raise ConfigurationError(
            f"dataset = {dataset!r}: {values['samples']} samples of {values['features']} features "
            "have no condition number; expected more samples than features"
        )
    return MadeSet(kind, values, layer, _canonical(kind, layer, values))


def _layer(dataset: str, words: str) -> str:
    """Return the canonical specification of a teacher's layers."""
    if not words:
        raise ConfigurationError(f"dataset = {dataset!r}: names no layer family; {GRAMMAR}")
    name, structure, B = families.read(words, None, None)
    if name in families.WITH_B and B is None:
        B = families.DEFAULT_B
    return families.specification(name, structure, B)


def _canonical(kind: str, layer: str, values: Mapping[str, float]) -> str:
    own = [
        f"{key}={values[key]:g}" if key in REAL else f"{key}={values[key]}"
        for key, (default, _) in PARAMETERS[kind].items()
        if values[key] != default
    ]
    rest = ",".join([layer, *own] if layer else own)
    return f"{kind}:{rest}" if rest else kind


def _number(dataset: str, key: str, word: str) -> float:
    _, least = (WHOLE | REAL | HIDDEN)[key]
    try:
        value = float(word) if key in REAL else int(word)
    except ValueError:
        value = -1
    if not least <= value < float("inf"):
        what = "number" if key in REAL else "whole number"
        raise ConfigurationError(
            f"dataset = {dataset!r}: {key} = {word}: expected a {what} of at least {least:g}"
        )
    return value
