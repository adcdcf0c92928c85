"""Weights from files of several formats, and back; what is damaged or unsafe is refused."""

import json
import pickle

import numpy as np
import pytest

from cdbench.config import families
from cdbench.errors import ModelError, OutputError
from cdbench.projection.arrays_file import is_model, matrices_of, read_npz, with_nearest
from cdbench.projection.entrants import every_entrant
from cdbench.projection.matrices import project
from cdbench.projection.safetensors_file import DTYPES, read_safetensors, write_safetensors
from cdbench.trained.npz import save
from tests.trained_models import small_model

RNG = np.random.default_rng(0)
WEIGHTS = {
    "fc1.weight": RNG.normal(size=(12, 20)).astype("float32"),
    "fc1.bias": RNG.normal(size=12).astype("float32"),
    "conv.weight": RNG.normal(size=(4, 3, 2, 2)),
    "blocks.0.weight": RNG.normal(size=(8, 12)),
    "table": RNG.normal(size=(5, 6)),
    "steps": np.arange(12).reshape(3, 4),
}


def refused(call, error=ModelError):
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


def test_safetensors_are_read_as_they_were_written(tmp_path):
    path = tmp_path / "weights.safetensors"
    assert write_safetensors(WEIGHTS, {"cdbench": "{}"}, path)
    found = read_safetensors(path)
    assert found.keys() == WEIGHTS.keys()
    for name, array in WEIGHTS.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)
    for kind in DTYPES.values():
        own = {"a": np.arange(6).reshape(2, 3).astype(kind)}
        write_safetensors(own, {}, path)
        np.testing.assert_array_equal(read_safetensors(path)["a"], own["a"])
        assert read_safetensors(path)["a"].dtype == np.dtype(kind)


def test_names_are_sorted_by_the_numbers_in_them(tmp_path):
    names = ["b.0.w", "b.2.w", "b.10.a", "b.10.w", "c"]
    write_safetensors({name: np.ones(2) for name in names}, {}, tmp_path / "a.safetensors")
    assert list(read_safetensors(tmp_path / "a.safetensors")) == names


