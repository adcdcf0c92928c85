"""Claim: on harder image sets the accuracy gap to dense widens, at tuned rates."""

from itertools import product

from cdbench.claims.base import Bench, Measurements
from cdbench.claims.evidence.studied import DENSE, HOW, OURS, SIZES, OfStudy
from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Judgement,
    Measurement,
    Observation,
)
from cdbench.statistics.estimands import TRAININGS
from cdbench.statistics.estimates import Observations, mean, mean_difference
from cdbench.statistics.numerals import format_points
from cdbench.statistics.wording import above, below, in_points

EASY = "digits"
HARDER = ("mnist", "fashion-mnist", "cifar-10-gray", "cifar-10")

Case = tuple[str, float]


def gap(size: float) -> str:
    """Return the quantity: by how much dense is ahead of CDLinear; its subjects are the parts."""
    return f"test accuracy of dense above CDLinear's at {size:g}, share"


DENSES = "test accuracy of dense, share"


class HarderImages(OfStudy):
    """Gaps to dense on image sets, against those on the digits, each model at its own rate."""

    name = "harder-images"
    title = "The gap to dense widens on harder image sets"
    statement = (
        "More demanding benchmarks have not been tested. I expect the CDLinear layer's accuracy "
        "gap to dense to widen on harder tasks where the dense weight matrix's full degrees of "
        "freedom matter."
    )
    where = "Sec. VII, benchmark scope"
    published = "expected to widen; not tested"
    parts = (EASY, *HARDER)
    without_runs = TRAININGS
    method = (
        "The gap of CDLinear with a quarter and an eighth of the weights to the dense network, on "
        f"MNIST, Fashion-MNIST and CIFAR-10, gray and in colour, less that on the digits. {HOW} "
        "The seeds 0 to 9, which all parts have, are paired; the digits have their own recipe, 25 "
        "epochs of the 64-64-64-10 network."
    )
    rule = (
        "A set counts as harder if the 95 % interval of dense's mean accuracy on it less that on "
        "the digits lies below 0. The cases are the harder sets at both sizes; by 95 % intervals "
        "of the gap there less the gap on the digits: holds if above 0 in all cases; holds under a "
        "condition if above 0 at both sizes on some set, the condition naming those sets; "
        "contradicted if below 0 at both sizes on some set and above 0 in no case; else not "
        "supported."
    )
    overturn = "Longer training or wider networks on the image sets, which narrow both errors."
    null = 0.0

    def observe(self, bench: Bench) -> list[Observation]:
        """Return dense's accuracies, and the gaps to them, of every part."""
        scores = {
            (run.part, run.label, run.budget, run.seed): (run.score, run.run_id)
            for run in bench.studied
            if run.label in (DENSE, OURS)
        }
        found = []
        for (part, label, size, seed), (score, run_id) in scores.items():
            if label == DENSE:
                found.append(Observation(DENSES, part, seed, score, run_id))
            elif size in SIZES and (part, DENSE, 1.0, seed) in scores:
                dense, _ = scores[part, DENSE, 1.0, seed]
                found.append(Observation(gap(size), part, seed, dense - score))
        return found

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return the changes of the gaps, dense's accuracies beside the digits, and the gaps."""
        return [
            *(
                mean_difference(observations, gap(size), part, EASY)
                for part, size in product(HARDER, SIZES)
            ),
            *(mean_difference(observations, DENSES, part, EASY) for part in HARDER),
            *(
                mean(observations, quantity, part)
                for part in self.parts
                for quantity in (DENSES, *map(gap, SIZES))
            ),
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        harder = [part for part in HARDER if below(found.find(DENSES, part, EASY), 0)]
        changes: dict[Case, Measurement] = {
            (part, size): found.find(gap(size), part, EASY) for part, size in product(harder, SIZES)
        }
        wider = [part for part in harder if all(above(changes[part, s], 0) for s in SIZES)]
        n_above = sum(above(change, 0) for change in changes.values())
        n_below = sum(below(change, 0) for change in changes.values())
        gaps = "; ".join(f"{part} {_gaps(found, part)}" for part in self.parts)
        told = "; ".join(
            f"{part} {' and '.join(in_points(changes[part, size]) for size in SIZES)}"
            for part in harder
        )
        measured = f"wider in {n_above} of {len(changes)} cases, narrower in {n_below}"
        reason = (
            f"Dense is ahead of CDLinear at a quarter / an eighth, in points, by: {gaps}. Less the "
            f"gap on the digits: {told}."
        )
        if changes and n_above == len(changes):
            return Judgement(HOLDS, measured, reason)
        if wider:
            return Judgement(CONDITIONAL, measured, reason, f"on {', '.join(wider)}")
        narrower = [part for part in harder if all(below(changes[part, s], 0) for s in SIZES)]
        lost = bool(narrower) and n_above == 0
        return Judgement(CONTRADICTED if lost else NOT_SUPPORTED, measured, reason)


def _gaps(found: Measurements, part: str) -> str:
    shares = [found.find(gap(size), part).estimate for size in SIZES]
    return " / ".join(format_points(shares, signed=False))
