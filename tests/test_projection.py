"""Matrices and trained networks projected to families: what stays, is lost and is refused."""

from typing import Any

import numpy as np
import pytest

from cdbench.config import families
from cdbench.config.matching import Entrant
from cdbench.config.run_config import RunConfig
from cdbench.engine.building import build_network
from cdbench.engine.layers import WeightLayer
from cdbench.errors import ConfigurationError
from cdbench.projection.entrants import (
    ALTERNATING,
    MOST_ALTERNATED,
    WITHOUT,
    entrant,
    every_entrant,
    setting_at,
)
from cdbench.projection.fine_tuning import fine_tuned, samples_for, scored
from cdbench.projection.matrices import project
from cdbench.projection.models import ProjectedModel, Unmatched, project_model
from cdbench.projection.network_matrices import matrices_of_model, moments_of
from cdbench.trained.model import TrainedModel
from tests.trained_models import small_model

ARCHITECTURES: list[dict[str, Any]] = [
    {"dataset": "digits", "hidden": (16, 24)},
    {"dataset": "wine", "hidden": (16,), "normalization": "batch", "dtype": "float32"},
    {"dataset": "digits", "architecture": "residual-mlp", "width": 16, "depth": 2},
    {"dataset": "digits", "architecture": "conv", "channels": (4, 8), "normalization": "layer"},
    {"dataset": "digits", "architecture": "attention", "width": 16, "depth": 1, "heads": 4},
    {"dataset": "wine", "hidden": (16,), "head": "dense"},
]


def matrices(seed=0):
    rng = np.random.default_rng(seed)
    return {"a": rng.normal(size=(32, 48)), "b": 3 * rng.normal(size=(20, 30))}


def dense_twin(model):
    """The dense network with the matrices of a structured one."""
    config = model.config.baseline()
    network = build_network(config, model.n_features, model.n_outputs, model.image)
    flat = np.zeros(network.n_parameters, config.dtype)
    views, own = network.views(flat), model.views()
    for old, new in zip(model.network.weight_layers, network.weight_layers, strict=True):
        layer = new.layer.inner
        W = old.layer.inner.matrix(own[old.position])[: layer.n_out, : layer.n_in]
        views[new.position]["weight"][...] = W
        views[new.position]["bias"][...] = own[old.position]["bias"][: layer.n_out]
    pairs = [
        [
            view
            for layer, view in zip(net.layers, each, strict=True)
            if view and not isinstance(layer, WeightLayer)
        ]
        for net, each in ((model.network, own), (network, views))
    ]
    for old_view, new_view in zip(*pairs, strict=True):
        for name, value in new_view.items():
            value[...] = old_view[name]
    return TrainedModel.of(model, config, None, parameters=flat, product=None)


def test_a_network_whose_matrices_are_members_already_stays_what_it_is():
    for knobs in ARCHITECTURES:
        model, raw, logits = small_model(layer="cdlinear:4", **knobs)
        found = project_model(dense_twin(model), entrant("cdlinear:4"), 0.25, model.config.head)
        assert isinstance(found, ProjectedModel), knobs
        assert found.projection.relative_error < (
            1e-6 if model.config.dtype == "float32" else 1e-14
        )
        bound = 1e-4 if model.config.dtype == "float32" else 1e-10
        np.testing.assert_allclose(found.model.logits(raw), logits, rtol=bound, atol=bound)
        assert found.model.config.model == model.config.model
        assert found.model.run_uuid is None


def test_a_projected_network_has_the_nearest_matrices_and_all_biases():
    model, raw, _ = small_model(dataset="digits", layer="dense", hidden=(16, 24))
    found = project_model(model, entrant("low-rank"), 0.4)
    assert isinstance(found, ProjectedModel)
    before, after = matrices_of_model(model), matrices_of_model(found.model)
    (rank,) = {one.setting.structure["rank"] for one in found.projection.found}
    lost = 0.0
    for name, W in before.items():
        tail = np.linalg.svd(W, compute_uv=False)[rank:]
        np.testing.assert_allclose(
            np.linalg.norm(W - after[name]), np.linalg.norm(tail), atol=1e-10
        )
        lost += float(np.sum(tail**2))
    size = sum(np.sum(W**2) for W in before.values())
    np.testing.assert_allclose(found.projection.relative_error, np.sqrt(lost / size), rtol=1e-10)
    for old, new in zip(
        model.network.weight_layers, found.model.network.weight_layers, strict=True
    ):
        biases = (own.views()[p.position]["bias"] for own, p in ((model, old), (found.model, new)))
        old_bias, new_bias = biases
        assert np.array_equal(old_bias, new_bias[: old.n_out_acting])
        assert old_bias.any()
    assert found.model.logits(raw).shape == (len(raw), 10)


