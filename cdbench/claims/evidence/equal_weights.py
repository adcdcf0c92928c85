"""One rule for the systems that the paper defers: whether B=4 is worth its structure in them."""

from collections.abc import Sequence
from typing import ClassVar

from cdbench.claims.base import Bench, Claim, Measurements, Needs
from cdbench.claims.evidence import systems
from cdbench.claims.evidence.kappa_curves import LESS, MORE, always, curve
from cdbench.claims.evidence.systems import B4, DENSE, NARROWER, System
from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Judgement,
    Measurement,
    Observation,
)
from cdbench.statistics.estimates import Observations
from cdbench.statistics.wording import above, below, in_digits, in_points

HOW = (
    "AdamW with a cosine schedule, 10 % warm-up and gradients clipped at norm 1, float32. "
    "Every network has its own best of the rates, chosen by the test score of the half of the ten "
    "seeds that the seed is not in. κ is that of the layers' Hessians on 1,000 training "
    "samples, geometric mean of the layers. Of a set with a test part of its own, seeds vary the "
    "initial weights and the order of samples only."
)

RULE = (
    "By 95 % intervals over the seeds, of mean paired differences to the dense network as much "
    "narrower as B=4 has fewer weights, and of the median ratio of κ, dense over B=4. On a set "
    "B=4 is worth its structure if its score is better than the narrower network's, and worse if "
    "it is worse; it is better conditioned if the ratio lies above 1 at rounding and at every "
    "noise floor up to 1e-6 of the trace, and worse if it lies below 1 at all of them. holds if it "
    "is worth its structure and better conditioned on every set; else holds under a condition if "
    "both on some set, or one of the two on every set, the condition naming which; else "
    "contradicted if its score is worse on every set, or it is worse conditioned on every set and "
    "worth its structure on none; "
    "else not supported. What it loses to the dense network, and the other layers, are told and do "
    "not decide."
)

OVERTURN = (
    "Larger networks, longer trainings or other sets; rates outside the grid; or a narrower dense "
    "network whose shape is tuned as well."
)


class EqualWeights(Claim):
    """A system in which B=4 is compared with dense networks, as large and of equal weights."""

    systems: ClassVar[tuple[System, ...]]
    null = 0.0
    rule = RULE
    overturn = OVERTURN
    on_request = True

    @property
    def trainings(self) -> frozenset[str]:
        """What was measured on sets that have one split."""
        return systems.of_one_split(self.systems)

    def needs(self, seeds: Sequence[int]) -> Needs:
        """Return the networks with every rate, for the first ten seeds."""
        return systems.needs_of(self.systems, seeds)

    def observe(self, bench: Bench) -> list[Observation]:
        """Return scores and κ of every network at its own best rate."""
        return systems.observe(self.systems, bench)

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return B=4 against dense networks, ratios of κ, then what every network gives."""
        return systems.measure(self.systems, observations)

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        worth = [one.name for one in self.systems if _is_better(found, one)]
        worse = [one.name for one in self.systems if _is_worse(found, one)]
        sound = [one.name for one in self.systems if always(_kappas(found, one), MORE)]
        bad = [one.name for one in self.systems if always(_kappas(found, one), LESS)]
        names = [one.name for one in self.systems]
        n = len(names)
        measured = f"worth it on {len(worth)} of {n} sets, κ better on {len(sound)}"
        reason = " ".join(_in_full(found, one) for one in self.systems)
        both = [name for name in worth if name in sound]
        if both == names:
            return Judgement(HOLDS, measured, reason)
        if both:
            return Judgement(CONDITIONAL, measured, reason, f"on {', '.join(both)}")
        for own, label in ((worth, "the score is meant"), (sound, "κ is meant")):
            if own == names:
                return Judgement(CONDITIONAL, measured, reason, label)
        lost = worse == names or (bad == names and not worth)
        return Judgement(CONTRADICTED if lost else NOT_SUPPORTED, measured, reason)


def _against(found: Measurements, system: System, other: str) -> Measurement:
    return found.find(system.score, B4, other)


def _is_better(found: Measurements, system: System) -> bool:
    own = _against(found, system, NARROWER)
    return below(own, 0) if system.is_text else above(own, 0)


def _is_worse(found: Measurements, system: System) -> bool:
    own = _against(found, system, NARROWER)
    return above(own, 0) if system.is_text else below(own, 0)


def _kappas(found: Measurements, system: System) -> list[Measurement]:
    return curve(found, system.kappa, DENSE, B4)


def _difference(found: Measurements, system: System, other: str) -> str:
    own = _against(found, system, other)
    return f"{in_digits(own)} bits per character" if system.is_text else in_points(own)


def _in_full(found: Measurements, system: System) -> str:
    first, *_, last = _kappas(found, system)
    return (
        f"On {system.name} B=4 differs from the narrower dense network by "
        f"{_difference(found, system, NARROWER)} and from the dense one by "
        f"{_difference(found, system, DENSE)}; dense's κ is {in_digits(first)} times that of B=4, "
        f"above a floor of 1e-6 {in_digits(last)} times."
    )
