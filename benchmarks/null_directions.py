"""What the advantage in κ rests on: layer Hessians of inputs with directions taken away or added.

python benchmarks/null_directions.py [--seeds 0..9]

κ is that of the non-null part of a layer's exact mean-squared-error Hessian on the training split,
as cdbench's kind layer_hessian has it. Numbers are medians over seeds with 95 % bootstrap
intervals; but for the last table they are of dense over CDLinear: above 1 CDLinear is better.
Layer 1's Hessian depends on the inputs alone; 2's and 3's are of networks trained by the recipe.

- Pixels are removed by setting them to zero in both families, where their deviation over the
  training split is at most so much. CDLinear's blocks stay where they are.
- Centred and standardised: cdbench's input transforms center and standardize. Noise: one normal
  draw for the split, of deviation 0.01 where pixels go from 0 to 1.
- A unit of layer 2 or 3 is faint where its root mean square is below 1 % of the largest one's. It
  is set to zero, as pixels are.
- In weights and biases: dense inputs get a constant 1. CDLinear's Hessian is, at each frequency
  k, that of the vector (x̂(k), 1), and the 1 is the transform of one more input block,
  (1, 0, ..., 0). Weights count as c, not as √B · c.
- Random orthogonal: at each of its B frequencies CDLinear compresses the n × n matrix mean x xᵀ
  to n / B dimensions by an orthonormal basis. Here each of the B bases is drawn at random,
  independently and uniformly; κ is that of the eigenvalues of all B compressions together.
- Pixels permuted: CDLinear's own compression after a random order of the pixels, one a seed.
"""

import argparse
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from cdbench.claims.evidence.retrained import retrained
from cdbench.config.knob_values import expand_range
from cdbench.config.run_config import RunConfig
from cdbench.datasets import split_of
from cdbench.diagnostics.spectra import KINDS, LayerState, condition
from cdbench.engine.layers import CDLinear, Dense, WeightLayer
from cdbench.engine.products.base import Array
from cdbench.records.judgement import Observation
from cdbench.statistics.estimates import Observations, median_ratio
from cdbench.statistics.numerals import format_number, format_range
from measure import console, new_table, one_thread

BLOCK_SIZES = (4, 8)
LAYERS = (1, 2, 3)
DEVIATIONS = (0.0, 0.005, 0.01, 0.1)
"""Pixels that vary by at most so much are removed."""
NOISE = 0.01
FAINT = 0.01
"""Units below this share of the largest root mean square are faint."""
NOISE_STREAM, PIXEL_STREAM, BASIS_STREAM = range(1, 4)
EPS = float(np.finfo(np.float64).eps)

Change = Callable[[Array], Array]


class Case(NamedTuple):
    """One row: what it is, and κ by seed and block size, None for dense."""

    name: str
    kappa: Callable[[int, int | None], float]
    beside: tuple[str, ...] = ()


def hessian_kappa(X: Array, B: int | None = None) -> float:
    """Return κ of the non-null part of a layer's Hessian; of a dense layer with B None.

    Parameters
    ----------
    X : (N, n) float64
        What enters the layer.
    B : int, optional
        Block size; it divides n.
    """
    n = X.shape[1]
    layer: WeightLayer = Dense(n, n) if B is None else CDLinear(n, n, B)
    state = LayerState(layer, {}, (n, n), X, EPS)  # this Hessian does not depend on the weights
    return condition(KINDS["layer_hessian"](state)).kappa_nonnull


def compressed_kappa(X: Array, bases: Iterable[Array]) -> float:
    """Return κ of the compressions of mean x xᵀ to bases (n, m) of orthonormal columns."""
    power = [np.linalg.svd(X @ basis, compute_uv=False) ** 2 for basis in bases]
    return float(np.max(power) / np.min(power))


