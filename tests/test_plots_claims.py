"""The audit's figures: what they draw is what was measured, and what lacks is named."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.figure import Figure
from matplotlib.text import Text

from cdbench.api.figures.figure_samples import READERS
from cdbench.diagnostics.spectra import KINDS
from cdbench.errors import MissingResultsError
from cdbench.plots import FIGURES, FORMATS, KINDS_DRAWN, SAMPLE_FIGURES, Sample, save_figure
from cdbench.plots.base import Model
from cdbench.plots.kappa_floors import CUT, DAMPED
from cdbench.plots.kinds import KIND_WORDS, NETWORK
from cdbench.plots.notes import number
from cdbench.plots.samples import quartiles
from cdbench.plots.theorem2 import MARCHENKO_PASTUR, MEASURED, PUBLISHED
from cdbench.records.judgement import Observation
from cdbench.records.spectra import Condition, Spectrum
from cdbench.statistics.estimates import Observations, median
from tests.test_plots import network_spectrum, plotted, texts

SOURCE = "claim x of a$b_$.db · seeds 0..9"
DENSE, FOUR, EIGHT = Model("dense"), Model("cdlinear", 4), Model("cdlinear", 8)
MODELS = (DENSE, FOUR, EIGHT)
N_SEEDS = 10


def values(seed: int, n: int = N_SEEDS) -> tuple[float, ...]:
    return tuple(np.exp(np.random.default_rng(seed).normal(6, 2, n)).tolist())


def seeds_samples(n: int = N_SEEDS) -> list[Sample]:
    return [
        Sample(quantity, model, values(3 * i + j, n))
        for i, quantity in enumerate(("published κ", "weight κ"))
        for j, model in enumerate(MODELS)
    ]


def theorem2_samples() -> list[Sample]:
    return [
        Sample(quantity, model, given, x=N)
        for N in (256.0, 1437.0)
        for model in MODELS
        for quantity, given in (
            (MEASURED, (1.2, 1.5, 1.4)),
            (MARCHENKO_PASTUR, (1.41,)),
            (PUBLISHED, (1.05,)),
        )
    ]


def epochs_samples() -> list[Sample]:
    return [
        Sample(kind, model, values(layer), x=epoch, weight_layer=layer, n_singular=singular)
        for kind in ("weight", "layer_hessian")
        for layer in (1, 2)
        for epoch, singular in ((0.0, 4), (5.0, 5))
        for model in MODELS
    ]


def floors_samples(n: int = N_SEEDS) -> list[Sample]:
    return [
        Sample(quantity, model, values(5 * (layer or 0) + j, n), level, layer)
        for layer in (None, 1, 2, 3)
        for quantity, levels in ((CUT, (0.0, 1e-6, 1e-4, 1e-2)), (DAMPED, (1e-6, 1e-4, 1e-2)))
        for level in levels
        for j, model in enumerate(MODELS)
    ]


def accuracy_samples() -> list[Sample]:
    models = (DENSE, *(Model("cdlinear", B) for B in range(1, 9)))
    return [
        Sample(
            "test accuracy",
            model,
            tuple((350 - size // 1000 + seed % 3) / 360 for seed in range(N_SEEDS)),
            x=size,
            interval=(0.95, 0.98),
        )
        for model, size in zip(
            models, (8970, 8970, 4554, 3312, 2380, 1960, 1728, 1694, 1296), strict=True
        )
    ]


SAMPLES = {
    "kappa-seeds": seeds_samples,
    "theorem2": theorem2_samples,
    "kappa-epochs": epochs_samples,
    "kappa-floors": floors_samples,
    "accuracy-parameters": accuracy_samples,
}


def draw(name: str, samples: Sequence[Sample] | None = None) -> Figure:
    return SAMPLE_FIGURES[name](SAMPLES[name]() if samples is None else samples, SOURCE)


Points = list[list[float]]


def lines(axes: Axes) -> list[Points]:
    """Return the points of every line that has some."""
    found = [np.asarray(line.get_xydata(), dtype=float).tolist() for line in axes.lines]
    return [points for points in found if points]


def near(drawn: Points, x: Iterable[float], y: Iterable[float]) -> bool:
    return bool(np.allclose(drawn, np.array([list(x), list(y)]).T, rtol=1e-9, atol=1e-12))


# What is drawn is what was given


def test_seeds_are_drawn_one_by_one_and_as_medians_and_means_so_far() -> None:
    samples = seeds_samples()
    first = draw("kappa-seeds").axes[0]
    ours, theirs = (np.array(sample.values) for sample in samples[:2])
    seeds = range(1, N_SEEDS + 1)
    _, one, medians, means = lines(first)  # ahead of them the line at a ratio of 1
    assert near(one, seeds, ours / theirs)
    assert near(medians, seeds, [np.median((ours / theirs)[:n]) for n in seeds])
    assert near(means, seeds, [ours[:n].mean() / theirs[:n].mean() for n in seeds])
    assert first.get_title("left") == "published κ: dense / B = 4\nnot comparable"
    (note,) = [text.get_text() for text in first.texts]
    expected = number(float(ours[:3].mean() / theirs[:3].mean()))
    assert note.startswith(f"after 3 seeds: means {expected}, median")
    assert f"after {N_SEEDS} seeds: means" in note


def test_quartiles_are_drawn_from_eight_seeds_on() -> None:
    axes = draw("kappa-seeds").axes[0]
    (band,) = [found for found in axes.collections if isinstance(found, FillBetweenPolyCollection)]
    x = np.asarray(band.get_paths()[0].vertices)[:, 0]
    assert (x.min(), x.max()) == (8, N_SEEDS)


def test_a_row_for_each_model_compared_and_a_column_of_one_scale_for_each_quantity() -> None:
    panels = draw("kappa-seeds").axes
    titles = [axes.get_title("left").partition("\n")[0] for axes in panels]
    scales = [axes.get_ylim() for axes in panels]
    assert scales[:2] == scales[2:]
    assert scales[0] != scales[1]
    assert titles == [
        f"{quantity}: dense / B = {B}" for B in (4, 8) for quantity in ("published κ", "weight κ")
    ]


def test_theorem_2_is_drawn_less_1_with_both_laws_and_quartiles() -> None:
    axes = draw("theorem2").axes[1]
    published, law, measured, *bars = lines(axes)
    assert axes.get_title("left") == "B = 4: κ − 1"
    for drawn, excess in ((published, 0.05), (law, 0.41), (measured, 0.4)):
        assert near(drawn, (256, 1437), (excess, excess))
    for bar, N in zip(bars, (256, 1437), strict=True):
        assert near(bar, (N, N), (0.2, 0.5))
    assert "κ at N = 1,437: 1.40; by the laws 1.41 and 1.05" in texts(draw("theorem2"))


def test_epochs_show_medians_hollow_where_half_of_the_seeds_are_singular() -> None:
    figure = draw("kappa-epochs")
    axes = figure.axes[0]
    medians, hollow = lines(axes)[:2]
    expected = float(np.median(values(1)))
    assert near(medians, (0, 5), (expected, expected))
    assert near(hollow, (5,), (expected,))
    assert len(figure.axes) == 4
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    assert any(text.startswith("hollow points") for text in texts(figure))


def test_no_hollow_point_is_no_note_on_them() -> None:
    whole = [replace(sample, n_singular=0) for sample in epochs_samples()]
    assert not any("hollow" in text for text in texts(draw("kappa-epochs", whole)))


def test_floors_show_medians_cut_with_quartiles_and_damped_and_ratios_in_numbers() -> None:
    figure = draw("kappa-floors")
    axes = figure.axes[1]
    expected = [float(np.median(values(5 + j))) for j in range(len(MODELS))]
    cut, damped = (
        [line for line in axes.lines if line.get_linestyle() == dash] for dash in ("-", "--")
    )
    levels = (1e-6, 1e-4, 1e-2)
    for drawn, kappa in zip(cut, expected, strict=True):
        (rounding, _), *rest = np.asarray(drawn.get_xydata()).tolist()
        assert rounding < levels[0]
        assert near(rest, levels, [kappa] * 3)
    for drawn, kappa in zip(damped, expected, strict=True):
        assert near(np.asarray(drawn.get_xydata()).tolist(), levels, [kappa] * 3)
    bands = [found for found in axes.collections if isinstance(found, FillBetweenPolyCollection)]
    assert len(bands) == len(MODELS) + 1  # the last shades what lies above 1 / floor
    bound = np.asarray(bands[-1].get_paths()[0].vertices)[1:3]
    assert bound.prod(axis=1) == pytest.approx([1, 1])
    titles = [panel.get_title("left") for panel in figure.axes]
    assert titles == ["weights, mean of layers", *(f"layer {n}'s Hessian" for n in (1, 2, 3))]
    assert len({panel.get_ylim() for panel in figure.axes}) == 1
    ratio = number(float(np.median(np.divide(values(5), values(6)))))
    stated = f"dense / B = 4: {ratio} at rounding, {ratio} above 1e-6, {ratio} above 1e-4"
    assert any(text.get_text().startswith(f"{stated}\n") for text in axes.texts)


def test_accuracies_are_drawn_in_percent_with_their_interval_at_their_size() -> None:
    (axes,) = draw("accuracy-parameters").axes
    for sample in accuracy_samples():
        name = sample.model.short_label
        named = [text for text in axes.texts if text.get_text().startswith(f"{name}\n")]
        assert [text.get_text() for text in named] == [
            f"{name}\n{sample.x:,.0f}\n{100 * sample.mean:.1f} %"
        ]
    dots = [line for line in axes.lines if line.get_alpha() is not None]
    seeds = [np.asarray(line.get_ydata()).tolist() for line in dots]
    assert seeds == [pytest.approx([100 * v for v in s.values]) for s in accuracy_samples()]
    assert all(
        abs(math.log(x / sample.x)) < 0.1
        for line, sample in zip(dots, accuracy_samples(), strict=True)
        for x in np.asarray(line.get_xdata())
    )
    drawn = [[y for _, y in points] for points in lines(axes)]
    assert sum(y == pytest.approx([95.0, 98.0]) for y in drawn) == len(accuracy_samples())
    assert all(pytest.approx([100 * sample.mean]) in drawn for sample in accuracy_samples())


def test_names_of_many_families_do_not_touch_and_are_joined_to_their_points() -> None:
    models = [Model("dense"), FOUR, Model("circulant")]
    models += [Model("low-rank", None, f"rank={rank}") for rank in range(1, 10)]
    samples = [
        replace(accuracy_samples()[0], model=model, x=3000.0 + 20 * place)
        for place, model in enumerate(models)
    ]
    figure = draw("accuracy-parameters", samples)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    (axes,) = figure.axes
    renderer = canvas.get_renderer()
    boxes = [Text.get_window_extent(text, renderer) for text in axes.texts]
    assert len(boxes) == len(models) == 12
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    assert all(axes.bbox.x0 <= box.x0 and box.x1 <= axes.bbox.x1 for box in boxes)
    others = [text for text in axes.texts if text.get_text().startswith(("low-rank", "circulant"))]
    assert all(getattr(text, "arrow_patch", None) is not None for text in others)


def test_the_title_of_accuracies_says_what_the_smallest_model_costs() -> None:
    large, small = accuracy_samples()[0], accuracy_samples()[-1]
    large = replace(large, values=(0.98, 0.98), interval=None)
    small = replace(small, values=(0.95, 0.96), interval=None)
    assert texts(draw("accuracy-parameters", [large, small]))[0] == (
        "6.9 times fewer parameters cost 2.5 points of test accuracy"
    )
    better = replace(small, values=(0.99, 0.99))
    assert " gain 1.0 points" in texts(draw("accuracy-parameters", [large, better]))[0]
    assert "times" not in texts(draw("accuracy-parameters", [large]))[0]


def test_spectra_are_drawn_relative_to_the_largest_without_their_zeros() -> None:
    condition = Condition(8.0, 0.0, math.inf, 4.0, 10, 20, 1e-9)
    singular = Spectrum(3, "layer_hessian", 25, (8.0, 2.0, 1e-10), condition)
    whole = plotted("cdlinear", 4, 2)
    runs = [replace(plotted(), spectra=(*plotted().spectra[:-1], singular)), whole]
    figure = FIGURES["spectra-kinds"](runs, SOURCE)
    panels = {axes.get_title("left").partition(":")[0]: axes for axes in figure.axes}
    assert list(panels) == list(KIND_WORDS)
    first, second = lines(panels["layer_hessian"])
    assert near(first, (0, 50), (1.0, 0.25))
    assert near(second, (0, 100), (1.0, 0.5))
    assert "dense: κ = ∞, non-null 4, rank 10 of 20" in panels["layer_hessian"].texts[0].get_text()
    assert "not comparable" in panels["published"].get_title("left")
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    comparable = [words.compares == "comparable" for words in KIND_WORDS.values()]
    assert comparable == [True] * 3 + [False] * 3


@pytest.mark.parametrize(("method", "word"), [("lanczos", "estimated"), ("exact", "exact")])
def test_the_network_is_drawn_by_the_share_of_its_spectrum_at_the_last_epoch(
    method: str, word: str
) -> None:
    last = network_spectrum(method)
    others = (
        replace(last, epoch=5, nodes=(9.0,) * 5),
        replace(last, matrix="hessian", epoch=30),
        replace(last, coordinates="weight-space", epoch=30),
    )
    runs = [replace(plotted(), curvature=(last, *others))]
    axes = FIGURES["spectra-kinds"](runs, SOURCE).axes[list(KIND_WORDS).index("network")]
    drawn, *resolution = lines(axes)
    assert near(drawn, (10, 20, 40), (1.0, 0.4, 0.002))  # neither 0 nor what rounding makes of it
    assert axes.get_title("left").startswith(f"network: comparable, {word}\n")
    assert [y for points in resolution for _, y in points] == [0.01] * 2 * (method == "lanczos")
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert "dense: κ = ∞, effective rank 1.4 of 10" in [text.get_text() for text in axes.texts]


# All of them


@pytest.mark.parametrize("name", SAMPLE_FIGURES)
def test_a_figure_names_its_source(name: str) -> None:
    assert SOURCE in texts(draw(name))


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, "svg") for name in SAMPLE_FIGURES]
    + [(next(iter(SAMPLE_FIGURES)), kind) for kind in FORMATS if kind != "svg"],
)
def test_the_same_samples_give_the_same_bytes(tmp_path: Path, name: str, kind: str) -> None:
    files = [tmp_path / folder / f"{name}.{kind}" for folder in "ab"]
    for file in files:
        save_figure(draw(name), file)
    first, second = (file.read_bytes() for file in files)
    assert first == second
    assert len(first) > 5000


@pytest.mark.parametrize("name", SAMPLE_FIGURES)
def test_without_samples_a_figure_is_refused(name: str) -> None:
    with pytest.raises(MissingResultsError, match="got none"):
        draw(name, [])


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "bad", "note"),
    [
        ("theorem2", math.inf, "1 point 0 or infinite, not shown"),
        ("theorem2", 1.0, "1 point 0 or infinite, not shown"),
        ("kappa-epochs", math.inf, "1 point infinite, not shown"),
        ("kappa-floors", math.inf, "1 point infinite, not shown"),
        ("kappa-seeds", math.inf, "points infinite, not shown"),
    ],
)
def test_numbers_that_cannot_be_shown_are_left_out_and_counted(
    tmp_path: Path, name: str, bad: float, note: str
) -> None:
    first, *others = SAMPLES[name]()
    spoilt = replace(first, values=(bad,) * len(first.values))
    figure = draw(name, [spoilt, *others])
    assert sum(map(len, lines(figure.axes[0]))) < sum(map(len, lines(draw(name).axes[0])))
    assert note in "\n".join(texts(figure))
    assert save_figure(figure, tmp_path / f"{name}.png")


def test_a_ratio_of_two_infinite_numbers_is_none_and_spoils_no_median() -> None:
    samples = seeds_samples()
    for i in (0, 1):
        samples[i] = replace(samples[i], values=(math.inf, *samples[i].values[1:]))
    axes = draw("kappa-seeds", samples).axes[0]
    ratios = np.divide(samples[0].values[1:], samples[1].values[1:])
    _, one, medians = lines(axes)  # no mean is left
    assert near(one, range(2, N_SEEDS + 1), ratios)
    assert near(medians[-1:], [N_SEEDS], [np.median(ratios)])
    assert "median –" not in axes.texts[0].get_text()
    assert "means –" in axes.texts[0].get_text()


def test_an_interval_that_leaves_out_the_mean_by_rounding_is_drawn() -> None:
    first = replace(accuracy_samples()[0], values=(0.7, 0.7, 0.7), interval=(0.7, 0.7))
    assert first.mean != 0.7
    assert len(draw("accuracy-parameters", [first]).axes) == 1


def test_seeds_far_below_the_means_are_counted_and_not_shown() -> None:
    first, *others = accuracy_samples()
    low = replace(first, values=(0.1, *first.values[1:]))
    (axes,) = draw("accuracy-parameters", [low, *others]).axes
    assert axes.texts[-1].get_text() == "1 point below 89 % not shown, the lowest at 10.0 %"
    assert axes.get_ylim()[0] > 80


@pytest.mark.parametrize(
    "name", ["theorem2", "kappa-epochs", "kappa-floors", "accuracy-parameters"]
)
def test_one_model_is_enough(tmp_path: Path, name: str) -> None:
    figure = draw(name, [sample for sample in SAMPLES[name]() if sample.model == FOUR])
    assert save_figure(figure, tmp_path / f"{name}.svg")


def test_ratios_need_two_models() -> None:
    with pytest.raises(MissingResultsError, match="two models"):
        draw("kappa-seeds", [sample for sample in seeds_samples() if sample.model == DENSE])


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_seeds_are_enough(n: int) -> None:
    note = draw("kappa-seeds", seeds_samples(n)).axes[0].texts[0].get_text()
    assert note.startswith(f"after {n} seeds")
    assert note.count("after") == 1


# Their words and parts


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.3034, "0.303"), (62.3, "62.3"), (310.4, "310"), (93663.0, "93,663"),
        (1.27e7, "1.3e7"), (math.inf, "∞"), (math.nan, "–"),
    ],
)  # fmt: skip
def test_numbers_are_stated_shortly(value: float, words: str) -> None:
    assert number(value) == words


@pytest.mark.parametrize("n", [1, 2, 3, 4, 9, 10, 30])
def test_quartiles_and_median_are_those_of_the_ledger(n: int) -> None:
    observed = [Observation("κ", "dense", seed, x) for seed, x in enumerate(values(1, n))]
    measured = median(Observations("c", observed), "κ", "dense")
    sample = Sample("κ", DENSE, values(1, n))
    assert (sample.median, *quartiles(sample.values)) == pytest.approx(
        (measured.estimate, measured.low, measured.high)
    )


def test_every_kind_has_words_and_a_place_in_its_figure() -> None:
    assert set(KIND_WORDS) == {*KINDS, NETWORK}
    assert set(KINDS_DRAWN["spectra-kinds"]) == set(KIND_WORDS)
    assert set(KINDS_DRAWN) <= set(FIGURES)


def test_every_figure_of_samples_has_its_reader() -> None:
    assert set(READERS) == set(SAMPLE_FIGURES) == set(SAMPLES)
