"""Figures into files: the same bytes from the same runs, whole or not at all."""

import warnings
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cdbench.errors import ConfigurationError, OutputError, UnknownNameError
from cdbench.output_files import STANDARD_OUTPUT, write_output
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

OTHER_PICTURES = ("jpg", "jpeg", "gif", "eps", "ps", "tif", "tiff", "webp", "bmp")
"""Endings of pictures that are not drawn; a folder is hardly called so."""


def figure_files(
    output: Path,
    names: Sequence[str],
    format: str | None = None,  # noqa: A002
) -> list[Path]:
    """Return which file each figure goes to.

    Parameters
    ----------
    output : Path
        A folder; or the file of a single figure, known by its ending, or ``-`` for standard output.
    names : sequence of str
        Of the figures, which are their files' names in a folder.
    format : str, optional
        A key of ``FORMATS``; by default that of a single file's ending, else png.

    Raises
    ------
    ConfigurationError
        If a single file is named for several figures, or for a format that is not its ending's.
    """
    ending = _ending(output)
    if str(output) != STANDARD_OUTPUT:
        if ending not in (*FORMATS, *OTHER_PICTURES) or output.is_dir():
            return [output / f"{name}.{format or 'png'}" for name in names]
        if ending not in FORMATS:
            raise UnknownNameError(f"kind of figure in --output {output}:", ending, FORMATS)
        if format not in (None, ending):
            raise ConfigurationError(
                f"--output {output} ends otherwise than --format {format}; expected one of the two"
            )
    if len(names) != 1:
        raise ConfigurationError(
            f"--output {output} is one file, for {len(names)} figures; expected a folder, as in "
            "--output figures"
        )
    return [output]


def save_figure(figure: "Figure", path: Path, format: str | None = None) -> bool:  # noqa: A002
    """Write a figure, replacing what was there in one step, or to a stream.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    path : Path
        Where to, as ``write_output`` takes it; its folder is made where it is missing.
    format : str, optional
        A key of ``FORMATS``; by default that of the file's ending, else png.

    Returns
    -------
    bool
        Whether it is a file now, False for a stream.

    Raises
    ------
    UnknownNameError
        If the format is none of ``FORMATS``.
    OutputError
        If the file cannot be written.
    """
    kind = format or _ending(path) or "png"
    if kind not in FORMATS:
        raise UnknownNameError("figure format", kind, FORMATS)
    if str(path) != STANDARD_OUTPUT:
        check_folder(path.parent)
    content = BytesIO()
    with style(), warnings.catch_warnings():
        # A database's name may hold letters that the font lacks; they print as boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(content, format=kind, **FORMATS[kind])
    return write_output(path, content.getvalue())


def _ending(path: Path) -> str:
    return path.suffix.removeprefix(".").lower()


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
