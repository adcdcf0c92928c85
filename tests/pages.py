"""Pages of HTML as tests read them: what is in them, and what is wrong with them."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from cdbench.api.report_page import compared, judged, others, paper
from cdbench.reports.html.markup import Markup

VOID = {"meta", "br", "hr", "img", "input", "link", "wbr"}
REFERRING = ("aria-labelledby", "aria-describedby", "aria-controls", "for", "headers")


@dataclass
class Element:
    """An element of a page, and what it holds."""

    tag: str
    attributes: dict[str, str]
    inside: list["Element | str"] = field(default_factory=list)

    def all(self, *tags: str) -> list["Element"]:
        """Return the elements of these names in it, in their order; every one for none."""
        elements = [child for child in self.inside if isinstance(child, Element)]
        below = [own for child in elements for own in (child, *child.all())]
        return [own for own in below if not tags or own.tag in tags]

    def words(self) -> str:
        """Return the text in it and in what it holds, where styles and scripts are left out."""
        if self.tag in ("style", "script"):
            return ""
        return "".join(own if isinstance(own, str) else own.words() for own in self.inside)


class Page(HTMLParser):
    """A page; ``faults`` says what is not well formed.

    Parameters
    ----------
    text : str
        The page.
    """

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self._open = [self.root]
        self.faults: list[str] = []
        self.feed(text)
        self.close()
        self.faults += [f"<{own.tag}> is never closed" for own in self._open[1:]]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if len(dict(attrs)) < len(attrs):
            self.faults.append(f"<{tag}> has an attribute twice")
        element = Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].inside.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if self._open[-1].tag == tag:
            self._open.pop()
        else:
            self.faults.append(f"</{tag}> closes <{self._open[-1].tag}>")

    def handle_data(self, data: str) -> None:
        self._open[-1].inside.append(data)

    def named(self, name: str) -> Element:
        """Return the element with this identifier."""
        (found,) = (own for own in self.root.all() if own.attributes.get("id") == name)
        return found

    def queries(self) -> list[str]:
        """Return all SQL that the page shows."""
        shown = [own.words() for own in self.root.all("pre")]
        return [sql.strip() for text in shown for sql in text.split(";\n\n")]


def faults(text: str) -> list[str]:
    """Return what is wrong with a page, in words; nothing for a good one."""
    page = Page(text)
    every = page.root.all()
    names = [own.attributes["id"] for own in every if "id" in own.attributes]
    found = [
        *page.faults,
        *(f"id {name} is there twice" for name in {*names} if names.count(name) > 1),
    ]
    for own in every:
        asked = [name for key in REFERRING for name in own.attributes.get(key, "").split()]
        asked += [own.attributes["href"][1:]] if own.attributes.get("href", "")[:1] == "#" else []
        asked += re.findall(r"url\(#([^)]*)\)", " ".join(own.attributes.values()))
        found += [f"<{own.tag}> refers to {name}" for name in asked if name not in names]
        found += _loads(own)
    levels = [int(own.tag[1]) for own in page.root.all("h1", "h2", "h3", "h4", "h5", "h6")]
    if levels.count(1) != 1 or any(b > a + 1 for a, b in pairwise(levels)):
        found.append(f"headings of levels {levels}")
    for table in page.root.all("table"):
        if not table.all("caption") or any(
            "scope" not in own.attributes for own in table.all("th")
        ):
            found.append(f"table {table.attributes.get('id')} lacks a caption or a scope")
        found += [
            f"an empty heading in {table.attributes}" for own in table.all("th") if not own.words()
        ]
    for drawn in page.root.all("svg"):
        said = [own.words() for own in drawn.all("title", "desc")]
        if drawn.attributes.get("role") != "img" or len(said) != 2 or not all(said):
            found.append("a figure does not say what it shows")
    return found


def _loads(own: Element) -> list[str]:
    """Return what an element would load from elsewhere, or obey from within."""
    attributes = own.attributes
    found = [f"<{own.tag}> has {key}" for key in attributes if key.startswith("on") or key == "src"]
    href = attributes.get("href", "#")
    if not href.startswith("#") and not (own.tag == "a" and href.startswith("https://arxiv.org/")):
        found.append(f"<{own.tag}> leads to {href}")
    if own.tag in ("link", "iframe", "object", "embed", "img", "base", "form"):
        found.append(f"<{own.tag}>")
    rules = [rule for rule in own.inside if isinstance(rule, str) and own.tag == "style"]
    style = " ".join((attributes.get("style", ""), *rules))
    if re.search(r"@import|url\((?!#)", style):
        found.append(f"a style of <{own.tag}> loads something")
    return found


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours by WCAG 2, from 1 to 21.

    Examples
    --------
    >>> round(contrast("#000000", "#ffffff"), 1)
    21.0
    """
    low, high = sorted(map(_luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: str) -> float:
    shares = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in shares]
    return sum(weight * x for weight, x in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def rows_of(found: Page, table: str) -> list[list[str]]:
    """Return the words of a table's cells, row by row."""
    bodies = found.named(table).all("tbody")
    return [
        [cell.words() for cell in row.all("th", "td")] for body in bodies for row in body.all("tr")
    ]


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the figures out, which take seconds; something else stands in their places."""
    for module in (compared, judged, others, paper):
        monkeypatch.setattr(module, "drawings", lambda *_: [Markup("<figure></figure>")])
