"""Plug-ins: layer families, data sets and claims from outside the repository, by kind and name.

A plug-in is a Python file, run once in a process, or an installed package that names what it
brings by entry points, imported when a name is asked for. Both have a record, ``NAME
sha256:DIGEST``, of their source. Runs keep the records of what they are made of.
"""

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from cdbench.errors import CdbenchError, PluginError

GROUPS = {"layer": "cdbench.layers", "dataset": "cdbench.datasets", "claim": "cdbench.claims"}
"""The kinds of what a plug-in may bring, each with its group of entry points."""

LAWS, BASE = "cdbench.engine.plugin_laws", "cdbench.engine.layers.weight_layer"
"""Modules of the engine, by name: what a layer must obey, and what it is."""

CLAIM, CLAIMS = "cdbench.claims.base", "cdbench.claims.every"
"""Modules of the claims, by name: what one is, which every plug-in with one imports, and ours."""

WORDS = {"layer": "layer", "dataset": "data set", "claim": "claim"}


@dataclass(frozen=True)
class Found:
    """What a plug-in brings.

    Attributes
    ----------
    kind, name : str
        What it is, and what it is called on the command line.
    value : Any
        A family's class, a function that returns a data set, or a claim.
    plugin : str
        The plug-in as messages name it: ``mylayer.py``.
    record : str
        What runs record: ``mylayer sha256:…``.
    path : str or None
        The plug-in's file; None if it is installed.
    """

    kind: str
    name: str
    value: Any
    plugin: str
    record: str
    path: str | None = None

    def __str__(self) -> str:
        return f"plug-in {self.plugin}: {WORDS[self.kind]} {self.name}"


@dataclass
class _State:
    found: dict[str, dict[str, Found]] = field(
        default_factory=lambda: {kind: {} for kind in GROUPS}
    )
    files: dict[str, str] = field(default_factory=dict)


_STATE = _State()

_OURS: dict[str, Collection[str]] = {}
_BASES: dict[str, type] = {}


def introduce(kind: str, ours: Collection[str], base: type | None = None) -> None:
    """Learn which names of a kind are built in, and the base class of what is to be found."""
    _OURS[kind] = ours
    if base is not None:
        _BASES[kind] = base


def forget() -> None:
    """Forget every plug-in, for tests."""
    _STATE.__init__()  # type: ignore[misc]


def find(kind: str, name: object) -> Found | None:
    """Return what a plug-in brings by that name; None if there is none, or it is built in.

    Raises
    ------
    PluginError
        If an installed one has to be imported, and cannot be.
    """
    if not isinstance(name, str) or name in _OURS.get(kind, ()):
        return None
    found = _STATE.found[kind].get(name)
    if found is None and name.partition(".")[0] == name and name in _installed(kind):
        found = _from_package(kind, name)
    return found


def names(kind: str) -> list[str]:
    """Return the names that plug-ins bring; those of installed ones are not imported for it."""
    own = _STATE.found[kind]
    ours = _OURS.get(kind, ())
    return [*own, *(name for name in _installed(kind) if name not in own and name not in ours)]


def every(kind: str) -> dict[str, Any]:
    """Return all that plug-ins bring of a kind, by name."""
    found = {name: find(kind, name) for name in names(kind)}
    return {name: one.value for name, one in found.items() if one is not None}


def load(path: Path, source: bytes | None = None) -> None:
    """Run a plug-in's file, unless that was done, and take in what it brings, or nothing.

    Parameters
    ----------
    path : Path
        The file, as ``located``.
    source : bytes, optional
        Its contents, if they have been read.

    Raises
    ------
    PluginError
        If it cannot be run, brings nothing, or something that is taken or breaks a law.
    """
    if loaded(path) is not None:
        return
    from cdbench.config import plugin_source

    source = plugin_source.read(path) if source is None else source
    record = plugin_source.record_of(path.stem, source)
    module = plugin_source.run(path, source)
    found = [
        Found(kind, name, value, path.name, record, str(path))
        for kind, name, value in _brought(module, path.name)
    ]
    if not found:
        raise PluginError(
            f"plug-in {path.name}: brings no layer, data set or claim; expected a WeightLayer with "
            "a family, a dict DATASETS of functions, or a Claim with a name"
        )
    for place, one in enumerate(found):
        owner = _owner(one, found[:place])
        if owner is not None:
            raise PluginError(f"{one}: this name is taken by {owner}; expected another")
    check = _engine(LAWS).checked
    ready = [check(one) for one in found]
    _STATE.files[str(path)] = record
    for one in ready:
        _STATE.found[one.kind][one.name] = one


