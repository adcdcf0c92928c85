"""Figures of any runs: they draw what was stored, and every line has a name of its own."""

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text

from cdbench.errors import ConfigurationError, MissingResultsError
from cdbench.plots.base import PlottedRun
from cdbench.plots.curves import curves
from cdbench.plots.kappa import kappa
from cdbench.plots.model_sizes import model_sizes
from cdbench.plots.saving import figure_bytes
from cdbench.plots.seeds import MOST_MODELS, seeds
from cdbench.plots.spectra import spectra
from cdbench.plots.traces import MANY, MOST, traces
from cdbench.records.run import EpochMetrics
from cdbench.statistics.averages import mean, median
from tests.test_plots import SOURCE, line_data, plotted, spectrum, texts

ALL = {
    "curves": curves,
    "spectra": spectra,
    "kappa": kappa,
    "seeds": seeds,
    "accuracy-parameters": model_sizes,
}


def trained(
    layer: str = "dense", B: int | None = None, seed: int = 0, changes: str = "", scale: float = 1.0
) -> PlottedRun:
    """Return a made-up run, whose numbers differ from those of other seeds."""
    run_id = 100 * (B or 0) + seed + 1
    epochs = tuple(
        EpochMetrics(n, (scale + 0.1 * seed) / n, scale / n, 1 - (0.1 + 0.01 * seed) / n, 0.01)
        for n in range(1, 11)
    )
    measured = tuple(
        spectrum(kind, [4.0 * scale + seed + epoch, 2.0, 1.0], layer=own, epoch=epoch)
        for kind in ("weight", "layer_hessian")
        for own in (1, 2)
        for epoch in (0, 5, 10)
    )
    return replace(
        plotted(layer, B, run_id, scale, seed), epochs=epochs, spectra=measured, dataset="digits",
        changes=changes, group=f"{layer} {B} {changes}",
    )  # fmt: skip


def regression(run: PlottedRun) -> PlottedRun:
    epochs = (replace(one, test_accuracy=None, test_r2=1 - 5 / one.epoch**2) for one in run.epochs)
    return replace(run, task="regression", epochs=tuple(epochs))


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def three() -> list[PlottedRun]:
    return [trained(), trained("cdlinear", 4), trained("cdlinear", 8, scale=2.0)]


def test_curves_draw_both_losses_and_the_accuracy_in_percent() -> None:
    runs = three()
    training, test, score = curves(runs, SOURCE).axes
    epochs = list(range(1, 11))
    assert line_data(training) == [(epochs, [m.training_loss for m in r.epochs]) for r in runs]
    assert line_data(test) == [(epochs, [m.test_loss for m in r.epochs]) for r in runs]
    assert line_data(score) == [(epochs, [100 * m.accuracy for m in r.epochs]) for r in runs]
    assert score.get_title("left").startswith("Test accuracy (%)")


def test_many_seeds_of_a_model_are_one_line_in_a_band() -> None:
    many = [trained(seed=seed) for seed in range(MANY)]
    figure = curves([*many, trained("cdlinear", 4)], SOURCE)
    assert legend(figure) == [f"dense ({MANY} seeds)", "CDLinear B = 4 · seed 0"]
    (_, medians), _ = line_data(figure.axes[0])
    assert medians == [median([run.epochs[n].training_loss for run in many]) for n in range(10)]
    for panel in figure.axes:
        bands = [one for one in panel.collections if isinstance(one, FillBetweenPolyCollection)]
        assert len(bands) == 1
    few = curves(many[:-1], SOURCE)
    assert legend(few) == [f"seed {seed}" for seed in range(MANY - 1)]


def test_r2_that_is_far_below_0_in_the_first_epochs_is_cut_and_counted() -> None:
    figure = curves([regression(trained())], SOURCE)
    score = figure.axes[2]
    assert score.get_title("left") == "Test R²"
    low, high = score.get_ylim()
    n_below = sum(value < low for _, values in line_data(score) for value in values)
    assert n_below > 0
    assert high < 1.1
    assert any(text.startswith(f"{n_below} point") for text in texts(figure))


