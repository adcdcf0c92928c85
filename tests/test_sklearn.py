"""The estimators for scikit-learn: training, weights of samples, and what is told of it."""

import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_wine
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cdbench.config.families import FAMILIES
from cdbench.sklearn import CDClassifier, CDRegressor
from cdbench.sklearn.fitting import Progress

X, Y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)
Q = np.stack([X[:, 0] * X[:, 1], X[:, 2] + 3 * X[:, 3]], axis=1)
QUICK: dict[str, Any] = {
    "hidden_layer_sizes": (16,),
    "learning_rate_init": 0.03,
    "max_iter": 30,
    "random_state": 0,
}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

both = pytest.mark.parametrize(
    ("kind", "y"), [(CDClassifier, Y), (CDRegressor, Q)], ids=["classes", "quantities"]
)


def full_batches(kind, **knobs):
    """Return an estimator whose epochs are single steps, all of them, in one order."""
    return kind(**QUICK | {"batch_size": 10**6, "shuffle": False, "tol": 0.0, **knobs})


# In scikit-learn's company


def test_a_grid_over_families_is_searched_in_a_pipeline():
    layers = ["dense", "cdlinear:4", "low-rank:4"]
    grid = GridSearchCV(
        make_pipeline(StandardScaler(), CDClassifier(**QUICK)),
        {"cdclassifier__layer": layers},
        cv=2,
        scoring=["accuracy", "neg_log_loss", "roc_auc_ovr"],
        refit="accuracy",
    )
    grid.fit(X, Y)
    assert grid.cv_results_["param_cdclassifier__layer"].tolist() == layers
    assert np.min(grid.cv_results_["mean_test_accuracy"]) > 0.9
    scores = cross_val_score(CDRegressor(**QUICK), X, Q[:, 1], cv=2, scoring="r2")
    assert scores.min() > 0.5


def test_names_of_features_pass_through_a_pipeline_that_gives_frames():
    frame = load_wine(as_frame=True).data
    model = make_pipeline(StandardScaler(), CDClassifier(**QUICK)).set_output(transform="pandas")
    model.fit(frame, np.array(["red", "rosé", "white"])[Y])
    assert model[-1].feature_names_in_.tolist() == list(frame.columns)
    assert set(model.predict(frame)) == {"red", "rosé", "white"}
    with pytest.raises(ValueError, match="feature names should match"):
        model[-1].predict(model[0].transform(frame)[frame.columns[::-1]])


@both
def test_a_pickled_estimator_predicts_the_same_and_goes_on_the_same(kind, y):
    knobs = {"normalization": "batch", "dropout": 0.2, "clip": 1.0}
    model = kind(**QUICK | knobs | {"random_state": np.random.RandomState(1)}).fit(X, y)
    copy = pickle.loads(pickle.dumps(model))  # noqa: S301
    np.testing.assert_array_equal(copy.predict(X), model.predict(X))
    for one in (model, copy):
        one.partial_fit(X, y)
    np.testing.assert_array_equal(copy.parameters_, model.parameters_)
    assert copy.condition_report_ == model.condition_report_


@both
def test_the_same_seed_gives_the_same_network_and_another_one_another(kind, y):
    model = kind(**QUICK, dropout=0.1).fit(X, y)
    again, other = clone(model).fit(X, y), clone(model).set_params(random_state=1).fit(X, y)
    np.testing.assert_array_equal(again.parameters_, model.parameters_)
    assert not np.array_equal(other.parameters_, model.parameters_)


def test_probabilities_sum_to_one_and_the_most_probable_class_is_predicted():
    model = CDClassifier(**QUICK).fit(X, Y)
    p = model.predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(model.classes_[p.argmax(axis=1)], model.predict(X))
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(p), rtol=1e-9)


@pytest.mark.parametrize("layer", FAMILIES)
def test_every_family_learns_in_the_asked_type(layer):
    for kind, y in ((CDClassifier, Y), (CDRegressor, Q)):
        model = kind(layer=layer, **QUICK | {"max_iter": 60}, dtype="float32").fit(X, y)
        assert model.parameters_.dtype == np.float32
        assert model.score(X, y) > 0.5
    assert CDClassifier(layer=layer, **QUICK).fit(X, Y).parameters_.dtype == np.float64
    single = CDClassifier(layer=layer, **QUICK).fit(X.astype("float32"), Y)
    assert single.predict_proba(X).dtype == np.float32


