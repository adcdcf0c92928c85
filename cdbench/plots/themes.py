"""Themes: all figures are drawn in the colours of paper, and a theme changes a finished one.

No figure has to know of themes therefore, and one of a plug-in or of a notebook can have one too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cdbench.errors import ConfigurationError, UnknownNameError
from cdbench.plots.shades import BACKGROUND, NEUTRAL, turned
from cdbench.plots.style import style

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Theme:
    """What a theme makes of a figure.

    Attributes
    ----------
    words : str
        What it is for.
    is_dark : bool
        Whether colours are turned round, for light lines on a dark background.
    is_transparent : bool
        Whether what lies below the figure is to be seen.
    thicker : float
        Factor of the lines' widths and of the markers' sizes.
    dpi : int
        Pixels an inch of a PNG; figures are ten inches wide.
    rc : mapping
        Matplotlib's parameters for what is made when a figure is saved, such as ticks.
    """

    words: str
    is_dark: bool = False
    is_transparent: bool = False
    thicker: float = 1.0
    dpi: int = 200
    rc: Any = field(default_factory=dict)


PAPER = "paper"

THEMES = {
    PAPER: Theme("black on white, for papers and for printing"),
    "screen": Theme(
        "for slides and pages that are light: no background, thicker lines, more pixels",
        is_transparent=True,
        thicker=1.3,
        dpi=256,
        rc={"lines.linewidth": 2.2},
    ),
    "dark": Theme(
        "light lines on a dark background, for dark slides and pages",
        is_dark=True,
        rc={
            "figure.facecolor": BACKGROUND,
            "axes.facecolor": BACKGROUND,
            "text.color": NEUTRAL["#222222"],
            "axes.labelcolor": NEUTRAL["#222222"],
            "axes.edgecolor": NEUTRAL["#666666"],
            "grid.color": NEUTRAL["#e4e4e4"],
            "xtick.color": NEUTRAL["#666666"],
            "ytick.color": NEUTRAL["#666666"],
            "xtick.labelcolor": NEUTRAL["#222222"],
            "ytick.labelcolor": NEUTRAL["#222222"],
        },
    ),
}


def find_theme(name: str) -> Theme:
    """Return the theme of this name.

    Raises
    ------
    UnknownNameError
        If there is none.
    """
    if name not in THEMES:
        raise UnknownNameError("theme", name, THEMES)
    return THEMES[name]


@contextmanager
def themed(name: str = PAPER) -> Iterator[None]:
    """Save or draw what has this theme: in the project's style, with the theme's own colours."""
    import matplotlib as mpl

    theme = find_theme(name)
    with style(), mpl.rc_context(theme.rc):
        yield


def with_theme(figure: "Figure", name: str) -> "Figure":
    """Give a figure, drawn in the colours of paper, a theme; it is changed in place.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Any figure of cdbench, or another one.
    name : str
        A key of THEMES. The theme that it has already changes nothing.

    Returns
    -------
    matplotlib.figure.Figure
        The same figure.

    Raises
    ------
    UnknownNameError
        If there is no such theme.
    ConfigurationError
        If the figure has another theme, which cannot be taken back.
    """
    theme = find_theme(name)
    own = getattr(figure, "theme", PAPER)
    if own == name:
        return figure
    if own != PAPER:
        raise ConfigurationError(
            f"the figure has the theme {own} already; expected one in the theme {PAPER}, to make "
            f"it {name}: draw it again"
        )
    with style():  # ticks are made while they are looked for
        for artist in figure.findobj():
            _change(artist, theme)
    if theme.is_transparent:
        for patch in (figure.patch, *(axes.patch for axes in figure.axes)):
            patch.set_facecolor("none")
    setattr(figure, "theme", name)  # noqa: B010 - other figures have no such field
    return figure


def _change(artist: "Artist", theme: Theme) -> None:
    """Change one part of a figure."""
    from matplotlib.collections import Collection
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from matplotlib.text import Annotation, Text

    shade = _shade if theme.is_dark else _same
    if isinstance(artist, Line2D):
        artist.set(
            color=shade(artist.get_color()),
            markerfacecolor=shade(artist.get_markerfacecolor()),
            markeredgecolor=shade(artist.get_markeredgecolor()),
            linewidth=theme.thicker * artist.get_linewidth(),
            markersize=theme.thicker * artist.get_markersize(),
        )
    elif isinstance(artist, Text):
        artist.set_color(shade(artist.get_color()))
        arrow = artist.arrow_patch if isinstance(artist, Annotation) else None
        if arrow is not None:  # findobj does not find it
            _change(arrow, theme)
    elif isinstance(artist, Patch):
        artist.set(facecolor=shade(artist.get_facecolor()), edgecolor=shade(artist.get_edgecolor()))
    elif isinstance(artist, Collection):
        artist.set_facecolor([shade(color) for color in artist.get_facecolor()])
        artist.set_edgecolor([shade(color) for color in artist.get_edgecolor()])


def _same(color: Any) -> Any:
    return color


def _shade(color: Any) -> Any:
    """Return the colour for a dark background, as opaque as this one."""
    from matplotlib.colors import to_hex, to_rgba

    if isinstance(color, str) and color in ("none", "auto"):
        return color
    *_, opacity = to_rgba(color)
    return (*to_rgba(turned(to_hex(color)))[:3], opacity)
