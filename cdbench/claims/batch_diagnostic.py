"""Claim: one FFT of a mini-batch tells the conditioning of the layer's Hessian."""

from itertools import product

import numpy as np

from cdbench.claims.base import Bench, Claim, Measurements
from cdbench.claims.evidence.retrained import N_RETRAINED, last_batches, retrained
from cdbench.config.run_config import RunConfig
from cdbench.engine.network import Network
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
from cdbench.statistics.estimands import SPLITS
from cdbench.statistics.estimates import Observations, median, median_ratio
from cdbench.statistics.factors import within
from cdbench.statistics.rank_correlation import FOLLOWS, STATISTIC, rank_correlation
from cdbench.statistics.wording import above, below, in_digits

BLOCK_SIZES, LAYERS = (4, 8), (1, 2, 3)
BATCHES = "theorem1, median of mini-batches"
WHOLE = "theorem1, training split"
HESSIAN = "layer_hessian, training split"
FACTOR = 2.0


def kappa_of(B: int, layer: int) -> str:
    """Return what κ of a layer is called; its subjects are the diagnostic and the truth."""
    return f"κ, B={B}, layer {layer}"


class BatchDiagnostic(Claim):
    """κ read off mini-batches against κ of the layer's Hessian, over seeds."""

    name = "batch-diagnostic"
    title = "A mini-batch's FFT tells the conditioning"
    statement = (
        "The closed-form Hessian spectrum is a conditioning diagnostic that is computable per "
        "mini-batch from a single FFT, without any matrix decomposition."
    )
    where = "Abstract (a); Sec. I; Sec. III.3, discussion"
    published = "κ of the Hessian from one FFT per mini-batch"
    method = (
        "Theorem 1's numbers, the mean of |F[X_j](k)|² over a mini-batch, for each of the 23 "
        "mini-batches of 64 of the last epoch; the diagnostic is their κ, and its median over the "
        "batches is taken. The truth is κ of the layer's exact Hessian on the whole training "
        "split, by decomposition. Both are of the non-null part and of the same network, as it "
        f"is after training: the recipe's B=4 and B=8, trained again for the first {N_RETRAINED} "
        "seeds, layer by layer. Beside it Theorem 1's numbers of the whole split, which tells "
        "what comes from the batches and what from the diagonal."
    )
    rule = (
        "At a layer the diagnostic follows if the 95 % interval of its Spearman correlation with "
        "the truth over seeds lies above 0.7 (half of the ranks' variance) at both B, and fails if "
        "it lies below 0.7 at either. It is to scale if the interval of the median of diagnostic / "
        "truth lies within 1/2 to 2 at both B. holds if it follows and is to scale at all layers; "
        "holds under a condition if it follows at one at least, the condition naming which, and "
        "whether only up to a factor; contradicted if it fails at all three; else not supported."
    )
    overturn = (
        "More seeds where an interval is open; or networks that differ by more than their seed, so "
        "that κ varies over more than it does here."
    )
    without_runs = SPLITS
    null = 0.7

    def observe(self, bench: Bench) -> list[Observation]:
        """Return the diagnostic and both κ of the training split, of every layer and seed."""
        from cdbench.datasets import split_of

        found = []
        for B, seed in product(BLOCK_SIZES, bench.seeds[:N_RETRAINED]):
            config = RunConfig(B=B, seed=seed)
            again = retrained(config)
            X = split_of(config).X_train
            of_batches = [
                _kappas(again.network, again.trained, x, "theorem1")
                for x in last_batches(config, X)
            ]
            sides = {
                BATCHES: np.median(of_batches, axis=0).tolist(),
                WHOLE: _kappas(again.network, again.trained, X, "theorem1"),
                HESSIAN: _kappas(again.network, again.trained, X, "layer_hessian"),
            }
            for subject, kappas in sides.items():
                for layer, kappa in zip(LAYERS, kappas, strict=True):
                    found.append(Observation(kappa_of(B, layer), subject, seed, kappa))
        return found

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return correlations and ratios of batches, then of the split, then every κ."""
        names = [kappa_of(*case) for case in product(BLOCK_SIZES, LAYERS)]
        return [
            found(observations, name, subject, HESSIAN)
            for subject in (BATCHES, WHOLE)
            for found in (rank_correlation, median_ratio)
            for name in names
        ] + [
            median(observations, name, side) for name in names for side in (BATCHES, WHOLE, HESSIAN)
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        ranks, ratios = (
            {
                (B, layer): found.find(kappa_of(B, layer), BATCHES, HESSIAN, statistic)
                for B, layer in product(BLOCK_SIZES, LAYERS)
            }
            for statistic in (STATISTIC, "median paired ratio")
        )
        follows = [n for n in LAYERS if all(above(ranks[B, n], FOLLOWS) for B in BLOCK_SIZES)]
        fails = [n for n in LAYERS if any(below(ranks[B, n], FOLLOWS) for B in BLOCK_SIZES)]
        scaled = all(within(ratios[B, n], FACTOR) for B in BLOCK_SIZES for n in follows)
        condition = None
        if follows == list(LAYERS) and scaled:
            verdict = HOLDS
        elif follows:
            verdict = CONDITIONAL
            condition = f"layer {' and '.join(map(str, follows))}"
            condition += "" if scaled else ", up to a factor"
        else:
            verdict = CONTRADICTED if fails == list(LAYERS) else NOT_SUPPORTED
        told = [
            f"{', '.join(in_digits(side[B, n]) for n in LAYERS)} at B={B}"
            for side in (ranks, ratios)
            for B in BLOCK_SIZES
        ]
        deeper = [
            found.find(kappa_of(B, n), WHOLE, HESSIAN, STATISTIC).estimate
            for B, n in product(BLOCK_SIZES, LAYERS[1:])
        ]
        return Judgement(
            verdict,
            f"layer 1, B=4: correlation {in_digits(ranks[4, 1])}",
            f"Over {ranks[4, 1].n} seeds the diagnostic's ranks correlate with those of the true κ "
            f"by {told[0]} and {told[1]} in layers 1 to 3; it is the true κ times {told[2]} and "
            f"{told[3]}. Read off the whole split instead it correlates by {min(deeper):.2g} to "
            f"{max(deeper):.2g} in layers 2 and 3.",
            condition,
        )


def _kappas(network: Network, parameters: Array, X: Array, kind: str) -> list[float]:
    """Return κ of each layer's non-null part on these inputs."""
    from cdbench.diagnostics.spectra import measure_spectra

    spectra = measure_spectra(network, parameters, X, 0, kinds=(kind,), values=False)
    return [spectrum.condition.kappa_nonnull for spectrum in spectra]
