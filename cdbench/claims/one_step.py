"""The claim that one step of gradient descent suffices on whitened inputs."""

from dataclasses import dataclass
from itertools import product

import numpy as np

from cdbench.claims.base import Bench, Claim, Measurements
from cdbench.claims.evidence.kappas import DENSE, MODELS
from cdbench.config.run_config import RunConfig
from cdbench.engine.products.base import Array
from cdbench.engine.split import Split
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
from cdbench.statistics.estimates import Observations, mean
from cdbench.statistics.numerals import format_number
from cdbench.statistics.wording import above, below, in_digits

BLOCK_SIZES = dict(zip((DENSE, *MODELS), (1, 4, 8), strict=True))
N_CLASSES, BATCH_SIZE = 10, 64
WEIGHTS_STREAM, BATCH_STREAM = 81, 82
"""Second words of the seeds of initial weights and of batches."""

SHARE = "share of the possible decrease of the loss after one step"
FULL = f"{SHARE}, full gradient"
ZERO = f"{SHARE}, full gradient, from zero weights"
BATCH = f"{SHARE}, gradient of a batch of {BATCH_SIZE}"
NOT_WHITE = f"{SHARE}, full gradient, the recipe's inputs"
CASES = (FULL, ZERO, BATCH, NOT_WHITE)

ENOUGH = 0.95
"""A step that leaves less than a twentieth of the excess loss suffices."""


