"""Where figures go: into files, which a viewer may open, or onto the terminal."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cdbench.cli.echo import complain, echo
from cdbench.cli.output import output_width
from cdbench.errors import OutputError
from cdbench.system.home_folders import expanded
from cdbench.system.terminal_pictures import protocol_of, show_picture, why_none
from cdbench.system.viewers import open_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOLDER = Path("figures")
"""Where figures are written unless it is said where."""

WIDEST = 110
"""Columns that a figure on a terminal takes at most."""


@dataclass(frozen=True)
class FigureOutput:
    """What is to be done with figures.

    Attributes
    ----------
    output : Path or None
        A folder, a file of one figure, or - for standard output; None if it was not said.
    form, theme : str or None, str
        Kind of file, and a key of ``cdbench.plots.themes.THEMES``.
    is_shown, is_opened : bool
        Whether the terminal is to show them, and a viewer to open their files.
    """

    output: Path | None = None
    form: str | None = None
    theme: str = "paper"
    is_shown: bool = False
    is_opened: bool = False

    def files(self, names: Sequence[str]) -> list[Path]:
        """Return the files of figures with these names; none if they are only to be shown."""
        from cdbench.plots import figure_files

        if self._protocol is not None and self.output is None and not self.is_opened:
            return []
        folder = FOLDER if self.output is None else Path(expanded(self.output, OutputError))
        return figure_files(folder, names, self.form)

    def put(self, figures: "Mapping[str, Figure]", files: Sequence[Path] | None = None) -> None:
        """Write the figures, show them and open them, as was asked for.

        Parameters
        ----------
        figures : mapping
            Figures in the colours of paper, by name.
        files : sequence of Path, optional
            What ``files`` returned for them.
        """
        from cdbench.plots import figure_bytes, save_figure, with_theme

        files = self.files(list(figures)) if files is None else files
        for figure in figures.values():
            with_theme(figure, self.theme)
        written = []
        for figure, path in zip(figures.values(), files, strict=bool(files)):
            if save_figure(figure, path, self.form):
                echo(f"wrote {path}")
                written.append(path)
        if self._protocol is not None:
            for figure in figures.values():
                columns = min(output_width(), WIDEST)
                show_picture(sys.stdout, figure_bytes(figure, "png"), self._protocol, columns)
        elif self.is_shown:
            reason = why_none(os.environ) if sys.stdout.isatty() else "this is no terminal"
            complain(f"not shown: {reason}; for a window: --open")
        for path in written if self.is_opened else ():
            problem = open_file(path)
            if problem is not None:
                complain(f"{path} was not opened: {problem}")

    @property
    def _protocol(self) -> str | None:
        is_possible = self.is_shown and sys.stdout.isatty()
        return protocol_of(os.environ) if is_possible else None
