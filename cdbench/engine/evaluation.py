"""How well each class of the test split is recognised by a trained network."""

from collections.abc import Sequence

import numpy as np

from cdbench.engine.network import Network
from cdbench.engine.products.base import Array
from cdbench.engine.split import Split
from cdbench.records.run import ClassAccuracy

AT_A_TIME = 2**16
"""Approximate number of activations in the widest layer that are evaluated at a time."""


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
    step = max(1, AT_A_TIME // max(network.widths))
    right = np.zeros(len(split.y_test), bool)
    for start in range(0, len(right), step):
        here = slice(start, start + step)
        logits, _ = network.forward(params, split.X_test[here], context)
        right[here] = logits.argmax(axis=1) == split.y_test[here]
    counts = np.bincount(split.y_test, minlength=len(labels))
    n_right = np.bincount(split.y_test, right, len(labels))
    return tuple(
        ClassAccuracy(label, int(n), float(hits / n))
        for label, n, hits in zip(labels, counts, n_right, strict=True)
        if n
    )