def test_the_name_of_a_line_that_ends_below_the_cut_scale_is_at_the_panels_edge() -> None:
    def at(B: int, accuracy: float) -> PlottedRun:
        run = trained("cdlinear", B)
        return replace(run, epochs=tuple(replace(m, test_accuracy=accuracy) for m in run.epochs))

    score = curves([*(at(B, 0.98) for B in range(1, 12)), at(12, 0.1)], SOURCE).axes[2]
    assert score.get_ylim()[0] > 50
    ends = [text.xy[1] for text in score.texts if isinstance(text, Annotation)]
    assert min(ends[:12]) == 0


def test_a_line_is_named_by_what_tells_it_from_the_others() -> None:
    rates = [trained(changes=f"hidden=24 24 learning_rate={rate}") for rate in (0.1, 0.2)]
    drawn, common = traces(rates)
    assert [one.line.legend for one in drawn] == ["learning_rate=0.1", "learning_rate=0.2"]
    assert common == "dense · digits · hidden=24 24 · seed 0"
    twice = [replace(trained(), run_id=run_id) for run_id in (7, 8)]
    assert [one.line.end for one in traces(twice)[0]] == ["dense · run 7", "dense · run 8"]
    mixed = [trained(), replace(trained("cdlinear", 4, 3), dataset="wine")]
    named = [one.line.legend.partition(": ")[2] for one in traces(mixed)[0]]
    assert named == ["dense · digits · seed 0", "CDLinear B = 4 · wine · seed 3"]


def test_long_names_are_lettered_at_the_ends_of_the_lines() -> None:
    runs = [trained(changes=f"optimizer=momentum learning_rate={n} dropout={n}") for n in (1, 2)]
    drawn, _ = traces(runs)
    assert [one.line.end for one in drawn] == ["a", "b"]
    assert drawn[1].line.legend == "b: learning_rate=2 · dropout=2"


def test_more_lines_than_can_be_told_apart_are_refused() -> None:
    runs = [trained(changes=f"learning_rate={n}") for n in range(MOST + 1)]
    assert len(traces(runs[:-1])[0]) == MOST
    with pytest.raises(ConfigurationError, match=f"expected at most {MOST}"):
        curves(runs, SOURCE)
    with pytest.raises(ConfigurationError, match=f"expected at most {MOST}"):
        spectra([trained(seed=seed) for seed in range(MOST + 1)], SOURCE)


def test_runs_that_cannot_be_compared_are_refused() -> None:
    runs = [trained(), regression(trained("cdlinear", 4))]
    with pytest.raises(ConfigurationError, match="classification and regression"):
        curves(runs, SOURCE)
    for draw in (seeds, model_sizes):
        with pytest.raises(ConfigurationError, match="2 tasks"):
            draw(runs, SOURCE)
        with pytest.raises(ConfigurationError, match=r"2 data sets \(digits, wine\)"):
            draw([trained(), replace(trained(seed=1), dataset="wine")], SOURCE)


@pytest.mark.parametrize(
    ("name", "lacking", "option"),
    [
        ("curves", {"epochs": ()}, "--no-history"),
        ("spectra", {"spectra": ()}, "--no-values"),
        ("kappa", {"spectra": (spectrum("weight", [2.0, 1.0]),)}, "--spectra-every"),
        ("seeds", {"epochs": ()}, "no epoch"),
        ("accuracy-parameters", {"epochs": ()}, "no epoch"),
    ],
)
def test_a_run_without_what_a_figure_shows_is_named_with_the_option_for_it(
    name: str, lacking: dict[str, tuple[()]], option: str
) -> None:
    run = replace(trained(), run_id=77, **lacking)  # type: ignore[arg-type]
    with pytest.raises(MissingResultsError, match="run 77") as raised:
        ALL[name]([run], SOURCE)
    assert option in str(raised.value)
    assert "\n" not in str(raised.value)
    with pytest.raises(MissingResultsError, match="at least one"):
        ALL[name]([], SOURCE)


def test_spectra_have_a_column_a_kind_and_a_row_a_layer() -> None:
    figure = spectra(three(), SOURCE)
    assert [panel.get_ylabel() for panel in figure.axes] == ["layer 1", "", "layer 2", ""]
    assert [panel.get_title("left").split("\n")[0] for panel in figure.axes[:2]] == [
        "weight",
        "layer_hessian",
    ]
    for panel in figure.axes:
        for run, (shares, values) in zip(three(), line_data(panel), strict=True):
            last = max(run.spectra, key=lambda one: one.epoch).values
            assert shares == [0, 50, 100]
            assert values == pytest.approx([value / last[0] for value in last])


