"""Figure 1: training loss and test accuracy against the epoch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cdbench.plots.base import PlottedRun
from cdbench.plots.lines import draw_line, draw_positive_line, label_ends, write_note
from cdbench.plots.scales import leave_steep_start_below
from cdbench.plots.sheet import named_at_ends, new_figure
from cdbench.plots.style import looks_of, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def fig1(runs: Sequence[PlottedRun], source: str) -> "Figure":
    """Draw the paper's Figure 1: training loss (log scale) and test accuracy.

    As in Sec. VI.1, the loss is the mean over the batches as seen during each epoch, and the
    accuracy is that after the epoch.

    Parameters
    ----------
    runs : sequence of PlottedRun
        What to draw, in the legend's order.
    source : str
        One line that says which runs these are; the footer.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels: loss, accuracy in percent.

    Raises
    ------
    MissingResultsError
        If there is no run.
    """
    with style():
        title = "Training loss and test accuracy"
        figure, (loss, accuracy) = new_figure(runs, title, source, named_at_ends(runs))
        n_omitted = 0
        for run, look in zip(runs, looks_of(runs), strict=True):
            epochs = [metrics.epoch for metrics in run.epochs]
            losses = [metrics.training_loss for metrics in run.epochs]
            n_omitted += draw_positive_line(loss, run, look, epochs, losses)
            draw_line(accuracy, run, look, epochs, _percents(run))
        loss.set_yscale("log")
        loss.set(title="Training loss (mean cross-entropy in nats, log scale)", xlabel="epoch")
        accuracy.set(title="Test accuracy (%)", xlabel="epoch")
        write_note(loss, n_omitted, "≤ 0 left out")
        leave_steep_start_below(accuracy, [x for run in runs for x in _percents(run)])
        for panel in (loss, accuracy):
            panel.locator_params(axis="x", integer=True)
            label_ends(panel, runs)
    return figure


def _percents(run: PlottedRun) -> list[float]:
    return [100 * metrics.accuracy for metrics in run.epochs]
