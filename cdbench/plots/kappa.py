"""κ of any runs in the course of training, by kind and layer."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cdbench.errors import MissingResultsError
from cdbench.plots.base import PlottedRun
from cdbench.plots.kappa_epochs import kappa_epochs
from cdbench.plots.kinds import KIND_WORDS
from cdbench.plots.samples import Sample
from cdbench.plots.spectra import chosen_layers
from cdbench.plots.traces import Trace, traces
from cdbench.records.spectra import Condition

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NOT_FOLLOWED = "train it again with --spectra-every 5, or another number of epochs"


def kappa(runs: Sequence[PlottedRun], source: str) -> "Figure":
    """Draw κ of every layer over the epochs; many seeds of a model as median and quartiles.

    Parameters
    ----------
    runs : sequence of PlottedRun
        In the legend's order.
    source : str
        One line that says which runs these are; the footer.

    Returns
    -------
    matplotlib.figure.Figure
        One column a kind, one row a layer, all on one scale. Where κ is infinite, κ of the non-null
        part is drawn.

    Raises
    ------
    MissingResultsError
        If there is no run, or κ of one was measured at less than two epochs.
    ConfigurationError
        If they are more lines than can be told apart.
    """
    for run in runs:
        n_epochs = len({spectrum.epoch for spectrum in run.spectra if not spectrum.step})
        if n_epochs < 2:
            times = "measured once, not" if n_epochs else "not measured"
            raise MissingResultsError(
                f"run {run.run_id}: κ was {times} over the epochs; {NOT_FOLLOWED}"
            )
    drawn, common = traces(runs)
    found = {spectrum.kind for run in runs for spectrum in run.spectra}
    layers = chosen_layers({spectrum.layer for run in runs for spectrum in run.spectra})
    samples = [
        sample
        for kind in KIND_WORDS
        if kind in found
        for layer in layers
        for trace in drawn
        for sample in _followed(trace, kind, layer)
    ]
    title = "κ during training" + (f" · {common}" if common else "")
    return kappa_epochs(samples, source, title)


def _followed(trace: Trace, kind: str, layer: int) -> Iterator[Sample]:
    """Yield the κ of a line's runs at each epoch."""
    by_epoch: dict[int, list[Condition]] = {}
    for run in trace.runs:
        for one in run.spectra:
            if (one.kind, one.layer, one.step) == (kind, layer, 0):
                by_epoch.setdefault(one.epoch, []).append(one.condition)
    for epoch, conditions in sorted(by_epoch.items()):
        yield Sample(
            kind,
            trace.line,
            tuple(condition.kappa_nonnull for condition in conditions),
            x=float(epoch),
            weight_layer=layer,
            n_singular=sum(math.isinf(condition.kappa) for condition in conditions),
        )
