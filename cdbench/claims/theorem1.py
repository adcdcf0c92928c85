"""Claim 7: Theorem 1, the Hessian of a CDLinear layer."""

from collections.abc import Sequence

import numpy as np

from cdbench.claims.base import (
    Bench,
    Claim,
    Measurements,
    Needs,
    needs_of,
)
from cdbench.claims.evidence.brute_force import block_errors, couplings, hessian
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.engine.layers import CDLinear
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
from cdbench.statistics.estimates import Observations, largest, median, median_ratio
from cdbench.statistics.wording import above, below, in_digits

BLOCK_SIZES = (4, 8)
N_RANDOM_LAYERS = 64
ROUNDING = 1e-10
FACTOR = 2.0

EIGENVALUES = "diagonal blocks: eigenvalues against Eq. 5, relative"
CIRCULANT = "diagonal blocks: departure from a circulant, relative"
OUTPUTS = "coupling between output blocks, relative"
INPUTS = "coupling between input blocks, relative"
COUNTER_EXAMPLE_KAPPA = "κ of the counter-example"

RANDOM, COUNTER_EXAMPLE = "random layers", "counter-example"
THEOREM, EXACT = "theorem1", "layer_hessian"


def kappa_of(B: int) -> str:
    """Return what κ of the first layer on the digits is called."""
    return f"κ of layer 1's Hessian on the digits, B={B}"


