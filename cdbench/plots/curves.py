"""Curves of any runs: losses and score over the epochs, many seeds of a model as one band."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from cdbench.errors import ConfigurationError, MissingResultsError
from cdbench.plots.base import PlottedRun
from cdbench.plots.lines import draw_band, draw_line, draw_positive_line, label_ends, write_note
from cdbench.plots.samples import quartiles
from cdbench.plots.scales import leave_steep_start_below, mark_logs
from cdbench.plots.scored import score
from cdbench.plots.sheet import ONE_ROW, Layout, named_at_ends, new_figure
from cdbench.plots.style import Look, looks_of, style
from cdbench.plots.traces import MANY, Trace, traces
from cdbench.records.run import EpochMetrics
from cdbench.statistics.averages import median
from cdbench.statistics.measures import OF_TASK, Measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOSSES = {
    "classification": "cross-entropy in nats",
    "regression": "squared error, in the target's unit squared",
    "language": "cross-entropy in nats",
}
"""What the loss of each task is the mean of."""

FEWEST = 2
"""Epochs that make a curve."""

NO_CURVE = (
    " has no curve: it kept no epoch but its last (--no-history), or had no other; figure seeds "
    "shows scores after the last"
)

HEIGHT, BESIDE = 5.6, 6
"""Height of the sheet in inches, and up to how many names the two smaller panels have room for."""


def curves(runs: Sequence[PlottedRun], source: str) -> "Figure":
    """Draw training loss, test loss and score of any runs over their epochs.

    Runs of one model with four seeds or more are one line, the median at each epoch over those
    that came so far, in a band from quartile to quartile.

    Parameters
    ----------
    runs : sequence of PlottedRun
        Of one task, in the legend's order.
    source : str
        One line that says which runs these are; the footer.

    Returns
    -------
    matplotlib.figure.Figure
        Three panels: the losses on log scales, and accuracy in percent, R², or bits per character.

    Raises
    ------
    MissingResultsError
        If there is no run, or one of them kept no epoch.
    ConfigurationError
        If they learn different tasks, or are more lines than can be told apart.
    """
    if runs and max(len(run.epochs) for run in runs) < FEWEST:
        raise MissingResultsError(f"run {runs[0].run_id}{NO_CURVE}")
    tasks = sorted({run.task for run in runs})
    if len(tasks) > 1:
        raise ConfigurationError(
            f"the runs learn {' and '.join(tasks)}, whose curves cannot be compared; expected runs "
            "of one of them"
        )
    drawn, common = traces(runs)
    title = "Loss and score over the epochs" + (f" · {common}" if common else "")
    with style():
        figure, (training, score, test) = _sheet(drawn, title, source)
        if drawn:
            _fill(drawn, (training, test, score), OF_TASK[tasks[0]])
            _name(drawn, (training, test, score), tasks[0])
    return figure


def _sheet(drawn: Sequence[Trace], title: str, source: str) -> "tuple[Figure, list[Axes]]":
    """Return a sheet with two panels below each other at the left, and one beside both."""
    lines = [trace.line for trace in drawn]
    wide = named_at_ends(lines)
    gaps = (0.42, wide.gaps[1] if wide is not ONE_ROW else ONE_ROW.gaps[1])
    layout = Layout(2, 2, HEIGHT, gaps=gaps, right=wide.right)
    figure, panels = new_figure(lines, title, source, layout)
    for panel in panels[1::2]:
        panel.remove()
    return figure, [panels[0], figure.add_subplot(1, 2, 2), panels[2]]


def _fill(drawn: Sequence[Trace], panels: "tuple[Axes, Axes, Axes]", measure: Measure) -> None:
    """Draw every line into the panels of the training loss, of the test loss and of the score."""
    quantities: list[Callable[[EpochMetrics], float]] = [
        lambda metrics: metrics.training_loss,
        lambda metrics: metrics.test_loss,
        lambda metrics: measure.scale * score(metrics, measure),
    ]
    looks = looks_of([trace.line for trace in drawn])
    for panel, quantity in zip(panels, quantities, strict=True):
        is_loss, n_omitted, shown = panel is not panels[2], 0, []
        for trace, look in zip(drawn, looks, strict=True):
            points = _points(trace, quantity)
            n_omitted += _draw(panel, trace, look, points, is_loss)
            shown += [median(values) for values in points.values()]
        if is_loss:
            panel.set_yscale("log")
            mark_logs(panel)
            write_note(panel, n_omitted, "≤ 0 or infinite, not shown")
        else:
            leave_steep_start_below(panel, shown, measure)


def _points(
    trace: Trace, quantity: Callable[[EpochMetrics], float]
) -> dict[int, tuple[float, ...]]:
    """Return the values of a line's runs at each epoch that was kept of any of them."""
    points: dict[int, list[float]] = {}
    for run in trace.runs:
        for metrics in run.epochs:
            points.setdefault(metrics.epoch, []).append(quantity(metrics))
    return {epoch: tuple(values) for epoch, values in sorted(points.items())}


def _draw(
    panel: "Axes", trace: Trace, look: Look, points: dict[int, tuple[float, ...]], is_loss: bool
) -> int:
    """Draw a line, and the band of one of many seeds; return how many points are left out."""
    epochs, middles = list(points), [median(values) for values in points.values()]
    if len(trace.runs) >= MANY:
        ends = [quartiles(values) for values in points.values()]
        draw_band(panel, look, epochs, ends, is_log=is_loss)
    if is_loss:
        return draw_positive_line(panel, trace.line, look, epochs, middles)
    draw_line(panel, trace.line, look, epochs, middles)
    return 0


def _name(drawn: Sequence[Trace], panels: "tuple[Axes, Axes, Axes]", task: str) -> None:
    """Write the panels' titles and the lines' names at their ends."""
    training, test, score = panels
    measure, lines = OF_TASK[task], [trace.line for trace in drawn]
    less = "; less is better" if measure.sign < 0 else ""
    band = "; medians, with quartiles" if any(len(one.runs) > 1 for one in drawn) else ""
    training.set_title(f"Training loss (mean {LOSSES[task]}, log scale)")
    test.set_title("Test loss (log scale)")
    score.set_title(f"Test {measure.label}{less}{band}")
    training.tick_params(labelbottom=False)
    for panel in panels:
        panel.locator_params(axis="x", integer=True)
        if panel is not training:
            panel.set_xlabel("epoch")
        if panel is score:
            label_ends(panel, lines)
        elif len(lines) <= BESIDE:
            label_ends(panel, lines, gap=0.13)
