"""Figures into files: the same bytes from the same runs, whole or not at all."""

import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cdbench.errors import CdbenchError, UnknownNameError
from cdbench.plots.style import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS: dict[str, dict[str, Any]] = {
    "png": {"dpi": 200},
    "pdf": {"metadata": {"CreationDate": None}},
    "svg": {"metadata": {"Date": None}},
}
"""What each format is saved with. No dates: a figure's bytes depend on its runs only."""


def save_figure(figure: "Figure", folder: Path, name: str, format: str) -> Path:  # noqa: A002
    """Write a figure to ``folder/name.format``, replacing what was there in one step.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    folder : Path
        Made where it is missing.
    name : str
        File name without its ending.
    format : str
        A key of ``FORMATS``.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    UnknownNameError
        If the format is none of ``FORMATS``.
    CdbenchError
        If the file cannot be written.
    """
    if format not in FORMATS:
        raise UnknownNameError("figure format", format, FORMATS)
    path = folder / f"{name}.{format}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # A folder of our own beside the target: the rename stays on one file system, the file
        # gets the user's ordinary permissions, and nothing is left behind on failure.
        with tempfile.TemporaryDirectory(dir=folder, prefix=".cdbench-") as workplace:
            unfinished = Path(workplace) / path.name
            with style(), warnings.catch_warnings():
                # A database's name may hold letters that the font lacks; they print as boxes.
                warnings.filterwarnings("ignore", message="Glyph .* missing from")
                figure.savefig(unfinished, format=format, **FORMATS[format])
            unfinished.replace(path)
    except OSError as error:
        reason = error.strerror or error
        raise CdbenchError(
            f"cannot write figure {path}: {reason}; choose another folder"
        ) from error
    return path


def check_folder(folder: Path) -> None:
    """Make a folder for figures, ahead of what is drawn there taking its time.

    Raises
    ------
    CdbenchError
        If nothing can be written into it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".cdbench-"):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise CdbenchError(
            f"cannot write figures into {folder}: {reason}; choose another --output"
        ) from error
