"""Training: the recipe followed step by step, the random streams, and divergence."""

import tracemalloc
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from cdbench.config.checks import FISHER_FORMS, INPUT_TRANSFORMS, OPTIMIZER_NAMES
from cdbench.config.run_config import RunConfig
from cdbench.datasets import DATASETS
from cdbench.engine import trainer, training
from cdbench.engine.building import build_network
from cdbench.engine.layers import EVALUATION, CDLinear, Dense
from cdbench.engine.losses import softmax_cross_entropy
from cdbench.engine.network import Network
from cdbench.engine.products import PRODUCTS
from cdbench.engine.regularizers import REGULARIZERS, add_fisher
from cdbench.engine.split import Split
from cdbench.engine.step_sizes import learning_rates
from cdbench.engine.trainer import Trainer
from cdbench.engine.training import train
from cdbench.errors import DivergenceError


def begun(**knobs):
    """What a training on digits starts from: network, initial parameters, split, configuration."""
    config = RunConfig(**knobs)
    assert config.input is not None
    data = DATASETS["digits"]()
    network = build_network(config, data.n_features, data.n_classes)
    flat = network.initial_parameters(np.random.default_rng(config.seed), config.dtype)
    return network, flat, data.split(config.seed, config.dtype, config.input), config


def evaluate(network, flat, X, y, context=EVALUATION):
    """Mean cross-entropy and accuracy, as the layers one by one give them."""
    logits, _ = network.forward(network.views(flat), X, context)
    loss, _ = softmax_cross_entropy(logits, y)
    return loss, float(np.mean(logits.argmax(axis=1) == y))


def trained(**knobs):
    """Epochs and final parameters of one training on digits."""
    network, flat, split, config = begun(**knobs)
    return list(train(network, flat, split, config)), flat


def of_dense(flat, network, dense):
    """Parameters of a network of 1 × 1 blocks, as those of the dense one it is."""
    moved = np.empty(dense.n_parameters)
    for own, theirs in zip(network.views(flat), dense.views(moved), strict=True):
        for name, value in own.items():
            theirs["weight" if name == "c" else name][...] = value.reshape(
                value.shape[:2] if name == "c" else value.shape
            )
    return moved


def losses(epochs):
    return [(m.training_loss, m.test_loss, m.test_accuracy) for m in epochs]


@pytest.mark.parametrize("knobs", [{"layer": "dense"}, {"B": 4}, {"B": 5}])
def test_training_is_the_recipe_written_out(knobs):
    config = RunConfig(epochs=2, seed=1, **knobs)
    network = build_network(config, 64, 10)
    split = DATASETS["digits"]().split(1)
    theta = network.initial_parameters(np.random.default_rng(1))
    order, v = np.random.default_rng(1), np.zeros_like(theta)
    expected = []
    for _ in range(2):
        permutation, seen = order.permutation(1437), []
        for start in range(0, 1437, 64):
            batch = permutation[start : start + 64]
            g = np.zeros_like(theta)
            logits, pullback = network.forward(network.views(theta), split.X_train[batch])
            loss, dlogits = softmax_cross_entropy(logits, split.y_train[batch])
            pullback(dlogits, network.views(g))
            v = 0.9 * v - 0.1 * g
            theta += v
            seen.append(loss)
        assert len(seen) == 23
        expected.append(np.mean(seen))
    epochs, flat = trained(epochs=2, seed=1, **knobs)
    assert [m.epoch for m in epochs] == [1, 2]
    np.testing.assert_allclose([m.training_loss for m in epochs], expected, rtol=1e-12)
    np.testing.assert_allclose(flat, theta, rtol=0, atol=1e-12)
    loss, accuracy = evaluate(network, flat, split.X_test, split.y_test)
    assert (epochs[-1].test_loss, epochs[-1].test_accuracy) == (loss, accuracy)


