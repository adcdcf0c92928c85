"""A verdict by a claim's rule, with the intervals of the population that the claim is about."""

from collections.abc import Sequence
from dataclasses import replace

from cdbench.claims.base import Claim, Measurements
from cdbench.records.judgement import CONDITIONAL, NOT_SUPPORTED, VERDICTS, Judgement, Measurement
from cdbench.statistics.estimands import NEW_DATA, SPLITS, of_population, p_value, with_power

ONLY_SPLITS = f"{SPLITS} are meant, not new data"
"""The condition of a claim about new data that only holds for new splits."""

SUPPORTED = VERDICTS[: VERDICTS.index(NOT_SUPPORTED)]


def judged(claim: Claim, measurements: Sequence[Measurement]) -> Judgement:
    """Return the verdict, and in its reason what it would be for the other population.

    Parameters
    ----------
    claim : Claim
        Its rule, and what it is about.
    measurements : sequence of Measurement
        With their estimands and both intervals (``estimands.placed``).

    Returns
    -------
    Judgement
        By the intervals of what the claim is about. A claim about new data that is not supported by
        them, but is by those of new splits, holds under the condition that these are meant. One
        that is not supported says which effect would have been seen.
    """
    found = _about(claim, measurements)
    judgement = claim.judge(found)
    if judgement.verdict not in VERDICTS:
        raise ValueError(f"verdict {judgement.verdict!r}; expected {', '.join(VERDICTS)}")
    if claim.about == NEW_DATA:
        judgement = _beside(judgement, claim.judge(Measurements(measurements)))
    return with_power(judgement, claim.decisive(found) if measurements else None)


def p_of(claim: Claim, measurements: Sequence[Measurement]) -> float | None:
    """Return p of the deciding number, for what the claim is about; None where none is tested."""
    if claim.null is None:
        return None
    return p_value(claim.decisive(_about(claim, measurements)), claim.null)


def _about(claim: Claim, measurements: Sequence[Measurement]) -> Measurements:
    return Measurements(of_population(found, claim.about) for found in measurements)


def _beside(of_data: Judgement, of_splits: Judgement) -> Judgement:
    """Return the verdict for new data, told beside that for new splits."""
    if of_data.verdict == NOT_SUPPORTED and of_splits.verdict in SUPPORTED:
        told = f"The intervals are for {SPLITS}; for {NEW_DATA} it is not supported."
        conditions = [of_splits.condition] if of_splits.condition else []
        return replace(
            of_splits,
            verdict=CONDITIONAL,
            condition="; ".join([*conditions, ONLY_SPLITS]),
            reason=f"{of_splits.reason} {told}",
        )
    told = f"The intervals are for {NEW_DATA}"
    if (of_data.verdict, of_data.condition) != (of_splits.verdict, of_splits.condition):
        condition = f", if {of_splits.condition}" if of_splits.condition else ""
        told += f"; by those for {SPLITS} the verdict is: {of_splits.verdict}{condition}"
    return replace(of_data, reason=f"{of_data.reason} {told}.")
