"""Figures into files: the same bytes from the same runs, whole or not at all."""

import warnings
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cdbench.errors import OutputError, UnknownNameError
from cdbench.output_files import write_output
from cdbench.plots.style import style
from cdbench.work_folders import work_folder

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
    OutputError
        If the file cannot be written.
    """
    if format not in FORMATS:
        raise UnknownNameError("figure format", format, FORMATS)
    check_folder(folder)
    path = folder / f"{name}.{format}"
    content = BytesIO()
    with style(), warnings.catch_warnings():
        # A database's name may hold letters that the font lacks; they print as boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(content, format=format, **FORMATS[format])
    write_output(path, content.getvalue())
    return path


def check_folder(folder: Path) -> None:
    """Make a folder for figures, ahead of what is drawn there taking its time.

    Raises
    ------
    OutputError
        If nothing can be written into it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with work_folder(folder):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(
            f"cannot write figures into {folder}: {reason}; choose another --output"
        ) from error
