"""The forms in which a trained model is exported, by name and by the ending of a file's name."""

from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePath

from cdbench.errors import ConfigurationError
from cdbench.trained import npz
from cdbench.trained.model import TrainedModel
from cdbench.trained.onnx_graph import export_onnx
from cdbench.trained.safetensors_file import export_safetensors

Write = Callable[[TrainedModel, str | Path], str | None]
"""Writes a model to a path; returns what there is to say of how, or None if it was a stream."""


def export_npz(model: TrainedModel, path: str | Path) -> str | None:
    """Write a model as ``npz.save`` does, of which there is nothing to say."""
    return "" if npz.save(model, path) else None


FORMATS: dict[str, Write] = {
    "npz": export_npz,
    "torch": export_safetensors,
    "onnx": export_onnx,
}
"""What ``--format`` takes."""

OWN: dict[str, Write] = {"torch": partial(export_safetensors, own=True)}
"""Those that have the layers of ``cdbench.torch`` too, with ``--own``."""

ENDINGS: dict[str, str] = {".npz": "npz", ".safetensors": "torch", ".onnx": "onnx"}
"""The format that the ending of a file's name means."""


def format_of(path: str, name: str | None = None) -> str:
    """Return the name of the format to write a file in: the one asked for, or that of its ending.

    Raises
    ------
    ConfigurationError
        If there is no such format, or none is asked for and the ending means none.
    """
    if name is not None:
        return name
    ending = PurePath(path).suffix.lower()
    if ending not in ENDINGS:
        raise ConfigurationError(
            f"{path}: no form of a model ends in {ending or 'nothing'}; expected "
            f"{', '.join(ENDINGS)}, or --format {'|'.join(FORMATS)} beside it"
        )
    return ENDINGS[ending]


def writer(name: str, *, own: bool) -> Write:
    """Return what writes a format, with the families' own layers or without.

    Raises
    ------
    ConfigurationError
        If the format has no layers of our own.
    """
    if own and name not in OWN:
        raise ConfigurationError(f"--own is for --format {'|'.join(OWN)}, got {name}")
    return (OWN if own else FORMATS)[name]