class Theorem1(Claim):
    """The Hessian by brute force, against what the theorem says of its blocks."""

    name = "theorem-1"
    title = "Theorem 1: the Hessian is diagonal in the DFT"
    statement = (
        "The Hessian of ½‖y(C) - t‖² of a CDLinear layer is block-diagonal in (i, j) against "
        "(i', j'); each block H_ij,ij is circulant with eigenvalues |F[X_j](k)|²; so a single FFT "
        "per input block yields the full spectrum."
    )
    where = "Abstract (i); Sec. III.3, Theorem 1 and its discussion"
    published = "block-diagonal, eigenvalues |F[X_j](k)|²"
    method = (
        "H = JᵀJ, averaged over samples, with J formed entry by entry from the layer's matrix, "
        f"without any Fourier transform: {N_RANDOM_LAYERS} random layers, four of each B from 1 to "
        "16 (up to 3 × 3 blocks, one sample or seven); the digits' training split of every seed at "
        "B = 4 and 8; and a counter-example, B = 3 with both input blocks (1, 0, 0). Coupling is "
        "the Frobenius norm of the off-diagonal blocks (i ≠ i', or i = i' and j ≠ j') over that of "
        "the diagonal ones. On the digits κ of the theorem's numbers is compared with κ of the "
        "whole Hessian (of its non-null part) of the trained networks' first layer."
    )
    rule = (
        "Everything up to 1e-10 counts as rounding. contradicted if the eigenvalues of a diagonal "
        "block, its circulant form, or the missing coupling between output blocks fail anywhere. "
        "Else holds if there is no coupling between input blocks either. Else the digits decide, "
        "to which the paper applies the theorem, by the median over seeds of κ of the whole "
        "Hessian / κ of the theorem's numbers, at B = 4 and 8: contradicted if the 95 % interval "
        "lies above 2 at either; holds under a condition (inputs as weakly coupled as the digits) "
        "if it lies below 2 at both; else not supported."
    )
    overturn = (
        "No coupling between input blocks in the counter-example, which three lines of algebra "
        "settle; or input blocks on the digits so weakly coupled that κ changes by less than 2."
    )

    def needs(self, seeds: Sequence[int]) -> Needs:
        """Return the recipe's block-circulant runs; their first layers' inputs are the digits."""
        return needs_of(_models(seeds), Diagnostics(values=False, kinds=(EXACT, THEOREM)))

    def observe(self, bench: Bench) -> list[Observation]:
        """Return errors and couplings of every case, and both κ of every run."""
        from cdbench.datasets import load_dataset

        found = random_layers(N_RANDOM_LAYERS) + counter_example()
        digits = load_dataset(RunConfig())
        for seed in bench.seeds:
            X = digits.split(seed).X_train
            for B in BLOCK_SIZES:
                _, between_inputs = couplings(hessian(CDLinear(X.shape[1], B, B), X))
                found.append(Observation(INPUTS, f"digits B={B}", seed, between_inputs))
        for configs in _models(bench.seeds).values():
            for config in configs:
                run = bench.run(config)
                for kind in (EXACT, THEOREM):
                    kappa = run.conditions(kind)[0].kappa_nonnull
                    name = kappa_of(config.B or 1)
                    found.append(Observation(name, kind, config.seed, kappa, run.run_id))
        return found

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return the ratios of κ, the largest errors and couplings, then each κ."""
        names = [kappa_of(B) for B in BLOCK_SIZES]
        return [
            *(median_ratio(observations, name, EXACT, THEOREM) for name in names),
            *(largest(observations, name, RANDOM) for name in (EIGENVALUES, CIRCULANT, OUTPUTS)),
            *(largest(observations, INPUTS, case) for case in observations.subjects(INPUTS)),
            *(median(observations, name, kind) for name in names for kind in (EXACT, THEOREM)),
            *(
                median(observations, COUNTER_EXAMPLE_KAPPA, case)
                for case in observations.subjects(COUNTER_EXAMPLE_KAPPA)
            ),
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        ratios = [found.find(kappa_of(B), EXACT, THEOREM) for B in BLOCK_SIZES]
        own = max(found.find(name, RANDOM).estimate for name in (EIGENVALUES, CIRCULANT, OUTPUTS))
        coupling = max(m.estimate for m in found.all if m.quantity == INPUTS)
        condition = None
        if own > ROUNDING:
            verdict = CONTRADICTED
        elif coupling <= ROUNDING:
            verdict = HOLDS
        elif any(above(ratio, FACTOR) for ratio in ratios):
            verdict = CONTRADICTED
        elif all(below(ratio, FACTOR) for ratio in ratios):
            verdict, condition = CONDITIONAL, "input blocks as weakly coupled as the digits'"
        else:
            verdict = NOT_SUPPORTED
        exact, theorem = (found.find(kappa_of(4), kind).estimate for kind in (EXACT, THEOREM))
        return Judgement(
            verdict,
            f"κ of layer 1 at B=4: {in_digits(ratios[0])}× the theorem's",
            f"Each diagonal block is as the theorem says, to {own:.0e}, and output blocks are "
            f"uncoupled; but the input blocks of one output are coupled, by up to {coupling:.2g} "
            f"of the diagonal: on the digits at B=4 κ is {exact:,.0f}, where the theorem reads off "
            f"{theorem:,.0f}.",
            condition,
        )


def random_layers(n_layers: int) -> list[Observation]:
    """Return errors and couplings of random layers and inputs; the case's number is the place."""
    found = []
    for case in range(n_layers):
        rng = np.random.default_rng(case)
        B = case // 4 % 16 + 1
        K_o, K_i = map(int, rng.integers(1, 4, size=2))
        layer = CDLinear(K_i * B, K_o * B, B)
        X = rng.normal(size=((1, 7)[case % 2], layer.n_in))
        H = hessian(layer, X)
        errors = [block_errors(H[i, j, :, i, j], X, j) for i in range(K_o) for j in range(K_i)]
        values = (*np.max(errors, axis=0), *couplings(H))
        for name, value in zip((EIGENVALUES, CIRCULANT, OUTPUTS, INPUTS), values, strict=True):
            found.append(Observation(name, RANDOM, case, float(value)))
    return found


def counter_example() -> list[Observation]:
    """Return coupling and κ of one sample of two equal flat blocks, B = 3."""
    X = np.array([[1.0, 0.0, 0.0, 1.0, 0.0, 0.0]])
    H = hessian(CDLinear(6, 3, 3), X)
    eta = np.abs(np.fft.fft(X.reshape(2, 3))) ** 2
    true = np.linalg.eigvalsh(H.reshape(6, 6))
    return [
        Observation(INPUTS, COUNTER_EXAMPLE, 0, couplings(H)[1]),
        Observation(COUNTER_EXAMPLE_KAPPA, THEOREM, 0, float(eta.max() / eta.min())),
        Observation(COUNTER_EXAMPLE_KAPPA, EXACT, 0, _kappa(true)),
    ]


def _kappa(eigenvalues: Array) -> float:
    low, high = float(eigenvalues.min()), float(eigenvalues.max())
    return high / low if low > ROUNDING * high else np.inf


def _models(seeds: Sequence[int]) -> dict[str, list[RunConfig]]:
    return {f"cdlinear B={B}": [RunConfig(B=B, seed=seed) for seed in seeds] for B in BLOCK_SIZES}
