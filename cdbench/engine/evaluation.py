"""How well each class of the test split is recognised by a trained network."""

from collections.abc import Iterator, Sequence

import numpy as np

from cdbench.engine.layers import Context, Params
from cdbench.engine.network import Network
from cdbench.engine.products.base import Array
from cdbench.engine.samples import Samples
from cdbench.engine.split import Split
from cdbench.records.run import ClassAccuracy

AT_A_TIME = 2**16
"""Approximate number of activations that are evaluated at a time, where there are most."""


def logits_of(
    network: Network, params: list[Params], X: Array | Samples, context: Context
) -> Iterator[tuple[slice, Array]]:
    """Yield the logits of some of the inputs (N, n_in) at a time, with which of them."""
    step = max(1, AT_A_TIME // (network.rows_per_sample * max(network.widths)))
    for start in range(0, len(X), step):
        here = slice(start, start + step)
        yield here, network.forward(params, X[here], context)[0]


def class_accuracies(
    network: Network, parameters: Array, split: Split, labels: Sequence[str]
) -> tuple[ClassAccuracy, ...]:
    """Return each class's accuracy on the test split; classes without a test sample are left out.

    Parameters
    ----------
    network : Network
        The network.
    parameters : (n_parameters,) float
        Its trained parameters.
    split : Split
        The data.
    labels : sequence of str
        Names of the classes.
    """
    params = network.views(parameters)
    context = network.evaluation(params, split.X_train)
    right = np.zeros(split.y_test.shape, bool)
    for here, logits in logits_of(network, params, split.X_test, context):
        right[here] = logits.argmax(axis=1).reshape(right[here].shape) == split.y_test[here]
    true = split.y_test.ravel()
    counts = np.bincount(true, minlength=len(labels))
    n_right = np.bincount(true, right.ravel(), len(labels))
    return tuple(
        ClassAccuracy(label, int(n), float(hits / n))
        for label, n, hits in zip(labels, counts, n_right, strict=True)
        if n
    )