def test_blocks_of_size_one_train_as_dense_does():
    dense, dense_flat = trained(layer="dense")
    blocks, blocks_flat = trained(B=1)
    networks = (begun(B=1)[0], begun(layer="dense")[0])
    # Rounding differences of 1e-16 grow to less than 1e-12 over the 575 steps.
    np.testing.assert_allclose(losses(blocks), losses(dense), rtol=1e-9)
    np.testing.assert_allclose(of_dense(blocks_flat, *networks), dense_flat, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "knobs",
    [
        {"layer": "dense"},
        {"B": 3},
        {"dropout": 0.2},
        {"fisher_weight": 1e-4},
        {"normalization": "batch", "input": "whiten", "learning_rate_scaling": "weight-space"},
    ],
)
def test_same_seed_gives_the_same_numbers_exactly(knobs):
    first, first_flat = trained(epochs=3, **knobs)
    second, second_flat = trained(epochs=3, **knobs)
    assert losses(first) == losses(second)
    np.testing.assert_array_equal(first_flat, second_flat)


@pytest.mark.parametrize("product", ["polygon", "fft"])
@pytest.mark.parametrize(
    "knobs",
    [
        {"B": 4, "epochs": 25},
        {"B": 3, "epochs": 2, "dropout": 0.2, "fisher_weight": 1e-4},
        {"B": 5, "epochs": 2, "normalization": "batch", "input": "whiten"},
        {"B": 8, "epochs": 2, "normalization": "layer", "learning_rate_scaling": "weight-space"},
        {"B": 20, "epochs": 2, "optimizer": "adam", "hidden": (40,)},
    ],
    ids=str,
)
def test_every_product_trains_as_the_gathered_one(product, knobs):
    # Rounding differences of 1e-16 grow to less than 1e-12 over the 575 steps of 25 epochs.
    gathered, gathered_flat = trained(product="gather", **knobs)
    epochs, flat = trained(product=product, **knobs)
    np.testing.assert_allclose(losses(epochs), losses(gathered), rtol=1e-9)
    np.testing.assert_allclose(flat, gathered_flat, rtol=0, atol=1e-9)
    assert (flat != gathered_flat).any()  # it was another way


