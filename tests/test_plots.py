"""The figures: what they draw is what they were given, and they say what they show."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy.optimize import isotonic_regression

from cdbench.errors import CdbenchError, MissingResultsError, UnknownNameError
from cdbench.plots import FIGURES, FORMATS, DrawFigure, PlottedRun, save_figure
from cdbench.plots.lines import rising
from cdbench.plots.style import FAMILY_LOOKS, LOOKS, all_looks, looks_of
from cdbench.records.run import EpochMetrics
from cdbench.records.spectra import Condition, Curvature, Spectrum

SOURCE = "runs 3, 6 of a$b_$.db · seed 2 · cdbench 0.1.0"


def spectrum(kind: str, values: list[float], layer: int = 3, epoch: int = 25) -> Spectrum:
    condition = Condition(
        values[0], values[-1], values[0] / 0.5, 2.0, len(values), len(values), 0.0
    )
    return Spectrum(layer, kind, epoch, tuple(values), condition)


def network_spectrum(method: str = "lanczos", epoch: int = 25) -> Curvature:
    """Return a made-up one of ten parameters, some of them null but for rounding."""
    return Curvature(
        "gauss_newton", "own", epoch, "train", 1437, method, 10, None, 0.05, 5.0, 0.0, np.inf, None,
        7.0, 0.1, 1.4, 0.01, 501.0, (5.0, 2.0, 0.01, 1e-15, 0.0), (0.1, 0.1, 0.2, 0.3, 0.3),
    )  # fmt: skip


def plotted(
    layer: str = "dense",
    B: int | None = None,
    run_id: int = 1,
    scale: float = 1.0,
    seed: int = 2,
) -> PlottedRun:
    epochs = tuple(EpochMetrics(n, scale / n, 0.5, 1 - 0.1 / n, 0.01) for n in range(1, 26))
    spectra = (
        spectrum("weight", [9.0, 8.0], layer=1),
        spectrum("weight", [4.0 * scale, 2.0, 1.0]),
        spectrum("published", [3.0 * scale, 1.0]),
        *(spectrum(kind, [2.0, 1.0]) for kind in ("block_power", "theorem1", "layer_hessian")),
    )
    return PlottedRun(
        run_id, "model", layer, B, seed, 1000 + (B or 0), (64, 64, 10), epochs, spectra,
        (network_spectrum(),),
    )  # fmt: skip


def every_model() -> list[PlottedRun]:
    return [plotted(layer, B, i, i) for i, (layer, B) in enumerate(LOOKS, 1)]


def texts(figure: Figure) -> list[str]:
    panels = [text.get_text() for axes in figure.axes for text in axes.texts]
    return [text.get_text() for text in figure.texts] + panels


def line_data(axes: Axes) -> list[tuple[list[float], list[float]]]:
    return [
        (list(np.asarray(line.get_xdata())), list(np.asarray(line.get_ydata())))
        for line in axes.lines
    ]


def luminance(color: str) -> float:
    channels = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def lightness(color: str) -> float:
    return float(116 * np.cbrt(luminance(color)) - 16)


def test_fig1_draws_the_losses_and_the_accuracies_in_percent() -> None:
    runs = [plotted(), plotted("cdlinear", 4, 2, scale=3.0)]
    loss, accuracy = FIGURES["fig1"](runs, SOURCE).axes
    epochs = list(range(1, 26))
    assert line_data(loss) == [(epochs, [m.training_loss for m in r.epochs]) for r in runs]
    assert line_data(accuracy) == [(epochs, [100 * m.accuracy for m in r.epochs]) for r in runs]
    assert loss.get_yscale() == "log"
    assert accuracy.get_yscale() == "linear"


def test_fig2_draws_both_kinds_of_the_last_layer_on_one_scale() -> None:
    runs = [plotted(), plotted("cdlinear", 4, 2, scale=3.0)]
    left, right = FIGURES["fig2"](runs, SOURCE).axes
    assert line_data(left) == [([1, 2], [3.0, 1.0]), ([1, 2], [9.0, 1.0])]
    assert line_data(right) == [([1, 2, 3], [4.0, 2.0, 1.0]), ([1, 2, 3], [12.0, 2.0, 1.0])]
    assert left.get_yscale() == right.get_yscale() == "log"
    assert left.get_ylim() == right.get_ylim()
    assert "not squared" in left.get_title("left")
    legend = right.get_legend()
    assert legend is not None
    assert "B = 4: κ = 24" in [text.get_text() for text in legend.get_texts()]


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_a_figure_says_which_runs_and_which_models_it_shows(draw: DrawFigure) -> None:
    figure = draw(every_model(), SOURCE)
    assert SOURCE in texts(figure)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[0] == "dense, 1,000 parameters"
    assert "CDLinear B = 4, 1,004 parameters" in labels
    assert len(labels) == len(LOOKS)


def test_numbers_that_a_log_scale_cannot_show_are_left_out_and_counted() -> None:
    run = plotted()
    run = replace(run, spectra=(spectrum("weight", [2.0, 0.0, 0.0]), spectrum("published", [2.0])))
    figure = FIGURES["fig2"]([run], SOURCE)
    assert line_data(figure.axes[1]) == [([1], [2.0])]
    assert "2 points ≤ 0 left out" in texts(figure)


@pytest.mark.parametrize("accuracies", [[0.1, 0.99], [0.0, 0.0], [1.0, 1.0]])
def test_accuracies_below_the_scale_are_counted(accuracies: list[float]) -> None:
    shares = accuracies[:1] + accuracies[1:] * 24
    epochs = tuple(
        replace(m, test_accuracy=share) for m, share in zip(plotted().epochs, shares, strict=True)
    )
    figure = FIGURES["fig1"]([replace(plotted(), epochs=epochs)], SOURCE)
    lowest, highest = figure.axes[1].get_ylim()
    n_below = sum(100 * share < lowest for share in shares)
    assert highest >= 100 * max(shares)
    assert n_below == (1 if accuracies[0] == 0.1 else 0)
    assert any(text.startswith("1 point below") for text in texts(figure)) == (n_below == 1)


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, "svg") for name in FIGURES]
    + [(next(iter(FIGURES)), kind) for kind in FORMATS if kind != "svg"],
)
def test_the_same_runs_give_the_same_bytes(tmp_path: Path, name: str, kind: str) -> None:
    files = [tmp_path / folder / f"{name}.{kind}" for folder in ("one", "two/deep")]
    for file in files:
        save_figure(FIGURES[name](every_model()[:3], SOURCE), file)
    first, second = (file.read_bytes() for file in files)
    assert first == second
    assert len(first) > 5000
    assert list((tmp_path / "one").iterdir()) == [tmp_path / "one" / f"{name}.{kind}"]


def test_a_figure_of_one_epoch_without_any_positive_loss_is_saved(tmp_path: Path) -> None:
    run = replace(plotted(), epochs=(EpochMetrics(1, -1e-12, 0.0, 1.0, 0.1),))
    figure = FIGURES["fig1"]([run], "数据.db")
    assert save_figure(figure, tmp_path / "fig1.png")
    assert (tmp_path / "fig1.png").exists()


def test_an_unwritable_place_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CdbenchError, match="cannot write figure") as caught:
        save_figure(FIGURES["fig1"]([plotted()], SOURCE), tmp_path / "file" / "fig1.png")
    assert "\n" not in str(caught.value)
    assert (tmp_path / "file").read_text() == ""


def test_an_unknown_format_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="pdf, png, svg"):
        save_figure(FIGURES["fig1"]([plotted()], SOURCE), tmp_path / "fig1.gif")


def test_looks_differ_in_color_dash_and_marker_and_in_grey() -> None:
    looks = list(LOOKS.values())
    for field in ("color", "dash", "marker"):
        assert len({getattr(look, field) for look in looks}) == len(looks)
    levels = [lightness(look.color) for look in looks]
    assert np.diff(sorted(levels)).min() > 7
    assert levels == sorted(levels)


def test_a_network_keeps_its_look_and_strangers_take_free_ones() -> None:
    four = plotted("cdlinear", 4, 2)
    runs = [plotted("cdlinear", 16, 1), four, replace(four, run_id=3, seed=1)]
    stranger, first, again = looks_of(runs)
    assert first == again == LOOKS["cdlinear", 4]
    assert stranger != first


def test_families_differ_in_color_dash_and_marker_from_each_other_and_from_block_sizes() -> None:
    looks = [*LOOKS.values(), *FAMILY_LOOKS.values()]
    for field in ("color", "dash", "marker"):
        assert len({getattr(look, field) for look in looks}) == len(looks)
    levels = [lightness(look.color) for look in FAMILY_LOOKS.values()]
    assert levels == sorted(levels)
    assert levels[-1] < 80  # visible on white


def structured(layer: str, structure: str | None, run_id: int = 1) -> PlottedRun:
    return replace(plotted(layer, None, run_id), structure=structure)


def test_a_family_keeps_its_look_and_its_further_structures_are_paler() -> None:
    runs = [structured("low-rank", f"rank={rank}") for rank in (16, 4)]
    first, second = looks_of([plotted(), *runs])[1:]
    assert first == FAMILY_LOOKS["low-rank"]
    assert second.marker == first.marker
    assert second.dash != first.dash
    assert lightness(second.color) > lightness(first.color)
    (alone,) = looks_of(runs[1:])
    assert alone == first


def test_a_family_that_nobody_knows_takes_a_look_that_is_not_in_the_figure() -> None:
    known = [plotted(), plotted("cdlinear", 4), structured("low-rank", "rank=8")]
    looks = looks_of([structured("plug-in", "size=3"), *known, structured("other", None)])
    assert looks[1:4] == [LOOKS["dense", None], LOOKS["cdlinear", 4], FAMILY_LOOKS["low-rank"]]
    assert len({look.marker for look in looks}) == 5


def test_a_legend_has_the_names_of_structures_and_takes_no_room_of_the_panels() -> None:
    few = [plotted(), structured("low-rank", "rank=8")]
    many = [*few, *(structured(f"family-{i}", f"blocks={i} inner=16") for i in range(10))]
    heights = []
    for runs in (few, many):
        figure = FIGURES["fig1"](runs, SOURCE)
        labels = [text.get_text() for text in figure.legends[0].get_texts()]
        assert labels == [run.label for run in runs]
        panel = figure.axes[0].get_position()
        heights.append(panel.height * figure.get_size_inches()[1])
    assert "low-rank rank=8, 1,000 parameters" in labels
    assert heights[1] == pytest.approx(heights[0])


def test_names_at_the_ends_of_lines_are_inside_the_sheet() -> None:
    runs = [structured("block-diagonal", f"blocks={n}", n) for n in range(2, 14)]
    figure = FIGURES["fig1"](runs, SOURCE)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    left, right = figure.axes
    renderer = canvas.get_renderer()
    names = [[t.get_window_extent(renderer) for t in axes.texts[-12:]] for axes in (left, right)]
    numbers = min(t.get_window_extent(renderer).x0 for t in right.get_yticklabels())
    assert max(name.x1 for name in names[0]) < numbers
    assert max(name.x1 for name in names[1]) <= figure.bbox.x1


def test_no_run_too_many_models_or_no_spectrum_is_said() -> None:
    with pytest.raises(MissingResultsError, match="at least one"):
        FIGURES["fig1"]([], SOURCE)
    most = len(all_looks())
    strangers = [plotted("cdlinear", 100 + B) for B in range(most + 1)]
    assert len({(*vars(look).values(),) for look in looks_of(strangers[:-1])}) == most
    with pytest.raises(CdbenchError, match=f"at most {most} models"):
        FIGURES["fig1"](strangers, SOURCE)
    with pytest.raises(MissingResultsError, match="run 1 has no spectrum of kind 'published'"):
        FIGURES["fig2"]([replace(plotted(), spectra=())], SOURCE)
    with pytest.raises(MissingResultsError, match="run 1 has no spectrum of its network"):
        FIGURES["spectra-kinds"]([replace(plotted(), curvature=())], SOURCE)


def test_figures_of_the_paper_need_no_curvature() -> None:
    for name in ("fig1", "fig2"):
        assert FIGURES[name]([replace(plotted(), curvature=())], SOURCE).axes


def test_matplotlib_is_imported_only_when_a_figure_is_drawn() -> None:
    code = "import sys, cdbench.plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@given(st.lists(st.floats(-1, 2), max_size=8))
def test_names_are_moved_apart_by_least_squares(wanted: list[float]) -> None:
    expected = isotonic_regression(wanted).x if wanted else []
    np.testing.assert_allclose(rising(wanted), expected, rtol=0, atol=1e-12)


def test_every_basis_of_block_diagonal_layers_has_the_familys_marker() -> None:
    words = ("blocks=4", *(f"blocks=4 basis={basis}" for basis in ("dct", "hartley", "random")))
    looks = looks_of([structured("block-diagonal", own) for own in words])
    assert {look.marker for look in looks} == {FAMILY_LOOKS["block-diagonal"].marker}
    assert len({look.color for look in looks}) == len({str(look.dash) for look in looks}) == 4
