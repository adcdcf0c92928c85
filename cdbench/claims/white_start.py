"""The claim that whitened inputs give κ = 1 at the start of training."""

from dataclasses import replace
from itertools import product

import numpy as np

from cdbench.claims.base import Bench, Claim, Measurements, paper_models
from cdbench.claims.evidence.kappas import DENSE, LAYERS, MODELS
from cdbench.config.run_config import RunConfig
from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Judgement,
    Measurement,
    Observation,
)
from cdbench.records.spectra import Condition
from cdbench.statistics.estimands import SPLITS
from cdbench.statistics.estimates import Observations, median, median_ratio
from cdbench.statistics.numerals import format_number
from cdbench.statistics.wording import above, below, in_digits

WHITE, RAW = "whitened inputs", "the recipe's inputs"
INPUTS = {WHITE: "whiten", RAW: "scale"}
N_RAW = 10
"""Seeds with the recipe's inputs, which decide nothing."""

IDEAL = "κ = 1"
"""The subject of what the paper says, one number a seed, with which κ is compared."""

FACTOR = 2.0
"""κ up to this counts as 1: there one step of the best length leaves a third of every error."""


def kappa_of(layer: int, inputs: str = WHITE) -> str:
    """Return what κ of a layer's Hessian at initialisation is called."""
    return f"layer_hessian κ at the start, layer {layer}, {inputs}"


def rank_of(layer: int) -> str:
    """Return what the share of directions that are not null is called."""
    return f"layer_hessian rank at the start, share of size, layer {layer}, {WHITE}"


class WhiteStart(Claim):
    """κ of every layer's Hessian at initialisation, with whitened inputs."""

    name = "white-start"
    title = "κ = 1 at the start of training"
    statement = (
        "The Hessian is by construction diagonalised by the DFT, with eigenvalues that are the "
        "squared FFT magnitudes of the input blocks. Initialising with a flat input spectrum gives "
        "κ = 1 at the start of training."
    )
    where = "Sec. I; Sec. V after Theorem 2"
    published = "κ = 1 at the start"
    method = (
        "The paper's networks as a run of each seed draws them, before any step, on the digits' "
        "training split, whitened (ZCA: its covariance is the identity on the directions that "
        "vary at all). κ of each layer's exact mean-squared-error Hessian on that split, of the "
        "non-null part: constant pixels cannot be whitened, and in the dense layer they are null. "
        "For a layer the inputs are whatever enters it, so that layers 2 and 3 have what the ReLUs "
        "leave of a white spectrum. Told beside: the ratio to dense, ranks, and κ with the "
        "recipe's inputs, which are not white (ten seeds). No run is needed."
    )
    rule = (
        "κ counts as 1 up to a factor of 2, to be generous; a layer's is that if the 95 % interval "
        "of its median over seeds lies below 2, and is not if it lies above 2, at B = 4 and 8. "
        "contradicted if layer 1's is not at either. holds if all three layers' are at both. Holds "
        "under a condition, the first layer is meant, if layer 1's is at both and some other "
        "layer's is not at either; else not supported. That dense starts so too is told beside it "
        "and does not decide, since the sentence does not compare."
    )
    overturn = (
        "An initialisation or a normalisation that leaves the hidden layers' inputs white; or "
        "inputs with more directions that do not vary."
    )
    without_runs = SPLITS
    null = 2.0

    def observe(self, bench: Bench) -> list[Observation]:
        """Return κ of every layer of every network, whitened and not, and the paper's κ."""
        found = []
        for model, configs in paper_models(bench.seeds).items():
            cases = [(config, WHITE) for config in configs]
            cases += [(config, RAW) for config in configs[:N_RAW]]
            for config, inputs in cases:
                conditions = start(replace(config, input=INPUTS[inputs]))
                for layer, condition in zip(LAYERS, conditions, strict=True):
                    name = kappa_of(layer, inputs)
                    found.append(Observation(name, model, config.seed, condition.kappa_nonnull))
                    if inputs == WHITE:
                        share = condition.rank / condition.size
                        found.append(Observation(rank_of(layer), model, config.seed, share))
        for layer, seed in product(LAYERS, bench.seeds):
            found.append(Observation(kappa_of(layer), IDEAL, seed, 1.0))
        return found

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return κ over the paper's, κ over dense's, what whitening changes, and levels."""
        cases = list(product(LAYERS, MODELS))
        everything = list(product(LAYERS, (DENSE, *MODELS)))
        return [
            *(median_ratio(observations, kappa_of(n), model, IDEAL) for n, model in cases),
            *(median_ratio(observations, kappa_of(n), DENSE, IDEAL) for n in LAYERS),
            *(median_ratio(observations, kappa_of(n), DENSE, model) for n, model in cases),
            *(
                median(observations, kappa_of(n, inputs), model)
                for inputs in INPUTS
                for n, model in everything
            ),
            *(median(observations, rank_of(n), model) for n, model in everything),
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        of = {n: [found.find(kappa_of(n), model, IDEAL) for model in MODELS] for n in LAYERS}
        deeper = [kappa for n in LAYERS[1:] for kappa in of[n]]
        dense = found.find(kappa_of(1), DENSE, IDEAL)
        ratios = [found.find(kappa_of(n), DENSE, MODELS[0]) for n in LAYERS[1:]]
        levels = ", ".join(format_number(of[n][0].estimate) for n in LAYERS)
        measured = f"κ of layers 1 to 3 at B=4: {levels}"
        reason = (
            f"On whitened digits layer 1 starts with κ = {' and '.join(map(in_digits, of[1]))} at "
            f"B=4 and B=8 (dense: {in_digits(dense)}), layers 2 and 3 with "
            f"{', '.join(in_digits(kappa) for n in LAYERS[1:] for kappa in of[n])}; in these "
            f"dense's κ is {' and '.join(map(in_digits, ratios))} times that of B=4."
        )
        if any(above(kappa, FACTOR) for kappa in of[1]):
            return Judgement(CONTRADICTED, measured, reason)
        if all(below(kappa, FACTOR) for kappa in (*of[1], *deeper)):
            return Judgement(HOLDS, measured, reason)
        if all(below(kappa, FACTOR) for kappa in of[1]) and any(above(k, FACTOR) for k in deeper):
            condition = "the first layer is meant, whose inputs are the whitened ones"
            return Judgement(CONDITIONAL, measured, reason, condition)
        return Judgement(NOT_SUPPORTED, measured, reason)


def start(config: RunConfig) -> list[Condition]:
    """Return the layers' conditions of ``layer_hessian`` before the first step of a run."""
    from cdbench.datasets import load_dataset
    from cdbench.diagnostics.spectra import measure_spectra
    from cdbench.engine.building import build_network

    dataset = load_dataset(config)
    assert config.input is not None
    X = dataset.split(config.seed, config.dtype, config.input).X_train
    network = build_network(config, dataset.n_features, dataset.n_classes)
    # Drawn as an execution draws them.
    parameters = network.initial_parameters(np.random.default_rng(config.seed), config.dtype)
    spectra = measure_spectra(network, parameters, X, 0, kinds=("layer_hessian",), values=False)
    return [spectrum.condition for spectrum in spectra]
