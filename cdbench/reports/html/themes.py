"""The colours of a page, light and dark, as variables of its style."""

from collections.abc import Mapping

LIGHT = {
    "page": "#fdfdfb",
    "raised": "#f4f4f0",
    "ink": "#1c1f22",
    "quiet": "#565d64",
    "rule": "#d9d9d2",
    "strong-rule": "#1c1f22",
    "link": "#0a5699",
    "same": "#17663f",
    "other": "#a02121",
    "reproduced": "#0d5c46",
    "reproduced-on": "#dff0e8",
    "reproduced-bar": "#1f8a67",
    "holds": "#2c5e16",
    "holds-on": "#e6f1dc",
    "holds-bar": "#69a544",
    "holds-if": "#6b4a00",
    "holds-if-on": "#f9ecd0",
    "holds-if-bar": "#d9a32c",
    "not-supported": "#48515a",
    "not-supported-on": "#e7eaec",
    "not-supported-bar": "#a3adb5",
    "contradicted": "#8f1f24",
    "contradicted-on": "#f9e2e0",
    "contradicted-bar": "#c2484c",
    "not-measured": "#565d64",
    "not-measured-on": "#fdfdfb",
    "not-measured-bar": "#d9d9d2",
}

DARK = {
    "page": "#16191d",
    "raised": "#1d2125",
    "ink": "#e4e6e8",
    "quiet": "#a2aab2",
    "rule": "#343a40",
    "strong-rule": "#b9bfc5",
    "link": "#85bcf3",
    "same": "#7fcf9f",
    "other": "#ff9a94",
    "reproduced": "#93dfc1",
    "reproduced-on": "#123a2e",
    "reproduced-bar": "#35a47f",
    "holds": "#b2dd94",
    "holds-on": "#24380f",
    "holds-bar": "#79b455",
    "holds-if": "#f0cd83",
    "holds-if-on": "#413008",
    "holds-if-bar": "#cf9d30",
    "not-supported": "#c3cad0",
    "not-supported-on": "#30363c",
    "not-supported-bar": "#6d767e",
    "contradicted": "#ffb3ae",
    "contradicted-on": "#4c1d1f",
    "contradicted-bar": "#cd5a5d",
    "not-measured": "#a2aab2",
    "not-measured-on": "#16191d",
    "not-measured-bar": "#343a40",
}


PAPER = "--figure-ffffff"
"""The figures' variable for what is under their lines, such as the edges of marks: the page."""


def themes(figures: Mapping[str, str]) -> str:
    """Return the rules of both themes, with the colours of figures where the page is dark.

    The system says which theme it is, unless ``data-theme`` does; what is printed is light.
    """
    light = _rules(LIGHT, {PAPER: "var(--page)"}, "light")
    dark = _rules(DARK, {**figures, PAPER: "var(--page)"}, "dark")
    return (
        f":root{{{light}}}\n"
        "@media screen and (prefers-color-scheme:dark)"
        f"{{:root:not([data-theme=light]){{{dark}}}}}\n"
        f"@media screen{{:root[data-theme=dark]{{{dark}}}}}\n"
    )


def _rules(colours: Mapping[str, str], figures: Mapping[str, str], scheme: str) -> str:
    own = {f"--{name}": value for name, value in colours.items()}
    rules = "".join(f"{name}:{value};" for name, value in {**own, **figures}.items())
    return f"{rules}color-scheme:{scheme}"