@pytest.mark.parametrize("solver", ["adam", "adamw", "sgd"])
def test_every_optimiser_with_every_extra_learns(solver):
    model = CDClassifier(
        **QUICK,
        solver=solver,
        learning_rate="cosine",
        clip=5.0,
        fisher_weight=1e-5,
        fisher_form="log-variance",
        label_smoothing=0.1,
        normalization="layer",
        learning_rate_scaling="mean",
        head="structured",
        activation="gelu",
    )
    assert model.fit(X, Y).score(X, Y) > 0.9


# Steps


@both
def test_calls_of_partial_fit_are_the_epochs_of_a_fit(kind, y):
    whole = full_batches(kind, max_iter=5).fit(X, y)
    parts = full_batches(kind)
    for _ in range(5):
        parts.partial_fit(X, y, **({"classes": [0, 1, 2]} if kind is CDClassifier else {}))
    np.testing.assert_allclose(parts.parameters_, whole.parameters_, rtol=1e-12)
    assert parts.loss_curve_ == pytest.approx(whole.loss_curve_)
    assert parts.n_iter_ == len(parts.loss_curve_) == 5
    assert parts.t_ == 5 * len(X)


@both
def test_a_changed_step_size_or_solver_holds_from_the_next_part_on(kind, y):
    model = full_batches(kind, learning_rate="cosine").fit(X, y)
    model.set_params(learning_rate="constant", learning_rate_init=1e-300).partial_fit(X, y)
    before = model.parameters_.copy()
    model.partial_fit(X, y)
    np.testing.assert_array_equal(model.parameters_, before)
    model.set_params(solver="sgd", learning_rate_init=0.01, momentum=0.0).partial_fit(X, y)
    assert not np.array_equal(model.parameters_, before)


@both
def test_a_warm_start_goes_on_from_the_parameters_of_the_last_fit(kind, y):
    # Without momentum there is nothing else to keep.
    knobs = {"solver": "sgd", "momentum": 0.0}
    whole = full_batches(kind, max_iter=6, **knobs).fit(X, y)
    warm = full_batches(kind, max_iter=3, warm_start=True, **knobs).fit(X, y).fit(X, y)
    np.testing.assert_allclose(warm.parameters_, whole.parameters_, rtol=1e-12)
    assert (warm.n_iter_, len(warm.loss_curve_)) == (6, 6)
    assert full_batches(kind, max_iter=3, **knobs).fit(X, y).fit(X, y).n_iter_ == 3


@both
def test_the_penalty_moves_weights_by_alpha_over_the_batch_and_no_bias(kind, y):
    knobs = {"solver": "sgd", "max_iter": 1, "learning_rate_init": 0.5}
    start = full_batches(kind, **knobs | {"learning_rate_init": 1e-300}).fit(X, y)
    without, under = (full_batches(kind, alpha=alpha, **knobs).fit(X, y) for alpha in (0.0, 3.0))
    moved = under.parameters_ - without.parameters_
    layers = zip(start._network.views(moved), start._network.views(start.parameters_), strict=True)
    for found, own in layers:
        for name, values in found.items():
            expected = 0 if name == "bias" else -0.5 * 3.0 / len(X) * own[name]
            np.testing.assert_allclose(values, expected + 0 * own[name], atol=1e-15)


def test_moments_of_adam_are_the_parameters():
    plain, other = (full_batches(CDClassifier, beta_2=b, max_iter=3) for b in (0.999, 0.5))
    assert not np.allclose(plain.fit(X, Y).parameters_, other.fit(X, Y).parameters_)
    slow = full_batches(CDClassifier, epsilon=1e6, max_iter=3).fit(X, Y)
    start = full_batches(CDClassifier, learning_rate_init=1e-300, max_iter=1).fit(X, Y)
    np.testing.assert_allclose(slow.parameters_, start.parameters_, atol=1e-6)


# When it ends


def test_training_ends_when_the_loss_has_not_got_better_for_long_enough():
    model = full_batches(CDClassifier, tol=1e3, n_iter_no_change=4).fit(X, Y)
    assert model.n_iter_ == 6  # the first is better than nothing
    assert model.best_loss_ == min(model.loss_curve_)
    with pytest.warns(ConvergenceWarning, match=r"^Maximum iterations \(2\) reached"):
        full_batches(CDClassifier, max_iter=2).fit(X, Y)


@both
def test_early_stopping_keeps_the_parameters_of_the_best_epoch(kind, y):
    knobs = QUICK | {"early_stopping": True, "validation_fraction": 0.3, "max_iter": 25}
    model = kind(**knobs, tol=0.0, n_iter_no_change=100).fit(X, y)
    scores = model.validation_scores_
    best = int(np.argmax(scores))
    assert (len(scores), model.best_loss_) == (25, None)
    assert model.best_validation_score_ == scores[best]
    shorter = kind(**knobs | {"max_iter": best + 1}, n_iter_no_change=100).fit(X, y)
    np.testing.assert_array_equal(shorter.parameters_, model.parameters_)
    assert kind(**knobs, tol=2.0, n_iter_no_change=3).fit(X, y).n_iter_ == 5


