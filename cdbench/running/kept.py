"""What is kept of a trained network, so that it can be applied later."""

from cdbench.datasets.base import Dataset
from cdbench.engine.layers import BatchNorm
from cdbench.engine.network import Network
from cdbench.engine.products.base import Array
from cdbench.engine.split import Split
from cdbench.records.weights import Target, Weights


def trained_weights(network: Network, parameters: Array, split: Split, dataset: Dataset) -> Weights:
    """Return a trained network's weights, with what maps the data set's features to its inputs.

    Parameters
    ----------
    network : Network
        The network.
    parameters : (n_parameters,) float
        Its trained parameters.
    split : Split
        What it was trained on.
    dataset : Dataset
        Where that came from.
    """
    found = network.evaluation(network.views(parameters), split.X_train).statistics or {}
    norms = [layer for layer in network.layers if isinstance(layer, BatchNorm)]
    is_regression = dataset.task == "regression"
    return Weights(
        parameters=parameters,
        n_features=dataset.n_features,
        n_outputs=dataset.n_outputs,
        image=dataset.image,
        inputs=split.inputs,
        classes=dataset.classes,
        target=Target(split.mean, split.deviation) if is_regression else None,
        features=dataset.columns,
        product=network.product,
        moments=tuple(found[layer] for layer in norms),
    )
