"""CDClassifier: structured networks for classes."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.metrics import accuracy_score
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from cdbench.engine.losses import softmax
from cdbench.engine.products.base import Array
from cdbench.sklearn.base import CDEstimator, Targets, Weights
from cdbench.sklearn.classes import class_weights, new_classes, places_of
from cdbench.sklearn.documentation import documented
from cdbench.sklearn.parameters import CONSTRAINTS, UNIT


@documented
class CDClassifier(ClassifierMixin, CDEstimator):  # type: ignore[misc]
    """Network of structured layers for classification, one output for each class.

    It minimises the softmax cross-entropy, in nats, over mini-batches.

    Parameters
    ----------
    {parameters}

    class_weight : dict or "balanced", default=None
        What the weights of a class's samples are multiplied by; "balanced" gives all classes the
        same sum of weights.

    label_smoothing : float, default=0.0
        Share of each target that is spread evenly over the classes in training.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.

    {attributes}

    See Also
    --------
    CDRegressor : The same for quantities.
    sklearn.neural_network.MLPClassifier : Dense networks.

    Notes
    -----
    {notes}

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from cdbench.sklearn import CDClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
    >>> model = CDClassifier(layer="cdlinear:4", tol=1e-2, random_state=0).fit(X_train, y_train)
    >>> model.score(X_test, y_test) > 0.95
    True
    >>> model.parameters_.size, model.predict_proba(X_test).shape
    (2710, (450, 10))
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **CONSTRAINTS,
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "label_smoothing": [UNIT],
    }
    _task: ClassVar[str] = "classification"

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
        class_weight: Mapping[Any, float] | str | None = None,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(**{name: value for name, value in locals().items() if name in CONSTRAINTS})
        self.class_weight = class_weight
        self.label_smoothing = label_smoothing

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features, finite and not sparse.
        y : array-like of shape (n_samples,)
            Classes: numbers or texts.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, 0 or more; by default 1.

        Returns
        -------
        CDClassifier
            Itself.

        Raises
        ------
        ValueError
            If parameters or samples are not valid, or the loss stops being finite.
        """
        self._named: Any = None
        return self._fit(X, y, sample_weight)

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train one more epoch, on these samples.

        Parameters
        ----------
        X, y, sample_weight
            As for ``fit``.
        classes : array-like of shape (n_classes,), default=None
            All classes that any call will have; needed by the first.

        Returns
        -------
        CDClassifier
            Itself.

        Raises
        ------
        ValueError
            As ``fit`` does; for classes that the first call did not name; or with early stopping,
            a falling learning rate or ``class_weight="balanced"``.
        """
        self._named = new_classes(self.classes_ if self.__sklearn_is_fitted__() else None, classes)
        if self.class_weight == "balanced":
            raise ValueError(
                "partial_fit does not support class_weight='balanced', which needs all samples; "
                "expected a dict, or sample_weight"
            )
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class of each sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,)
            Of ``classes_``.
        """
        check_is_fitted(self)
        found: NDArray[Any] = self.classes_[self._predicted(X).argmax(axis=1)]
        return found

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        return np.ascontiguousarray(softmax(self._predicted(X)))

    def predict_log_proba(self, X: Any) -> Array:
        """Return the natural logarithm of each class's probability.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        logits = self._predicted(X)
        above = logits - logits.max(axis=1, keepdims=True)
        found: Array = above - np.log(np.exp(above).sum(axis=1, keepdims=True))
        return found

    def _strata(self, y: Targets) -> NDArray[Any]:
        found: NDArray[Any] = self.classes_[y]
        return found

    def _smoothing(self) -> float:
        return float(self.label_smoothing)

    def _encoded(self, y: Targets, weights: Weights, first: bool) -> tuple[Targets, Weights]:
        """Return the classes as numbers, and weights with those of classes; learn the classes."""
        check_classification_targets(y)
        if first:
            self.classes_ = np.unique(y) if self._named is None else self._named
            self.n_outputs_ = len(self.classes_)
        places = places_of(y, self.classes_)
        return places, weights * class_weights(self.class_weight, self.classes_, places, weights)

    def _score(self, outputs: Array, y: Targets, weights: Weights | None) -> float:
        return float(accuracy_score(y, outputs.argmax(axis=1), sample_weight=weights))
