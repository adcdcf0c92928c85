"""Which data sets are images, in which order their features are, and who asks for them."""

from typing import Any

import numpy as np
import pytest

from cdbench.config.run_config import RunConfig
from cdbench.datasets import DATASETS, load_dataset, pin_dataset
from cdbench.engine.building import build_network
from cdbench.errors import ConfigurationError, DatasetError
from cdbench.running.execution import execute

SHAPES = {
    "digits": (8, 8, 1),
    "digits-noise": (8, 8, 1),
    "digits-few": (8, 8, 1),
    "digits-pairs": (8, 8, 2),
    "digits-sums": (8, 8, 2),
}


def test_the_bundled_images_have_their_shapes_and_tables_none():
    for name, make in DATASETS.items():
        data = make()
        assert data.image == SHAPES.get(name)
        if data.image is not None:
            assert np.prod(data.image) == data.n_features


def test_the_channels_of_a_pair_are_the_two_digits():
    digits = load_dataset(RunConfig()).X
    pairs = load_dataset(RunConfig(dataset="digits-pairs")).X.reshape(-1, 2, 64)
    known = {row.tobytes() for row in digits}
    for pair in pairs[:20]:
        assert all(np.ascontiguousarray(channel).tobytes() in known for channel in pair)


@pytest.mark.parametrize("shape", [(40, 3, 5), (40, 3, 5, 2)])
def test_images_of_a_file_have_their_channels_one_after_the_other(tmp_path, shape):
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 255, shape).astype(np.uint8), np.arange(40) % 2
    np.savez(tmp_path / "a.npz", X=X, y=y)
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", y)
    for name in (f"{tmp_path}/a.npz", f"{tmp_path}/X.npy,{tmp_path}/y.npy"):
        data = load_dataset(RunConfig(dataset=name))
        assert data.image == (3, 5, shape[3] if len(shape) > 3 else 1)
        assert data.image is not None
        height, width, channels = data.image
        found = data.X.reshape(-1, channels, height, width)
        for channel in range(channels):
            expected = X[..., channel] if X.ndim > 3 else X
            assert np.array_equal(found[:, channel], expected)


def test_images_of_five_axes_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", X=np.zeros((4, 2, 2, 1, 1)), y=np.arange(4))
    with pytest.raises(
        DatasetError, match=r"got X \(4, 2, 2, 1, 1\) and y \(4,\), expected a \.npz"
    ):
        load_dataset(RunConfig(dataset=str(tmp_path / "a.npz")))


def test_an_architecture_of_images_refuses_a_table_in_one_line():
    with pytest.raises(ConfigurationError) as caught:
        build_network(RunConfig(architecture="attention", dataset="wine"), 13, 3)
    assert str(caught.value) == (
        "architecture = attention was given with dataset wine, whose 13 features are no image; "
        "expected digits, mnist, fashion-mnist, cifar-10, or a .npz file with X of shape (N, "
        "height, width) or (N, height, width, channels)"
    )


@pytest.mark.parametrize("knobs", [{}, {"patch": 4}, {"B": 3, "heads": 3}, {"activation": "gelu"}])
def test_attention_is_trained_over_rows_and_patches_of_images(knobs: dict[str, Any]) -> None:
    config = RunConfig(
        architecture="attention", depth=1, epochs=2, optimizer="adam", dtype="float32", **knobs
    )
    run = execute(pin_dataset(config))
    assert (run.status, run.error) == ("completed", None)
    assert run.epochs[-1].training_loss < run.epochs[0].training_loss
    assert config.B is not None
    features = 8 if config.patch is None else config.patch**2
    assert run.widths[0] == -(-features // config.B) * config.B
