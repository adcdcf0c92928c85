"""scikit-learn's own checks of estimators."""

import warnings
from typing import Any

import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from cdbench.config.families import DEFAULT, FAMILIES
from cdbench.sklearn import CDClassifier, CDRegressor

SMALL: Any = {"hidden_layer_sizes": (16,), "max_iter": 100, "learning_rate_init": 0.01}
ESTIMATORS = [CDClassifier, CDRegressor]
OPTIONAL = {"check_array_api_input"}
"""Checks that are skipped: they need packages for arrays on other devices, as everywhere."""


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks([estimator(**SMALL) for estimator in ESTIMATORS])
def test_the_default_layer_passes_each_of_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.long
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_family_passes_all_of_scikit_learns_checks(estimator, family):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        results = check_estimator(estimator(layer=family, **SMALL), on_skip=None)
    assert len(results) > 50
    passed = {one["check_name"] for one in results if one["status"] == "passed"}
    assert {one["check_name"] for one in results} - passed <= OPTIONAL


def test_the_default_layer_is_of_the_default_family():
    assert (
        CDClassifier().layer.partition(":")[0] == CDRegressor().layer.partition(":")[0] == DEFAULT
    )
