"""Saving figures: the same runs give the same bytes, and a file is written whole or not at all."""

import warnings
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cdbench.errors import ConfigurationError, OutputError, UnknownNameError
from cdbench.plots.svg import svg_text
from cdbench.plots.themes import PAPER, find_theme, themed
from cdbench.system.output_files import STANDARD_OUTPUT, write_output
from cdbench.system.work_folders import work_folder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS: dict[str, dict[str, Any]] = {
    "png": {},  # a theme says how many pixels it has
    "pdf": {"metadata": {"CreationDate": None}},
    "svg": {},  # svg_text has its own
}
"""Options for saving each format. No dates: a figure's bytes depend on its runs only."""

OTHER_PICTURES = ("jpg", "jpeg", "gif", "eps", "ps", "tif", "tiff", "webp", "bmp")
"""Endings of unsupported picture formats; a folder is unlikely to have such a name."""


def figure_files(
    output: Path,
    names: Sequence[str],
    format: str | None = None,  # noqa: A002
) -> list[Path]:
    """Return the file of each figure.

    Parameters
    ----------
    output : Path
        A folder, or the file of a single figure, known by its ending, or ``-`` for standard output.
    names : sequence of str
        Names of the figures, also used as file names in a folder.
    format : str, optional
        A key of ``FORMATS``; by default from the ending of a single file, else png.

    Raises
    ------
    ConfigurationError
        If a single file is named for several figures, or its ending does not match the format.
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
    """Write a figure to a file, replacing an old one in one step, or to a stream.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    path : Path
        Target, as for ``write_output``; its folder is created if missing.
    format : str, optional
        A key of ``FORMATS``; by default from the file's ending, else png.

    Returns
    -------
    bool
        Whether a file was written; False for a stream.

    Raises
    ------
    UnknownNameError
        If the format is not in ``FORMATS``.
    OutputError
        If the file cannot be written.
    """
    kind = format or _ending(path) or "png"
    if kind not in FORMATS:
        raise UnknownNameError("figure format", kind, FORMATS)
    if str(path) != STANDARD_OUTPUT:
        check_folder(path.parent)
    return write_output(path, figure_bytes(figure, kind))


def figure_bytes(figure: "Figure", kind: str) -> bytes:
    """Return a figure as a file, in the theme that it has.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    kind : str
        A key of ``FORMATS``.
    """
    if kind == "svg":
        return svg_text(figure).encode()
    theme = getattr(figure, "theme", PAPER)
    options = FORMATS[kind] | ({"dpi": find_theme(theme).dpi} if kind == "png" else {})
    content = BytesIO()
    with themed(theme), warnings.catch_warnings():
        # A database's name may have letters that the font lacks; they print as boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(content, format=kind, **options)
    return content.getvalue()


def _ending(path: Path) -> str:
    return path.suffix.removeprefix(".").lower()


def check_folder(folder: Path) -> None:
    """Create a folder for figures before spending time on drawing them.

    Raises
    ------
    OutputError
        If it cannot be written to.
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