@pytest.mark.parametrize("product", ["polygon", "fft"])
@pytest.mark.parametrize("B", [3, 4, 20])
def test_every_product_trains_in_float32(product, B):
    # As above; differences begin at 1e-7.
    knobs = {"dtype": "float32", "epochs": 3, "B": B}
    gathered, gathered_flat = trained(product="gather", **knobs)
    epochs, flat = trained(product=product, **knobs)
    assert flat.dtype == np.float32
    for metrics, expected in zip(epochs, gathered, strict=True):
        assert metrics.training_loss == pytest.approx(expected.training_loss, rel=1e-4)
        assert metrics.test_loss == pytest.approx(expected.test_loss, rel=1e-4)
    np.testing.assert_allclose(flat, gathered_flat, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    "knobs", [{"layer": "dense"}, *({"B": 20, "product": product} for product in PRODUCTS)], ids=str
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_epochs_after_the_first_hold_less_new_memory_than_one_batch_of_activations(knobs, dtype):
    # The last batch is a short one: 1437 samples are 1000 and 437.
    knobs = {"epochs": 3, "batch_size": 1000, "hidden": (100, 100), "dropout": 0.1} | knobs
    network, flat, split, config = begun(dtype=dtype, **knobs)
    epochs = train(network, flat, split, config)
    next(epochs)
    tracemalloc.start()
    try:
        next(epochs), next(epochs)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1000 * 100 * flat.itemsize / 2


def test_another_seed_gives_other_numbers():
    assert losses(trained(epochs=1)[0]) != losses(trained(epochs=1, seed=1)[0])


@pytest.mark.parametrize("knobs", [{"layer": "dense"}, {"B": 3}])
def test_dropout_changes_no_other_draw(knobs):
    off, off_flat = trained(epochs=3, **knobs)
    on, on_flat = trained(epochs=3, dropout=1e-300, **knobs)  # draws, and drops nothing
    assert losses(on) == losses(off)
    np.testing.assert_array_equal(on_flat, off_flat)
    assert losses(trained(epochs=3, dropout="alpha-cd", **knobs)[0]) != losses(off)


def test_every_knob_of_the_steps_reaches_the_training():
    plain = losses(trained(epochs=2, optimizer="adamw")[0])
    for knobs in (
        *({"schedule": "cosine"}, {"warmup": 0.2}, {"clip": 1e-3}, {"weight_decay": 0.5}),
        {"label_smoothing": 0.2},
    ):
        assert losses(trained(epochs=2, optimizer="adamw", **knobs)[0]) != plain, knobs
    assert losses(trained(epochs=2, optimizer="adamw", clip=1e9)[0]) == plain


@pytest.mark.parametrize(
    "knobs",
    [
        *({"optimizer": name} for name in OPTIMIZER_NAMES),
        {"layer": "dense"},
        {"B": 3, "dropout": 0.0118},
        {"normalization": "layer"},
        {"normalization": "batch", "B": 5},
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_training_lowers_the_loss_in_either_dtype(knobs, dtype):
    epochs, flat = trained(epochs=4, dtype=dtype, **knobs)
    assert flat.dtype == dtype
    assert all(later.training_loss < m.training_loss for m, later in pairwise(epochs))
    assert epochs[-1].test_accuracy > 0.7


def test_float32_follows_float64_to_its_own_rounding():
    wide, narrow = trained(epochs=3)[0], trained(epochs=3, dtype="float32")[0]
    np.testing.assert_allclose(
        [m.training_loss for m in narrow], [m.training_loss for m in wide], rtol=1e-4
    )


@pytest.mark.parametrize("form", FISHER_FORMS)
@pytest.mark.parametrize("B", [3, 4])
def test_fisher_adds_its_gradient_to_the_generators_of_every_layer(form, B):
    config = RunConfig(B=B, fisher_weight=1e-2, fisher_form=form, fisher_epsilon=0.1)
    network = build_network(config, 64, 10)
    flat = network.initial_parameters(np.random.default_rng(0))
    gradient = np.ones_like(flat)
    params, grads = network.views(flat), network.views(gradient)
    total = add_fisher(network, params, grads, config)
    expected = 0.0
    for place in network.weight_layers:
        own, own_grads = params[place.position], grads[place.position]
        value, slope = REGULARIZERS[form](own["c"], 1e-2, 0.1)
        expected += value
        np.testing.assert_allclose(own_grads["c"], 1 + slope, rtol=1e-15)
        assert (own_grads["bias"] == 1).all()
    assert total == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("form", FISHER_FORMS)
def test_fisher_moves_the_training_and_is_no_part_of_the_reported_loss(form):
    off, off_flat = trained(epochs=1, batch_size=2000)
    on, on_flat = trained(epochs=1, batch_size=2000, fisher_weight=1e-4, fisher_form=form)
    assert on[0].training_loss == off[0].training_loss  # seen before the only update
    assert (on_flat != off_flat).any()


@pytest.mark.parametrize("normalization", ["none", "layer", "batch"])
def test_one_weight_space_step_divides_that_of_c_by_the_block_size_and_no_other(normalization):
    knobs = {"epochs": 1, "batch_size": 2000, "normalization": normalization}
    network, start, _, _ = begun(**knobs)
    raw = network.views(trained(**knobs)[1] - start)
    scaled = network.views(trained(**knobs, learning_rate_scaling="weight-space")[1] - start)
    for plain, divided in zip(raw, scaled, strict=True):
        for name, step in plain.items():
            factor = 1 / 4 if name == "c" else 1
            np.testing.assert_allclose(divided[name], factor * step, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_raw_step_is_one_plain_number_and_others_are_in_the_runs_dtype(dtype):
    network, flat, _, config = begun(dtype=dtype)
    assert type(learning_rates(network, config)) is float
    rates = learning_rates(network, replace(config, learning_rate_scaling="weight-space"))
    assert (np.shape(rates), np.asarray(rates).dtype) == (flat.shape, dtype)


@pytest.mark.parametrize("B", [2, 3, 4])
def test_weight_space_step_is_the_dense_step_projected_on_block_circulant_matrices(B):
    rng, n_in, n_out = np.random.default_rng(0), 2 * B, 3 * B
    x, y = rng.normal(size=(20, n_in)), rng.integers(n_out, size=20)
    split = Split(x, y, x, y)
    config = RunConfig(B=B, learning_rate_scaling="weight-space", epochs=1, batch_size=20)
    blocks, dense = CDLinear(n_in, n_out, B), Dense(n_in, n_out)
    theta = rng.normal(size=Network([blocks]).n_parameters)
    W = blocks.matrix(Network([blocks]).views(theta)[0])
    weights = np.zeros(Network([dense]).n_parameters)
    Network([dense]).views(weights)[0]["weight"][...] = W
    weights[-n_out:] = theta[-n_out:]
    moved = []
    for layer, flat in ((blocks, theta), (dense, weights)):
        list(train(Network([layer]), flat, split, config))
        moved.append(layer.matrix(Network([layer]).views(flat)[0]) - W)
    nearest = np.empty_like(W)
    for k, m in np.ndindex(W.shape):
        i, j = k // B * B, m // B * B
        diagonal = [moved[1][i + (k + s) % B, j + (m + s) % B] for s in range(B)]
        nearest[k, m] = np.mean(diagonal)
    np.testing.assert_allclose(moved[0], nearest, rtol=1e-9, atol=1e-15)
    assert np.linalg.norm(moved[1] - nearest) > 0.1 * np.linalg.norm(nearest)


@pytest.mark.parametrize(
    ("transform", "normalization"),
    [
        *((transform, "none") for transform in INPUT_TRANSFORMS),
        *(("none", normalization) for normalization in ("layer", "batch")),
    ],
)
def test_network_learns_behind_every_transform_and_normalization(transform, normalization):
    knobs = {"input": transform, "normalization": normalization}
    epochs, _ = trained(epochs=8, learning_rate_scaling="weight-space", **knobs)
    assert epochs[-1].test_accuracy > 0.85


def test_batch_normalization_is_evaluated_with_the_statistics_of_each_epochs_end():
    network, flat, split, config = begun(epochs=3, normalization="batch", B=3)
    for metrics in train(network, flat, split, config):
        context = network.evaluation(network.views(flat), split.X_train)
        found = evaluate(network, flat, split.X_test, split.y_test, context)
        assert found == (metrics.test_loss, metrics.test_accuracy)
        assert context is not EVALUATION


@pytest.mark.parametrize("normalization", ["none", "batch"])
@pytest.mark.parametrize("product", PRODUCTS)
def test_trainer_binds_one_pass_for_each_size_of_batch(product, normalization, monkeypatch):
    bound = []

    class Counted(trainer.Pass):
        def __init__(self, of, X, n_samples, context):
            super().__init__(of, X, n_samples, context)
            bound.append((context.training, n_samples))

    monkeypatch.setattr(trainer, "Pass", Counted)
    monkeypatch.setattr(trainer, "EVALUATED", 2**14)
    network, flat, split, config = begun(
        epochs=3, batch_size=250, B=4, product=product, normalization=normalization
    )
    list(train(network, flat, split, config))
    # 1437 samples are five times 250 and 187; 360 are 256 at a time, and 104.
    of_training = [(True, 250), (True, 187)]
    of_evaluation = [(False, 256), (False, 104)]
    # Statistics are those of an epoch's end, so that what has them is bound again.
    again = 3 if normalization == "batch" else 1
    assert bound == of_training + of_evaluation * again


@pytest.mark.parametrize("normalization", ["none", "batch"])
@pytest.mark.parametrize("product", PRODUCTS)
def test_evaluation_at_any_time_is_that_of_the_parameters_then(product, normalization):
    network, flat, split, config = begun(
        batch_size=500, B=4, product=product, normalization=normalization, dropout=0.1
    )
    disturbed = Trainer(network, flat, split, config)
    for number, batch in enumerate(disturbed.batches(np.arange(1437)), 1):
        found = [disturbed.evaluate()[0] for _ in range(2)]
        assert found[0] == found[1]
        context = network.evaluation(network.views(flat), split.X_train)
        expected = evaluate(network, flat, split.X_test, split.y_test, context)
        assert found[0][0][:2] == pytest.approx(expected, rel=1e-12)
        disturbed.step(number, batch)
    again, fresh, _, _ = begun(
        batch_size=500, B=4, product=product, normalization=normalization, dropout=0.1
    )
    undisturbed = Trainer(again, fresh, split, config)
    for number, batch in enumerate(undisturbed.batches(np.arange(1437)), 1):
        undisturbed.step(number, batch)
    np.testing.assert_array_equal(flat, fresh)


@pytest.mark.parametrize(
    "knobs",
    [
        {"product": "gather"},
        {"product": "polygon"},
        {"product": "fft", "B": 3},
        {"layer": "dense"},
        {"normalization": "batch", "dropout": 0.1},
    ],
    ids=str,
)
def test_hook_sees_each_batch_ahead_of_its_update_and_changes_nothing(knobs):
    knobs |= {"epochs": 2, "batch_size": 500}
    network, flat, split, config = begun(**knobs)
    initial, seen = flat.copy(), []
    epochs = list(
        train(network, flat, split, config, lambda *batch: seen.append((*batch, flat.copy())))
    )
    assert [batch[:2] for batch in seen] == [(e, s) for e in (1, 2) for s in (1, 2, 3)]
    assert [len(x) for _, _, x, _ in seen] == [500, 500, 437] * 2
    permutation = np.random.default_rng(config.seed).permutation(1437)
    np.testing.assert_array_equal(
        np.concatenate([x for _, _, x, _ in seen[:3]]), split.X_train[permutation]
    )
    np.testing.assert_array_equal(seen[0][3], initial)
    assert all((before[3] != after[3]).any() for before, after in pairwise(seen))
    unseen, unseen_flat = trained(**knobs)
    assert losses(epochs) == losses(unseen)
    np.testing.assert_array_equal(flat, unseen_flat)


def test_time_of_the_hook_is_no_time_of_the_training(monkeypatch):
    network, flat, split, config = begun(epochs=1, batch_size=500)
    clock_s = [0.0]
    monkeypatch.setattr(training, "time", SimpleNamespace(perf_counter=lambda: clock_s[-1]))
    (metrics,) = train(network, flat, split, config, lambda *batch: clock_s.append(clock_s[-1] + 9))
    assert clock_s[-1] == 27
    assert metrics.duration_s == 0


def first_loss_that_is_not_finite(network, flat, split, config):
    """(epoch, step), by the recipe written out; the test loss counts as that of the last step."""
    order, v = np.random.default_rng(config.seed), np.zeros_like(flat)
    with np.errstate(all="ignore"):
        for epoch in range(1, config.epochs + 1):
            permutation = order.permutation(len(split.y_train))
            starts = range(0, len(permutation), config.batch_size)
            for step, start in enumerate(starts, 1):
                batch = permutation[start : start + config.batch_size]
                logits, pullback = network.forward(network.views(flat), split.X_train[batch])
                loss, dlogits = softmax_cross_entropy(logits, split.y_train[batch])
                if not np.isfinite(loss):
                    return epoch, step
                gradient = np.zeros_like(flat)
                pullback.to_parameters(dlogits, network.views(gradient))
                v = config.momentum * v - config.learning_rate * gradient
                flat += v
            if not np.isfinite(evaluate(network, flat, split.X_test, split.y_test)[0]):
                return epoch, step
    raise AssertionError("all losses are finite")


@pytest.mark.parametrize(
    "knobs", [{"layer": "dense"}, *({"B": 4, "product": product} for product in PRODUCTS)], ids=str
)
@pytest.mark.parametrize(
    ("rate", "size", "place"),
    [(1e200, 64, (1, 2)), (1e60, 64, (1, 3)), (1e60, 800, (1, 2)), (1e60, 2000, (2, 1))],
    ids=str,
)
@pytest.mark.parametrize("hooked", [False, True])
def test_divergence_names_epoch_and_step(knobs, rate, size, place, hooked):
    network, flat, split, config = begun(learning_rate=rate, batch_size=size, **knobs)
    assert first_loss_that_is_not_finite(network, flat.copy(), split, config) == place
    seen = []
    hook = (lambda epoch, step, x: seen.append((epoch, step))) if hooked else None
    with pytest.raises(DivergenceError, match=rf"epoch {place[0]}, step {place[1]};") as caught:
        list(train(network, flat, split, config, hook))
    assert (caught.value.epoch, caught.value.step) == place
    if hooked:
        assert seen[-1] == place  # no batch after it


def test_a_penalty_that_is_not_finite_is_divergence_in_its_step():
    with pytest.raises(DivergenceError, match="epoch 1, step 1;"):
        trained(fisher_weight=1e308, fisher_form="trace-inverse")


def test_a_test_loss_that_is_not_finite_is_divergence_in_the_last_step():
    with pytest.raises(DivergenceError, match="epoch 1, step 1;"):
        trained(learning_rate=1e200, batch_size=2000)