def test_pytorch_and_this_package_read_each_others_files(tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file, save_file

    from cdbench.torch.state_dicts import read_state_dict

    model = torch.nn.Sequential(torch.nn.Linear(6, 4), torch.nn.Linear(4, 2, dtype=torch.bfloat16))
    state, exact = model.state_dict(), {}
    for name, tensor in state.items():
        exact[name] = tensor.float().numpy()
    save_file(state, tmp_path / "model.safetensors")
    torch.save(state, tmp_path / "model.pt")
    torch.save({"epoch": 3, "state_dict": state}, tmp_path / "checkpoint.ckpt")
    for found in (
        read_safetensors(tmp_path / "model.safetensors"),
        read_state_dict(tmp_path / "model.pt"),
        read_state_dict(tmp_path / "checkpoint.ckpt"),
    ):
        assert found.keys() == exact.keys()
        for name, array in found.items():
            assert array.dtype == np.float32
            np.testing.assert_array_equal(array, exact[name])
    write_safetensors({"a": WEIGHTS["fc1.weight"]}, {}, tmp_path / "back.safetensors")
    np.testing.assert_array_equal(
        load_file(tmp_path / "back.safetensors")["a"].numpy(), WEIGHTS["fc1.weight"]
    )


def test_pytorch_files_of_more_than_tensors_are_refused(tmp_path):
    torch = pytest.importorskip("torch")
    from cdbench.torch.state_dicts import read_state_dict

    path, expected = tmp_path / "a.pt", "expected the file of torch.save(model.state_dict(), FILE)"
    torch.save(torch.nn.Linear(2, 2), path)
    assert refused(lambda: read_state_dict(path)) == (
        f"{path}: holds Python objects besides tensors, such as a whole module, which are refused: "
        f"reading them runs whatever code they name; {expected}"
    )
    for content, words in (({"epoch": 3}, "a dict"), ([torch.ones(2, 2)], "a list")):
        torch.save(content, path)
        assert refused(lambda: read_state_dict(path)) == (
            f"{path}: holds no tensors by name, but {words}; {expected}"
        )
    path.write_bytes(b"")
    assert refused(lambda: read_state_dict(path)).startswith(f"{path}: cannot be read (")
    assert refused(lambda: read_state_dict(tmp_path / "none.pt")) == (
        f"{tmp_path}/none.pt: cannot be read (No such file or directory); {expected}"
    )


def test_no_pickle_of_any_kind_runs(tmp_path):
    class Ran:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was run",))

    plain, npz = tmp_path / "a.pt", tmp_path / "b.npz"
    plain.write_bytes(pickle.dumps(Ran()))
    np.savez(npz, a=np.array([Ran()], dtype=object))
    assert refused(lambda: read_npz(npz)) == (
        f"{npz}: holds pickled objects, which are refused; expected a .npz with matrices of shape "
        "(n_out, n_in), or one of cdbench model export"
    )
    pytest.importorskip("torch")
    from cdbench.torch.state_dicts import read_state_dict

    assert "which are refused" in refused(lambda: read_state_dict(plain))


def test_damaged_files_are_refused_in_a_line(tmp_path):
    path, archive = tmp_path / "a.safetensors", tmp_path / "a.npz"
    write_safetensors(WEIGHTS, {}, path)
    whole = path.read_bytes()
    for content in (b"", b"x" * 5, whole[:40], whole[:-3], b"\xff" * 8 + whole[8:]):
        path.write_bytes(content)
        said = refused(lambda: read_safetensors(path))
        assert said.startswith(f"{path}: cannot be read (")
        assert said.endswith(
            "); expected a .safetensors file, as safetensors.torch.save_file writes it"
        )
        assert "\n" not in said
        archive.write_bytes(content)
        said = refused(lambda: read_npz(archive))
        assert said.startswith(f"{archive}: cannot be read as .npz (")
    assert refused(lambda: read_safetensors(tmp_path)).startswith(f"{tmp_path}: ")
    header = json.dumps({"a": {"dtype": "F8_E4M3", "shape": [2], "data_offsets": [0, 2]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"ab")
    assert refused(lambda: read_safetensors(path)) == (
        f"{path}: a is of type F8_E4M3, which NumPy lacks; expected {', '.join(DTYPES)} or BF16"
    )
    with pytest.raises(OutputError):
        write_safetensors(WEIGHTS, {}, tmp_path / "no" / "a.safetensors")


def test_archives_of_matrices_and_of_networks_are_told_apart(tmp_path):
    model, _, _ = small_model()
    save(model, tmp_path / "model.npz")
    np.savez(tmp_path / "plain.npz", allow_pickle=False, **WEIGHTS)
    assert is_model(tmp_path / "model.npz")
    assert not is_model(tmp_path / "plain.npz")
    assert not is_model(tmp_path / "none.npz")
    found = read_npz(tmp_path / "plain.npz")
    assert found.keys() == WEIGHTS.keys()
    np.testing.assert_array_equal(found["table"], WEIGHTS["table"])


def test_matrices_of_linear_layers_are_those_named_weight():
    found = matrices_of("a.pt", WEIGHTS)
    assert list(found) == ["fc1.weight", "blocks.0.weight"]
    assert found["fc1.weight"].dtype == np.float64
    assert list(matrices_of("a.pt", WEIGHTS, ["blocks.*"])) == ["blocks.0.weight"]
    unnamed = {"table": WEIGHTS["table"], "steps": WEIGHTS["steps"]}
    assert list(matrices_of("a.npz", unnamed)) == ["table"]


def test_files_without_a_finite_matrix_are_refused():
    weights = {"fc.weight": np.array([[1.0, np.nan], [np.inf, 2.0]])}
    for arrays, only, message in (
        (
            weights,
            (),
            "fc.weight has 2 of 4 entries that are nan or inf; expected finite weights",
        ),
        (
            {name: WEIGHTS[name] for name in ("fc1.bias", "conv.weight")},
            (),
            "has no matrix of a linear layer (found: fc1.bias (12,), conv.weight (4, 3, 2, 2)); "
            "expected floating-point arrays of shape (n_out, n_in), named …weight",
        ),
        (
            {},
            (),
            "has no matrix of a linear layer (found: nothing); expected floating-point arrays of "
            "shape (n_out, n_in), named …weight",
        ),
        (
            WEIGHTS,
            ["fc2.*"],
            "no matrix is named like 'fc2.*'; expected some of fc1.weight, blocks.0.weight",
        ),
    ):
        assert refused(lambda: matrices_of("a.pt", arrays, only)) == f"a.pt: {message}"  # noqa: B023


def test_weights_are_written_under_the_names_and_shapes_of_layers():
    own = matrices_of("a.pt", WEIGHTS)
    for projection in project(own, every_entrant(), 0.3):
        nearest = {one.name: (one.setting.specification, one.params) for one in projection.found}
        arrays, notes = with_nearest(WEIGHTS, nearest)
        told = json.loads(notes["cdbench"])
        for one in projection.found:
            stem, layer = one.name.removesuffix(".weight"), one.setting.layer
            assert told[stem] == one.setting.specification
            params = {name: arrays[f"{stem}.{name}"] for name in layer.weight_shapes}
            assert {name: own.shape for name, own in params.items()} == layer.weight_shapes
            assert {own.dtype for own in params.values()} == {WEIGHTS[one.name].dtype}
            wide = {name: own.astype(np.float64) for name, own in params.items()}
            np.testing.assert_allclose(
                layer.matrix(wide), layer.matrix(one.params), rtol=1e-4, atol=1e-5
            )
            assert families.parse(told[stem])[0] == projection.entrant.family
            if layer.family != "dense":
                assert one.name not in arrays
        assert arrays["fc1.bias"] is WEIGHTS["fc1.bias"]
        for name, _ in projection.left_out:
            assert arrays[name] is WEIGHTS[name]


def test_layers_for_pytorch_load_what_was_written():
    torch = pytest.importorskip("torch")
    from cdbench.torch.by_family import LAYERS, parsed

    own = matrices_of("a.pt", {"fc1.weight": RNG.normal(size=(30, 50)).astype("float32")})
    for projection in project(own, every_entrant(), 0.3):
        for one in projection.found:
            module = LAYERS[projection.entrant.family].partition(":")[0]
            pytest.importorskip(module)
            arrays, notes = with_nearest(own, {one.name: (one.setting.specification, one.params)})
            made, structure = parsed(json.loads(notes["cdbench"])["fc1"])
            layer = made.build(50, 30, structure, bias=False, dtype=torch.float64)
            state = {name.partition(".")[2]: torch.tensor(a) for name, a in arrays.items()}
            layer.load_state_dict(state)
            W = layer.matrix().detach().numpy()
            rest = np.linalg.norm(W - own[one.name]) / np.linalg.norm(own[one.name])
            assert rest == pytest.approx(one.relative_error, rel=1e-9)
