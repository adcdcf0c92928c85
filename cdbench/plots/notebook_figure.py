"""A figure that a notebook shows, whether or not pyplot has been used in it."""

from io import BytesIO

from matplotlib.figure import Figure


class NotebookFigure(Figure):
    """Matplotlib's own, which pyplot, by which notebooks learn to show it, knows nothing of."""

    def _repr_png_(self) -> bytes:
        content = BytesIO()
        self.savefig(content, format="png")
        return content.getvalue()