def test_every_family_takes_the_place_of_kernels():
    model, _, _ = small_model(
        dataset="digits", layer="dense", architecture="conv", channels=(8, 8), epochs=1
    )
    before = matrices_of_model(model)
    for text in ("low-rank:1", "block-diagonal:4", "kronecker:1", "monarch:4", "blast:2"):
        found = project_model(model, entrant(text), 0.25)
        assert isinstance(found, ProjectedModel), text
        after = matrices_of_model(found.model)
        for one in found.projection.found:
            lost = np.linalg.norm(before[one.name] - after[one.name])
            error = lost / np.linalg.norm(before[one.name])
            np.testing.assert_allclose(one.relative_error, error, atol=1e-7)
        assert 0 < found.projection.relative_error < 1


def test_sizes_of_a_network_are_matched_as_a_whole_or_told():
    model, _, _ = small_model(dataset="digits", layer="dense", hidden=(32, 32))
    n_dense = sum(W.size for W in matrices_of_model(model).values())
    for one in every_entrant():
        found = project_model(model, one, 0.25)
        if isinstance(found, Unmatched):
            assert one.family == "circulant"
            assert str(found) == "circulant comes nearest with 0.0377"
        else:
            assert abs(found.projection.n_weights / (0.25 * n_dense) - 1) <= 0.12, one
    settled = project_model(model, entrant("cdlinear:2"), 0.25)
    assert isinstance(settled, ProjectedModel)
    assert settled.model.config.B == 2


def test_widths_that_would_be_padded_inside_have_no_setting():
    model, _, _ = small_model(dataset="wine", layer="dense", hidden=(7,))
    found = project_model(model, entrant("cdlinear"), 0.25)
    assert str(found) == "cdlinear has no setting for these widths"


def test_settings_of_a_matrix_are_near_the_budget_and_do_not_pad_much():
    for shape in ((32, 48), (20, 30), (1024, 768), (10, 64), (7, 500)):
        for own in every_entrant():
            for budget in (0.1, 0.25, 0.5):
                setting, n = setting_at(own, shape, budget)
                if setting is not None:
                    assert abs(setting.n_weights / (budget * shape[0] * shape[1]) - 1) <= 0.12
                    assert setting.padded <= 1.3
                    assert setting.n_weights < shape[0] * shape[1]
                else:
                    assert n is None or n > 0
    for shape in ((1024, 768), (1024, 1024), (3072, 768), (4096, 4096)):
        for budget in (0.05, 0.1, 0.25, 0.5):
            setting, _ = setting_at(entrant("low-rank"), shape, budget)
            assert setting is not None
            assert abs(setting.n_weights / (budget * shape[0] * shape[1]) - 1) < 0.026


def test_a_setting_that_is_matched_is_taken_before_one_that_pads_less():
    setting, n = setting_at(entrant("cdlinear"), (30, 50), 0.3)
    assert setting is not None
    assert (setting.structure, n) == ({"B": 4}, 416)  # B = 3 has 510, and pads less


def test_a_size_that_saves_nothing_is_none():
    assert setting_at(entrant("low-rank:24"), (48, 64), 0.25)[0] is not None
    assert setting_at(entrant("low-rank:28"), (48, 64), 0.25) == (None, None)


def test_projections_are_sorted_by_what_is_lost_and_add_up():
    found = project(matrices(), every_entrant(), 0.25)
    full = [one for one in found if len(one.found) == 2]
    errors = [one.relative_error for one in full]
    assert errors == sorted(errors)
    assert len(full) >= 5
    for one in found:
        for each in one.found:
            W = matrices()[each.name]
            own = each.setting.layer.matrix(each.params)[: W.shape[0], : W.shape[1]]
            np.testing.assert_allclose(
                each.relative_error, np.linalg.norm(W - own) / np.linalg.norm(W), rtol=1e-10
            )
        dense = {name: W.size for name, W in matrices().items()}
        for each in one.found:
            dense[each.name] = each.setting.n_weights
        assert one.n_weights == sum(dense.values())


def test_specifications_of_settings_are_read_back_as_themselves():
    for one in project(matrices(), every_entrant(), 0.25):
        for each in one.found:
            setting = each.setting
            name, given = families.parse(setting.specification)
            assert name == setting.family
            n_out, n_in = setting.layer.n_out, setting.layer.n_in
            again = families.family(name).build(n_in, n_out, {**setting.structure, **given})
            assert again.weight_shapes == setting.layer.weight_shapes


def test_matrices_of_zeros_lose_nothing():
    (found,) = project({"a": np.zeros((8, 8))}, [entrant("low-rank")], 0.25)
    assert found.relative_error == 0.0


def test_what_takes_minutes_is_done_for_those_who_ask():
    W = np.random.default_rng(0).normal(size=(257, 256))
    assert W.size > MOST_ALTERNATED
    every = [entrant("blast"), entrant("low-rank")]
    found = {str(one.entrant): one for one in project({"w": W}, every, 0.25, asked=False)}
    assert found["blast"].too_long == ("w",)
    assert found["blast"].n_weights == W.size
    assert found["low-rank"].too_long == ()


