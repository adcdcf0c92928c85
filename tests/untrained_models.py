"""Networks as they are after a training, without one: with parameters that are all at work."""

import numpy as np

from cdbench.config.run_config import RunConfig
from cdbench.datasets import load_dataset
from cdbench.engine.building import build_network
from cdbench.engine.layers import BatchNorm
from cdbench.records.weights import Target
from cdbench.trained.model import TrainedModel


def model_of(**knobs):
    """A model of these knobs and raw samples (N, n_columns) that none was fitted on."""
    config = RunConfig(**knobs)
    data = load_dataset(config)
    assert config.input is not None
    split = data.split(0, config.dtype, config.input)
    network = build_network(config, data.n_features, data.n_outputs, data.image)
    rng = np.random.default_rng(1)
    parameters = network.initial_parameters(rng, config.dtype)
    parameters += 0.05 * rng.normal(size=parameters.shape).astype(config.dtype)
    statistics = network.evaluation(network.views(parameters), split.X_train[:50]).statistics or {}
    norms = [layer for layer in network.layers if isinstance(layer, BatchNorm)]
    deviation = float(np.sqrt(split.unit))
    model = TrainedModel(
        parameters=parameters,
        n_features=data.n_features,
        n_outputs=data.n_outputs,
        image=data.image,
        inputs=split.inputs,
        classes=data.classes,
        target=Target(split.mean, deviation) if config.task == "regression" else None,
        moments=tuple(statistics[layer] for layer in norms),
        config=config,
        run_uuid="1b4e28ba-2fa1-11d2-883f-0016d3cca427",
    )
    return model, np.asarray(data.X[-7:], np.float64)
