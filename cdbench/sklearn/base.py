"""What the estimators share: from validated samples to a trained network, and its outputs."""

from abc import ABC, abstractmethod
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from cdbench.config.run_config import RunConfig
from cdbench.engine.building import build_network
from cdbench.engine.products.base import Array
from cdbench.engine.split import Split
from cdbench.engine.trainer import Trainer
from cdbench.sklearn.classes import some
from cdbench.sklearn.conditions import input_roots, report
from cdbench.sklearn.fitting import Penalised, Progress, set_moments
from cdbench.sklearn.going_on import check_same_network, same_steps
from cdbench.sklearn.held_out import held_out
from cdbench.sklearn.initial import to_glorot
from cdbench.sklearn.outputs import outputs_of
from cdbench.sklearn.parameters import CONSTRAINTS, configuration

Targets = NDArray[Any]
Weights = NDArray[np.float64]


class CDEstimator(BaseEstimator, ABC):  # type: ignore[misc]
    """A network of structured layers as an estimator; see its two children."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS
    _task: ClassVar[str]
    _config: RunConfig
    _roots: list[Array] | None

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        layer: str = "cdlinear:4",
        *,
        head: str = "dense",
        initialization: str = "glorot",
        activation: str = "relu",
        normalization: str = "none",
        dropout: float = 0.0,
        solver: str = "adam",
        alpha: float = 1e-4,
        weight_decay: float = 0.01,
        fisher_weight: float = 0.0,
        fisher_form: str = "trace-inverse",
        fisher_epsilon: float = 0.01,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.002,
        learning_rate_scaling: str = "raw",
        clip: float | None = None,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        warm_start: bool = False,
        verbose: bool | int = False,
        momentum: float = 0.9,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        dtype: str = "auto",
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.layer = layer
        self.head = head
        self.initialization = initialization
        self.activation = activation
        self.normalization = normalization
        self.dropout = dropout
        self.solver = solver
        self.alpha = alpha
        self.weight_decay = weight_decay
        self.fisher_weight = fisher_weight
        self.fisher_form = fisher_form
        self.fisher_epsilon = fisher_epsilon
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.learning_rate_scaling = learning_rate_scaling
        self.clip = clip
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.warm_start = warm_start
        self.verbose = verbose
        self.momentum = momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.dtype = dtype

    # What an estimator says of its targets.

    @abstractmethod
    def _encoded(self, y: Targets, weights: Weights, first: bool) -> tuple[Targets, Weights]:
        """Return the targets as the network's, and all samples' weights; learn the former."""

    @abstractmethod
    def _score(self, outputs: Array, y: Targets, weights: Weights | None) -> float:
        """Return the score of a network's outputs (N, n_outputs) for its targets."""

    def _strata(self, y: Targets) -> NDArray[Any] | None:
        return None

    def _smoothing(self) -> float:
        return 0.0

    def _fit(self, X: Any, y: Any, sample_weight: Any, *, incremental: bool = False) -> Self:
        """Train, from the start or on from what there is."""
        first = not hasattr(self, "parameters_") or not (self.warm_start or incremental)
        X, y, weights = self._validated(X, y, sample_weight, first)
        config = self._configured(X, first, incremental)
        going_on = incremental and not first and same_steps(self._config, config)
        if first:
            self._begin(config, X.shape[1])
        else:
            check_same_network(self._config, config)
        self._config = config
        X = X.astype(config.dtype, copy=False)
        score = None
        if self.early_stopping:
            (X, y, weights), out = held_out(
                (X, y, weights), self._strata(y), self.validation_fraction, self._random_state
            )
            self._begin_validation()
            score = partial(self._score_of, *out, X)
        trainer = self._trainer(X, y, weights, config, going_on=going_on)
        progress = Progress(self, trainer, np.random.default_rng(config.seed), score)
        try:
            progress.epoch() if incremental else progress.train(self.max_iter)
        except ValueError:  # not finite: nothing to predict with, or to go on from
            del self.parameters_
            raise
        finally:  # after an interrupt too: what was trained can be used, as of MLPClassifier
            if self.__sklearn_is_fitted__():
                self._context = self._network.evaluation(self._network.views(self.parameters_), X)
                self._roots, self._n_measured = None, len(X)
        if not incremental:
            self._roots = input_roots(self._network, self.parameters_, X, self._context)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "parameters_")

    def _validated(
        self, X: Any, y: Any, sample_weight: Any, first: bool
    ) -> tuple[Array, Targets, Weights]:
        """Return checked samples, without those of weight 0, their targets and weights."""
        several = self._task == "regression"
        X, y = validate_data(
            self,
            X,
            y,
            dtype=(np.float64, np.float32),
            order="C",
            multi_output=several,
            y_numeric=several,
            reset=first,
        )
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        some(weights)
        y, weights = self._encoded(y, weights, first)
        counted = some(weights)
        return (X, y, weights) if counted.all() else (X[counted], y[counted], weights[counted])

    def _configured(self, X: Array, first: bool, incremental: bool) -> RunConfig:
        """Return the configuration of this call, with a seed of its own."""
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        if incremental and self.learning_rate != "constant":
            raise ValueError(
                f"partial_fit does not support learning_rate={self.learning_rate!r}, which falls "
                "over the epochs of one fit; expected learning_rate='constant'"
            )
        if first or not incremental:
            self._random_state = check_random_state(self.random_state)
        if first:
            dtype = str(X.dtype) if self.dtype == "auto" else self.dtype
        else:
            dtype = str(self.parameters_.dtype)
        seed = int(self._random_state.randint(np.iinfo(np.int32).max))
        return configuration(self, self._task, dtype, len(X), seed, self._smoothing())

    def _begin(self, config: RunConfig, n_features: int) -> None:
        """Make the network and draw its parameters."""
        self._network = build_network(config, n_features, self.n_outputs_)
        rng = np.random.default_rng(config.seed)
        self.parameters_ = self._network.initial_parameters(rng, config.dtype)
        if self.initialization == "glorot":
            to_glorot(self._network, self.parameters_)
        self.n_layers_ = len(config.hidden) + 2
        self.n_iter_ = self.t_ = 0
        self.loss_curve_: list[float] = []
        self.best_loss_: float | None = None
        self.validation_scores_: list[float] | None = None
        self.best_validation_score_: float | None = None

    def _begin_validation(self) -> None:
        self.best_loss_ = None
        if self.validation_scores_ is None:
            self.validation_scores_, self.best_validation_score_ = [], -np.inf

    def _score_of(self, X: Array, y: Targets, weights: Weights, X_train: Array) -> float:
        """Return the score of the parameters as they are on samples held out."""
        self._context = self._network.evaluation(self._network.views(self.parameters_), X_train)
        outputs = self._outputs(X)
        return self._score(outputs, y, weights) if np.isfinite(outputs).all() else float("nan")

    def _trainer(
        self, X: Array, y: Targets, weights: Weights, config: RunConfig, *, going_on: bool
    ) -> Trainer:
        """Return what does the steps, with the optimiser of the last call, or a new one."""
        mean = float(weights.mean())
        relative = None if (weights == weights[0]).all() else (weights / mean).astype(config.dtype)
        split = Split(X, y, X[:0], y[:0], weights=relative)
        rates = 0.0 if going_on else None  # those of the last optimiser
        trainer = Trainer(self._network, self.parameters_, split, config, rates)
        if not going_on:
            self._optimizer: Any = trainer.optimizer
            set_moments(self._optimizer, self.beta_2, self.epsilon)
        strength = self.alpha / (config.batch_size * mean)
        trainer.optimizer = self._optimizer
        if strength:
            trainer.optimizer = Penalised(  # type: ignore[assignment]
                self._optimizer, self._network, self.parameters_, strength
            )
        return trainer

    def _outputs(self, X: Array) -> Array:
        return outputs_of(self._network, self.parameters_, X, self._context)

    def _predicted(self, X: Any) -> Array:
        """Return the outputs for samples that are to be checked."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=(np.float64, np.float32), order="C", reset=False)
        return self._outputs(X.astype(self.parameters_.dtype, copy=False))

    @property
    def condition_report_(self) -> list[dict[str, object]]:
        """The condition of each layer, a row for each kind."""
        check_is_fitted(self)
        return report(self._network, self.parameters_, self._roots, self._n_measured)
