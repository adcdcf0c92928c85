"""Expressiveness without data: how near each family's matrices come to those of others.

python benchmarks/teachers.py [--n 64] [--starts 3] [--seed 0]

The teacher is a matrix W_A, n × n, of one family at about a quarter of dense's weights, as it is
drawn initially, or a matrix that is known by name. The student is a layer of another family at as
many weights, whose own W_B is to be as near as possible: the number is
‖W_B − W_A‖_F / ‖W_A‖_F in percent, 0 for the same matrix and 100 for none. It says nothing of
training on data, where directions that no input has do not count.

What is nearest is known of families that are linear in their weights (least squares), of low-rank
layers, of Kronecker sums (Van Loan and Pitsianis 1993) and of Monarch layers (Dao et al. 2022):
tails of singular values. Of others it is the best of some starts of L-BFGS, with the layer's own
gradients, from its initial values. That bounds from above what the family can do, and its own
teachers, which it could reach, show how closely. All are optimised, so that those that are known
show whether the optimiser can be trusted: the last lines say where it did not get there, and a
number below what is known ends the program with an error.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize

from cdbench.config import families
from cdbench.config.structure import Structure
from cdbench.engine.layers import EVALUATION, WeightLayer
from cdbench.engine.layers.hessian import matrix_jacobian
from cdbench.engine.layers.kronecker import KroneckerSum
from cdbench.engine.layers.low_rank import LowRank
from cdbench.engine.layers.monarch import Monarch
from cdbench.engine.network import Network
from cdbench.engine.products.base import Array
from cdbench.engine.products.real_dct import dct_matrix
from cdbench.engine.products.real_dft import orthonormal_matrix
from families import build
from measure import machine, one_thread

SHARE = 4
"""Of dense's weights each family has a quarter; the circulant layer has n, dense all."""

LINEAR = ("cdlinear", "block-diagonal", "spectral", "circulant")
"""Families whose W is linear in the weights."""

TAPS = 9
"""Of the convolution, drawn like weights."""

MOST_STEPS = 1000
REACHED = 0.001
"""An optimiser has arrived that is so near to what is known, as a share of ‖W_A‖."""


class Fit(NamedTuple):
    """What was found of one student and teacher, as shares of ‖W_A‖_F.

    Attributes
    ----------
    optimised : float
        The best of the starts.
    known : float or None
        The smallest possible, where it can be computed.
    """

    optimised: float
    known: float | None

    @property
    def error(self) -> float:
        """The smallest possible, or else the smallest found."""
        return self.optimised if self.known is None else self.known


def students(n: int) -> dict[str, WeightLayer]:
    """Return every family's layer but dense's, and block-diagonal's in the basis of the DCT."""
    names = (name for name in families.FAMILIES if name != families.BASELINE)
    found = {name: build(name, n, 1, SHARE)[0] for name in names}
    B = families.family(families.DEFAULT)
    found[families.DEFAULT] = B.build(n, n, {"B": SHARE}, "gather")  # activations are rows
    in_basis: Structure = {"blocks": SHARE, "basis": "dct"}
    found["block-diagonal dct"] = families.family("block-diagonal").build(n, n, in_basis)
    return found


