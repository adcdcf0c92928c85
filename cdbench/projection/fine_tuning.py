"""Training a projected network further, and what it scores before and after."""

from dataclasses import dataclass, replace
from typing import Any

from cdbench.config.run_config import RunConfig
from cdbench.datasets import load_dataset, pin_dataset
from cdbench.datasets.base import Dataset
from cdbench.engine.split import Split
from cdbench.engine.tasks import Score
from cdbench.engine.trainer import Trainer
from cdbench.engine.training import train
from cdbench.errors import ConfigurationError
from cdbench.running.kept import trained_weights
from cdbench.trained.model import TrainedModel


@dataclass(frozen=True)
class Samples:
    """What a trained network is measured on and trained further with.

    Attributes
    ----------
    dataset : Dataset
        The data set.
    split : Split
        Of the network's own seed, so that its own data set gives the test split that it was not
        trained on.
    config : RunConfig
        That of the training.
    """

    dataset: Dataset
    split: Split
    config: RunConfig


def samples_for(
    model: TrainedModel,
    name: str,
    epochs: int | None = None,
    rate: float | None = None,
    called: str = "fine-tune",
) -> Samples:
    """Return a data set's samples for a model, and the training that it gets.

    Parameters
    ----------
    model : TrainedModel
    name : str
        Of the data set, or its file. Its inputs are transformed as the model's are, by the numbers
        of its own training split.
    epochs, rate : optional
        Of the training; by default those that the model was trained with.
    called : str
        The option that named it.

    Raises
    ------
    ConfigurationError
        If the model does not take its samples, or the training is impossible.
    DatasetError
        If it cannot be read.
    """
    own = model.config
    other = {} if name == own.dataset else {"dataset": name, "dataset_fingerprint": None}
    asked: dict[str, Any] = {"epochs": epochs or own.epochs, "early_stopping": None, **other}
    if rate is not None:
        asked["learning_rate"] = rate
    config = replace(own, **asked)
    if other:
        config = pin_dataset(config)
    dataset = load_dataset(config)
    has = (dataset.n_features, dataset.n_outputs, dataset.classes)
    if has != (model.n_features, model.n_outputs, model.classes):
        raise ConfigurationError(
            f"--{called} {name}: has {dataset.n_features} features and {dataset.n_outputs} "
            f"outputs; expected the {model.n_features} and {model.n_outputs} of the model, which "
            f"was trained on {own.dataset}, and the same classes"
        )
    assert config.input is not None
    split = dataset.split(config.seed, config.dtype, config.input, config.validation)
    return Samples(dataset, split, config)


def scored(model: TrainedModel, samples: Samples) -> Score:
    """Return the score on the test split."""
    parameters = model.parameters.copy()
    trainer = Trainer(model.network, parameters, samples.split, samples.config, rates=0.0)
    ((score, _),) = trainer.evaluate()
    return score


def fine_tuned(model: TrainedModel, samples: Samples) -> TrainedModel:
    """Return the model after training on from its parameters, with all of them.

    The optimiser and its schedule begin anew.

    Raises
    ------
    DivergenceError
        If its loss stops being finite.
    """
    own = model.config
    names = ("layer", "structure", "B", "head", "product", "fisher_weight")
    config = replace(samples.config, **{name: getattr(own, name) for name in names})
    parameters = model.parameters.copy()
    for _ in train(model.network, parameters, samples.split, config):
        pass
    weights = trained_weights(model.network, parameters, samples.split, samples.dataset)
    return TrainedModel.of(weights, config)