def test_kappa_is_followed_over_the_epochs() -> None:
    many = [trained(seed=seed) for seed in range(MANY)]
    figure = kappa([*many, trained("cdlinear", 4)], SOURCE)
    assert [panel.get_ylabel() for panel in figure.axes[::2]] == ["κ, layer 1", "κ, layer 2"]
    (epochs, _), *_ = line_data(figure.axes[0])
    assert epochs == [0, 5, 10]
    assert texts(figure)[0] == "κ during training · digits"


def test_seeds_have_a_row_a_model_the_best_on_top() -> None:
    many = [trained("cdlinear", 4, seed) for seed in range(5)]
    (axes,) = seeds([*many, trained()], SOURCE).axes
    assert [text.get_text() for text in axes.get_yticklabels()] == [
        "dense · seed 0",
        "CDLinear B = 4 (5 seeds)",
    ]
    scores = sorted(100 * run.epochs[-1].accuracy for run in many)
    drawn = line_data(axes)
    assert [x for x, _ in drawn if len(x) == 5] == [pytest.approx(scores)]
    (interval,) = (x for x, y in drawn if len(x) == 2 and y == [1, 1])
    assert interval[0] < mean(scores) < interval[1]
    assert any(x == pytest.approx([mean(scores)]) for x, _ in drawn)


def test_the_best_models_of_many_have_a_row() -> None:
    runs = [trained(changes=f"learning_rate={n}", seed=n) for n in range(MOST_MODELS + 3)]
    figure = seeds(runs, SOURCE)
    assert len(figure.axes[0].get_yticks()) == MOST_MODELS
    assert f"the best {MOST_MODELS} of {MOST_MODELS + 3} models" in texts(figure)


def test_sizes_draw_every_model_and_name_the_best_at_each_size() -> None:
    runs = [
        replace(trained("cdlinear", B, seed), n_parameters=8000 // B)
        for B in (1, 2, 4)
        for seed in range(3)
    ]
    worse = [replace(trained(seed=8 + seed), n_parameters=6000) for seed in range(3)]
    figure = model_sizes([*runs, *worse], SOURCE)
    (axes,) = figure.axes
    named = [text.get_text().split("\n")[0] for text in axes.texts]
    assert named == ["B = 4"]  # all have the same scores, and it is the smallest
    means = [line for line in axes.lines if line.get_marker() not in ("", "None")]
    places = sorted(float(np.asarray(line.get_xdata())[0]) for line in means)
    assert places == [2000, 4000, 6000, 8000]
    assert legend(figure) == ["dense", "cdlinear"]


@pytest.mark.parametrize("name", ALL)
def test_no_words_of_a_figure_touch(name: str) -> None:
    runs = [
        trained("low-rank", None, changes=f"hidden={n} learning_rate={n / 10}") for n in range(8)
    ]
    figure = ALL[name](runs, SOURCE)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    for axes in figure.axes:
        own = [text for text in axes.texts if text.get_text()]
        boxes = [Text.get_window_extent(text, renderer) for text in own]
        assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
        assert all(0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in boxes)
    titles = [text.get_window_extent(renderer) for text in figure.texts]
    assert all(box.x1 <= figure.bbox.x1 for box in titles)


@pytest.mark.parametrize("name", ALL)
def test_names_of_the_user_are_shown_as_they_are(name: str) -> None:
    runs = [replace(trained(), dataset="a$b_$.csv", changes="label_column=x^$_$\x1b[31m")]
    runs += [replace(one, run_id=9, changes="label_column=[b]$$") for one in runs]
    figure = ALL[name](runs, SOURCE)
    written = " ".join([*legend(figure), *texts(figure)])
    written += " ".join(text.get_text() for text in figure.axes[0].get_yticklabels())
    assert "a$b_$.csv" in written
    assert "\x1b" not in written
    assert figure_bytes(figure, "svg")


def test_losses_that_a_log_scale_cannot_show_are_counted() -> None:
    run = trained()
    broken = (replace(run.epochs[0], training_loss=math.inf), *run.epochs[1:])
    figure = curves([replace(run, epochs=broken)], SOURCE)
    assert "1 point ≤ 0 or infinite, not shown" in texts(figure)
