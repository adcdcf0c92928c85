"""What the estimators for scikit-learn refuse, and the parts that they are made of."""

import inspect
import re
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import NotFittedError

from cdbench.config.families import FAMILIES
from cdbench.config.run_config import RunConfig
from cdbench.engine.building import build_network
from cdbench.sklearn import CDClassifier, CDRegressor
from cdbench.sklearn.initial import degree, to_glorot

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(30, 4)), np.arange(30) % 3
ESTIMATORS = [CDClassifier, CDRegressor]
QUICK: Any = {"hidden_layer_sizes": (8,), "max_iter": 2, "random_state": 0}


def message(call) -> str:
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text.strip()
    return text


def test_a_text_is_not_the_class_of_the_number_that_it_spells():
    model = CDClassifier(**QUICK).partial_fit(X, Y, classes=range(12))
    assert message(lambda: model.partial_fit(X[:3], ["10", "2", "3"])) == (
        "y has classes ['10', '2', '3'] beside those of the first call, [0, 1, 2, 3, 4, …]; "
        "expected none: name all in the first partial_fit(X, y, classes=…)"
    )
    model.partial_fit(X[:3], [10.0, 2.0, 3.0])


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_sparse_samples_are_refused_with_what_to_do(kind):
    expected = (
        "Sparse data was passed for X, but dense data is required. Use '.toarray()' to convert to "
        "a dense numpy array."
    )
    assert message(lambda: kind(**QUICK).fit(csr_array(X), Y)) == expected
    assert message(lambda: kind(**QUICK).partial_fit(csr_array(X), Y, None)).startswith(
        "Sparse data" if kind is CDRegressor else "classes must be passed on the first call"
    )


def test_classes_that_the_first_call_did_not_name_are_refused():
    model = CDClassifier(**QUICK).partial_fit(X, Y, classes=[0, 1, 2])
    assert message(lambda: model.partial_fit(X, Y + 2)) == (
        "y has classes [3, 4] beside those of the first call, [0, 1, 2]; expected none: name all "
        "in the first partial_fit(X, y, classes=…)"
    )
    assert message(lambda: model.partial_fit(X, Y, classes=[0, 1])) == (
        "classes = [0, 1] is not the same as on the last call, [0, 1, 2]; expected the same, or "
        "none"
    )
    assert message(lambda: CDClassifier().partial_fit(X, Y)) == (
        "classes must be passed on the first call to partial_fit."
    )
    many = CDClassifier(**QUICK).partial_fit(X, Y, classes=list(range(7)))
    assert many.predict_proba(X).shape == (30, 7)
    assert "[0, 1, 2, 3, 4, …]; expected none" in message(lambda: many.partial_fit(X, Y + 5))
    warm = CDClassifier(**QUICK | {"warm_start": True, "tol": 1e3, "n_iter_no_change": 1})
    warm.set_params(max_iter=9).fit(X, Y)
    assert message(lambda: warm.fit(X, Y + 1)).startswith("y has classes [3] beside those of the")


def test_what_goes_by_all_epochs_or_all_samples_is_refused_in_parts():
    classes = [0, 1, 2]
    for knobs, expected in (
        ({"early_stopping": True}, "partial_fit does not support early_stopping=True"),
        (
            {"learning_rate": "cosine"},
            "partial_fit does not support learning_rate='cosine', which falls over the epochs of "
            "one fit; expected learning_rate='constant'",
        ),
        (
            {"class_weight": "balanced"},
            "partial_fit does not support class_weight='balanced', which needs all samples; "
            "expected a dict, or sample_weight",
        ),
    ):
        model = CDClassifier(**QUICK, **knobs)
        assert message(lambda model=model: model.partial_fit(X, Y, classes=classes)) == expected


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_parameters_that_do_not_fit_each_other_are_told_by_their_names_here(kind):
    for knobs, expected in (
        (
            {"layer": "cdlinear:16"},
            "B = 16 is larger than the widest hidden layer and would pad it from 8 to 16; expected "
            "B from 1 to 8, or a wider hidden_layer_sizes",
        ),
        (
            {"hidden_layer_sizes": [8.5]},
            "hidden_layer_sizes = 8.5: expected a whole number",
        ),
        (
            {"hidden_layer_sizes": [[8, 8]]},
            "hidden_layer_sizes = [8, 8]: expected a whole number",
        ),
        ({"hidden_layer_sizes": ()}, "hidden_layer_sizes = (): expected at least one width"),
        (
            {"layer": "low-rank:4", "fisher_weight": 0.1},
            "fisher_weight was given with layer low-rank, which has no circulant blocks to "
            "regularise; expected layer cdlinear, or fisher_weight 0",
        ),
        (
            {"layer": "monarc"},
            f"unknown layer 'monarc'; did you mean monarch? (known: {', '.join(sorted(FAMILIES))})",
        ),
    ):
        assert message(lambda knobs=knobs: kind(**QUICK | knobs).fit(X, Y)) == expected


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_what_cannot_be_weighed_held_out_or_trained_is_refused(kind):
    fit = kind(**QUICK).fit
    assert "eight" in message(lambda: fit(X, Y, np.zeros(30)))  # newer scikit-learns' own words
    assert "egative" in message(lambda: fit(X, Y, -np.ones(30)))
    few = kind(**QUICK, early_stopping=True, validation_fraction=1e-3)
    assert "1" in message(lambda: few.fit(X, Y))
    if kind is CDClassifier:
        alone = np.where(np.arange(30) == 7, "alone", "many")
        assert "alone" in message(lambda: kind(**QUICK, early_stopping=True).fit(X, alone))
    explosive = kind(**QUICK | {"solver": "sgd", "learning_rate_init": 1e200})
    assert message(lambda: explosive.fit(X, Y)) == (
        "the training loss stopped being finite in epoch 2; expected a smaller "
        "learning_rate_init, or features of a smaller scale, as after StandardScaler"
    )
    with pytest.raises(NotFittedError):
        kind().predict(X)
    with pytest.raises(ValueError, match="The 'dropout' parameter of"):
        kind(dropout=1.0).fit(X, Y)


