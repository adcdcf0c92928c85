"""What a comparison found, in plain words: who is best at a budget, by how much, how sure."""

from collections.abc import Sequence

from cdbench.config.architecture_knobs import inner_widths
from cdbench.config.run_config import RunConfig
from cdbench.records.comparison import (
    DENSE,
    NARROWER,
    STRUCTURED,
    ComparedModel,
    Difference,
)
from cdbench.statistics.measures import Measure

ALPHA = 0.05
"""Level of the corrected p below which a difference counts as sure."""


def sentences(
    lines: Sequence[ComparedModel], dataset: str, match: str, measure: Measure
) -> list[str]:
    """Return a sentence or two for each budget.

    Parameters
    ----------
    lines : sequence of ComparedModel
        The comparison.
    dataset : str
        Name of the data set.
    match : str
        What budgets are of: "parameters" or "multiply-adds".
    measure : Measure
        What makes a model the best.
    """
    return [
        _sentence(
            [line for line in lines if line.budget == budget],
            f"On {dataset} at {_budget(budget, match)}",
            measure,
        )
        for budget in dict.fromkeys(line.budget for line in lines if line.role != DENSE)
    ]


def _sentence(lines: Sequence[ComparedModel], at: str, measure: Measure) -> str:
    """Say who is best at one budget, and how the best structured layer fares beside dense."""
    # A mean of the seeds that did not diverge is no better than what was lost.
    n_seeds = max((line.n_seeds for line in lines), default=0)
    able = [line for line in lines if line.score is not None and line.n_seeds == n_seeds]
    lost = [named(line) for line in lines if line.n_seeds < n_seeds]
    layers = [line for line in able if line.role == STRUCTURED]
    if not layers:
        return f"{at} no structured layer trained with every seed."
    best = max(able, key=lambda line: measure.merit(_score(line)))
    own = max(layers, key=lambda line: measure.merit(_score(line)))
    told = [f"{at} {named(best)} is best, with {measure.tell(_score(best))}."]
    by_base = {found.against: found for found in own.differences}
    subject = "It" if own is best else f"The best structured layer, {own.model}, "
    if NARROWER in by_base:
        verb = "is" if own is best else f"has {measure.tell(_score(own))} and is"
        narrower = _against(by_base[NARROWER], "the narrower dense network", measure)
        whole = ""
        if DENSE in by_base:
            whole = f", and {_against(by_base[DENSE], 'dense at full width', measure)}"
        told.append(f"{subject.strip()} {verb} {narrower}{whole}.")
    if lost:
        told.append(f"Out of this for lost seeds: {', '.join(lost)}.")
    return " ".join(told)


def widths_of(config: RunConfig) -> str:
    """Return the knob that makes a network narrower: hidden widths, channels or the width.

    Examples
    --------
    >>> widths_of(RunConfig(hidden=(32, 16))), widths_of(RunConfig(architecture="residual-mlp"))
    ('32 16', '64')
    """
    _, widths = inner_widths(config)
    return " ".join(map(str, widths))


def named(line: ComparedModel) -> str:
    """Return a model's name, with the widths of a narrower dense network."""
    return f"{line.model} {line.hidden}" if line.role == NARROWER else line.model


def _budget(budget: float, match: str) -> str:
    if budget >= 1:
        return f"{budget:,.0f} {match}"
    return f"{100 * budget:g} % of the dense network's " + (
        "weights" if match == "parameters" else match
    )


def _against(found: Difference, base: str, measure: Measure) -> str:
    """Say on which side of a dense network a model is, by how much, and whether that is sure."""
    gap = measure.tell_gap(found.difference)
    low, high = measure.format_gap(found.low), measure.format_gap(found.high)
    side = "ahead of" if measure.merit(found.difference) > 0 else "behind"
    if found.difference == 0:
        side = "level with"
    return f"{side} {base} {gap} ({low} … {high}; {how_sure(found)})"


def how_sure(found: Difference) -> str:
    """Say what a difference is sure for by Holm's correction: new data, or these splits only."""
    if found.wide_p_holm is None:
        return "sure over seeds" if found.p_holm < ALPHA else "not sure"
    if found.wide_p_holm < ALPHA:
        return "sure on new data too"
    return "sure on these splits only" if found.p_holm < ALPHA else "not sure"


def _score(line: ComparedModel) -> float:
    assert line.score is not None
    return line.score
