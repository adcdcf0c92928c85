"""Spectra of any runs: one column a kind, one row a layer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cdbench.errors import MissingResultsError
from cdbench.plots.base import PlottedRun
from cdbench.plots.kinds import KIND_WORDS, compares
from cdbench.plots.lines import draw_line, share_scale
from cdbench.plots.notes import number, write_under
from cdbench.plots.sheet import LEFT, WIDTH, Layout, new_figure
from cdbench.plots.style import QUIET, Look, looks_of, style
from cdbench.plots.traces import NEVER, Trace, traces
from cdbench.records.spectra import Spectrum

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_LAYERS = 6
"""Rows of a figure; of a deeper network so many layers, from the first to the last."""

HOW_TO_READ = (
    "Each spectrum is drawn relative to its largest number, against the position in % of its "
    "numbers, and so falls to 1/κ. What counts as zero is left out."
)

NOT_KEPT = (
    "only its condition numbers were kept, or nothing; train it again without --no-values and "
    "--no-spectra"
)

PANEL, KAPPA = 1.55, 0.165
"""Heights of a panel and of a line of κ under it, in inches."""

KAPPAS = 4
"""Up to how many runs every panel lists their κ."""


def spectra(runs: Sequence[PlottedRun], source: str) -> "Figure":
    """Draw every spectrum that runs kept of their layers, as it was measured last.

    Parameters
    ----------
    runs : sequence of PlottedRun
        In the legend's order.
    source : str
        One line that says which runs these are; the footer.

    Returns
    -------
    matplotlib.figure.Figure
        Panels row by row, all on one scale.

    Raises
    ------
    MissingResultsError
        If there is no run, or one of them kept no spectrum.
    ConfigurationError
        If there are more runs than can be told apart.
    """
    for run in runs:
        if not any(spectrum.values for spectrum in run.spectra):
            raise MissingResultsError(f"run {run.run_id} has no spectrum to draw: {NOT_KEPT}")
    drawn, common = traces(runs, many=NEVER)
    kept = [_last(trace.runs[0]) for trace in drawn]
    kinds = [kind for kind in KIND_WORDS if any(kind == own for _, own in _keys(kept))]
    layers = chosen_layers({layer for layer, _ in _keys(kept)})
    lines = [trace.line for trace in drawn]
    under = len(drawn) if len(drawn) <= KAPPAS else 0
    gap = 0.3 + KAPPA * under
    height = 2.1 + (PANEL + gap) * max(1, len(layers))
    title = "Spectra of the layers" + (f" · {common}" if common else "")
    with style():
        layout = Layout(
            *(max(1, len(layers)), max(1, len(kinds)), height),
            gaps=(gap / PANEL, 0.1),
            bottom=0.75 + KAPPA * under,
        )
        figure, panels = new_figure(lines, title, source, layout)
        places = [(layer, kind) for layer in layers for kind in kinds]
        for panel, place in zip(panels, places, strict=True):
            _draw(panel, drawn, [own.get(place) for own in kept], looks_of(lines), under > 0)
            panel.set_yscale("log")
            panel.label_outer()
            if place[1] == kinds[0]:
                panel.set_ylabel(f"layer {place[0]}")
        for panel, kind in zip(panels, kinds, strict=False):
            panel.set_title(f"{kind}\n{compares(kind)}", fontsize=9.5)
        share_scale(panels)
        figure.subplots_adjust(left=(LEFT + 0.2) / WIDTH)
        _explain(figure, height)
    return figure


def chosen_layers(layers: set[int]) -> list[int]:
    """Return up to MOST_LAYERS of the layers, evenly from the first to the last.

    Examples
    --------
    >>> chosen_layers(set(range(1, 17)))
    [1, 4, 7, 10, 13, 16]
    """
    ordered = sorted(layers)
    if len(ordered) <= MOST_LAYERS:
        return ordered
    step = (len(ordered) - 1) / (MOST_LAYERS - 1)
    return [ordered[round(step * place)] for place in range(MOST_LAYERS)]


def _last(run: PlottedRun) -> dict[tuple[int, str], Spectrum]:
    """Return each layer's latest spectrum of each kind whose numbers were kept."""
    ordered = sorted(run.spectra, key=lambda spectrum: spectrum.epoch)
    return {(one.layer, one.kind): one for one in ordered if one.values and not one.step}


def _keys(kept: Sequence[dict[tuple[int, str], Spectrum]]) -> list[tuple[int, str]]:
    return [place for own in kept for place in own]


def _draw(
    axes: "Axes",
    drawn: Sequence[Trace],
    found: Sequence[Spectrum | None],
    looks: Sequence[Look],
    is_told: bool,
) -> None:
    """Draw one kind of one layer, and write the κ of every run under it."""
    words = []
    for trace, spectrum, look in zip(drawn, found, looks, strict=True):
        if spectrum is None:
            continue
        values = [value for value in spectrum.values if value > spectrum.condition.threshold]
        last = max(1, spectrum.ranks[-1] - 1)
        shares = [100 * (rank - 1) / last for rank in spectrum.ranks[: len(values)]]
        draw_line(axes, trace.line, look, shares, [value / values[0] for value in values])
        words.append(f"{trace.line.end}: κ = {number(spectrum.condition.kappa)}")
    axes.set_xlim(-3, 103)
    axes.set_xticks([0, 40, 80])
    if is_told:
        write_under(axes, words, below=20)


def _explain(figure: "Figure", height: float) -> None:
    figure.text(LEFT / WIDTH, 0.28 / height, HOW_TO_READ, fontsize=8, color=QUIET, parse_math=False)
