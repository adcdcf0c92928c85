"""Runs of every architecture from the command line: trained, stored, and trained again."""

import gzip
from typing import Any

import numpy as np
import pytest

from cdbench.cli.sweep import sweep
from cdbench.cli.train import train
from cdbench.config.families import FAMILIES
from cdbench.config.run_config import RunConfig
from cdbench.datasets import pin_dataset
from cdbench.running.execution import execute
from tests.cli_tools import Here, rows
from tests.test_images import idx

SMALL: dict[str, dict[str, Any]] = {
    "mlp": {"hidden": (16,)},
    "residual-mlp": {"width": 16, "depth": 2},
    "conv": {"channels": (4, 8)},
    "attention": {"width": 16, "depth": 1, "heads": 2},
}


@pytest.mark.long
@pytest.mark.parametrize("architecture", SMALL)
@pytest.mark.parametrize("layer", FAMILIES)
def test_every_family_is_trained_in_every_architecture(architecture: str, layer: str) -> None:
    knobs: dict[str, Any] = {"architecture": architecture, "layer": layer, **SMALL[architecture]}
    config = pin_dataset(RunConfig(**knobs, epochs=2, optimizer="adam"))
    run = execute(config)
    assert (run.status, run.error) == ("completed", None)
    first, last = run.epochs
    assert last.training_loss < first.training_loss


@pytest.mark.long
@pytest.mark.parametrize(
    "words",
    [
        ("--architecture", "conv", "--channels", "4", "8", "--layer", "dense", "cdlinear:4"),
        (
            *("--architecture", "conv", "--channels", "8", "--pooling", "average"),
            *("--readout", "flatten", "--normalization", "batch", "--layer", "block-diagonal:2"),
        ),
        ("--architecture", "residual-mlp", "--width", "16", "--layer", "dense", "cdlinear:4"),
        (
            *("--architecture", "residual-mlp", "--depth", "2", "--normalization", "layer"),
            *("--dropout", "0.1", "--layer", "low-rank:2", "--dataset", "wine"),
        ),
    ],
)
def test_a_sweep_is_stored_and_comes_out_again_bit_for_bit(
    here: Here, words: tuple[str, ...]
) -> None:
    rest = ("--epochs", "2", "--seeds", "0", "1", "--learning-rate", "0.01", "--jobs", "1")
    answer = here("sweep", *words, *rest, "--no-baseline")
    assert answer.code == 0, answer
    question = "SELECT architecture, status, count(*) FROM runs GROUP BY 1, 2"
    ((architecture, status, n),) = rows(here.folder / "runs.db", question)
    assert (architecture, status) == (words[1], "completed")
    answer = here("reproduce", "--all", "--jobs", "1")
    assert answer.code == 0, answer
    counts = [
        line.split()[-1] for line in answer.out.splitlines() if line.startswith("bit for bit")
    ]
    assert counts == [str(n)]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            (
                *("--architecture", "conv", "--channels", "4", "4", "4", "4"),
                *("--layer", "low-rank:2"),
            ),
            "cdbench: architecture = conv, layer = low-rank:2 with the images of digits, 8 × 8 × "
            "1: pooling got an image of 1 × 1 pixels, expected at least 2 × 2; fewer --channels, "
            "or --pooling none\n",
        ),
        (
            ("--architecture", "conv", "--kernel", "9", "--padding", "valid", "--layer", "dense"),
            "cdbench: architecture = conv, layer = dense with the images of digits, 8 × 8 × 1: "
            "kernel = 9 does not fit an image of 8 × 8 pixels; expected at most --kernel 8, or "
            "--padding same\n",
        ),
        (
            ("--architecture", "conv", "--kernel", "99999999", "--layer", "dense"),
            "cdbench: architecture = conv, layer = dense with the images of digits, 8 × 8 × 1: "
            "kernel = 99999999 reaches beyond an image of 8 × 8 pixels; expected at most "
            "--kernel 8\n",
        ),
        (
            ("--architecture", "conv", "--stride", "20", "--layer", "dense"),
            "cdbench: architecture = conv, layer = dense with the images of digits, 8 × 8 × 1: "
            "stride = 20 reaches beyond an image of 8 × 8 pixels; expected at most --stride 8\n",
        ),
        (
            ("--architecture", "conv", "--dataset", "wine"),
            "cdbench: architecture = conv was given with dataset wine, whose 13 features are no "
            "image; expected digits, mnist, fashion-mnist, cifar-10, or a .npz file with X of "
            "shape (N, height, width) or (N, height, width, channels)\n",
        ),
    ],
)
@pytest.mark.parametrize("command", ["train", "sweep"])
def test_what_no_network_can_be_made_for_is_refused_in_one_line(
    here: Here, command: str, words: tuple[str, ...], line: str
) -> None:
    alone = ("--no-baseline",) if command == "sweep" else ()
    answer = here(command, *words, "--epochs", "1", *alone)
    assert (answer.code, answer.err) == (2, line)


EXAMPLES = [
    line.strip()
    for command in (sweep, train)
    for line in (command.__doc__ or "").splitlines()
    if "--architecture" in line
]


def test_help_has_examples_of_images_heads_and_texts() -> None:
    assert all(
        any(word in line for line in EXAMPLES) for word in ("fashion-mnist", "--heads", "text:")
    )


@pytest.mark.long
@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_of_the_help_train(here: Here, example: str) -> None:
    """With small images, a short text and one block in place of those that are named."""
    rng = np.random.default_rng(0)
    folder = here.folder / "images"
    folder.mkdir()
    for side, n in (("train", 40), ("t10k", 10)):
        images = rng.integers(0, 256, (n, 6, 6), dtype=np.uint8)
        labels = (np.arange(n) % 10).astype(np.uint8)
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            packed = gzip.compress(idx(array), mtime=0)
            (folder / f"{side}-{kind}-ubyte.gz").write_bytes(packed)
    _, command, *words = example.split()
    for place, word in enumerate(words):
        if word == "fashion-mnist":
            words[place] = f"{word}:{folder}"
        if word.startswith("text:"):
            (here.folder / word.removeprefix("text:")).write_text("to be or not to be. " * 60)
    short = ["--seeds", "0", "--jobs", "1"] if command == "sweep" else ["--seed", "0"]
    short += ["--depth", "1"] if "attention" in words else []
    answer = here(command, *words, *short, "--epochs", "1")
    assert answer.code == 0, answer
    question = (
        "SELECT count(DISTINCT status), min(status), count(spectrum_id) > 0 FROM run, spectrum"
    )
    assert rows(here.folder / "runs.db", question) == [(1, "completed", 1)]
