"""The audit's figures: what they draw is what was measured, and what lacks is named."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cdbench.claims import kappas, odd_block_sizes, whitened
from cdbench.claims.base import paper_models
from cdbench.claims.statistics import Observations, mean
from cdbench.cli import run
from cdbench.cli.figure_samples import READERS
from cdbench.config import RunConfig
from cdbench.diagnostics import Diagnostics
from cdbench.environment import current_environment
from cdbench.errors import MissingResultsError
from cdbench.execution import execute
from cdbench.judgement import HOLDS, ClaimResult, Judgement, Measurement, Observation
from cdbench.plots import FIGURES, FORMATS, KINDS_DRAWN, SAMPLE_FIGURES, Sample, save_figure
from cdbench.plots.base import Model
from cdbench.plots.kinds import KIND_WORDS
from cdbench.plots.lines import number
from cdbench.plots.samples import quartiles
from cdbench.plots.theorem2 import MARCHENKO_PASTUR, MEASURED, PUBLISHED
from cdbench.run import Condition, Spectrum
from cdbench.spectra import KINDS
from cdbench.store.database import Database, open_for_reading, open_for_writing
from cdbench.store.figure_queries import runs_with_spectra
from cdbench.store.record import record_claim, record_run
from tests.test_plots import plotted, texts

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
    "accuracy-parameters": accuracy_samples,
}


def draw(name: str, samples: Sequence[Sample] | None = None) -> Figure:
    return SAMPLE_FIGURES[name](SAMPLES[name]() if samples is None else samples, SOURCE)


def lines(axes: Axes) -> list[list[tuple[float, float]]]:
    """Return the points of every line that has some."""
    found = [np.asarray(line.get_xydata()).tolist() for line in axes.lines]
    return [[(x, y) for x, y in points] for points in found if points]


# What is drawn is what was given


def test_seeds_are_drawn_one_by_one_and_as_medians_and_means_so_far() -> None:
    samples = seeds_samples()
    first = draw("kappa-seeds").axes[0]
    ours, theirs = (np.array(sample.values) for sample in samples[:2])
    seeds = range(1, N_SEEDS + 1)
    _, one, medians, means = lines(first)  # ahead of them the line at a ratio of 1
    assert one == pytest.approx(list(zip(seeds, ours / theirs, strict=True)))
    assert medians == pytest.approx([(n, np.median((ours / theirs)[:n])) for n in seeds])
    assert means == pytest.approx([(n, ours[:n].mean() / theirs[:n].mean()) for n in seeds])
    assert first.get_title("left") == "published κ: dense / B = 4\nnot comparable"
    (note,) = [text.get_text() for text in first.texts]
    expected = number(float(ours[:3].mean() / theirs[:3].mean()))
    assert note.startswith(f"after 3 seeds: means {expected}, median")
    assert f"after {N_SEEDS} seeds: means" in note


def test_a_row_for_each_model_compared_and_a_column_for_each_quantity() -> None:
    titles = [axes.get_title("left").partition("\n")[0] for axes in draw("kappa-seeds").axes]
    assert titles == [
        f"{quantity}: dense / B = {B}" for B in (4, 8) for quantity in ("published κ", "weight κ")
    ]


def test_theorem_2_is_drawn_less_1_with_both_laws_and_quartiles() -> None:
    axes = draw("theorem2").axes[1]
    published, law, measured, *bars = lines(axes)
    assert axes.get_title("left") == "B = 4: κ − 1"
    assert published == pytest.approx([(256, 0.05), (1437, 0.05)])
    assert law == pytest.approx([(256, 0.41), (1437, 0.41)])
    assert measured == pytest.approx([(256, 0.4), (1437, 0.4)])
    assert bars == [pytest.approx([(N, 0.2), (N, 0.5)]) for N in (256, 1437)]
    assert "κ at N = 1,437: 1.40; by the laws 1.41 and 1.05" in texts(draw("theorem2"))


def test_epochs_show_medians_hollow_where_half_of_the_seeds_are_singular() -> None:
    figure = draw("kappa-epochs")
    axes = figure.axes[0]
    medians, hollow = lines(axes)[:2]
    expected = float(np.median(values(1)))
    assert medians == pytest.approx([(0, expected), (5, expected)])
    assert hollow == pytest.approx([(5, expected)])
    assert len(figure.axes) == 4
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    assert any(text.startswith("hollow points") for text in texts(figure))


def test_no_hollow_point_is_no_note_on_them() -> None:
    whole = [replace(sample, n_singular=0) for sample in epochs_samples()]
    assert not any("hollow" in text for text in texts(draw("kappa-epochs", whole)))


def test_accuracies_are_drawn_in_percent_with_their_interval_at_their_size() -> None:
    (axes,) = draw("accuracy-parameters").axes
    for sample in accuracy_samples():
        name = sample.model.short_label
        named = [text for text in axes.texts if text.get_text().startswith(f"{name}\n")]
        assert [text.get_text() for text in named] == [
            f"{name}\n{sample.x:,.0f}\n{100 * sample.mean:.1f} %"
        ]
    # Of every model the seeds' dots, then the mean and the two caps of its interval.
    dots = [line for line in axes.lines if line.get_alpha() is not None]
    drawn = [np.asarray(line.get_ydata()).tolist() for line in dots]
    assert drawn == [pytest.approx([100 * v for v in s.values]) for s in accuracy_samples()]
    assert all(
        abs(math.log(x / sample.x)) < 0.1
        for line, sample in zip(dots, accuracy_samples(), strict=True)
        for x in np.asarray(line.get_xdata())
    )
    ends = [np.asarray(line.get_ydata()).tolist() for line in axes.lines if len(line.get_xydata()) == 1]
    assert pytest.approx([95.0]) in ends
    assert pytest.approx([98.0]) in ends


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
    assert list(panels) == [*KIND_WORDS, ""]
    assert lines(panels["layer_hessian"]) == [[(0, 1.0), (50, 0.25)], [(0, 1.0), (100, 0.5)]]
    assert "dense: κ = ∞, non-null 4, rank 10 of 20" in panels["layer_hessian"].texts[0].get_text()
    assert "not comparable" in panels["published"].get_title("left")
    assert len({axes.get_ylim() for axes in figure.axes[:-1]}) == 1


# All of them


@pytest.mark.parametrize("name", SAMPLE_FIGURES)
def test_a_figure_names_its_source(name: str) -> None:
    assert SOURCE in texts(draw(name))


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("name", SAMPLE_FIGURES)
def test_the_same_samples_give_the_same_bytes(tmp_path: Path, name: str, kind: str) -> None:
    first, second = (
        save_figure(draw(name), tmp_path / folder, name, kind).read_bytes() for folder in "ab"
    )
    assert first == second
    assert len(first) > 5000


@pytest.mark.parametrize("name", SAMPLE_FIGURES)
def test_without_samples_a_figure_is_refused(name: str) -> None:
    with pytest.raises(MissingResultsError, match="got none"):
        draw(name, [])


@pytest.mark.parametrize("bad", [math.inf, 0.0])
@pytest.mark.parametrize("name", ["theorem2", "kappa-epochs"])
def test_numbers_that_cannot_be_shown_are_left_out_and_counted(
    tmp_path: Path, name: str, bad: float
) -> None:
    first, *others = SAMPLES[name]()
    spoilt = replace(first, values=(bad, bad, bad) if bad else (1.0, 1.0, 1.0))
    figure = draw(name, [spoilt, *others])
    assert sum(map(len, lines(figure.axes[0]))) < sum(map(len, lines(draw(name).axes[0])))
    if bad:
        assert any("1 point" in text and "infinite, not shown" in text for text in texts(figure))
    assert save_figure(figure, tmp_path, name, "png").exists()