def test_weights_of_classes_that_there_are_not_are_refused():
    given = {5: 1.0}
    assert message(lambda: CDClassifier(**QUICK, class_weight=given).fit(X, Y)) == (
        "class_weight has classes [5], which y does not have; expected finite weights of 0 or more "
        "for [0, 1, 2]"
    )
    nothing = dict.fromkeys(range(3), 0)
    assert message(lambda: CDClassifier(**QUICK, class_weight=nothing).fit(X, Y)) == (
        "all samples have weight 0; expected some with more"
    )
    for value in (-1.0, np.nan, np.inf, "much"):
        wrong = {0: value}
        assert message(lambda wrong=wrong: CDClassifier(class_weight=wrong).fit(X, Y)) == (
            f"class_weight has a weight {value}; expected finite weights of 0 or more for [0, 1, 2]"
        )


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_another_network_is_refused_where_the_last_one_goes_on():
    for name, value in (
        ("layer", "dense"),
        ("layer", "cdlinear:2"),
        ("hidden_layer_sizes", (8, 8)),
        ("activation", "tanh"),
        ("normalization", "batch"),
        ("dropout", 0.5),
        ("head", "structured"),
    ):
        model = CDClassifier(**QUICK | {"warm_start": True}).fit(X, Y).set_params(**{name: value})
        expected = (
            f"{name} was changed since the last call, whose network warm_start and partial_fit go "
            "on with; expected it as it was, or a fit with warm_start=False"
        )
        for call in (model.fit, model.partial_fit):
            assert message(lambda call=call: call(X, Y)) == expected
        model.set_params(warm_start=False).fit(X, Y).set_params(warm_start=True).fit(X, Y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_another_number_of_quantities_is_refused():
    model = CDRegressor(**QUICK).fit(X, X[:, :2])
    assert message(lambda: model.partial_fit(X, X[:, :3])) == (
        "y has 3 quantities, but CDRegressor was fitted to 2; expected as many"
    )


def test_both_say_what_each_of_their_parameters_is_and_its_default():
    for kind in ESTIMATORS:
        text = inspect.getdoc(kind) or ""
        assert "{" not in re.sub(r"\{(\"[\w-]+\"(, )?)+\}", "", text)
        own = inspect.signature(kind).parameters
        assert set(own) == set(kind._parameter_constraints)
        for name, parameter in own.items():
            found = re.search(rf"^(\w+, )?{name}(, \w+)? : .*default=(.*)$", text, re.MULTILINE)
            assert found, name
            default = repr(parameter.default).replace("'", '"')
            assert default in found[3] or f"{parameter.default:g}" in found[3], name
    shared = inspect.signature(CDRegressor).parameters
    own = inspect.signature(CDClassifier).parameters
    assert {name: own[name].default for name in shared} == {
        name: one.default for name, one in shared.items()
    }


DEGREES = {"low-rank": 2, "kronecker": 2, "monarch": 2, "toeplitz-like": 2, "blast": 3, "acdc": 16}


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {"ldr-sd"}))
def test_initial_weights_have_the_variance_of_glorot_and_bengio(family):
    network = build_network(RunConfig(layer=family, hidden=(64,)), 64, 10)
    place = network.weight_layers[0]
    squares = []
    for seed in range(25):
        parameters = network.initial_parameters(np.random.default_rng(seed))
        own = network.views(parameters)[place.position]
        before = place.layer.matrix(own).copy()
        assert degree(place.layer, own) == DEGREES.get(family, 1)
        to_glorot(network, parameters)
        W = place.layer.matrix(own)
        np.testing.assert_allclose(W, np.sqrt(0.5) * before, rtol=1e-9, atol=1e-12)
        squares.append(np.mean(W**2))
        assert not own["bias"].any()
    # Of products of many weights the mean square is found slowly.
    assert np.mean(squares) == pytest.approx(2 / 128, rel=0.3 if family == "acdc" else 0.1)


def test_weights_whose_products_have_several_lengths_stay_as_drawn():
    network = build_network(RunConfig(layer="ldr-sd", hidden=(16,), head="dense"), 8, 10)
    parameters = network.initial_parameters(np.random.default_rng(0))
    before = network.views(parameters.copy())
    to_glorot(network, parameters)
    after = network.views(parameters)
    first, last = (place.position for place in network.weight_layers)
    assert degree(network.weight_layers[0].layer, after[first]) is None
    for name, values in after[first].items():
        np.testing.assert_array_equal(values, before[first][name])
    np.testing.assert_allclose(after[last]["weight"], before[last]["weight"] * np.sqrt(16 / 26))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_paper_own_initial_weights_can_be_had():
    variances = {}
    for initialization in ("he", "glorot"):
        model = CDClassifier(
            (400,),
            layer="dense",
            initialization=initialization,
            learning_rate_init=1e-300,
            max_iter=1,
            random_state=0,
        ).fit(X, Y)
        variances[initialization] = np.var(model.parameters_[: 4 * 400])
    assert variances["he"] == pytest.approx(2 / 4, rel=0.1)
    assert variances["glorot"] == pytest.approx(2 / 404, rel=0.1)
