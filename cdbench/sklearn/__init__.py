"""Estimators for scikit-learn: networks of structured layers, with its own conventions.

Examples
--------
>>> from sklearn.datasets import load_iris
>>> from sklearn.pipeline import make_pipeline
>>> from sklearn.preprocessing import StandardScaler
>>> from cdbench.sklearn import CDClassifier
>>> X, y = load_iris(return_X_y=True)
>>> model = make_pipeline(
...     StandardScaler(), CDClassifier(layer="low-rank:4", learning_rate_init=0.01, random_state=0)
... )
>>> model.fit(X, y).score(X, y) > 0.95
True
"""

from cdbench.sklearn.classifier import CDClassifier
from cdbench.sklearn.regressor import CDRegressor

__all__ = ["CDClassifier", "CDRegressor"]
