"""What ``cdbench doctor`` looks at, but for the terminal and the settings."""

import os
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import cdbench
from cdbench.errors import CdbenchError
from cdbench.records.health import FAULT, NOTE, Finding

PACKAGES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "matplotlib",
    "sqlalchemy",
    "alembic",
    "typer",
    "rich",
)
"""What cdbench itself needs, as far as the numbers, the database and the screen depend on it."""

EXTRAS = {
    "data": (("pooch", "tqdm"), "downloads of MNIST, Fashion-MNIST and CIFAR-10"),
    "parquet": (("pyarrow",), "data sets in Parquet files"),
    "browse": (("datasette", "uvicorn"), "the database in a browser"),
    "postgres": (("psycopg",), "databases on PostgreSQL servers"),
    "dask": (("distributed",), "sweeps on a cluster"),
    "torch": (("torch", "safetensors"), "the layers for PyTorch"),
    "onnx": (("onnx",), "export of trained networks"),
}
"""The extras that people install: their packages, and what each is for."""

LEAST_FREE = 200_000_000
"""Bytes on the disk of the database below which a sweep is likely to fail."""


def versions() -> Iterator[Finding]:
    """Yield the versions of Python, cdbench and the packages that it needs."""
    of = "Versions"
    yield Finding(of, "cdbench", f"{cdbench.__version__} in {Path(cdbench.__file__).parent}")
    yield Finding(of, "Python", f"{sys.version.split()[0]} at {sys.executable}")
    told = [f"{name} {_version(name)}" for name in PACKAGES]
    yield Finding(of, "packages", ", ".join(told))


def machine(folder: Path) -> Iterator[Finding]:
    """Yield processor, BLAS, instructions, memory, and what is free on the disk of a folder."""
    from cdbench.running.environment import current_environment
    from cdbench.system.memory import available_memory, format_bytes

    of, found = "Machine", current_environment()
    cores = f"{found.n_cores} core{'s' * (found.n_cores != 1)}"
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else found.n_cores
    limit = f", of which {usable} may be used" if usable < found.n_cores else ""
    yield Finding(of, "processor", f"{found.cpu}, {cores}{limit}; {found.operating_system}")
    threads = "a thread a run, more by --blas-threads"
    if found.blas == "unknown":
        advice = "products may be slow: reinstall NumPy with its own BLAS"
        yield Finding(of, "BLAS", f"not recognised; {threads}", NOTE, advice)
    else:
        yield Finding(of, "BLAS", f"{found.blas}, {threads}")
    yield Finding(of, "vector instructions", f"{found.simd or 'none'} beyond NumPy's baseline")
    memory = available_memory()
    if memory is not None:
        yield Finding(of, "memory", f"{format_bytes(memory)} available")
    free = shutil.disk_usage(folder).free
    said = f"{format_bytes(free)} free in {folder}"
    if free < LEAST_FREE:
        yield Finding(of, "disk", said, FAULT, "make room, or keep results elsewhere: --db PATH")
    else:
        yield Finding(of, "disk", said)


def database(location: str, source: str) -> Iterator[Finding]:
    """Yield what a database is, what it holds, and whether it is sound; nothing is changed.

    Parameters
    ----------
    location : str
        A path, or an SQLAlchemy URL.
    source : str
        Where that comes from, in words.
    """
    from cdbench.store.location import find_location

    of = "Database"
    try:
        place = find_location(location)
        yield Finding(of, "where", f"{place.name}, {source}")
        if place.path is not None and not place.path.exists():
            yield _to_be_made(place.path)
        else:
            yield from _contents(location)
    except CdbenchError as error:
        yield Finding(of, "state", str(error), FAULT)


def _to_be_made(path: Path) -> Finding:
    folder = path.absolute().parent
    if not os.access(folder, os.W_OK | os.X_OK):
        return Finding(
            *("Database", "state", f"not there, and {folder} cannot be written", FAULT),
            "work in a folder of your own, or name another database: --db PATH",
        )
    first = "the first run makes it, as does: cdbench sweep --B 4 --seeds 0 1 2"
    return Finding("Database", "state", "not there yet", NOTE, first)


def _contents(location: str) -> Iterator[Finding]:
    from cdbench.reports.inventory import size_in_words
    from cdbench.store.upkeep.inventory import inventory
    from cdbench.store.upkeep.sources import open_as_it_is, require_sound

    of, opened = "Database", open_as_it_is(location)
    found = inventory(opened)
    runs = f"{found.n_rows['run']:,} runs"
    yield Finding(of, "contents", f"{runs}, {size_in_words(found.n_bytes)}, {found.kind}")
    if found.revision == found.newest_revision:
        yield Finding(of, "schema", f"{found.revision}, the newest")
    else:
        said = f"{found.revision}; the newest is {found.newest_revision}"
        yield Finding(of, "schema", said, NOTE, "to bring it there: cdbench db upgrade")
    require_sound(opened)
    yield Finding(of, "soundness", "nothing is damaged; every row: cdbench db check")


def extras() -> Iterator[Finding]:
    """Yield each extra: its version, or the command that installs it."""
    for name, (packages, purpose) in EXTRAS.items():
        missing = [package for package in packages if find_spec(package) is None]
        if missing:
            advice = f"to have it: pip install 'cdbench[{name}]'"
            yield Finding("Extras", name, f"not installed; for {purpose}", NOTE, advice)
        else:
            told = ", ".join(f"{package} {_version(package)}" for package in packages)
            yield Finding("Extras", name, f"{told}; for {purpose}")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "of unknown version"
