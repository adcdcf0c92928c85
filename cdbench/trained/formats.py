"""The forms in which a trained model is exported, by name and by the ending of a file's name."""

from collections.abc import Callable
from pathlib import Path, PurePath

from cdbench.errors import ConfigurationError
from cdbench.trained import npz
from cdbench.trained.model import TrainedModel

Write = Callable[[TrainedModel, str | Path], bool]
"""Writes a model to a path; returns whether it was a file, not a stream."""

FORMATS: dict[str, Write] = {"npz": npz.save}
"""What ``--format`` takes."""

ENDINGS: dict[str, str] = {".npz": "npz"}
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