def located(path: Path) -> Path:
    """Return a file's path as it is known here: absolute, its folder without links."""
    try:
        return path.parent.resolve() / path.name
    except (OSError, RuntimeError) as error:  # a name too long, or links in a circle
        raise PluginError(f"plug-in {path}: cannot be looked for ({error})") from None


def loaded(path: Path) -> str | None:
    """Return the record of a file that was loaded, else None."""
    return _STATE.files.get(str(path))


@contextmanager
def blamed(kind: str, name: str, fault: str) -> Iterator[None]:
    """Turn a bug of what a plug-in brings by that name into one line; what is ours stays as it is.

    Parameters
    ----------
    kind, name : str
        What it is, and what it is called.
    fault : str
        What then cannot be done with it: ``cannot be built``.

    Raises
    ------
    PluginError
        If anything but a CdbenchError is raised.
    """
    try:
        yield
    except Exception as error:
        found = None if isinstance(error, CdbenchError) else find(kind, name)
        if found is None:
            raise
        from cdbench.config.plugin_source import described

        words = described(error, found.path or "")
        raise PluginError(f"{found}: {fault} ({words})") from error


def everything() -> Iterator[Found]:
    """Yield all that plug-ins have brought so far."""
    for found in _STATE.found.values():
        yield from found.values()


def _owner(one: Found, before: Sequence[Found]) -> str | None:
    """Return what has this name already, in words; None if nothing has, or it is no name."""
    if not isinstance(one.name, str):
        return None
    if one.name in _OURS[one.kind]:
        return f"a built-in {WORDS[one.kind]}"
    for other in (*before, *_STATE.found[one.kind].values()):
        if (other.kind, other.name) == (one.kind, one.name):
            return f"plug-in {other.path or other.plugin}"
    point = _installed(one.kind).get(one.name)
    return None if point is None else f"plug-in {point.value}, which is installed"


def _brought(module: ModuleType, plugin: str) -> Iterator[tuple[str, str, Any]]:
    """Yield kind, name and value of all that a module brings."""
    if CLAIM in sys.modules:
        import_module(CLAIMS)  # which introduces them
    bases: Mapping[str, type] = _BASES | {"layer": _engine(BASE).WeightLayer}
    for value in dict.fromkeys(one for one in vars(module).values() if isinstance(one, type)):
        for kind, key in (("layer", "family"), ("claim", "name")):
            own = value.__module__ == module.__name__ and kind in bases
            if own and issubclass(value, bases[kind]) and hasattr(value, key):
                yield kind, getattr(value, key), value
    datasets = getattr(module, "DATASETS", {})
    if not isinstance(datasets, dict) or not all(map(callable, datasets.values())):
        raise PluginError(f"plug-in {plugin}: DATASETS: expected a dict of names to functions")
    yield from (("dataset", name, function) for name, function in datasets.items())


def _engine(module: str) -> Any:
    """Return a module of the engine, which configurations do not know, and which is heavy."""
    return import_module(module)


def _installed(kind: str) -> Mapping[str, Any]:
    from cdbench.config.plugin_source import installed

    return installed(GROUPS[kind])


def _from_package(kind: str, name: str) -> Found:
    from cdbench.config.plugin_source import load_installed

    value, record = load_installed(_installed(kind)[name])
    plain = Found(kind, name, value, record.rpartition(" sha256:")[0], record)
    found: Found = _engine(LAWS).checked(plain)
    _STATE.found[kind][name] = found
    return found
