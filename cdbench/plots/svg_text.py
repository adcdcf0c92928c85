"""A figure as the text of an SVG whose words are words, which a page shows in its own letters."""

import warnings
from io import StringIO
from typing import TYPE_CHECKING

from cdbench.plots.style import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def svg_text(figure: "Figure") -> str:
    """Return a figure's SVG: without a date or a ground, and with its texts as texts.

    The same figure always gives the same SVG.
    """
    from matplotlib import rc_context

    content = StringIO()
    with style(), rc_context({"svg.fonttype": "none"}), warnings.catch_warnings():
        # A database's name may have letters that the font lacks; the page's own letters show it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(content, format="svg", metadata={"Date": None}, transparent=True)
    return content.getvalue()