def random_bases(n: int, B: int, rng: np.random.Generator) -> list[Array]:
    """Return B independent bases (n, n / B) of orthonormal columns, uniformly drawn."""
    return [np.linalg.qr(rng.standard_normal((n, n // B)))[0] for _ in range(B)]


def blank_pixels(X: Array, deviation: float) -> Array:
    """Return which pixels vary by at most so much, (n,) bool; a constant one varies by 0."""
    return np.asarray((X - X[0]).std(axis=0) <= deviation)


def without(X: Array, removed: Array) -> Array:
    """Return the inputs with some features set to zero."""
    return np.where(removed, 0.0, X)


def without_faint(X: Array) -> Array:
    """Return a layer's inputs with the faint units set to zero."""
    root_mean_square = np.sqrt(np.mean(X**2, axis=0))
    return without(X, root_mean_square < FAINT * root_mean_square.max())


def with_bias(X: Array, B: int | None = None) -> Array:
    """Return inputs whose Hessian is that of X's layer in weights and biases together."""
    block = np.zeros((len(X), B or 1))
    block[:, 0] = 1.0
    return np.concatenate([X, block], axis=1)


def configuration(seed: int, B: int | None) -> RunConfig:
    """Return the paper's recipe for a seed; dense with B None."""
    return RunConfig(seed=seed, B=B) if B else RunConfig(seed=seed, layer="dense", B=None)


def pixels(seed: int, transform: str = "scale") -> Array:
    """Return the training split's inputs, (N, 64)."""
    X: Array = split_of(RunConfig(seed=seed, input=transform)).X_train
    return X


def entering(seed: int, B: int | None, layer: int) -> Array:
    """Return what enters a weight layer of the trained network for the training split."""
    found = retrained(configuration(seed, B))
    inputs = found.network.inputs(found.network.views(found.trained), pixels(seed))
    return inputs[found.network.weight_layers[layer - 1].position]


def of_first_layer(name: str, change: Callable[[int], Array], *beside: str) -> Case:
    """Return the row of a change of the pixels, made for a seed."""
    return Case(name, lambda seed, B: hessian_kappa(change(seed), B), beside)


def pixel_cases(seeds: Sequence[int]) -> list[Case]:
    """Return the rows without pixels that hardly vary, with their number and power."""
    cases = []
    for limit in DEVIATIONS:
        n_removed, shares = [], []
        for X in map(pixels, seeds):
            blank = blank_pixels(X, limit)
            n_removed.append(int(blank.sum()))
            shares.append(float(np.sum(X[:, blank] ** 2) / np.sum(X**2)))

        def kept(seed: int, limit: float = limit) -> Array:
            X = pixels(seed)
            return without(X, blank_pixels(X, limit))

        beside = (f"{np.median(n_removed):g}", format_number(float(np.median(shares))))
        cases.append(of_first_layer(f"deviation ≤ {limit:g}", kept, *beside))
    return cases


def input_cases() -> list[Case]:
    """Return the rows of other inputs."""

    def noisy(seed: int) -> Array:
        X = pixels(seed)
        return X + np.random.default_rng([seed, NOISE_STREAM]).normal(0.0, NOISE, X.shape)

    return [
        of_first_layer("as they are", pixels),
        of_first_layer("centred", lambda seed: pixels(seed, "center")),
        of_first_layer("standardised", lambda seed: pixels(seed, "standardize")),
        of_first_layer(f"noise of {NOISE:g} added", noisy),
    ]


def unit_cases() -> list[Case]:
    """Return the rows of layers 2 and 3, with and without faint units."""

    def case(layer: int, name: str, change: Change) -> Case:
        return Case(
            f"layer {layer}, {name}",
            lambda seed, B: hessian_kappa(change(entering(seed, B, layer)), B),
        )

    changes: dict[str, Change] = {"all units": np.asarray, "without faint ones": without_faint}
    return [case(layer, *change) for layer in LAYERS[1:] for change in changes.items()]


def bias_cases() -> list[Case]:
    """Return the rows of all layers in weights and biases."""

    def case(layer: int) -> Case:
        def kappa(seed: int, B: int | None) -> float:
            return hessian_kappa(with_bias(entering(seed, B, layer), B), B)

        return Case(f"layer {layer}", kappa)

    return [case(layer) for layer in LAYERS]


def compression_cases() -> list[Case]:
    """Return the rows of CDLinear's first layer and of other compressions to the same size."""

    def permuted(seed: int) -> Array:
        X = pixels(seed)
        return X[:, np.random.default_rng([seed, PIXEL_STREAM]).permutation(X.shape[1])]

    def random(seed: int, B: int | None) -> float:
        X = pixels(seed)
        assert B is not None
        rng = np.random.default_rng([seed, BASIS_STREAM])
        return compressed_kappa(X, random_bases(X.shape[1], B, rng))

    return [
        of_first_layer("circulant, as it is", pixels),
        of_first_layer("circulant, pixels permuted", permuted),
        Case("random orthogonal", random),
    ]


def cell(case: Case, B: int, seeds: Sequence[int], ratio: bool) -> str:
    """Return median and interval over seeds: of dense over CDLinear, or of CDLinear's own κ."""
    theirs = [case.kappa(seed, None if ratio else B) for seed in seeds]
    ours = [case.kappa(seed, B) if ratio else 1.0 for seed in seeds]
    data = [
        Observation("κ", subject, seed, kappa)
        for subject, values in (("above", theirs), ("below", ours))
        for seed, kappa in zip(seeds, values, strict=True)
    ]
    found = median_ratio(Observations("null directions", data), "κ", "above", "below")
    middle = format_number(found.estimate)
    if found.low is None or found.high is None:
        return middle
    return f"{middle} ({format_range(found.low, found.high)})"


def print_cases(
    title: str, cases: list[Case], seeds: Sequence[int], *headings: str, ratio: bool = True
) -> None:
    """Print a table of rows, with a column for each block size."""
    table = new_table(title, *headings, *(f"B={B}" for B in BLOCK_SIZES))
    for case in cases:
        cells = [cell(case, B, seeds, ratio) for B in BLOCK_SIZES]
        table.add_row(case.name, *case.beside, *cells)
    console.print(table)


def main() -> None:
    """Compute and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", nargs="+", default=["0..9"], help="such as 0..9, or 0 1 2")
    seeds = [int(n) for word in parser.parse_args().seeds for n in expand_range(word)]
    one_thread()
    over = f"κ, dense / CDLinear, {len(seeds)} seeds"
    print_cases(
        f"Pixels removed from layer 1's inputs: {over}",
        *(pixel_cases(seeds), seeds, "Removed", "Pixels", "Share of power"),
    )
    print_cases(f"Layer 1, other inputs: {over}", input_cases(), seeds, "Inputs")
    print_cases(f"Faint units removed: {over}", unit_cases(), seeds, "Inputs")
    print_cases(f"In weights and biases: {over}", bias_cases(), seeds, "Hessian")
    title = f"Layer 1, compressions of the same size: κ itself, {len(seeds)} seeds"
    print_cases(title, compression_cases(), seeds, "Compression", ratio=False)


if __name__ == "__main__":
    main()