def test_verbose_says_the_loss_of_each_epoch(capsys):
    model = full_batches(CDClassifier, max_iter=2, verbose=True).fit(X, Y)
    first, second = (f"Iteration {i}, loss = {model.loss_curve_[i - 1]:.8f}\n" for i in (1, 2))
    assert capsys.readouterr().out == first + second


@both
def test_a_fit_that_diverges_leaves_nothing_fitted_and_the_next_begins_anew(kind, y):
    wild = {"solver": "sgd", "learning_rate_init": 1e200}
    for model in (kind(**QUICK), kind(**QUICK).fit(X, y)):
        with pytest.raises(ValueError, match="stopped being finite"):
            model.set_params(**wild).fit(X, y)
        with pytest.raises(NotFittedError):
            model.predict(X)
        tame = {"solver": "adam", "learning_rate_init": 0.03, "warm_start": True}
        again = model.set_params(**tame).fit(X, y)
        np.testing.assert_array_equal(again.parameters_, kind(**QUICK).fit(X, y).parameters_)


def test_a_refused_first_part_binds_no_later_one():
    model = CDClassifier(**QUICK)
    with pytest.raises(ValueError, match="beside those"):
        model.partial_fit(X, Y, classes=[0, 1])
    assert model.partial_fit(X, Y, classes=[0, 1, 2]).classes_.size == 3


@both
def test_an_interrupted_fit_can_be_used(kind, y, monkeypatch):
    epochs = iter(range(5))

    def interrupted(self):
        if next(epochs, None) is None:
            raise KeyboardInterrupt
        epoch(self)

    epoch = Progress.epoch
    monkeypatch.setattr(Progress, "epoch", interrupted)
    model = kind(**QUICK, normalization="batch")
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert model.n_iter_ == 5
    shorter = kind(**QUICK | {"max_iter": 5}, normalization="batch")
    monkeypatch.undo()
    np.testing.assert_array_equal(shorter.fit(X, y).predict(X), model.predict(X))


# Weights of samples


@both
def test_weights_count_as_repetition_does(kind, y):
    often = np.random.default_rng(0).integers(0, 4, len(X))
    repeated = np.repeat(X, often, axis=0), np.repeat(y, often, axis=0)
    for knobs in ({}, {"class_weight": "balanced"} if kind is CDClassifier else {"alpha": 1.0}):
        expected = full_batches(kind, **knobs).fit(*repeated)
        found = full_batches(kind, **knobs).fit(X, y, sample_weight=often)
        np.testing.assert_allclose(found.predict(X), expected.predict(X), rtol=1e-7)
        np.testing.assert_allclose(found.parameters_, expected.parameters_, rtol=1e-6, atol=1e-9)
        assert found.loss_curve_ == pytest.approx(expected.loss_curve_)
    unweighted = full_batches(kind).fit(X, y)
    assert np.abs(unweighted.parameters_ - expected.parameters_).max() > 1e-2


@both
def test_samples_of_no_weight_are_left_out_bit_for_bit(kind, y):
    kept = np.random.default_rng(0).random(len(X)) < 0.5
    knobs = {"batch_size": 16, "shuffle": True, "early_stopping": True, "max_iter": 10}
    expected = full_batches(kind, **knobs).fit(X[kept], y[kept])
    found = full_batches(kind, **knobs).fit(X, y, sample_weight=kept)
    np.testing.assert_array_equal(found.parameters_, expected.parameters_)
    assert found.validation_scores_ == expected.validation_scores_


def test_weights_of_classes_are_weights_of_their_samples():
    few = np.r_[np.flatnonzero(Y == 0), np.flatnonzero(Y == 1)[:20], np.flatnonzero(Y == 2)[:5]]
    some, y = X[few], Y[few]
    balanced = len(y) / (3 * np.bincount(y))
    for given, each in (("balanced", balanced), ({0: 0.5, 2: 4.0}, np.array([0.5, 1.0, 4.0]))):
        found = full_batches(CDClassifier, class_weight=given).fit(some, y)
        expected = full_batches(CDClassifier).fit(some, y, sample_weight=each[y])
        np.testing.assert_allclose(found.parameters_, expected.parameters_, rtol=1e-9)
    plain = full_batches(CDClassifier, max_iter=4).fit(some, y)
    with_weights = full_batches(CDClassifier, max_iter=4, class_weight="balanced").fit(some, y)
    recall = [np.mean(one.predict(some)[y == 2] == 2) for one in (plain, with_weights)]
    assert recall[0] < recall[1]


