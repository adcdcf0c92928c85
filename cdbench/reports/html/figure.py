"""A figure of a page: the drawing, which scrolls where the page is narrow, and its words."""

from dataclasses import dataclass

from cdbench.reports.html.markup import Markup, html
from cdbench.reports.html.svg import inline


@dataclass(frozen=True)
class Drawing:
    """A figure as it was drawn.

    Attributes
    ----------
    name : str
        Its name in ``cdbench plot``; of several of one name, with what it is of.
    svg : str
        Its SVG, with texts as texts.
    title : str
        What it is, in a few words.
    description : str
        What it shows, in a sentence or two.
    """

    name: str
    svg: str
    title: str
    description: str

    def html(self) -> Markup:
        """Return the figure with its caption."""
        drawn = inline(self.svg, f"f-{self.name}", self.title, self.description)
        caption = f"<strong>{html(self.title)}.</strong> {html(self.description)}"
        return Markup(
            f'<figure><div class="scroll" role="region" tabindex="0" '
            f'aria-label="Figure: {html(self.title)}">\n{drawn}</div>\n'
            f"<figcaption>{caption}</figcaption></figure>"
        )
