"""Themes change how a figure looks and never what it shows; pages get both of their looks."""

import re
from collections.abc import Callable
from itertools import combinations
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from cdbench.errors import ConfigurationError, UnknownNameError
from cdbench.plots import FIGURES
from cdbench.plots.saving import figure_bytes
from cdbench.plots.shades import BACKGROUND, NEUTRAL, turned
from cdbench.plots.style import FAMILY_LOOKS, INK, LOOKS, QUIET, all_looks
from cdbench.plots.svg import page_colors, page_svg, svg_text
from cdbench.plots.themes import PAPER, THEMES, with_theme
from tests.pages import contrast
from tests.test_plots import SOURCE, plotted, texts

SVG = "{http://www.w3.org/2000/svg}"


def fig1() -> Figure:
    return FIGURES["fig1"]([plotted(), plotted("cdlinear", 4, 2, scale=3.0)], SOURCE)


def test_every_colour_is_seen_on_a_dark_background() -> None:
    for look in all_looks():
        assert contrast(turned(look.color), BACKGROUND) > 3
    assert min(contrast(turned(color), BACKGROUND) for color in (INK, QUIET)) > 7


def test_colours_that_differ_in_grey_do_so_on_a_dark_background_in_the_opposite_order() -> None:
    for looks in (LOOKS, FAMILY_LOOKS):
        seen = [contrast(turned(look.color), BACKGROUND) for look in looks.values()]
        assert len(set(seen)) == len(seen)
    paper = [contrast(look.color, "#ffffff") for look in LOOKS.values()]
    dark = [contrast(turned(look.color), BACKGROUND) for look in LOOKS.values()]
    assert np.corrcoef(np.argsort(paper), np.argsort(dark))[0, 1] > 0.9


@pytest.mark.parametrize("theme", THEMES)
def test_a_theme_keeps_the_lines_and_the_words(theme: str) -> None:
    plain, changed = fig1(), with_theme(fig1(), theme)
    assert texts(changed) == texts(plain)
    for one, other in zip(plain.axes, changed.axes, strict=True):
        for mine, theirs in zip(one.lines, other.lines, strict=True):
            assert np.array_equal(mine.get_xydata(), theirs.get_xydata())
            assert mine.get_marker() == theirs.get_marker()
        assert one.get_ylim() == other.get_ylim()


def test_dark_figures_have_no_colour_of_paper_left() -> None:
    def colours(theme: str) -> set[str]:
        text = figure_bytes(with_theme(fig1(), theme), "svg").decode()
        return set(re.findall(r"#[0-9a-f]{6}\b", text))

    paper, dark = colours(PAPER), colours("dark")
    assert dark == {turned(color) for color in paper}
    assert not dark & set(NEUTRAL)


def test_screen_figures_let_the_page_be_seen_and_have_thicker_lines() -> None:
    plain, figure = fig1(), with_theme(fig1(), "screen")
    assert to_hex(figure.patch.get_facecolor(), keep_alpha=True).endswith("00")
    assert figure.axes[0].lines[0].get_linewidth() > plain.axes[0].lines[0].get_linewidth()
    assert "fill: #ffffff" not in svg_text(figure).partition('<g id="matplotlib.axis')[0]


def test_a_theme_is_given_once() -> None:
    figure = with_theme(fig1(), "dark")
    assert with_theme(figure, "dark") is figure
    with pytest.raises(ConfigurationError, match="has the theme dark already"):
        with_theme(figure, "screen")
    with pytest.raises(UnknownNameError, match="did you mean dark"):
        with_theme(fig1(), "drak")


@pytest.mark.parametrize("write", [svg_text, page_svg])
def test_an_svg_says_what_it_shows(write: Callable[[Figure], str]) -> None:
    root = ET.fromstring(write(fig1()))
    title, words = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert words is not None
    assert title.text == "Training loss and test accuracy"
    assert words.text is not None
    assert "Test accuracy (%)" in words.text
    assert "CDLinear B = 4, 1,004 parameters" in words.text
    assert SOURCE in words.text
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == f"{title.get('id')} {words.get('id')}"


def test_figures_of_a_page_share_no_name_and_no_rule() -> None:
    svgs = [page_svg(figure) for figure in (fig1(), FIGURES["fig2"]([plotted()], SOURCE))]
    names = [re.findall(r'\bid="([^"]+)"', svg) for svg in svgs]
    for own, svg in zip(names, svgs, strict=True):
        assert len(own) == len(set(own)) > 2
        used = re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', svg)
        assert {one or other for one, other in used} <= set(own)
        assert "<style" not in svg
    assert not any(set(one) & set(other) for one, other in combinations(names, 2))


def test_a_page_decides_the_colours_of_its_figures() -> None:
    svg = page_svg(fig1())
    colours = page_colors([svg])
    assert not re.findall(r"(?<!, )#[0-9a-f]{6}\b", svg)
    assert "var(--figure-222222, #222222)" in svg
    assert colours["--figure-222222"] == NEUTRAL["#222222"]
    assert colours["--figure-0072b2"] == turned("#0072b2")
    assert "<text" in svg
    assert "Test accuracy (%)</text>" in svg
