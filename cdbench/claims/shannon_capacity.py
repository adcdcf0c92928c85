"""Claim: a channel runs at Shannon capacity when its noise rate is α_CD."""

from collections.abc import Callable

import numpy as np

from cdbench.claims.base import Bench, Claim, Measurements
from cdbench.config.numbers import ALPHA_CD
from cdbench.engine.products.base import Array
from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Judgement,
    Measurement,
    Observation,
)
from cdbench.statistics.estimands import EXACT
from cdbench.statistics.estimates import Observations, largest, mean, smallest

SYMBOLS = range(2, 9)
"""Numbers of symbols: the polygons' 3, 5 and 7 and, as of block sizes, those between and around."""
OTHER_RATES = tuple(ALPHA_CD * factor for factor in (0.0, 0.25, 0.5, 2.0, 4.0, 8.0))
RATES = (ALPHA_CD, *OTHER_RATES)
ROUNDING = 1e-9
GAP = 1e-12
"""Between the bounds on a capacity in bits, at which the iteration ends."""

CAPACITY = "capacity, bits per symbol (place: noise rate)"
REACHED = "share of the capacity that equally likely symbols reach (place: noise rate)"
LEAD = "capacity at α_CD less the largest at other rates, bits (place: symbols)"
REACHED_LEAD = "share reached at α_CD less the largest at other rates (place: symbols)"
KEPT = "capacity at α_CD, share of that without noise (place: symbols)"


def symmetric(q: int, rate: float) -> Array:
    """Return the channel in which noise turns a symbol into any other, all equally likely."""
    return (1 - rate) * np.eye(q) + rate / (q - 1) * (1 - np.eye(q))


def neighbour(q: int, rate: float) -> Array:
    """Return the channel in which noise moves a symbol to a neighbouring vertex of the polygon."""
    moved = np.roll(np.eye(q), 1, axis=1) + np.roll(np.eye(q), -1, axis=1)
    return (1 - rate) * np.eye(q) + rate / 2 * moved


def erasure(q: int, rate: float) -> Array:
    """Return the channel in which noise erases a symbol, and the receiver sees that: dropout."""
    return np.hstack([(1 - rate) * np.eye(q), np.full((q, 1), rate)])


CHANNELS: dict[str, Callable[[int, float], Array]] = {
    "symmetric": symmetric,
    "neighbour": neighbour,
    "erasure": erasure,
}


