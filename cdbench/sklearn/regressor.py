"""CDRegressor: structured networks for quantities."""

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils.validation import column_or_1d

from cdbench.engine.products.base import Array
from cdbench.sklearn.base import CDEstimator, Targets, Weights
from cdbench.sklearn.documentation import documented


@documented
class CDRegressor(RegressorMixin, CDEstimator):  # type: ignore[misc]
    """Network of structured layers for regression, one output for each quantity.

    It minimises half the squared error, over mini-batches. Inside, each quantity is less its
    training mean and divided by its deviation, so that neither ``tol`` nor the step size depends
    on its unit; with ``warm_start`` and ``partial_fit``, by those of the first call.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    CDClassifier : The same for classes.
    sklearn.neural_network.MLPRegressor : Dense networks.

    Notes
    -----
    {notes}

    Losses are mean squared errors of the standardised quantities: 1 for their means.

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from cdbench.sklearn import CDRegressor
    >>> X, y = make_regression(n_samples=200, n_features=8, random_state=1)
    >>> model = CDRegressor(learning_rate_init=0.01, random_state=1).fit(X, y)
    >>> model.score(X, y) > 0.99
    True
    >>> [row["rank"] for row in model.condition_report_ if row["kind"] == "weight"]
    [8, 1]
    """

    _task: ClassVar[str] = "regression"

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features, finite and not sparse.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Quantities.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, 0 or more; by default 1.

        Returns
        -------
        CDRegressor
            Itself.

        Raises
        ------
        ValueError
            If parameters or samples are not valid, or the loss stops being finite.
        """
        return self._fit(X, y, sample_weight)

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train one more epoch, on these samples.

        Parameters
        ----------
        X, y, sample_weight
            As for ``fit``.

        Returns
        -------
        CDRegressor
            Itself.

        Raises
        ------
        ValueError
            As ``fit`` does; or with early stopping or a falling learning rate.
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> Array:
        """Return the quantities of samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In y's unit.
        """
        found: Array = self._predicted(X) * self._deviation + self._mean
        return found.ravel() if found.shape[1] == 1 else found

    def _encoded(self, y: Targets, weights: Weights, first: bool) -> tuple[Targets, Weights]:
        """Return the quantities standardised, (n_samples, n_outputs); learn how."""
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        y = y.reshape(len(y), -1).astype(np.float64, copy=False)
        if first:
            self.n_outputs_ = y.shape[1]
            counted = weights > 0
            some, own = y[counted], weights[counted]
            self._mean = np.average(some, axis=0, weights=own)
            deviation = np.sqrt(np.average((some - self._mean) ** 2, axis=0, weights=own))
            # Of a constant it is rounding's, not always 0.
            deviation[(deviation == 0) | (np.ptp(some, axis=0) == 0)] = 1.0
            self._deviation = deviation
        elif y.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y has {y.shape[1]} quantities, but CDRegressor was fitted to {self.n_outputs_}; "
                "expected as many"
            )
        return (y - self._mean) / self._deviation, weights

    def _score(self, outputs: Array, y: Targets, weights: Weights | None) -> float:
        return float(r2_score(y, outputs, sample_weight=weights))
