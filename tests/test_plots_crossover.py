"""The figure of a benchmark: it draws what it was given, and says what it shows."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from cdbench.errors import MissingResultsError
from cdbench.plots import draw_crossover, save_figure
from cdbench.records.benchmark import DENSE, Size, Timing

SOURCE = "benchmark 1 of a$b_$.db · processor · blas, 1 thread"


def timing(product: str, n: int, B: int = 4, dtype: str = "float32", lead: float = 2.0) -> Timing:
    seconds = n * 1e-5 / (1 if product == DENSE else B * lead)
    ratio = 1.0 if product == DENSE else lead
    return Timing(
        Size(dtype, B, 64, n), product, seconds, 0.9 * seconds, 1.2 * seconds, ratio, ratio, ratio,
        5, is_planned=product == "fft",
    )  # fmt: skip


def timings(blocks: int = 2, dtypes: tuple[str, ...] = ("float32", "float64")) -> list[Timing]:
    return [
        timing(product, n, 2**power, dtype, lead=n / 100)
        for dtype in dtypes
        for power in range(1, blocks + 1)
        for n in (64, 256, 1024)
        for product in (DENSE, "gather", "polygon", "fft")
    ]


def test_a_panel_for_each_block_size_and_a_row_for_each_dtype() -> None:
    figure = draw_crossover(timings(), SOURCE)
    titles = [axes.get_title("left") for axes in figure.axes]
    assert titles == [
        f"B = {B}\n{dtype}, N = 64" for dtype in ("float32", "float64") for B in (2, 4)
    ]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == [DENSE, "gather", "polygon", "fft"]
    assert SOURCE in [text.get_text() for text in figure.texts]


def test_a_panel_has_each_products_times_in_milliseconds_and_rings_the_planned_one() -> None:
    given = timings(1, ("float32",))
    (axes,) = draw_crossover(given, SOURCE).axes
    assert axes.get_xscale() == axes.get_yscale() == "log"
    lines = [
        (list(np.asarray(line.get_xdata())), list(np.asarray(line.get_ydata())))
        for line in axes.lines
    ]
    expected = []
    for product in (DENSE, "gather", "polygon", "fft"):
        own = [t for t in given if t.product == product]
        points = ([t.size.n for t in own], [1e3 * t.seconds for t in own])
        expected += [points, points if product == "fft" else ([], [])]
    assert lines[:-1] == expected
    assert list(lines[-1][0]) == [256, 256]  # from where on dense is beaten
    assert len(axes.collections) == 4


def test_no_line_stands_where_dense_is_never_beaten_and_dense_may_be_missing() -> None:
    (axes,) = draw_crossover([timing(p, 64, lead=0.5) for p in (DENSE, "fft")], SOURCE).axes
    assert len(axes.lines) == 4
    (axes,) = draw_crossover([timing("fft", 64)], SOURCE).axes
    assert len(axes.lines) == 2


@pytest.mark.parametrize("blocks", [1, 5, 8])
def test_more_than_four_block_sizes_take_further_rows(blocks: int) -> None:
    figure = draw_crossover(timings(blocks), SOURCE)
    assert len(figure.axes) == 2 * blocks
    tops = {round(axes.get_position().y1, 3) for axes in figure.axes}
    assert len(tops) == 2 * -(-blocks // 4)
    assert {axes.get_ylim() for axes in figure.axes} == {figure.axes[0].get_ylim()}


@pytest.mark.parametrize(("blocks", "named"), [(1, 6), (3, 3), (4, 3)])
def test_names_of_widths_do_not_touch(blocks: int, named: int) -> None:
    widths = (64, 128, 256, 512, 1024, 2048)
    given = [timing(p, n, 2**b) for p in (DENSE, "fft") for n in widths for b in range(blocks)]
    figure = draw_crossover(given, SOURCE)
    figure.canvas.draw()
    for axes in figure.axes:
        boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
        assert len(boxes) == named
        assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


@pytest.mark.long
def test_the_same_times_give_the_same_bytes(tmp_path: Path) -> None:
    files = [tmp_path / folder / "crossover.png" for folder in ("one", "two")]
    for file in files:
        save_figure(draw_crossover(timings(), SOURCE), file)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_no_time_is_said() -> None:
    with pytest.raises(MissingResultsError, match="at least one time"):
        draw_crossover([], SOURCE)
