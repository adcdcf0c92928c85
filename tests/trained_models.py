"""A small trained model of any configuration, for tests."""

from typing import Any

import numpy as np

from cdbench.config.run_config import RunConfig
from cdbench.datasets import load_dataset
from cdbench.engine.building import build_network
from cdbench.engine.training import train
from cdbench.records.weights import Weights
from cdbench.trained.model import TrainedModel


def small_model(**knobs: Any) -> tuple[TrainedModel, Any, Any]:
    """Return a model of two epochs, raw test samples, and the trained network's own logits."""
    settings: dict[str, Any] = {"dataset": "iris", "epochs": 2, "hidden": (8,)} | knobs
    config = RunConfig(**settings)
    data = load_dataset(config)
    assert config.input is not None
    split = data.split(config.seed, config.dtype, config.input)
    network = build_network(config, data.n_features, data.n_outputs, data.image)
    parameters = network.initial_parameters(np.random.default_rng(0), config.dtype)
    list(train(network, parameters, split, config))
    params = network.views(parameters)
    context = network.evaluation(params, split.X_train)
    weights = Weights(
        parameters=parameters,
        n_features=data.n_features,
        n_outputs=data.n_outputs,
        image=data.image,
        inputs=split.inputs,
        classes=data.classes,
        product=network.product,
        moments=tuple((context.statistics or {}).values()),
    )
    raw = data._sides(config.seed, 0.0)[1][0]
    logits, _ = network.forward(params, split.X_test, context)
    return TrainedModel.of(weights, config, "a-uuid"), raw, logits
