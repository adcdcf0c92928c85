"""Sets made to measure: Gaussian classes of a chosen condition number, and planted teachers.

The same name always gives the same samples, up to the rounding of linear algebra; a run's seed
decides only the split.
"""

from functools import lru_cache
from itertools import pairwise

import numpy as np

from cdbench.config import families
from cdbench.config.made_sets import GAUSSIAN, MadeSet, parse
from cdbench.datasets.base import Dataset
from cdbench.datasets.limits import check_fits, held_bytes
from cdbench.datasets.quantities import Quantities
from cdbench.engine.layers import EVALUATION
from cdbench.engine.products.base import Array
from cdbench.errors import ConfigurationError, ShapeError


@lru_cache(maxsize=4)
def made_to_measure(name: str, task: str = "classification") -> Dataset:
    """Return the set that a name describes, (samples, features), made once in a process.

    Gaussian sets have classes, whatever the task; a teacher's targets are those of the task.

    Raises
    ------
    ConfigurationError
        If the name cannot be read, or there is no teacher of these widths.
    DatasetError
        If it would not fit into memory, or a class of a teacher's has too few samples.
    """
    made = parse(name)
    N, n = (int(made.values[key]) for key in ("samples", "features"))
    check_fits(name, f"{N:,} samples of {n:,} features", held_bytes((N, n), np.dtype(float)))
    return gaussian(made) if made.kind == GAUSSIAN else teacher(made, task)


def gaussian(made: MadeSet) -> Dataset:
    """Return Gaussian classes of one covariance.

    Before they are given their directions, the classes are spheres of deviation 1, whose centres
    are √(separation²) apart in the mean square. Then the whole set is mapped linearly so that it
    has mean zero and that its covariance has eigenvalues spaced evenly on a logarithmic scale from
    1 down to 1/kappa, in random directions: its condition number is exactly kappa, but for
    rounding.
    """
    N, n, k, seed = (int(made.values[key]) for key in ("samples", "features", "classes", "seed"))
    rng = np.random.RandomState(seed)
    y = rng.permutation(np.arange(N) % k)
    centres = rng.normal(scale=made.values["separation"] / np.sqrt(2 * n), size=(k, n))
    X = centres[y] + rng.normal(size=(N, n))
    U = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)[0] * np.sqrt(N)
    deviations = np.logspace(0, -np.log10(made.values["kappa"]) / 2, n)
    Q = np.linalg.qr(rng.normal(size=(n, n)))[0]
    return Dataset(made.name, U * deviations @ Q.T, y, tuple(map(str, range(k))))


def teacher(made: MadeSet, task: str = "classification") -> Dataset:
    """Return standard normal inputs and the classes that layers of a family give them.

    The teacher is one layer, or two with ReLU between, drawn as for a training, and has a logit for
    each class. Its class is the largest logit, each logit standardised over the samples, so that no
    class is left empty; the target of a regression is the first logit. Inputs and logits that its
    structure needs beyond those asked for are zeros, and cut off.
    """
    N, n, k, hidden, seed = (
        int(made.values[key]) for key in ("samples", "features", "classes", "hidden", "seed")
    )
    X = np.random.RandomState(seed).normal(size=(N, n))
    logits = _logits(made, X, [n, *[hidden] * (hidden > 0), k], seed)[:, :k]
    if task == Quantities.task:
        return Quantities(made.name, X, np.ascontiguousarray(logits[:, 0]))
    spread = logits.std(axis=0)
    y = ((logits - logits.mean(axis=0)) / np.where(spread > 0, spread, 1)).argmax(axis=1)
    return Dataset(made.name, X, y, tuple(map(str, range(k))))


def _logits(made: MadeSet, X: Array, asked: list[int], seed: int) -> Array:
    name, structure = families.parse(made.layer)
    family = families.family(name)
    own = {one.name: one.default for one in family.structure if one.default is not None}
    multiple = family.width_multiple(own | structure)
    widths = [-(-width // multiple) * multiple for width in asked]
    x = np.zeros((len(X), widths[0]))
    x[:, : X.shape[1]] = X
    rng = np.random.default_rng(seed)
    for number, (n_in, n_out) in enumerate(pairwise(widths)):
        try:
            layer = family.build(n_in, n_out, own | structure)
        except ShapeError as error:
            raise ConfigurationError(f"dataset = {made.name!r}: {error}") from error
        params = {key: np.zeros(shape) for key, shape in layer.parameter_shapes().items()}
        layer.initialize(params, rng)
        x, _ = layer.forward(params, np.maximum(x, 0) if number else x, EVALUATION)
    return x
