"""The whole page: head, contents, sections, foot."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType

from cdbench import __version__
from cdbench.reports.html.markup import Markup, html, join
from cdbench.reports.html.themes import themes

ABOUT = (
    "cdbench runs, keeps and judges the claims that a paper, "
    '<a href="https://arxiv.org/abs/2605.08171" rel="noreferrer">arXiv 2605.08171</a>, makes for '
    "CDLinear, a block-circulant layer of neural networks. This page tells what one of its "
    "databases holds; each table has the SQL that asks for it."
)
"""What the page is, for whoever is sent it."""


@dataclass(frozen=True)
class Section:
    """A section of a page, and what stands in it.

    Attributes
    ----------
    name, heading : str
        Its identifier, and its heading, which the contents have too.
    parts : sequence of Markup
        Paragraphs, tables, figures.
    """

    name: str
    heading: str
    parts: Sequence[Markup]

    def html(self) -> Markup:
        """Return the section."""
        heading = Markup(f'<h2 id="{self.name}-h">{html(self.heading)}</h2>')
        opening = Markup(f'<section id="{self.name}" aria-labelledby="{self.name}-h">')
        return join(opening, heading, *self.parts, Markup("</section>"))


def page(
    title: str,
    kicker: str,
    lead: Markup,
    sections: Sequence[Section],
    dark: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Return a page that needs no other file and no network.

    Parameters
    ----------
    title : str
        Its heading.
    kicker : str
        A few words above it.
    lead : Markup
        What stands under the heading.
    sections : sequence of Section
        In their order.
    dark : mapping, optional
        Values of the figures' colours where the page is dark, by their variables.

    Returns
    -------
    str
        The same for the same content. Only the page's own script may run in it: its policy names
        that by its digest.
    """
    script = _asset("page.js")
    body = join(
        Markup('<a class="skip" href="#content">Skip to the content</a>'),
        Markup('<div class="shell">'),
        _contents(title, sections),
        Markup('<main id="content" tabindex="-1">'),
        Markup(f'<header><p class="kicker">{html(kicker)}</p><h1>{html(title)}</h1>'),
        Markup(f'<p class="about">{ABOUT}</p>'),
        lead,
        Markup("</header>"),
        *(section.html() for section in sections),
        Markup("</main></div>"),
        Markup(
            f"<footer><p>Made by cdbench {__version__} from the database alone. It loads nothing, "
            "and can be read without its script.</p></footer>"
        ),
    )
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="cdbench {__version__}">
<title>{html(title)} · {html(kicker)}</title>
<style>
{themes(dark)}{_asset("page.css")}</style>
</head>
<body>
{body}
<script>{script}</script>
</body>
</html>
"""


def _contents(title: str, sections: Sequence[Section]) -> Markup:
    links = (Markup(f'<li><a href="#{own.name}">{html(own.heading)}</a></li>') for own in sections)
    return join(
        Markup('<nav aria-label="Contents">'),
        Markup(f'<p class="where"><a href="#content">{html(title)}</a></p>'),
        Markup("<ol>"),
        *links,
        Markup("</ol></nav>"),
    )


def _asset(name: str) -> str:
    return files("cdbench.reports.html").joinpath(name).read_text(encoding="utf-8")
