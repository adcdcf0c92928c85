"""A figure's SVG as part of a page: small, with names of its own, in the page's colours."""

import re
from xml.etree import ElementTree as ET

from cdbench.reports.html.markup import Markup, html

Element = ET.Element

NUMBER = re.compile(r"-?\d+\.\d+")
REFERENCE = re.compile(r"url\(#([^)]*)\)")

DIGITS = 2
"""Decimals of a coordinate, in points."""

DROPPED = ("metadata", "style", "title", "desc")
NOT_OURS = {"font-family", "font-stretch", "font-style", "white-space"}
"""Of texts: the page's letters are used instead, without files of fonts."""


def inline(svg: str, name: str, title: str, description: str) -> Markup:
    """Return a figure as an element of a page.

    Parameters
    ----------
    svg : str
        One element, its texts as texts, its colours as variables (``plots.svg.page_svg``).
    name : str
        What the identifiers in it begin with: several figures in a page must not share any.
    title, description : str
        What it is, and what it shows, for those who do not see it.

    Returns
    -------
    Markup
        It fills the width that it is given, and takes less than half the space.
    """
    root = ET.fromstring(svg)  # matplotlib wrote it: there is no entity in it
    _plain(root)
    _rename(root, name)
    styles = _classes(root, name)
    _unwrap(root)
    for size in ("width", "height", "version"):
        root.attrib.pop(size, None)
    root.attrib |= {"class": "figure", "role": "img", "aria-labelledby": f"{name}-t {name}-d"}
    _, _, width, height = root.attrib["viewBox"].split()
    root.attrib["style"] = f"aspect-ratio:{float(width):g}/{float(height):g}"
    words = f'<title id="{name}-t">{html(title)}</title><desc id="{name}-d">{html(description)}'
    body = ET.tostring(root, encoding="unicode", short_empty_elements=True)
    opening, _, rest = body.partition(">")
    return Markup(f"{opening}>{words}</desc><style>{styles}</style>{rest}")


def _plain(parent: Element) -> None:
    """Take away namespaces, metadata, white space, and decimals that nobody sees."""
    for element in parent.iter():
        element.tag = element.tag.partition("}")[2] or element.tag
        element.attrib = {
            key.partition("}")[2] or key: _shorter(key, value) for key, value in element.items()
        }
        if not (element.text or "").strip():
            element.text = None
        if not (element.tail or "").strip():
            element.tail = None
    for element in parent.iter():
        for child in [own for own in element if own.tag in DROPPED]:
            element.remove(child)


def _shorter(key: str, value: str) -> str:
    if key == "transform":
        value = re.sub(r"rotate\(-?0(?:\.0+)? [^)]*\)", "", value).strip()
    if key in ("d", "x", "y", "transform", "points", "width", "height", "cx", "cy"):
        value = NUMBER.sub(lambda found: f"{round(float(found[0]), DIGITS):g}", value)
    if key == "d":
        value = re.sub(r"\s*([A-Za-z])\s*", r"\1", value.strip())
    return value


def _rename(root: Element, name: str) -> None:
    """Give what is referred to a name of its own, and forget all other names."""
    used: dict[str, str] = {}

    def known(old: str) -> str:
        return used.setdefault(old, f"{name}-{len(used)}")

    for element in root.iter():
        for key, value in element.items():
            if key == "href":
                element.set(key, f"#{known(value.removeprefix('#'))}")
            elif "url(#" in value:
                element.set(key, REFERENCE.sub(lambda m: f"url(#{known(m[1])})", value))
    for element in root.iter():
        old = element.attrib.pop("id", None)
        if old in used:
            element.set("id", used[str(old)])


def _classes(root: Element, name: str) -> str:
    """Replace styles by classes, and return the rules of these."""
    classes: dict[str, str] = {}
    for element in root.iter():
        style = element.attrib.pop("style", None)
        own = _style(style) if style else ""
        if own:
            element.set("class", classes.setdefault(own, f"{name}-s{len(classes)}"))
        if not element.get("transform", "-"):
            del element.attrib["transform"]
    return "".join(f".{own}{{{rules}}}" for rules, own in classes.items())


def _style(style: str) -> str:
    """Return the rules of a style, without its fonts."""
    pairs = (rule.partition(":") for rule in style.split(";") if rule.strip())
    rules = {key.strip(): value.strip() for key, _, value in pairs}
    if "font" in rules:  # size and family in one, of formulas
        size = re.search(r"[\d.]+px", rules.pop("font"))
        rules |= {"font-size": size[0]} if size else {}
    kept = {key: value for key, value in rules.items() if key not in NOT_OURS}
    return ";".join(f"{key}:{value}" for key, value in kept.items())


def _unwrap(parent: Element) -> None:
    """Put the children of groups that say nothing in place of the groups."""
    for child in list(parent):
        _unwrap(child)
        if child.tag == "g" and not child.attrib:
            place = list(parent).index(child)
            parent.remove(child)
            for step, own in enumerate(list(child)):
                parent.insert(place + step, own)
