"""Small drawings in SVG, the same bytes for the same content, legible on white and on black."""

from html import escape

FILLS = ("#dbe7ff", "#d8f0e3", "#fde9cf", "#efe0fa", "#fbdfe3", "#dff1f6", "#ecebd3", "#e4e4ea")
"""Of boxes, light enough for dark text whatever is behind them."""

INK, LINE = "#1c2330", "#7d8597"
"""Text in a box; lines and text outside of one, which must be seen on white and on black."""


class Drawing:
    """Collects shapes, and is written as SVG.

    Parameters
    ----------
    title, description : str
        What the picture is, for those who do not see it.
    """

    def __init__(self, title: str, description: str) -> None:
        self.title, self.description = title, description
        self._shapes: list[str] = []

    def box(self, x: float, y: float, width: float, height: float, fill: str) -> None:
        self._shapes.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5" '
            f'fill="{fill}" stroke="{LINE}"/>'
        )

    def text(
        self, x: float, y: float, words: str, *, fill: str = INK, bold: bool = False, size: int = 13
    ) -> None:
        weight = ' font-weight="600"' if bold else ""
        self._shapes.append(
            f'<text x="{x:g}" y="{y:g}" fill="{fill}" font-size="{size}"{weight}>'
            f"{escape(words, quote=False)}</text>"
        )

    def turned_text(self, x: float, y: float, words: str) -> None:
        """Write upward from a point, leaning to the right."""
        self._shapes.append(
            f'<text transform="translate({x:g} {y:g}) rotate(-50)" fill="{LINE}" '
            f'font-size="12">{escape(words, quote=False)}</text>'
        )

    def dot(self, x: float, y: float, fill: str, says: str) -> None:
        self._shapes.append(
            f'<circle cx="{x:g}" cy="{y:g}" r="5.5" fill="{fill}" stroke="{LINE}">'
            f"<title>{escape(says, quote=False)}</title></circle>"
        )

    def line(self, x: float, y: float, x2: float, y2: float, opacity: float = 1) -> None:
        self._shapes.append(
            f'<path d="M{x:g} {y:g}L{x2:g} {y2:g}" stroke="{LINE}" stroke-width="1.3" '
            f'stroke-opacity="{opacity:g}"/>'
        )

    def curve(self, x: float, y: float, x2: float, y2: float, *, arrow: bool) -> None:
        """Draw a line that leaves and arrives level."""
        middle = (x + x2) / 2
        end = ' marker-end="url(#end)"' if arrow else ""
        self._shapes.append(
            f'<path d="M{x:g} {y:g}C{middle:g} {y:g} {middle:g} {y2:g} {x2:g} {y2:g}" fill="none" '
            f'stroke="{LINE}" stroke-width="1.3"{end}/>'
        )

    def svg(self, width: float, height: float) -> str:
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
            f'width="{width:g}" height="{height:g}" role="img" aria-labelledby="title description" '
            'font-family="system-ui, sans-serif">'
        )
        end = (
            '<marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            f'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="{LINE}"/></marker>'
        )
        words = (
            f'<title id="title">{escape(self.title)}</title>'
            f'<desc id="description">{escape(self.description)}</desc>'
        )
        return "\n".join([head, words, f"<defs>{end}</defs>", *self._shapes, "</svg>\n"])