class ShannonCapacity(Claim):
    """Capacity of three families of channels as a function of the noise rate."""

    name = "shannon-capacity"
    title = "Shannon capacity at α_CD"
    statement = (
        "The channel runs at Shannon capacity when the per-symbol noise rate equals α_CD = 0.0118: "
        "α_CD is the noise rate at which a channel of given (Z_eff, n, ℓ) achieves Shannon "
        "capacity."
    )
    where = "Sec. II (F3); Sec. IV.1"
    published = "capacity is achieved at rate 0.0118"
    method = (
        "The paper defines no channel. Taken are those that a noise rate per symbol defines, with "
        "2 to 8 symbols: noise turns a symbol into any other (symmetric), moves it to a "
        "neighbouring vertex of the polygon, or erases it, which is what dropout does. Capacities "
        "are computed by Blahut and Arimoto's iteration at the rates 0, ¼, ½, 1, 2, 4 and 8 × "
        "0.0118. The statement has two readings: that the capacity is largest at α_CD, or that a "
        "given input, here equally likely symbols, reaches the capacity at α_CD and falls short of "
        "it at other rates."
    )
    rule = (
        "α_CD is distinguished in a channel if its capacity, or the share of the capacity that "
        "equally likely symbols reach, is larger at 0.0118 than at every other rate by more than "
        "1e-9. holds if it is in all 21 channels; holds under a condition if in some, which are "
        "named. If in none: contradicted if in all of them the capacity at 0.0118 falls short of "
        "that at another rate by more than 1e-9; else not supported, capacity then being as large "
        "at 0.0118 as anywhere."
    )
    overturn = (
        "A channel, defined by (Z_eff, n, ℓ), whose capacity does not fall as its noise grows, or "
        "whose input reaches the capacity at one rate of noise alone."
    )
    uses_seeds = False
    without_runs = EXACT

    def observe(self, bench: Bench) -> list[Observation]:
        """Return capacities and shares at every rate, and where α_CD stands among them."""
        del bench  # no run is needed
        found = []
        for kind, channel in CHANNELS.items():
            for q in SYMBOLS:
                capacities, shares = {}, {}
                for rate in RATES:
                    matrix = channel(q, rate)
                    capacities[rate] = capacity(matrix)
                    shares[rate] = information(np.full(q, 1 / q), matrix) / capacities[rate]
                for quantity, values in ((CAPACITY, capacities), (REACHED, shares)):
                    name = subject(kind, q)
                    found += [Observation(quantity, name, *point) for point in values.items()]
                kept = capacities[ALPHA_CD] / capacities[0.0]
                found += [
                    Observation(LEAD, kind, q, lead(capacities)),
                    Observation(REACHED_LEAD, kind, q, lead(shares)),
                    Observation(KEPT, kind, q, kept),
                ]
        return found

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return the leads' ends, what is kept, and each channel's capacities' ends."""
        return [
            *(
                end(observations, quantity, kind)
                for quantity in (LEAD, REACHED_LEAD, KEPT)
                for kind in CHANNELS
                for end in (smallest, largest)
            ),
            *(mean(observations, KEPT, kind) for kind in CHANNELS),
            *(
                end(observations, quantity, name)
                for quantity in (CAPACITY, REACHED)
                for name in observations.subjects(quantity)
                for end in (smallest, largest)
            ),
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""

        def ends(quantity: str, kind: str) -> tuple[float, float]:
            words = ("smallest", "largest")
            low, high = (found.find(quantity, kind, statistic=word).estimate for word in words)
            return low, high

        leads = {kind: [ends(q, kind) for q in (LEAD, REACHED_LEAD)] for kind in CHANNELS}
        everywhere = [k for k, own in leads.items() if max(low for low, _ in own) > ROUNDING]
        somewhere = [k for k, own in leads.items() if max(high for _, high in own) > ROUNDING]
        if somewhere:
            verdict = HOLDS if everywhere == list(CHANNELS) else CONDITIONAL
        else:
            short = all(own[0][1] < -ROUNDING for own in leads.values())
            verdict = CONTRADICTED if short else NOT_SUPPORTED
        noise, erased = ends(KEPT, "symmetric"), ends(KEPT, "erasure")
        reached = min(m.estimate for m in found.all if m.quantity == REACHED)
        partly = [kind if kind in everywhere else f"some {kind}" for kind in somewhere]
        return Judgement(
            verdict,
            f"{_shares(noise)} of the capacity at rate 0 is left (erasure {_shares(erased)})",
            f"At 0.0118 a symmetric channel has {_shares(noise)} of the capacity that it has "
            f"without noise, an erasure channel {_shares(erased)}; α_CD is distinguished in "
            f"{'no' if not somewhere else 'a'} channel: equally likely symbols reach at least "
            f"{100 * reached:.6g} % of the capacity at every rate.",
            f"the channel is {', '.join(partly)}" if verdict == CONDITIONAL else None,
        )


def subject(kind: str, q: int) -> str:
    """Return what a channel of q symbols is called."""
    return f"{kind}, {q} symbols"


def lead(values: dict[float, float]) -> float:
    """Return the value at α_CD less the largest at the other rates."""
    return values[ALPHA_CD] - max(values[rate] for rate in OTHER_RATES)


def information(weights: Array, channel: Array) -> float:
    """Return the mutual information in bits of inputs with these probabilities and the outputs."""
    return float(weights @ _divergences(weights, channel))


def capacity(channel: Array) -> float:
    """Return the capacity in bits of a channel, whose rows are the outputs' probabilities.

    Blahut and Arimoto's iteration, from unequal weights so that it has something to find.
    """
    weights = np.arange(1.0, len(channel) + 1)
    while True:
        weights /= weights.sum()
        divergences = _divergences(weights, channel)
        # The capacity lies between their mean and their largest, whatever the weights.
        if divergences.max() - weights @ divergences < GAP:
            return float(weights @ divergences)
        weights = weights * 2.0**divergences


def _divergences(weights: Array, channel: Array) -> Array:
    """Return each input's divergence in bits of its outputs from the mean outputs."""
    mean_output = weights @ channel
    ratio = np.ones_like(channel)
    np.divide(channel, mean_output, out=ratio, where=channel > 0)
    return np.asarray((channel * np.log2(ratio)).sum(axis=1))


def _shares(ends: tuple[float, float]) -> str:
    low, high = (f"{100 * end:.1f}" for end in ends)
    return f"{low} %" if low == high else f"{low} … {high} %"
