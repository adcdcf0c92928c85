"""Claim: it is the Fourier basis that makes a block-circulant layer good, not its size alone."""

from itertools import product

from cdbench.claims.base import Measurements
from cdbench.claims.evidence.studied import HOW, OURS, SETS, SIZES, OfStudy, accuracy
from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Judgement,
    Measurement,
)
from cdbench.statistics.estimates import Observations, mean, mean_difference
from cdbench.statistics.wording import above, below, in_points

RANDOM = "block-diagonal basis=random"
OTHERS = ("block-diagonal", "block-diagonal basis=dct", "block-diagonal basis=hartley")
"""The same number of weights without a basis (with a shuffle), and in two other fixed ones."""

PERMUTED = ("digits-permuted", "fashion-mnist-permuted")


class FourierBasis(OfStudy):
    """CDLinear against layers of as many weights whose blocks are diagonal in another basis."""

    name = "fourier-basis"
    title = "The Fourier basis is what counts"
    statement = (
        "A block-circulant layer is a block-diagonal one in the Fourier basis of every block. What "
        "is said for it, as a spectral layer, is said of that basis, and not of the number of "
        "weights alone."
    )
    where = "Secs. II, V; Sec. VII"
    published = "not tested against another basis"
    parts = (*SETS, *PERMUTED)
    method = (
        "CDLinear beside block-diagonal layers of the same number of weights in a random "
        "orthonormal basis, in the DCT's, in Hartley's, and in none with a shuffle. "
        f"{HOW} Two parts have the pixels in one fixed random order."
    )
    rule = (
        "The cases are the four sets at a quarter and at an eighth of the weights; CDLinear less "
        "the random basis, mean of paired differences, 95 % intervals over the seeds. holds if all "
        "lie above 0; holds under a condition if none lies below 0 and on some set both lie above "
        "0, the condition naming those sets; contradicted if none lies above 0 and on some set "
        "both lie below 0; else not supported. The other bases and permuted pixels are told and do "
        "not decide."
    )
    overturn = "Longer training, wider layers, or sets with another structure in their inputs."
    null = 0.0

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return CDLinear less the random basis, then less the others, then every mean."""
        return [
            *(
                mean_difference(observations, accuracy(*case), OURS, other)
                for other in (RANDOM, *OTHERS)
                for case in product(self.parts, SIZES)
            ),
            *(
                mean(observations, accuracy(*case), model)
                for case in product(self.parts, SIZES)
                for model in (OURS, RANDOM, *OTHERS)
            ),
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""

        def of(part: str, size: float, other: str = RANDOM) -> Measurement:
            return found.find(accuracy(part, size), OURS, other)

        cases = [of(*case) for case in product(SETS, SIZES)]
        n_above = sum(above(case, 0) for case in cases)
        n_below = sum(below(case, 0) for case in cases)
        whole = [part for part in SETS if all(above(of(part, size), 0) for size in SIZES)]
        told = "; ".join(
            f"{part} {' and '.join(in_points(of(part, size)) for size in SIZES)}"
            for part in (*SETS, *PERMUTED)
        )
        beside = ", ".join(
            f"{other.removeprefix('block-diagonal').removeprefix(' basis=') or 'none'} "
            f"{sum(above(of(*case, other), 0) for case in product(SETS, SIZES))} above and "
            f"{sum(below(of(*case, other), 0) for case in product(SETS, SIZES))} below"
            for other in OTHERS
        )
        measured = f"ahead of a random basis in {n_above} of {len(cases)}, behind in {n_below}"
        reason = (
            f"CDLinear less the random basis, at a quarter and an eighth of the weights: {told}. "
            f"Of the {len(cases)} cases against the other bases: {beside}."
        )
        if n_above == len(cases):
            return Judgement(HOLDS, measured, reason)
        if whole and not n_below:
            return Judgement(CONDITIONAL, measured, reason, f"on {', '.join(whole)}")
        behind = [part for part in SETS if all(below(of(part, size), 0) for size in SIZES)]
        lost = bool(behind) and n_above == 0
        return Judgement(CONTRADICTED if lost else NOT_SUPPORTED, measured, reason)
