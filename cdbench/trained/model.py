"""TrainedModel: a network that has been trained, with all that it takes to apply it."""

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

import cdbench
from cdbench.config.plugin_records import check as check_plugins
from cdbench.config.run_config import RunConfig
from cdbench.engine.building import build_network
from cdbench.engine.evaluation import logits_of
from cdbench.engine.layers import EVALUATION, BatchNorm, Context, Params
from cdbench.engine.losses import softmax
from cdbench.engine.network import Network
from cdbench.errors import ModelError
from cdbench.records.weights import Array, Weights


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainedModel(Weights):
    """A trained network, as plain values; what it computes is made of them when it is asked for.

    All that ``Weights`` has, and

    Attributes
    ----------
    config : RunConfig
        What it was trained with; ``parameters`` are of its ``dtype``.
    run_uuid : str or None
        The run that trained it; None of one that was changed since, as a projected one.
    cdbench_version : str
        What it was trained by.

    Raises
    ------
    ModelError
        If the parameters are not as many as the network has, not of the configuration's type, or
        not finite, or the statistics are not those of the network's BatchNorms.
    PluginError
        If it has plug-ins that are not here.

    Examples
    --------
    >>> from cdbench.config.diagnostics import Diagnostics
    >>> from cdbench.running.execution import execute
    >>> config = RunConfig(dataset="iris", B=2, epochs=1)
    >>> run = execute(config, diagnostics=Diagnostics(weights=True))
    >>> model = TrainedModel.of(run.weights, run.config, run.uuid)
    >>> model.probabilities(np.array([[5.1, 3.5, 1.4, 0.2]])).shape
    (1, 3)
    >>> model
    <TrainedModel cdlinear B=2 · iris · seed 0: 4 features in, 3 outputs, 2,436 parameters>
    """

    config: RunConfig
    run_uuid: str | None = None
    cdbench_version: str = cdbench.__version__

    def __post_init__(self) -> None:
        n, dtype = self.network.n_parameters, self.config.dtype
        if self.parameters.shape != (n,) or self.parameters.dtype != dtype:
            raise ModelError(
                f"parameters are {self.parameters.dtype} of shape {self.parameters.shape}, "
                f"expected {dtype} of shape ({n},), as {self.config.model} has"
            )
        finite = np.isfinite(self.parameters)
        if not finite.all():
            n_lost = int(np.count_nonzero(~finite))
            raise ModelError(f"{n_lost} of {n} parameters are not finite numbers")
        shapes = [[own.shape for own in pair] for pair in self.moments]
        wanted = [[(1, layer.n_in)] * 2 for layer in self._batch_norms]
        if shapes != wanted:
            raise ModelError(f"statistics of BatchNorm have shapes {shapes}, expected {wanted}")

    def __repr__(self) -> str:
        """Return what it is of, and its size; the fields would fill pages."""
        config = self.config
        return (
            f"<TrainedModel {config.model} · {config.dataset} · seed {config.seed}: "
            f"{self.n_columns} features in, {self.n_outputs} outputs, "
            f"{len(self.parameters):,} parameters>"
        )

    @classmethod
    def of(
        cls, weights: Weights, config: RunConfig, run_uuid: str | None = None, **others: Any
    ) -> "TrainedModel":
        """Return the model of a run's weights; other attributes replace those of the weights."""
        own = {field.name: getattr(weights, field.name) for field in fields(Weights)}
        return cls(**(own | {"config": config, "run_uuid": run_uuid} | others))

    @cached_property
    def network(self) -> Network:
        """The network, built anew."""
        check_plugins(self.config.plugin, self.config.layer, self.config.dataset)
        config = replace(self.config, product=self.product or self.config.product)
        return build_network(config, self.n_features, self.n_outputs, self.image)

    @cached_property
    def context(self) -> Context:
        """The context in which it is evaluated: with the statistics of its BatchNorms."""
        if not self.moments:
            return EVALUATION
        return Context(statistics=dict(zip(self._batch_norms, self.moments, strict=True)))

    @property
    def _batch_norms(self) -> list[BatchNorm]:
        return [layer for layer in self.network.layers if isinstance(layer, BatchNorm)]

    @property
    def n_columns(self) -> int:
        """Number of raw features."""
        encoding = self.inputs.encoding
        return self.n_features if encoding is None else len(encoding.texts)

    def views(self) -> list[Params]:
        """Return each layer's parameters, by name, as views of ``parameters``."""
        return self.network.views(self.parameters)

    def network_inputs(self, X: NDArray[Any]) -> Array:
        """Return what the network takes, (N, n_features) of its dtype, for raw features.

        Raises
        ------
        ModelError
            If they are not (N, n_columns) finite numbers; a blank, NaN, may be where blanks were
            filled in training. Of a text, if they are not symbols.
        """
        X = _numbers(X)
        if X.ndim != 2 or X.shape[1] != self.n_columns:
            raise ModelError(
                f"features have shape {X.shape}, expected (N, {self.n_columns}), as the network "
                "was trained on"
            )
        fine = np.isfinite(X) | (np.isnan(X) & (self.inputs.encoding is not None))
        if not fine.all():
            row, column = divmod(int(fine.argmin()), self.n_columns)
            raise ModelError(
                f"sample {row + 1}, feature {column + 1} is {X[row, column]}, expected a finite "
                "number"
            )
        if self.config.task == "language" and not np.isin(X, np.arange(len(self.classes))).all():
            raise ModelError(f"symbols must be whole numbers, 0 to {len(self.classes) - 1}")
        with np.errstate(over="ignore", invalid="ignore"):  # checked below
            x = self.inputs(X).astype(self.config.dtype)
        if not np.isfinite(x).all():
            at = int(np.isfinite(x).all(axis=1).argmin())
            raise ModelError(
                f"sample {at + 1} is not finite after the input transform {self.config.input} "
                f"in {self.config.dtype}"
            )
        return x

    def logits(self, X: NDArray[Any]) -> Array:
        """Return the network's outputs for raw features.

        Parameters
        ----------
        X : (N, n_columns)
            Features as in the data set that it was trained on.

        Returns
        -------
        (N, n_outputs) of its dtype
            Of a text, (N × context, n_symbols). Of a regression, in the unit of ``target``.

        Raises
        ------
        ModelError
            As ``network_inputs``, or if an output is out of the range of its dtype.
        """
        x, views = self.network_inputs(X), self.views()
        with np.errstate(over="ignore", invalid="ignore"):  # checked below
            parts = [own for _, own in logits_of(self.network, views, x, self.context)]
        found = np.concatenate([np.empty((0, self.n_outputs), self.config.dtype), *parts])
        finite = np.isfinite(found).all(axis=1)
        if not finite.all():
            at = int(finite.argmin()) * len(X) // len(found)
            raise ModelError(
                f"sample {at + 1} is too large for the network: its outputs are out of the range "
                f"of {self.config.dtype}"
            )
        return found

    def probabilities(self, X: NDArray[Any]) -> Array:
        """Return each class's probability, shaped as the logits; ModelError of a regression."""
        if self.target is not None:
            raise ModelError("a regression has no probabilities, expected a classification")
        return softmax(self.logits(X))

    def predict(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return each sample's predicted class, (N,) of str objects, or quantity, (N,) float64.

        Of a text, the symbol after each, (N × context,).
        """
        logits = self.logits(X)
        if self.target is not None:
            quantities: Array = self.target.mean + self.target.unit * logits[:, 0].astype(float)
            return quantities
        labels: NDArray[Any] = np.array(self.classes, dtype=object)[logits.argmax(axis=1)]
        return labels


def _numbers(X: Any) -> NDArray[Any]:
    """Return an array, frame or lists as an array of numbers; raise ModelError if it is none."""
    try:
        array = np.asarray(X)
        return array if array.dtype.kind in "biuf" else array.astype(np.float64)
    except (TypeError, ValueError):
        raise ModelError(
            f"features, a {type(X).__name__}, are not an array of numbers; expected numbers, "
            "(N, n_columns)"
        ) from None
