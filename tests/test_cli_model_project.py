"""``cdbench model project``: tables of what is lost, files that can be used, refusals in a line."""

import json
import re

import numpy as np
import pytest

from cdbench.projection.safetensors_file import read_safetensors, write_safetensors
from cdbench.trained.npz import load, save
from tests.cli_tools import Here
from tests.trained_models import small_model

RNG = np.random.default_rng(0)
WEIGHTS = {
    "fc1.weight": RNG.normal(size=(48, 64)).astype("float32"),
    "fc1.bias": RNG.normal(size=48).astype("float32"),
    "fc2.weight": RNG.normal(size=(16, 48)).astype("float32"),
}


@pytest.fixture
def files(here: Here) -> Here:
    model, _, _ = small_model(dataset="wine", layer="dense", hidden=(16, 16), epochs=4)
    save(model, here.folder / "wine.npz")
    write_safetensors(WEIGHTS, {}, here.folder / "w.safetensors")
    np.savez(here.folder / "m.npz", allow_pickle=False, **WEIGHTS)
    return here


def test_matrices_are_told_least_lost_first_and_written_for_pytorch(files: Here) -> None:
    found = files("model", "project", "w.safetensors", "--layer", "low-rank", "cdlinear:4",
                  "-o", "small.safetensors")  # fmt: skip
    assert (found.code, found.err) == (0, "")
    errors = [float(value) for value in re.findall(r"0\.\d{4}(?=\n)", found.out)]
    assert errors[:2] == sorted(errors[:2])
    assert "fc1.weight   48 × 64   low-rank rank=7" in found.out
    assert "fc2.weight   16 × 48   cdlinear B=4" in found.out
    assert found.out.endswith("wrote small.safetensors: low-rank in 2 of 2 matrices\n")
    arrays = read_safetensors(files.folder / "small.safetensors")
    assert {name: own.shape for name, own in arrays.items()} == {
        "fc1.U": (48, 7), "fc1.V": (7, 64), "fc1.bias": (48,), "fc2.U": (16, 3), "fc2.V": (3, 48),
    }  # fmt: skip
    tail = np.linalg.svd(WEIGHTS["fc1.weight"], compute_uv=False)[7:]
    lost = np.linalg.norm(arrays["fc1.U"] @ arrays["fc1.V"] - WEIGHTS["fc1.weight"])
    np.testing.assert_allclose(lost, np.linalg.norm(tail), rtol=1e-5)
    archived = files("model", "project", "m.npz", "--layer", "cdlinear", "--only", "fc1.*",
                     "-o", "small.npz")  # fmt: skip
    assert archived.out.endswith("wrote small.npz: cdlinear in 1 of 1 matrices\n")
    with np.load(files.folder / "small.npz", allow_pickle=False) as written:
        assert json.loads(str(written["cdbench"])) == {"fc1": "cdlinear:4"}
        assert set(written) == {"fc1.c", "fc1.bias", "fc2.weight", "cdbench"}


def test_every_family_is_projected_to_and_what_is_left_out_is_told(files: Here) -> None:
    found = files("model", "project", "m.npz")
    assert (found.code, found.err) == (0, "")
    for family in ("blast", "low-rank", "kronecker", "toeplitz-like", "cdlinear", "spectral"):
        assert f"\n{family} " in found.out
    assert "No size near the budget: circulant." in found.out
    assert "Left out: acdc, ldr-sd, whose nearest members nobody finds." in found.out


def test_networks_are_scored_before_and_after_and_written_to_be_used(files: Here) -> None:
    found = files("model", "project", "wine.npz", "--layer", "low-rank", "kronecker", "--budget",
                  "0.5", "--fine-tune", "wine", "--epochs", "3", "-o", "out.npz")  # fmt: skip
    assert found.code == 0
    assert re.search(r"Projected accuracy, % \(before: \d+\.\d\d\) +Fine-tuned\n", found.out)
    before = re.search(r"before: (\d+\.\d\d)", found.out)
    projected = re.findall(r"(?:low-rank|kronecker) .* (\d+\.\d\d) +\d+\.\d\d\n", found.out)
    assert before is not None
    assert len(projected) == 2
    assert before[1] not in projected
    (written,) = re.findall(r"wrote out\.npz: (.*), ([\d,]+) parameters\n$", found.out)
    model = load(files.folder / "out.npz")
    assert (model.config.model, f"{model.parameters.size:,}") == written
    assert f"{model.config.model}: training on, 3 epochs" in found.err
    assert model.config.epochs == 3
    again = files("model", "project", "out.npz", "--layer", model.config.layer + ":2")
    assert again.code == 0  # what was projected is a model like any other


