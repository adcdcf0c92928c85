"""What a comparison found, in plain words: who is best at a budget, by how much, how sure."""

from collections.abc import Sequence

from cdbench.comparison.sizes import DENSE, NARROWER, STRUCTURED
from cdbench.records.comparison import ComparedModel, Difference
from cdbench.statistics.numerals import format_points

ALPHA = 0.05
"""Level of the corrected p below which a difference counts as sure."""


def sentences(lines: Sequence[ComparedModel], dataset: str, match: str) -> list[str]:
    """Return a sentence or two for each budget.

    Parameters
    ----------
    lines : sequence of ComparedModel
        The comparison.
    dataset : str
        Name of the data set.
    match : str
        What budgets are of: "parameters" or "multiply-adds".
    """
    return [
        _sentence([line for line in lines if line.budget == budget], budget, dataset, match)
        for budget in dict.fromkeys(line.budget for line in lines if line.role != DENSE)
    ]


def _sentence(lines: Sequence[ComparedModel], budget: float, dataset: str, match: str) -> str:
    """Say who is best at one budget, and how the best structured layer fares beside dense."""
    # A mean of the seeds that did not diverge is no better than what was lost.
    n_seeds = max((line.n_seeds for line in lines), default=0)
    able = [line for line in lines if line.accuracy is not None and line.n_seeds == n_seeds]
    lost = [named(line) for line in lines if line.n_seeds < n_seeds]
    layers = [line for line in able if line.role == STRUCTURED]
    at = f"On {dataset} at {_budget(budget, match)}"
    if not layers:
        return f"{at} no structured layer trained with every seed."
    best = max(able, key=_accuracy)
    own = max(layers, key=_accuracy)
    told = [f"{at} {named(best)} is best, with {100 * _accuracy(best):.2f} %."]
    by_base = {found.against: found for found in own.differences}
    subject = "It" if own is best else f"The best structured layer, {own.model}, "
    if NARROWER in by_base:
        verb = "is" if own is best else f"has {100 * _accuracy(own):.2f} % and is"
        told.append(
            f"{subject.strip()} {verb} {_against(by_base[NARROWER], 'the narrower dense network')}"
            + (
                f", and {_against(by_base[DENSE], 'dense at full width')}."
                if DENSE in by_base
                else "."
            )
        )
    if lost:
        told.append(f"Out of this for lost seeds: {', '.join(lost)}.")
    return " ".join(told)


def family_of(layer: str, structure: str | None) -> str:
    """Return a family with the words of its structure, but not its sizes: block-diagonal dct.

    Examples
    --------
    >>> family_of("block-diagonal", "blocks=4 basis=dct"), family_of("low-rank", "rank=8")
    ('block-diagonal basis=dct', 'low-rank')
    """
    words = [part for part in (structure or "").split() if not part.split("=")[1].isdigit()]
    return " ".join([layer, *words])


def named(line: ComparedModel) -> str:
    """Return a model's name, with the widths of a narrower dense network."""
    return f"{line.model} {line.hidden}" if line.role == NARROWER else line.model


def _budget(budget: float, match: str) -> str:
    if budget >= 1:
        return f"{budget:,.0f} {match}"
    return f"{100 * budget:g} % of the dense network's " + (
        "weights" if match == "parameters" else match
    )


def _against(found: Difference, base: str) -> str:
    """Say on which side of a dense network a model is, by how much, and whether that is sure."""
    points, low, high = format_points([found.difference, found.low, found.high])
    side = "ahead of" if found.difference > 0 else "behind"
    if found.difference == 0:
        side = "level with"
    return f"{side} {base} by {points.lstrip('+−')} points ({low} … {high}; {how_sure(found)})"


def how_sure(found: Difference) -> str:
    """Say what a difference is sure for by Holm's correction: new data, or these splits only."""
    if found.wide_p_holm is None:
        return "sure over seeds" if found.p_holm < ALPHA else "not sure"
    if found.wide_p_holm < ALPHA:
        return "sure on new data too"
    return "sure on these splits only" if found.p_holm < ALPHA else "not sure"


def _accuracy(line: ComparedModel) -> float:
    assert line.accuracy is not None
    return line.accuracy