def test_early_stopping_scores_with_the_weights_of_the_samples():
    knobs = QUICK | {"early_stopping": True, "max_iter": 3}
    weights = np.random.default_rng(0).uniform(0.1, 5, len(X))
    for kind, y, score in ((CDClassifier, Y, accuracy_score), (CDRegressor, Q, r2_score)):
        told: Any = []

        def spied(self, outputs, y, weights, kind=kind, told=told, score=score):
            predicted = outputs.argmax(axis=1) if kind is CDClassifier else outputs
            told.append(score(y, predicted, sample_weight=weights))
            return kind._score(self, outputs, y, weights)

        watched = type("Watched", (kind,), {"_score": spied})(**knobs)
        watched.fit(X, y, sample_weight=weights)
        assert watched.validation_scores_ == pytest.approx(told)


# Quantities


def test_several_quantities_come_from_one_network_as_well_as_from_one_each():
    diabetes = load_diabetes()
    targets = np.stack([diabetes.target, 1e6 - 1e3 * diabetes.target], axis=1)
    model = CDRegressor(**QUICK).fit(diabetes.data * 20, targets)
    found = model.predict(diabetes.data * 20)
    assert found.shape == targets.shape
    assert model.n_outputs_ == 2
    assert r2_score(targets, found, multioutput="raw_values").min() > 0.4
    alone = CDRegressor(**QUICK).fit(diabetes.data * 20, targets[:, 0])
    assert alone.predict(diabetes.data).shape == (442,)


def test_a_change_of_unit_changes_the_predictions_alike_and_no_parameter():
    model = CDRegressor(**QUICK).fit(X, Q)
    scale, shift = np.array([1e-3, 512.0]), np.array([5.0, -1e4])
    other = CDRegressor(**QUICK).fit(X, Q * scale + shift)
    np.testing.assert_allclose(other.parameters_, model.parameters_, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(
        (other.predict(X) - shift) / scale, model.predict(X), rtol=1e-5, atol=1e-6
    )
    assert model.loss_curve_[0] > 0.2
    constant = CDRegressor(**QUICK).fit(X, np.full(len(X), 7.5))
    assert constant.loss_curve_[-1] < 0.1 < constant.loss_curve_[0]


def test_a_first_part_that_is_constant_leaves_the_unit_as_it_is():
    for constant in (0.0, 0.1, 1e6 + 0.1):  # the mean of 0.1's is not 0.1
        model = full_batches(CDRegressor).partial_fit(X, np.full(len(X), constant))
        for _ in range(40):
            model.partial_fit(X, Q[:, 1] + constant)
        assert model.score(X, Q[:, 1] + constant) > 0.5


# Conditions of the layers


def test_conditions_of_a_dense_network_are_those_of_its_matrices_and_inputs():
    model = CDClassifier(**QUICK | {"layer": "dense", "hidden_layer_sizes": (5,)}).fit(X, Y)
    rows = {(row["layer"], row["kind"]): row for row in model.condition_report_}
    assert list(rows) == [(n, kind) for n in (1, 2) for kind in ("weight", "layer_hessian")]
    first, second = (one for one in model._network.views(model.parameters_) if one)
    hidden = np.maximum(X @ first["weight"].T + first["bias"], 0)
    for number, params, x in ((1, first, X), (2, second, hidden)):
        values = np.linalg.svd(params["weight"], compute_uv=False) ** 2
        assert rows[number, "weight"]["kappa"] == pytest.approx(values.max() / values.min())
        moments = np.linalg.eigvalsh(x.T @ x)
        row = rows[number, "layer_hessian"]
        assert row["kappa_nonnull"] == pytest.approx(moments.max() / moments.min(), rel=1e-6)
        assert row["rank"] == row["size"] == params["weight"].size
    assert set(rows[1, "weight"]) == {
        *("layer", "family", "kind", "kappa", "kappa_nonnull", "rank", "size")
    }


def test_conditions_keep_no_samples_and_after_partial_fit_are_of_the_weights_alone():
    model = CDClassifier(**QUICK).fit(np.tile(X, (20, 1)), np.tile(Y, 20))
    assert len(pickle.dumps(model)) < 60_000
    model.partial_fit(X, Y)
    assert {row["kind"] for row in model.condition_report_} == {"weight"}
    assert not hasattr(CDClassifier(), "condition_report_")
