"""Figures as SVG: the same bytes every time, with what a screen reader says of them."""

import re
import warnings
from collections.abc import Iterable
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from cdbench.plots.shades import turned
from cdbench.plots.themes import PAPER, themed, with_theme
from cdbench.system.printable import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FONTS = "'DejaVu Sans', Verdana, Geneva, sans-serif"
"""Fonts for text that stays text. All of them are as wide as the one that figures are made with."""

VARIABLE = "--figure-"
"""How the names of the variables begin that a page gives its figures' colours by."""

_NOT_ASCII = re.compile(r"[^\n -~]+")
_ATTRIBUTE = re.compile(r'(?<=\s)style="[^"]*"')
_COLOR = re.compile(r"#([0-9a-f]{6})\b")
_VARIABLE = re.compile(rf"var\({VARIABLE}([0-9a-f]{{6}}), ")
_NAME = re.compile(r'(?<=\s)id="([^"]*)"\s?')
_USE = re.compile(r'(?<=url\(#)[^)]+|(?<=href="#)[^"]+')


def svg_text(figure: "Figure", *, as_text: bool = False) -> str:
    """Return a figure as an SVG file of its own, in the theme that it has.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    as_text : bool, optional
        Whether letters stay letters, which can be searched and copied and take half the space, but
        need a font like DejaVu Sans where they are shown. By default they are drawn, and look the
        same everywhere.

    Returns
    -------
    str
        The file, with a title and a description; it holds no date.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    content = BytesIO()
    with (
        themed(getattr(figure, "theme", PAPER)),
        rc_context({"svg.fonttype": "none"} if as_text else {}),
        warnings.catch_warnings(),
    ):
        # A database's name may have letters that the font lacks; they print as boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        Figure.savefig(figure, content, format="svg", metadata={"Date": None})
    # XML may hold no control character, and a database's name may.
    text = _NOT_ASCII.sub(lambda found: printable(found[0]), content.getvalue().decode("utf-8"))
    return _described(text, figure)


def page_svg(figure: "Figure") -> str:
    """Return a figure to be put into a page of HTML, whose colours the page decides.

    It has no background, and every colour is a variable of CSS with that of paper as what it is
    otherwise: ``var(--figure-0072b2, #0072b2)``. ``page_colors`` gives their values for a dark
    page. Letters stay letters, and no name in it comes twice on a page of several figures.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure, in the theme paper.

    Returns
    -------
    str
        One element ``svg``, as wide as there is room for it.
    """
    for patch in (figure.patch, *(axes.patch for axes in figure.axes)):
        patch.set_facecolor("none")
    text = svg_text(with_theme(figure, PAPER), as_text=True)
    text = re.sub(
        r"<(metadata|style)\b.*?</\1>\s*", "", text[text.index("<svg") :], flags=re.DOTALL
    )
    # What the rule in the style said of every element; in a page it would be every element of that.
    text = text.replace("<svg ", '<svg stroke-linejoin="round" stroke-linecap="butt" ', 1)
    text = re.sub(r' (?:width|height)="[\d.]+pt"', "", text, count=2)
    text = text.replace("xlink:href=", "href=").replace("'DejaVu Sans'", FONTS)
    return _ATTRIBUTE.sub(_variables, _with_own_names(text))


def page_colors(svgs: Iterable[str]) -> dict[str, str]:
    """Return what the variables of such figures are on a dark page, by their names.

    Examples
    --------
    >>> page_colors(['<path style="fill: var(--figure-0072b2, #0072b2)"/>'])
    {'--figure-0072b2': '#5db7fb'}
    """
    found = sorted({color for svg in svgs for color in _VARIABLE.findall(svg)})
    return {f"{VARIABLE}{color}": turned(f"#{color}") for color in found}


def _described(text: str, figure: "Figure") -> str:
    """Return an SVG that names itself: what a screen reader says, and a browser shows."""
    title = _plain(getattr(figure, "says", "") or "Figure")
    name = f"f{sha256(text.encode()).hexdigest()[:8]}"
    parts = [axes.get_title("left") or axes.get_ylabel() for axes in figure.axes]
    legends = [entry.get_text() for legend in figure.legends for entry in legend.get_texts()]
    sentences = [
        *([f"Panels: {'; '.join(filter(None, parts))}."] if any(parts) else []),
        *([f"Shown: {'; '.join(legends)}."] if legends else []),
        getattr(figure, "source", ""),
    ]
    words = _plain(" ".join(filter(None, sentences)))
    named = f'role="img" aria-labelledby="{name}-title {name}-desc"'
    inside = f'<title id="{name}-title">{title}</title>\n <desc id="{name}-desc">{words}</desc>'
    return re.sub(
        r"<svg ([^>]*)>", lambda found: f"<svg {named} {found[1]}>\n {inside}", text, count=1
    )


def _plain(text: str) -> str:
    return escape(printable(" ".join(text.split())))


def _with_own_names(text: str) -> str:
    """Return an SVG with only those names that it uses, each beginning as no other figure's do."""
    own = f"f{sha256(text.encode()).hexdigest()[:8]}"
    used = set(_USE.findall(text))
    labels = re.search(r'aria-labelledby="([^"]*)"', text)
    kept = set(labels[1].split()) if labels else set()

    def renamed(found: re.Match[str]) -> str:
        name = found[1]
        if name in kept:
            return found[0]
        return f'id="{own}-{name}" ' if name in used else ""

    text = _USE.sub(lambda found: f"{own}-{found[0]}", _NAME.sub(renamed, text))
    return re.sub(r"<g\s+>", "<g>", text)


def _variables(style: re.Match[str]) -> str:
    return _COLOR.sub(rf"var({VARIABLE}\1, #\1)", style[0])
