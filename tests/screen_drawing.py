"""Screens of a terminal, one after the other, as an SVG that moves without any script.

Text stays text. Lines that stand for the same time are a group, shown and hidden by an animation
of CSS. Where nothing moves (on paper, or for readers who asked for less motion) the last screen
stands.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from typing import NamedTuple

CELL, LINE, MARGIN, TOP, SIZE = 8.4, 18, 16, 40, 14
"""Of a character, a line, the borders, the bar above, and the letters, in pixels."""

LIGHT = {
    "ground": "#ffffff", "edge": "#d0d7de", "bar": "#f3f4f6", "ink": "#1f2328", "rest": "#d0d7de",
    "green": "#1a7f37", "cyan": "#0b7285", "magenta": "#8250df", "red": "#cf222e",
    "yellow": "#7d4e00", "blue": "#0550ae",
}  # fmt: skip
DARK = {
    "ground": "#10141a", "edge": "#30363d", "bar": "#1b2129", "ink": "#e6edf3", "rest": "#3d444d",
    "green": "#56d364", "cyan": "#5ccfe6", "magenta": "#d2a8ff", "red": "#ff8f88",
    "yellow": "#e3b341", "blue": "#79c0ff",
}  # fmt: skip
FIRST_S = 2.5
"""For how long the last screen is shown first, so that nobody sees an empty one at once."""

DOTS = ("#ff6159", "#ffbd2e", "#28c941")
CLASSES = {"3a3a3a": "rest", "ff005f": "magenta", "5faf00": "green", "brown": "yellow"} | {
    name: name for name in ("green", "cyan", "magenta", "red", "blue")
}
"""What a terminal's colours, those of a bar among them, are called here; all others are the ink."""


class Run(NamedTuple):
    """Characters of one style in a line."""

    text: str
    colour: str = "default"
    bold: bool = False


Row = tuple[Run, ...]


class Frame(NamedTuple):
    """A screen, and from when on it is shown."""

    seconds: float
    rows: tuple[Row, ...]


def drawn(frames: Sequence[Frame], end: float, ends: Sequence[float], size: tuple[int, int]) -> str:
    """Return the picture, with the words TITLE and DESCRIPTION where these belong.

    Parameters
    ----------
    frames : sequence of Frame
        The screens, in their order, the first at 0 s.
    end : float
        When it begins anew, in seconds.
    ends : sequence of float
        When a command has ended, which is noted for those who read the file.
    size : tuple of int
        Columns and rows.
    """
    columns, rows = size
    width, height = columns * CELL + 2 * MARGIN, rows * LINE + TOP + MARGIN
    groups, moves = [], []
    for number, ((start, stop), lines) in enumerate(sorted(_spans(frames, end).items())):
        last = ' class="last"' if stop == end else ""
        groups.append(
            f'<g id="s{number}" data-from="{start:.2f}" data-to="{stop:.2f}"{last}>'
            + "".join(_line(y, row) for y, row in lines)
            + "</g>"
        )
        moves.append(_move(number, start / end, stop / end))
        moves.append(f"#s{number}{{animation-name:m{number}}}")
    told = " ".join(f"{own:.2f}" for own in ends)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" role="img" aria-labelledby="t d" '
        f'data-ends="{told}">\n<title id="t">TITLE</title>\n<desc id="d">DESCRIPTION</desc>\n'
        f"<style>\n{_style(end)}\n{''.join(moves)}\n</style>\n{_window(width, height)}\n"
        + "\n".join(groups)
        + "\n</svg>\n"
    )


def _spans(frames: Sequence[Frame], end: float) -> dict[tuple[float, float], list[tuple[int, Row]]]:
    """Return the lines by the time, from and to, for which they stand."""
    found: dict[tuple[float, float], list[tuple[int, Row]]] = defaultdict(list)
    for y in range(len(frames[0].rows)):
        standing = [
            (row, next(own).seconds) for row, own in groupby(frames, key=lambda one: one.rows[y])
        ]
        stops = [start for _, start in standing[1:]] + [end]
        for (row, start), stop in zip(standing, stops, strict=True):
            if row:
                found[start, stop].append((y, row))
    return found


def _line(y: int, row: Row) -> str:
    """Return a line of a screen, as wide as its characters in any font of a terminal."""
    n = sum(len(run.text) for run in row)
    return (
        f'<text data-row="{y}" x="{MARGIN}" y="{TOP + LINE * (y + 0.75):g}" '
        f'textLength="{n * CELL:.1f}">{"".join(_spanned(row))}</text>'
    )


def _spanned(row: Row) -> Iterator[str]:
    for run in row:
        names = [CLASSES[run.colour]] if run.colour in CLASSES else []
        names += ["bold"] if run.bold and run.text.strip() else []
        text = escape(run.text, quote=False)
        yield f'<tspan class="{" ".join(names)}">{text}</tspan>' if names else text


def _move(number: int, start: float, stop: float) -> str:
    """Return when a group is seen, in shares of the whole."""
    steps = [(0.0, "hidden")] if start else []
    steps += [(start, "visible")] + ([(stop, "hidden")] if stop < 1 else [])
    told = "".join(f"{100 * at:.2f}%{{visibility:{how}}}" for at, how in steps)
    return f"@keyframes m{number}{{{told}}}"


def _style(end: float) -> str:
    def colours(theme: dict[str, str]) -> str:
        return "".join(f"--{name}:{value};" for name, value in theme.items())

    inks = "".join(f".{name}{{fill:var(--{name})}}" for name in sorted({*CLASSES.values()}))
    return (
        f"svg{{{colours(LIGHT)}}}\n"
        f"@media (prefers-color-scheme:dark){{svg{{{colours(DARK)}}}}}\n"
        f"text{{font:{SIZE}px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',"
        "monospace;white-space:pre;fill:var(--ink)}.bold{font-weight:700}"
        f"{inks}\n"
        f"g{{visibility:hidden;animation:{end:.2f}s {FIRST_S - end:.2f}s step-end infinite}}"
        ".last{visibility:visible}\n"
        "@media (prefers-reduced-motion:reduce){g{animation:none!important}}\n"
        "@media print{g{animation:none!important}}"
    )


def _window(width: float, height: float) -> str:
    dots = "".join(
        f'<circle cx="{MARGIN + 6 + 20 * i}" cy="14" r="6" fill="{colour}"/>'
        for i, colour in enumerate(DOTS)
    )
    return (
        f'<rect x=".5" y=".5" width="{width - 1:g}" height="{height - 1:g}" rx="8" '
        'style="fill:var(--ground);stroke:var(--edge)"/>\n'
        f'<path d="M1 28h{width - 2:g}" style="stroke:var(--edge)"/>{dots}'
    )
