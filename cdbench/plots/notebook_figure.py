"""A figure that a notebook shows, whether or not pyplot has been used in it."""

from io import BytesIO
from typing import Any

from matplotlib.figure import Figure

from cdbench.plots.themes import PAPER, themed


class NotebookFigure(Figure):
    """Matplotlib's own, which pyplot, by which notebooks learn to show it, knows nothing of.

    Attributes
    ----------
    theme : str
        That of its colours, a key of ``cdbench.plots.themes.THEMES``; given by ``with_theme``.
    says, source : str
        Its title, and the line that says where its numbers come from.
    """

    theme = PAPER
    says, source = "", ""

    def savefig(self, *args: Any, **options: Any) -> None:
        """Save it as matplotlib does, in its own style whatever the user's matplotlibrc says."""
        with themed(self.theme):
            super().savefig(*args, **options)

    def _repr_png_(self) -> bytes:
        content = BytesIO()
        self.savefig(content, format="png")
        return content.getvalue()
