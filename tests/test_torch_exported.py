"""Exported networks come back as modules of PyTorch, of plain layers and of our own."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from cdbench.config import families
from cdbench.errors import ModelError
from cdbench.torch.by_family import LAYERS, layer_class
from cdbench.torch.exported import load
from cdbench.trained.safetensors_file import export_safetensors
from tests.untrained_models import model_of

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
"""Of the largest logit: as docs/exports.md says."""

EXPECTED = "expected a file of cdbench model export --format torch"


def check_equal(path, **knobs):
    for dtype, tolerance in TOLERANCE.items():
        model, X = model_of(**knobs, dtype=dtype)
        for own in (False, True):
            export_safetensors(model, path, own=own)
            module = load(path)
            with torch.no_grad():
                found = module(torch.from_numpy(X.astype(dtype))).numpy()
            logits = model.logits(X)
            assert found.dtype == dtype
            error = np.abs(found - logits).max() / np.abs(logits).max()
            assert error <= tolerance, (knobs, dtype, own, error)
            if own and knobs["layer"] != families.BASELINE:
                assert any(type(one) is layer_class(knobs["layer"]) for one in module.modules())


@pytest.mark.long
@pytest.mark.parametrize("family", families.FAMILIES)
def test_networks_of_every_family(family, tmp_path):
    path = tmp_path / "it.safetensors"
    if family in LAYERS:
        pytest.importorskip(LAYERS[family].partition(":")[0])
    check_equal(path, layer=family)
    check_equal(path, layer=family, hidden=(24, 30), normalization="batch", head="dense", permute=1)
    check_equal(path, layer=family, architecture="residual-mlp", width=30, depth=2)


def test_page_says_how_to_load_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model, X = model_of(layer="low-rank:4")
    export_safetensors(model, "digits.safetensors", own=True)
    page = (Path(__file__).parents[1] / "docs" / "exports.md").read_text(encoding="utf-8")
    (code,) = [
        own for own in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "cdbench" in own
    ]
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102
    found = names["model"](torch.from_numpy(X)).detach().numpy()
    assert np.abs(found - model.logits(X)).max() <= 1e-12 * np.abs(found).max()


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "it.safetensors"
    said = {"modules": [["Linear", {"in_features": 3, "out_features": 2}]]}
    weight, bias = torch.zeros(2, 3), torch.zeros(2)

    def refusal(tensors=None, said=None, content=None):
        if tensors is not None:
            save_file(tensors, path, None if said is None else {"model": json.dumps(said)})
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ModelError) as caught:
            load(path)
        return str(caught.value)

    assert refusal() == f"{path}: no such file; {EXPECTED}"
    assert refusal({"weight": weight}) == f"{path}: has no description of a network; {EXPECTED}"
    assert refusal(content=b"\x80\x04what pickle writes").endswith(f"); {EXPECTED}")
    fits = f"{path}: its arrays do not fit its network "
    assert refusal({"0.weight": weight}, said).startswith(fits)
    assert refusal({"0.weight": weight.T.contiguous(), "0.bias": bias}, said).startswith(fits)
    unknown = {"modules": [["Bilinear", {"in1_features": 1}]]}
    assert refusal({"w": weight}, unknown) == f"{fits}(unknown module Bilinear); {EXPECTED}"
    save_file({"0.weight": weight, "0.bias": bias}, path, {"model": json.dumps(said)})
    assert load(path)(torch.ones(5, 3)).shape == (5, 2)
