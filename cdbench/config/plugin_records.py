"""The records of plug-ins: what runs keep of them, and what other processes need of them.

A run keeps, for each plug-in that it is made of, ``NAME sha256:DIGEST``, so that its configuration
and digest change with the source.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from cdbench.config import plugins
from cdbench.errors import PluginError

SEPARATOR = "; "
"""Between the records of a run that is made of two plug-ins."""

SHOWN = 12
"""Digits of a digest in messages."""


class Carried(NamedTuple):
    """What another process needs to have the same plug-in."""

    kind: str
    name: str
    record: str
    path: str | None


def records(layer: str, dataset: object) -> str | None:
    """Return the records of the plug-ins that bring a run's layer and data set; None if none do."""
    kinds = (("layer", layer.partition(":")[0]), ("dataset", dataset))
    found = {one.record for kind, name in kinds if (one := plugins.find(kind, name)) is not None}
    return SEPARATOR.join(sorted(found)) or None


def lacking(recorded: str | None, layer: str, dataset: str) -> str | None:
    """Return why a run that recorded these plug-ins cannot be trained here; None if it can."""
    current = records(layer, dataset)
    if recorded in (None, current):
        return None
    here = set(map(_split, current.split(SEPARATOR))) if current else set()
    needed = set(map(_split, str(recorded).split(SEPARATOR)))
    for name, digest in sorted(needed - here):
        others = [other for own, other in sorted(here) if own == name]
        if others:
            return (
                f"plug-in {name} has another source than it was trained with: {others[0]}, "
                f"expected {digest}"
            )
        strange = ", ".join(f"{other} ({own})" for other, own in sorted(here - needed))
        return (
            f"plug-in {name} ({digest}) is missing; expected --plugin FILE, or the package that "
            f"has it{f', not {strange}' if strange else ''}"
        )
    return f"it was trained without plug-in {current}"


def check(recorded: str | None, layer: str, dataset: str) -> None:
    """Raise PluginError unless the plug-ins that a run recorded are here."""
    why = lacking(recorded, layer, dataset)
    if why is not None:
        raise PluginError(why)


def carried() -> tuple[Carried, ...]:
    """Return what another process needs to have every plug-in that this one has, once each."""
    by_record = {
        one.record: Carried(one.kind, one.name, one.record, one.path)
        for one in plugins.everything()
    }
    return tuple(by_record.values())


def take(needed: Iterable[Carried]) -> None:
    """Load the plug-ins of another process; raise PluginError if one is missing or another."""
    for one in needed:
        if one.path is not None:
            plugins.load(Path(one.path))
            record = str(plugins.loaded(Path(one.path)))
        else:
            found = plugins.find(one.kind, one.name)
            if found is None:
                raise PluginError(f"plug-in {_split(one.record)[0]} is not installed")
            record = found.record
        if record != one.record:
            (name, digest), (_, wanted) = _split(record), _split(one.record)
            raise PluginError(f"plug-in {name} has another source: {digest}, expected {wanted}")


def _split(record: str) -> tuple[str, str]:
    name, _, digest = record.rpartition(" sha256:")
    return name, f"sha256:{digest[:SHOWN]}"
