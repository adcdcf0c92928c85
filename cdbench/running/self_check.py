"""Whether the engine computes on this machine what it should, in about two seconds."""

import math
from collections.abc import Iterator

import numpy as np

from cdbench.config.families import BASELINE, DEFAULT, FAMILIES
from cdbench.config.run_config import RunConfig
from cdbench.engine.building import build_network
from cdbench.engine.losses import softmax_cross_entropy
from cdbench.records.health import FAULT, Finding
from cdbench.running.execution import execute

OF = "Engine"

FIRST_EPOCHS = {
    BASELINE: (1.1134708376567435, 307),
    DEFAULT: (1.4040430984902121, 286),
}
"""Training loss, and digits of the 360 test samples told rightly, after the first epoch of Table 1
with seed 0: numbers of the released results, to which a test holds them."""

N_TEST = 360

SHAPE, N = (64, 10), 8
"""Inputs and classes of the networks whose gradients are checked, and their samples."""

STEP, MOST_OFF = 1e-5, 1e-6
"""Of central differences, along a direction, and how far the gradient may be off relatively."""

TOLERANCE = 1e-9
"""Relative, of the loss: other libraries for matrix products round otherwise."""

ADVICE = "reinstall NumPy: pip install --force-reinstall numpy; then cdbench doctor again"


def self_check() -> Iterator[Finding]:
    """Yield what each check of the engine found.

    Of a network of every layer family the gradient is held against central differences of its
    loss. Then the first epoch of Table 1 is trained.
    """
    off = {name: _gradient_error(name) for name in FAMILIES}
    worst = max(off, key=off.__getitem__)
    said = f"off by {off[worst]:.0e} at most, in {worst}, against central differences"
    if off[worst] <= MOST_OFF:  # not of NaN
        yield Finding(OF, "gradients", f"right in all {len(FAMILIES)} families: {said}")
    else:
        yield Finding(OF, "gradients", f"wrong: {said}", FAULT, ADVICE)
    for name, (loss, n_right) in FIRST_EPOCHS.items():
        yield _first_epoch(name, loss, n_right)


def _gradient_error(name: str) -> float:
    """Return how far a family's gradient is from central differences, relatively."""
    rng = np.random.default_rng(0)
    # No step crosses a kink of tanh, which has none.
    network = build_network(RunConfig(layer=name, activation="tanh"), *SHAPE)
    x, y = rng.normal(size=(N, SHAPE[0])), np.arange(N) % SHAPE[1]
    flat = network.initial_parameters(rng)
    gradient = np.empty_like(flat)
    logits, pullback = network.forward(network.views(flat), x)
    pullback(softmax_cross_entropy(logits, y)[1], network.views(gradient))
    v = rng.normal(size=flat.size)

    def loss(step: float) -> float:
        logits, _ = network.forward(network.views(flat + step * v), x)
        return softmax_cross_entropy(logits, y)[0]

    slope = (loss(STEP) - loss(-STEP)) / (2 * STEP)
    error = abs(float(gradient @ v) - slope) / abs(slope)
    return error if math.isfinite(error) else math.inf


def _first_epoch(name: str, loss: float, n_right: int) -> Finding:
    config = RunConfig(layer=name, epochs=1, seed=0)
    what = f"Table 1, {config.model}"
    run = execute(config)
    if not run.epochs:
        return Finding(OF, what, f"does not train: {run.error}", FAULT, ADVICE)
    (epoch,) = run.epochs
    got = epoch.training_loss
    said = f"first epoch: loss {got:.10f}, {100 * (epoch.test_accuracy or 0):.2f} % right"
    rightly = round((epoch.test_accuracy or 0) * N_TEST)
    if math.isclose(got, loss, rel_tol=TOLERANCE) and rightly == n_right:
        return Finding(OF, what, f"{said}, as released")
    released = f"the released results have {loss:.10f}, {100 * n_right / N_TEST:.2f} %"
    return Finding(OF, what, f"{said}; {released}", FAULT, ADVICE)
