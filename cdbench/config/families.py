"""The layer families by name, each loaded when it is first asked for, and their specifications.

A specification is ``FAMILY[:VALUE][,NAME=VALUE…]``: ``dense``, ``low-rank:8``,
``monarch:8,inner=16``. VALUE is that of the family's main structure parameter. The canonical text
of a structure, as the database has it, is ``rank=8`` or ``blocks=8 inner=16``: the main parameter,
and the others where they are not at their defaults.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib import import_module

from cdbench.config import plugins
from cdbench.config.structure import Family, Structure, Value
from cdbench.errors import ConfigurationError, UnknownNameError

FAMILIES = {
    "cdlinear": "cdbench.engine.layers.cdlinear:CDLinear",
    "dense": "cdbench.engine.layers.dense:Dense",
    "low-rank": "cdbench.engine.layers.low_rank:LowRank",
    "block-diagonal": "cdbench.engine.layers.block_diagonal:BlockDiagonal",
    "kronecker": "cdbench.engine.layers.kronecker:KroneckerSum",
    "monarch": "cdbench.engine.layers.monarch:Monarch",
    "circulant": "cdbench.engine.layers.circulant:SignedCirculant",
    "acdc": "cdbench.engine.layers.acdc:ACDC",
    "toeplitz-like": "cdbench.engine.layers.toeplitz_like:ToeplitzLike",
    "ldr-sd": "cdbench.engine.layers.ldr_sd:LDRSD",
    "blast": "cdbench.engine.layers.blast:Blast",
    "spectral": "cdbench.engine.layers.spectral:Spectral",
}
"""Where each built-in family's class is; plug-ins bring others."""

plugins.introduce("layer", FAMILIES)

DEFAULT, BASELINE = "cdlinear", "dense"
DEFAULT_B = 4

WITH_B = frozenset({"cdlinear"})
"""Families whose structure is B: a knob, and a column of the database, of its own."""

GRAMMAR = "expected FAMILY[:VALUE][,NAME=VALUE…], as in low-rank:8 or monarch:8,inner=16"


def check_name(name: str) -> None:
    """Raise UnknownNameError, with the nearest name, if there is no such family."""
    if name not in FAMILIES and plugins.find("layer", name) is None:
        raise UnknownNameError("layer", name, [*FAMILIES, *plugins.names("layer")])


def family(name: str) -> type[Family]:
    """Return the family's class."""
    check_name(name)
    if name in FAMILIES:
        return _built_in(name)
    found = plugins.find("layer", name)
    assert found is not None
    own: type[Family] = found.value
    return own


@cache
def _built_in(name: str) -> type[Family]:
    module, _, attribute = FAMILIES[name].partition(":")
    found: type[Family] = getattr(import_module(module), attribute)
    return found


def parse(specification: str) -> tuple[str, dict[str, Value]]:
    """Return the family's name and the structure parameters that a specification gives.

    Raises
    ------
    ConfigurationError
        If it cannot be read, names no family, or a value is not one of its parameter.
    """
    name, colon, rest = specification.partition(":")
    if not name or "," in name:
        raise ConfigurationError(f"layer = {specification!r}: {GRAMMAR}{_meant(specification)}")
    check_name(name)
    if not colon:
        return name, {}
    given: dict[str, str] = {}
    for place, part in enumerate(rest.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            key, value = ("", part) if place else (main_parameter(name), part)
        if not key or not value or key in given:
            raise ConfigurationError(f"layer = {specification!r}: {GRAMMAR}")
        given[key] = value
    return name, checked(name, given)


def _meant(specification: str) -> str:
    """Return what was probably meant by a specification with a comma where a colon belongs."""
    first, comma, rest = specification.partition(",")
    if not comma:
        return ""
    check_name(first)
    second = re.split("[:,]", rest)[0]
    if second in FAMILIES or plugins.find("layer", second) is not None:
        return f"; did you mean several: {first} {rest.replace(',', ' ')}?"
    return f"; did you mean {first}:{rest}?" if ":" not in rest else ""


def main_parameter(name: str) -> str:
    """Return the name of the parameter that a bare value is of."""
    parameters = family(name).structure
    if not parameters:
        raise ConfigurationError(
            f"layer {name} has no structure parameters; expected --layer {name}"
        )
    return parameters[0].name


def checked(name: str, given: Mapping[str, object]) -> dict[str, Value]:
    """Return the values of a family's structure parameters, or raise ConfigurationError."""
    parameters = {own.name: own for own in family(name).structure}
    found: dict[str, Value] = {}
    for key, value in given.items():
        if key not in parameters:
            main_parameter(name)
            raise UnknownNameError(f"structure parameter of {name}", key, parameters)
        try:
            found[key] = parameters[key].checked(value)
        except ConfigurationError as error:
            error.args = (f"layer {name}: {error}",)
            raise
    return found


def canonical(name: str, given: Mapping[str, Value]) -> str | None:
    """Return the canonical text of a structure; None if nothing is to be said."""
    texts = []
    for place, parameter in enumerate(family(name).structure):
        value = given.get(parameter.name, parameter.default)
        if value is not None and (place == 0 or value != parameter.default):
            texts.append(f"{parameter.name}={value}")
    return " ".join(texts) or None


def structure_of(name: str, text: str | None) -> Structure:
    """Return all structure parameters of a family, from the canonical text."""
    given = dict(part.split("=", 1) for part in (text or "").split())
    defaults = {own.name: own.default for own in family(name).structure if own.default is not None}
    return defaults | checked(name, given)


def model_name(layer: str, structure: str | None, B: object) -> str:
    """Return the name of a model in tables: ``dense``, ``cdlinear B=4``, ``low-rank rank=8``."""
    if B is not None:
        return f"{layer} B={B}"
    return layer if structure is None else f"{layer} {structure}"


def specification(layer: str, structure: str | None, B: object) -> str:
    """Return what is typed after ``--layer`` for exactly this family and structure."""
    if B is not None:
        return f"{layer}:{B}"
    if structure is None:
        return layer
    given = structure.replace(" ", ",")
    return f"{layer}:{given.removeprefix(f'{main_parameter(layer)}=')}"


def has_circulant_blocks(layer: str) -> bool:
    """Return whether there is something that Fisher regularisers act on in layers of the family."""
    name, _ = parse(layer)
    return name != BASELINE and (name in WITH_B or family(name).fisher_parameter is not None)


def read(layer: str, structure: str | None, B: object) -> tuple[str, str | None, object]:
    """Return a configuration's family, canonical structure and B, each in its place.

    Parameters
    ----------
    layer : str
        A specification.
    structure : str or None
        What a stored configuration has beside it.
    B : int or None
        The knob.

    Raises
    ------
    ConfigurationError
        If two of them disagree, or one is not valid.
    """
    name, given = parse(layer)
    if name in WITH_B:
        if given and B not in (None, given["B"]):
            raise ConfigurationError(
                f"layer = {layer} was given with B = {B}; expected one of the two"
            )
        return name, None, given.get("B", B)
    if name == BASELINE:
        return name, None, B
    return name, canonical(name, {**structure_of(name, structure), **given}), B
