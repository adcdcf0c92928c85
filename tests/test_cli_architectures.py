"""Runs of every architecture from the command line: trained, stored, and trained again."""

from typing import Any

import pytest

from cdbench.config.families import FAMILIES
from cdbench.config.run_config import RunConfig
from cdbench.datasets import pin_dataset
from cdbench.running.execution import execute
from tests.cli_tools import Here, rows

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