class OneStep(Claim):
    """One step of gradient descent on one layer with a quadratic loss."""

    name = "one-step"
    title = "One step of gradient descent suffices"
    statement = (
        "With whitened inputs a CDLinear layer's Hessian is essentially a multiple of the "
        "identity, so any first-order method (SGD, Adam, etc.) converges at the same rate as on a "
        "quadratic with κ = 1, i.e. one step of gradient descent suffices."
    )
    where = "Sec. V, after Theorem 2"
    published = "one step suffices on whitened inputs"
    method = (
        "One layer without nonlinearity, from 64 inputs to the 10 classes (12 and 16 outputs at "
        "B = 4 and 8, the surplus with target zero): mean ½‖y - t‖² on the whitened digits' "
        "training split, t the one-hot classes less their mean, so that the bias is at its "
        "optimum, zero. One step on c from the initial weights, of the length 1/λ that theory "
        "names in advance: with white inputs the Hessian in c is λ = B times the identity, dense's "
        "once. Counted is the share of the decrease that the layer's own least-squares optimum "
        "would bring. Told beside: from zero weights; with the gradient of one batch of 64, as in "
        "SGD; with the recipe's inputs, where λ is the largest eigenvalue; and dense. A step of "
        "Adam does not depend on the length of the gradient; it is not tested."
    )
    rule = (
        "By the 95 % interval over seeds of the mean share with the full gradient from the initial "
        "weights: one step suffices at a block size if it lies above 0.95, less than a twentieth "
        "of the excess loss being left, and fails if it lies below. holds if one step suffices at "
        "B = 4 and 8; holds under a condition, the block size, if at one of them; contradicted if "
        "it fails at both; else not supported. What is told beside does not decide."
    )
    overturn = (
        "Inputs whose covariance on the training split is further from the identity: more features "
        "that do not vary, or a whitening that was fitted on other samples."
    )
    without_runs = SPLITS
    null = 0.95

    def observe(self, bench: Bench) -> list[Observation]:
        """Return the shares of every seed and layer."""
        from cdbench.datasets import load_dataset

        digits = load_dataset(RunConfig())
        found = []
        for seed in bench.seeds:
            white, raw = digits.split(seed, transform="whiten"), digits.split(seed)
            for model, B in BLOCK_SIZES.items():
                found += [
                    Observation(quantity, model, seed, value)
                    for quantity, value in shares(white, raw, B, seed).items()
                ]
        return found

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return the mean share of every case, those that decide first."""
        return [mean(observations, case, model) for case, model in product(CASES, (*MODELS, DENSE))]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        own = {model: found.find(FULL, model) for model in MODELS}
        enough = [model for model in MODELS if above(own[model], ENOUGH)]
        beside = {case: found.find(case, MODELS[0]).estimate for case in (BATCH, NOT_WHITE)}
        of_dense = {case: found.find(case, DENSE).estimate for case in CASES}
        measured = f"share {in_digits(own[MODELS[0]])} of the decrease at B=4"
        reason = (
            f"One full step brings {' and '.join(map(in_digits, own.values()))} of the possible "
            f"decrease at B=4 and B=8 (dense, as white, {of_dense[FULL]:.3f}); with a batch's "
            f"gradient {format_number(beside[BATCH])} at B=4 (dense "
            f"{format_number(of_dense[BATCH])}), and on the recipe's inputs "
            f"{beside[NOT_WHITE]:.3g} (dense {of_dense[NOT_WHITE]:.3g})."
        )
        if enough == list(MODELS):
            return Judgement(HOLDS, measured, reason)
        if enough:
            condition = enough[0].removeprefix("cdlinear ")
            return Judgement(CONDITIONAL, measured, reason, condition)
        failed = all(below(share, ENOUGH) for share in own.values())
        return Judgement(CONTRADICTED if failed else NOT_SUPPORTED, measured, reason)


@dataclass(frozen=True)
class Quadratic:
    """The loss ½ tr(cᵀ H c) - tr(gᵀ c) of a layer without bias, up to a constant.

    ``c`` has one column (K_i · B,) for each block of outputs, which all have the same Hessian.

    Attributes
    ----------
    H : (K_i B, K_i B) float64
        Hessian of mean ½‖y - t‖² in the coefficients of one block of outputs.
    g : (K_i B, K_o) float64
        The gradient at zero coefficients, negative.
    """

    H: Array
    g: Array

    def gradient(self, c: Array) -> Array:
        """Return the gradient at ``c``, (K_i B, K_o)."""
        return np.asarray(self.H @ c - self.g)

    def excess(self, c: Array) -> float:
        """Return the loss at ``c`` above the least-squares optimum."""
        apart = c - np.linalg.pinv(self.H, rcond=1e-12, hermitian=True) @ self.g
        return float(np.sum(apart * (self.H @ apart))) / 2

    def share(self, c: Array, gradient: Array, step: float) -> float:
        """Return the share of the excess that a step against a gradient removes; below 0, adds."""
        return 1 - self.excess(c - step * gradient) / self.excess(c)


def quadratic(X: Array, target: Array, B: int) -> Quadratic:
    """Return the loss of the layer on X (N, n_in) with targets (N, n_out); B = 1 is dense.

    y_k = Σ_j Σ_m c_j,m x_j,(k - m) mod B is written out, without any Fourier transform.
    """
    N = len(X)
    blocks = X.reshape(N, -1, B)
    shifted = (np.arange(B)[:, None] - np.arange(B)) % B  # (k, m)
    design = blocks[:, :, shifted].transpose(0, 2, 1, 3).reshape(N * B, -1)
    goals = target.reshape(N, -1, B).transpose(0, 2, 1).reshape(N * B, -1)
    return Quadratic(design.T @ design / N, design.T @ goals / N)


def shares(white: Split, raw: Split, B: int, seed: int) -> dict[str, float]:
    """Return the share that one step removes, case by case."""
    goals = centred_classes(white, B)
    loss, not_white = quadratic(white.X_train, goals, B), quadratic(raw.X_train, goals, B)
    rng = np.random.default_rng([seed, WEIGHTS_STREAM])
    # Of the variance with which the layers draw them.
    c = rng.normal(0.0, np.sqrt(2.0 / white.X_train.shape[1]), loss.g.shape)
    zero = np.zeros_like(c)
    drawn = np.random.default_rng([seed, BATCH_STREAM]).permutation(len(goals))[:BATCH_SIZE]
    batch = quadratic(white.X_train[drawn], goals[drawn], B)
    largest = float(np.linalg.eigvalsh(not_white.H)[-1])
    return {
        FULL: loss.share(c, loss.gradient(c), 1 / B),
        ZERO: loss.share(zero, loss.gradient(zero), 1 / B),
        BATCH: loss.share(c, batch.gradient(c), 1 / B),
        NOT_WHITE: not_white.share(c, not_white.gradient(c), 1 / largest),
    }


def centred_classes(split: Split, B: int) -> Array:
    """Return the one-hot classes less their mean, with zeros up to a multiple of B."""
    n_out = -(-N_CLASSES // B) * B
    one_hot = np.eye(N_CLASSES, n_out)[split.y_train]
    return np.asarray(one_hot - one_hot.mean(axis=0))