def teachers(n: int, seed: int) -> dict[str, Array]:
    """Return the matrices to be reached, (n, n) each; what is drawn is drawn from the seed."""
    rng = np.random.default_rng(seed)
    layers = {**students(n), "dense": families.family(families.BASELINE).build(n, n, {})}
    found = {name: layer.matrix(initial(layer, rng)[1]) for name, layer in layers.items()}
    taps = rng.standard_normal(TAPS)
    shifts = range(-(TAPS // 2), TAPS // 2 + 1)
    return found | {
        "DFT, real": orthonormal_matrix(n),
        "DCT": dct_matrix(n),
        f"convolution, {TAPS} taps": sum(
            (tap * np.eye(n, k=shift) for tap, shift in zip(taps, shifts, strict=True)),
            np.zeros((n, n)),
        ),
        "permutation": np.eye(n)[rng.permutation(n)],
    }


def initial(layer: WeightLayer, rng: np.random.Generator) -> tuple[Array, Any]:
    """Return initial parameters as a vector, the bias last, and the layer's views of it."""
    network = Network([layer])
    flat = network.initial_parameters(rng)
    return flat, network.views(flat)[0]


class Distance:
    """½‖W(θ) − T‖² and its gradient in the weights, by the layer's passes for the identity."""

    def __init__(self, layer: WeightLayer, target: Array) -> None:
        self.target_T = target.T
        self.flat, self.params = initial(layer, np.random.default_rng(0))
        self.flat[:] = 0.0  # the bias stays
        self.n_weights = self.flat.size - layer.n_out
        self.gradient = np.zeros_like(self.flat)
        (self.grads,) = Network([layer]).views(self.gradient)
        self.y, self.run, self.pullback = layer.bind(self.params, np.eye(layer.n_in), EVALUATION)

    def __call__(self, weights: Array) -> tuple[float, Array]:
        """Return value and gradient, (n_weights,)."""
        self.flat[: self.n_weights] = weights
        self.run()
        apart = self.y - self.target_T
        self.pullback(apart, self.grads)
        return 0.5 * float(np.vdot(apart, apart)), self.gradient[: self.n_weights].copy()


def optimised(layer: WeightLayer, target: Array, starts: int, rng: np.random.Generator) -> float:
    """Return the smallest relative error of so many starts."""
    # As large as initial values are: ‖W‖² = 2 n.
    target = target * np.sqrt(2 * len(target)) / np.linalg.norm(target)
    distance = Distance(layer, target)
    options = {"maxiter": MOST_STEPS, "maxfun": 2 * MOST_STEPS, "maxcor": 20, "ftol": 1e-11}
    values = []
    for _ in range(starts):
        begin = initial(layer, rng)[0][: distance.n_weights]
        found = minimize(distance, begin, jac=True, method="L-BFGS-B", options=options)
        values.append(float(found.fun))
    return float(np.sqrt(2 * min(values)) / np.linalg.norm(target))


def nearest_linear(layer: WeightLayer) -> Callable[[Array], float]:
    """Return what gives the relative error of the nearest matrix of a linear family."""

    def bind(params: Any, x: Array) -> tuple[Array, Callable[[], object]]:
        return layer.bind(params, x, EVALUATION)[:2]

    params = initial(layer, np.random.default_rng(0))[1]
    moves = matrix_jacobian(bind, params, layer.n_in)
    basis, _ = np.linalg.qr(moves.reshape(len(moves), -1).T)

    def error(target: Array) -> float:
        whole = target.T.ravel()
        return float(np.linalg.norm(whole - basis @ (basis.T @ whole)) / np.linalg.norm(whole))

    return error


def tail(matrices: Array, rank: int) -> float:
    """Return the norm of what is left of matrices (..., m, n) by the nearest of such a rank."""
    return float(np.linalg.norm(np.linalg.svd(matrices, compute_uv=False)[..., rank:]))


def nearest(layer: WeightLayer) -> Callable[[Array], float] | None:
    """Return what gives the smallest relative error of a target (n, n), where it is known."""
    if layer.family in LINEAR:
        return nearest_linear(layer)
    if isinstance(layer, LowRank):
        rank = layer.rank
        return lambda target: tail(target, rank) / float(np.linalg.norm(target))
    if isinstance(layer, KroneckerSum):
        parts, terms = (layer.m_o, layer.p_o, layer.m_i, layer.p_i), layer.s

        def of_terms(target: Array) -> float:  # A ⊗ B has rank 1 as A's entries by B's
            by = target.reshape(parts).swapaxes(1, 2).reshape(parts[0] * parts[2], -1)
            return tail(by, terms) / float(np.linalg.norm(target))

        return of_terms
    if isinstance(layer, Monarch) and layer.q % layer.b == 0:
        blocks, shared = (layer.s, layer.b, layer.b, layer.p), layer.q // layer.b

        def of_blocks(target: Array) -> float:  # each pair of blocks shares q / b hidden entries
            pairs = target.reshape(blocks).transpose(1, 2, 0, 3)
            return tail(pairs, shared) / float(np.linalg.norm(target))

        return of_blocks
    return None


def fits(
    layers: Mapping[str, WeightLayer], targets: Mapping[str, Array], starts: int, seed: int
) -> dict[tuple[str, str], Fit]:
    """Return what was found of each teacher and student.

    Raises
    ------
    SystemExit
        If the optimiser is below what is known, or does not reach it in a linear family.
    """
    found = {}
    for student, layer in layers.items():
        rng, known = np.random.default_rng([seed, 1]), nearest(layer)
        for teacher, target in targets.items():
            least = None if known is None else known(target)
            one = found[teacher, student] = Fit(optimised(layer, target, starts, rng), least)
            beyond = 0.0 if least is None else one.optimised - least
            if beyond < -REACHED or (layer.family in LINEAR and beyond > REACHED):
                raise SystemExit(
                    f"{student} for {teacher}: L-BFGS found {one.optimised:.4f}, but the nearest "
                    f"matrix is known to be {least:.4f} away; expected these to agree"
                )
    return found


def markdown(
    layers: Mapping[str, WeightLayer],
    targets: Sequence[str],
    found: Mapping[tuple[str, str], Fit],
) -> str:
    """Return the table, a row a teacher and a column a student, in percent."""
    heads = []
    for name, layer in layers.items():
        n_weights = Network([layer]).n_parameters - layer.n_out
        heads.append(f"{name} ({n_weights:,}{'' if nearest(layer) is None else ', exact'})")
    lines = [["teacher", *heads], ["---", *("--:" for _ in heads)]]
    lines += [
        [teacher, *(f"{100 * found[teacher, student].error:.1f}" for student in layers)]
        for teacher in targets
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def not_reached(found: Mapping[tuple[str, str], Fit]) -> list[str]:
    """Return where the optimiser missed what is known, in words."""
    return [
        f"{student} for {teacher}: {100 * fit.known:.1f} %, L-BFGS {100 * fit.optimised:.1f} %"
        for (teacher, student), fit in found.items()
        if fit.known is not None and fit.optimised - fit.known > REACHED
    ]


def main() -> None:
    """Compute and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--n", type=int, default=64, choices=(16, 32, 64), help="width of W")
    parser.add_argument("--starts", type=int, default=3, help="of L-BFGS, of which the best counts")
    parser.add_argument("--seed", type=int, default=0, help="of the teachers and the starts")
    asked = parser.parse_args()
    one_thread()
    began = time.process_time()
    layers, targets = students(asked.n), teachers(asked.n, asked.seed)
    found = fits(layers, targets, asked.starts, asked.seed)
    print(markdown(layers, list(targets), found))
    n_known = sum(fit.known is not None for fit in found.values())
    missed = not_reached(found)
    print(f"\nOf {n_known} known, L-BFGS reached all but {len(missed)}.")
    print("\n".join(missed))
    print(f"{time.process_time() - began:.0f} s of one core. {machine()}")


if __name__ == "__main__":
    main()
