"""Claim 14: what the layer's product and its training cost."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from cdbench.claims.base import (
    CONDITIONS_ONLY,
    Bench,
    Claim,
    Measurements,
    Needs,
    needs_of,
    paper_models,
)
from cdbench.claims.evidence.forward_cost import (
    BATCH,
    DENSE,
    claimed_share,
    forward_times,
    multiplications,
)
from cdbench.engine.products import PRODUCTS
from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Judgement,
    Measurement,
    Observation,
)
from cdbench.statistics.estimates import Observations, largest, median, median_ratio
from cdbench.statistics.wording import above, below, in_digits

SIZES = (64, 256, 1024)
BLOCKS = (4, 8, 16, 32)
MODELS = ("cdlinear B=4", "cdlinear B=8")

FASTER, SLOWER = 0.8, 1.25
"""Ratios of times between these count as equal: timings differ as much from machine to machine."""
CLOSED = 5.0
"""Ratio of epoch times below which the gap counts as closed; published are 50 to 100."""
CLAIMED_FALL = claimed_share(BLOCKS[-1]) / claimed_share(BLOCKS[0])
SCALED = math.sqrt(CLAIMED_FALL)
"""Half of the claimed fall from the smallest to the largest B, on a logarithmic scale: 0.56."""

LARGEST = SIZES[-1]
FROM_TO = (BLOCKS[-1], BLOCKS[0])
"""The largest and the smallest B, whose times are compared."""
EPOCH = "time per epoch, s"
SHARE = f"real multiplications a sample, n = {LARGEST}, share of dense's; place is n"
CLAIMED = "log2 B / B"


def time_at(n: int) -> str:
    """Return the quantity: time of a forward product of n × n, in interleaved repetitions."""
    return f"forward time of a batch of {BATCH}, n = {n}, s; place is the repetition"


def case(product: str, B: int) -> str:
    """Return the subject of a product at a block size."""
    return f"{product} B={B}"


class Cost(Claim):
    """Operations and time of each product, and the time of an epoch."""

    name = "cost"
    title = "Forward cost O(n² log B / B)"
    statement = (
        "The forward pass costs O(n_in n_out log B / B), asymptotically faster than dense for "
        "B ≥ 4. CD models take 1-2 s an epoch against 0.02 s for dense: purely an artefact of "
        "loops over blocks; batched products would close the gap."
    )
    where = "Sec. III.1, Compute; Sec. VI.2, Wall-clock comment"
    published = "O(n² log B / B); 1-2 s an epoch against 0.02 s"
    method = (
        "The forward product of a batch of 64 samples with an n × n layer, by each of this "
        "project's products and by a dense matrix product, one thread, float64, n = 64, 256, 1024 "
        "and B = 4, 8, 16, 32, in interleaved repetitions; the median ratio of the times, paired "
        "by repetition. Beside it the count of real multiplications, by formula (log2 B / B is "
        "below 1 for every B, so that B ≥ 4 is no threshold of it), and the time of an epoch of "
        "the stored runs, which no product of this project spends in loops over blocks."
    )
    rule = (
        # Named, so that a new product is a new rule, and the claim is judged again.
        f"The products are {', '.join(PRODUCTS)}. "
        "At n = 1024 a product is faster than dense at a B if its ratio's 95 % interval lies below "
        "0.8, slower if above 1.25; it scales as claimed if its time at B=32 over that at B=4 has "
        "its interval below √0.3125 = 0.56, half of the fall of log B / B on a logarithmic scale; "
        "the gap is closed if the ratio of epoch times to dense has its interval below 5 at B=4 "
        "and B=8. holds if one product is faster at all four B and scales as claimed, the gap is "
        "closed, and some product is faster at n = 64 too; holds under a condition, the width, if "
        "not the last, and if some product is faster at some B, the condition "
        "naming the B and what else fails; contradicted if every product is slower at every B, "
        "among them one whose count of multiplications falls with B; else not supported."
    )
    overturn = (
        "Another machine or another BLAS: a GPU, many threads, larger n. Ratios near 1 are not "
        "to be relied on."
    )
    version = 2
    changed = (
        "The first version held without a condition. At the paper's own width no product is "
        "faster than dense, and nothing here notices a machine that is busy; so the width is now "
        "a condition."
    )

    def needs(self, seeds: Sequence[int]) -> Needs:
        """Return the paper's three models, whose epochs are timed as they train."""
        return needs_of(paper_models(seeds), CONDITIONS_ONLY)

    def observe(self, bench: Bench) -> list[Observation]:
        """Return the times measured here and now, the counts, and the stored epochs' times."""
        observations = [
            Observation(time_at(n), subject, repetition, seconds)
            for n in SIZES
            for subject, own in forward_times(n, BLOCKS).items()
            for repetition, seconds in enumerate(own)
        ]
        for B in BLOCKS:
            shares = {CLAIMED: claimed_share(B)} | {
                product: multiplications(product, LARGEST, B) / LARGEST**2 for product in PRODUCTS
            }
            observations += [
                Observation(SHARE, case(name, B), LARGEST, value) for name, value in shares.items()
            ]
        for model, configs in paper_models(bench.seeds).items():
            for run in map(bench.run, configs):
                seconds = float(np.median([metrics.duration_s for metrics in run.epochs]))
                observations.append(Observation(EPOCH, model, run.config.seed, seconds, run.run_id))
        return observations

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return ratios of times, largest n first, falls with B, epochs, and counts."""
        cases = [name for name in observations.subjects(time_at(LARGEST)) if name != DENSE]
        products = dict.fromkeys(map(_product, cases))
        return [
            *(median_ratio(observations, time_at(n), c, DENSE) for n in SIZES[::-1] for c in cases),
            *(
                median_ratio(observations, time_at(LARGEST), *(case(p, B) for B in FROM_TO))
                for p in products
            ),
            *(median_ratio(observations, EPOCH, model, "dense") for model in MODELS),
            *(median(observations, EPOCH, model) for model in ("dense", *MODELS)),
            *(median(observations, time_at(n), DENSE) for n in SIZES),
            *(largest(observations, SHARE, name) for name in observations.subjects(SHARE)),
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        ratios = _ratios(found, LARGEST)
        epochs = [found.find(EPOCH, model, "dense") for model in MODELS]
        verdict, condition = _verdict(
            ratios,
            scaled=[p for p in _products(ratios) if below(_fall(found, p), SCALED)],
            falling=[p for p in _products(ratios) if _count_falls(found, p)],
            closed=all(below(ratio, CLOSED) for ratio in epochs),
            narrow=any(below(r, FASTER) for r in _ratios(found, SIZES[0]).values()),
        )
        fastest, small = (_fastest(_ratios(found, n)) for n in (LARGEST, SIZES[0]))
        reason = (
            f"At n = {LARGEST} the least time over dense's is {in_digits(fastest)} "
            f"({fastest.subject}), at the paper's own n = {SIZES[0]} {in_digits(small)} "
            f"({small.subject}); an epoch takes {in_digits(epochs[0])} times dense's at B=4 and "
            f"{in_digits(epochs[1])} at B=8, published 50 to 100."
        )
        measured = f"n = {LARGEST}: {in_digits(fastest)} of dense's time ({fastest.subject})"
        return Judgement(verdict, measured, reason, condition)


def _verdict(
    ratios: Mapping[str, Measurement],
    scaled: Sequence[str],
    falling: Sequence[str],
    closed: bool,
    narrow: bool,
) -> tuple[str, str | None]:
    """Return verdict and condition.

    Parameters
    ----------
    ratios : mapping
        Time over dense's at the largest n, by case.
    scaled, falling : sequence of str
        Products whose time scales as claimed; whose count of multiplications falls with B.
    closed : bool
        Whether the gap in the time of an epoch is closed.
    narrow : bool
        Whether some product is faster than dense at the smallest n too.
    """
    faster = [name for name, ratio in ratios.items() if below(ratio, FASTER)]
    everywhere = [p for p in _products(ratios) if all(case(p, B) in faster for B in BLOCKS)]
    if closed and set(everywhere) & set(scaled):
        wide = f"the layer is wide (n = {LARGEST}, not {SIZES[0]}) and the machine quiet"
        return (HOLDS, None) if narrow else (CONDITIONAL, wide)
    if faster:
        failing = [] if set(map(_product, faster)) & set(scaled) else ["falling slower with B"]
        failing += [] if closed else ["epochs' gap not closed"]
        return CONDITIONAL, "; ".join([f"n = {LARGEST}, {', '.join(faster)}", *failing])
    if falling and all(above(ratio, SLOWER) for ratio in ratios.values()):
        return CONTRADICTED, None
    return NOT_SUPPORTED, None


def _ratios(found: Measurements, n: int) -> dict[str, Measurement]:
    return {
        ratio.subject: ratio
        for ratio in found.all
        if (ratio.quantity, ratio.baseline) == (time_at(n), DENSE)
    }


def _fastest(ratios: Mapping[str, Measurement]) -> Measurement:
    return min(ratios.values(), key=lambda ratio: ratio.estimate)


def _products(ratios: Mapping[str, Measurement]) -> list[str]:
    return list(dict.fromkeys(map(_product, ratios)))


def _product(name: str) -> str:
    return name.partition(" B=")[0]


def _fall(found: Measurements, product: str) -> Measurement:
    return found.find(time_at(LARGEST), *(case(product, B) for B in FROM_TO))


def _count_falls(found: Measurements, product: str) -> bool:
    counts = {m.subject: m.estimate for m in found.all if m.quantity == SHARE}
    largest_B, smallest_B = (counts.get(case(product, B), math.inf) for B in FROM_TO)
    return largest_B < smallest_B