def test_runs_are_projected_without_a_file(here: Here) -> None:
    small = ("--dataset", "digits", "--layer", "dense", "--hidden", "16", "--epochs", "2")
    assert here("train", *small, "--no-spectra", "--keep-weights").code == 0
    found = here("model", "project", "latest", "--layer", "low-rank")
    assert (found.code, found.err) == (0, "")
    assert found.out.startswith("latest: nearest members with 0.25 of the weights\n")


def test_what_cannot_be_projected_is_refused_in_a_line(files: Here) -> None:
    np.savez(files.folder / "nan.npz", weight=np.full((4, 4), np.nan))
    np.savez(files.folder / "vector.npz", bias=np.ones(4))
    (files.folder / "a.pkl").write_bytes(b"\x80\x04N.")
    (files.folder / "wrong.npz").write_bytes(b"PK")
    for words, message in (
        (
            "nan.npz",
            "nan.npz: weight has 16 of 16 entries that are nan or inf; expected finite weights",
        ),
        (
            "vector.npz",
            "vector.npz: has no matrix of a linear layer (found: bias (4,)); expected "
            "floating-point arrays of shape (n_out, n_in), named …weight",
        ),
        (
            "a.pkl",
            "a.pkl: expected a name in .npz, .safetensors, .pt, .pth, .bin, .ckpt; pickles are "
            "refused, because reading one runs whatever code it holds",
        ),
        ("none.npz", "none.npz: no such file"),
        (
            "m.npz --only fc9*",
            "m.npz: no matrix is named like 'fc9*'; expected some of fc1.weight, fc2.weight",
        ),
        (
            "m.npz --layer low-rank --budget 0.001",
            "budget = 0.001: no family has a size within 12% of this share of a matrix's weights; "
            "nearest come low-rank of fc1.weight with 0.0365, low-rank of fc2.weight with 0.0833; "
            "expected a --budget near one of these, or --layer with a size, such as low-rank:1",
        ),
        (
            "wine.npz --layer low-rank --budget 0.001",
            "budget = 0.001: no family has a size near this share of the weights; low-rank comes "
            "nearest with 0.156; expected a --budget near one of these, or --layer with a size, "
            "such as low-rank:1",
        ),
        ("m.npz --budget 2", "budget = 2: expected a share of the weights above 0, below 1, such "
         "as 0.25"),
        (
            "m.npz --fine-tune wine",
            "--fine-tune needs the network, of which m.npz has only the weights; expected a file "
            "of cdbench model export; for a PyTorch model see docs/torch.md",
        ),
        ("m.npz -o out.txt", "--output out.txt: expected a name in .npz or .safetensors"),
        ("wine.npz -o out.pt", "out.pt: no form of a model ends in .pt; expected .npz, "
         ".safetensors, .onnx, or --format npz|torch|onnx beside it"),
        (
            "wine.npz --only fc1*",
            "--only names matrices of files; wine.npz is a network, projected as a whole",
        ),
        (
            "wine.npz --layer low-rank low-rank",
            "layer = low-rank low-rank: expected each family once",
        ),
        ("wine.npz --head round", "unknown head 'round' (known: dense, structured)"),
    ):  # fmt: skip
        found = files("model", "project", *words.split())
        assert (found.code, found.out) == (2, ""), words
        assert found.err == f"cdbench: {message}\n", words
    damaged = files("model", "project", "wrong.npz")
    assert damaged.code == 2
    assert damaged.err.startswith("cdbench: wrong.npz: cannot be read as .npz (")


def test_state_dicts_are_read_and_their_pickles_refused(files: Here) -> None:
    torch = pytest.importorskip("torch")
    torch.save(
        {name: torch.from_numpy(own) for name, own in WEIGHTS.items()}, files.folder / "w.pt"
    )
    found = files("model", "project", "w.pt", "--layer", "low-rank")
    same = files("model", "project", "w.safetensors", "--layer", "low-rank")
    assert found.code == 0
    assert found.out.partition("\n")[2] == same.out.partition("\n")[2]
    torch.save(torch.nn.Linear(2, 2), files.folder / "whole.pt")
    refused = files("model", "project", "whole.pt")
    assert (refused.code, refused.out) == (2, "")
    assert "which are refused: reading them runs whatever code they name" in refused.err


def test_of_a_convolution_families_without_weighted_kernels_are_left_out_and_told(
    here: Here,
) -> None:
    model, _, _ = small_model(
        dataset="digits", layer="dense", architecture="conv", channels=(8, 8), epochs=1
    )
    save(model, here.folder / "conv.npz")
    asked = ("model", "project", "conv.npz", "--moments", "digits", "--layer")
    found = here(*asked, "cdlinear:4", "low-rank:1")
    reason = "a nearest kernel with a moment, or of some taps, is not defined for low-rank layers"
    assert (found.code, found.err) == (0, f"cdbench: left out: {reason}\n")
    assert "\ncdlinear,B=4 " in found.out
    alone = here(*asked, "low-rank:1")
    assert (alone.code, alone.out, alone.err) == (2, "", f"cdbench: {reason}\n")