def test_families_are_those_whose_nearest_members_are_found():
    names = {one.family for one in every_entrant()}
    assert names | WITHOUT | {"dense"} == set(families.FAMILIES)
    assert names >= ALTERNATING
    assert entrant("block-diagonal,basis=dct") == Entrant("block-diagonal", (("basis", "dct"),))
    assert entrant("monarch:8,inner=4").is_settled
    assert not entrant("monarch,inner=4").is_settled
    for own in (*every_entrant(), entrant("monarch:8,inner=4"), entrant("cdlinear:8")):
        assert entrant(str(own)) == own
    for text, message in (
        ("dense", "layer = dense: every matrix is dense as it is; expected a family with fewer "
         "weights"),
        ("acdc", "layer = acdc: nobody knows how to find its nearest member; expected cdlinear, "
         "low-rank, block-diagonal, kronecker, monarch, circulant, toeplitz-like, blast, spectral"),
    ):  # fmt: skip
        with pytest.raises(ConfigurationError) as caught:
            entrant(text)
        assert str(caught.value) == message


def test_budgets_that_no_family_meets_are_refused_with_what_comes_nearest():
    for budget, message in (
        (1.0, "budget = 1: expected a share of the weights above 0, below 1, such as 0.25"),
        (-1, "budget = -1: expected a share of the weights above 0, below 1, such as 0.25"),
        (0.001, "budget = 0.001: no family has a size within 12% of this share of a matrix's "
         "weights; nearest come low-rank of a with 0.0521, low-rank of b with 0.0833; expected a "
         "--budget near one of these, or --layer with a size, such as low-rank:1"),
    ):  # fmt: skip
        with pytest.raises(ConfigurationError) as caught:
            project(matrices(), [entrant("low-rank")], budget)
        assert str(caught.value) == message


def test_training_on_from_the_projection_wins_back_what_was_lost():
    model, _, _ = small_model(dataset="digits", layer="dense", hidden=(32,), epochs=5)
    samples = samples_for(model, "digits", epochs=3)
    found = project_model(model, entrant("cdlinear:4"), 0.25)
    assert isinstance(found, ProjectedModel)
    kept = found.model.parameters.copy()
    before, projected = scored(model, samples), scored(found.model, samples)
    tuned = fine_tuned(found.model, samples)
    after = scored(tuned, samples)
    assert projected.loss > before.loss
    assert after.loss < projected.loss
    assert np.array_equal(found.model.parameters, kept)  # which stay as they were
    assert tuned.config == RunConfig(**{**vars_of(found.model.config), "epochs": 3})


def vars_of(config):
    return {name: getattr(config, name) for name in config.__dataclass_fields__}


def test_scores_are_those_of_the_run_on_its_own_test_split():
    for knobs in ARCHITECTURES[:2]:
        model, _, _ = small_model(layer="dense", **knobs)
        samples = samples_for(model, knobs["dataset"])
        raw: Any = samples.dataset._sides(model.config.seed, 0.0)[1][0]
        logits, y = model.logits(raw), samples.split.y_test
        assert scored(model, samples).accuracy == np.mean(logits.argmax(axis=1) == y)


def test_data_that_the_network_does_not_take_are_refused():
    model, _, _ = small_model(dataset="iris", layer="dense")
    with pytest.raises(ConfigurationError) as caught:
        samples_for(model, "wine")
    assert str(caught.value) == (
        "--fine-tune wine: has 13 features and 3 outputs; expected the 4 and 3 of the model, which "
        "was trained on iris, and the same classes"
    )


def test_moments_make_least_what_changes_at_the_outputs_of_layers():
    for knobs in ({"hidden": (16, 24)}, ARCHITECTURES[2], ARCHITECTURES[4]):
        model, _, _ = small_model(layer="dense", **{"dataset": "digits", **knobs})
        X = samples_for(model, "digits").split.X_train[:200]
        moments = moments_of(model, X)
        plain, weighted = (
            project_model(model, entrant("cdlinear:4"), 0.25, moments=own)
            for own in (None, moments)
        )
        assert isinstance(plain, ProjectedModel)
        assert isinstance(weighted, ProjectedModel)
        entering = model.network.inputs(model.views(), X, model.context)
        W = matrices_of_model(model)
        for own, place in zip(weighted.projection.found, model.network.weight_layers, strict=True):
            x = entering[place.position][:, : W[own.name].shape[1]]
            lost = {}
            for kind, other in (("plain", plain), ("weighted", weighted)):
                rest = W[own.name] - matrices_of_model(other.model)[own.name]
                lost[kind] = np.linalg.norm(x @ rest.T) / np.linalg.norm(x @ W[own.name].T)
            assert own.relative_error == pytest.approx(lost["weighted"], rel=1e-6)
            assert lost["weighted"] < 0.999 * lost["plain"], (own.name, lost)
