"""MNIST, Fashion-MNIST and CIFAR-10 from folders, one line for every bad file, shared copies."""

import gzip
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cdbench.config.run_config import RunConfig
from cdbench.datasets import copies, idx_file, limits, load_dataset, pin_dataset
from cdbench.datasets.cifar_file import RECORD
from cdbench.datasets.sources import FOLDERS, read
from cdbench.errors import DatasetError, UnknownNameError
from cdbench.running.execution import execute
from cdbench.running.sweep import execute_all

RNG = np.random.default_rng(3)
PIXELS = RNG.integers(0, 256, (40, 5, 4), dtype=np.uint8)
LABELS = (np.arange(40) % 10).astype(np.uint8)
SIDES = {"train": slice(0, 30), "t10k": slice(30, 40)}


def idx(array):
    shape = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes((0, 0, 8, array.ndim)) + shape + array.tobytes()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Where copies are kept."""
    monkeypatch.setenv("CDBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path):
    """A folder of IDX files, the images of the training split compressed."""
    for side, rows in SIDES.items():
        content = {"images-idx3": PIXELS[rows], "labels-idx1": LABELS[rows]}
        for what, array in content.items():
            (tmp_path / f"{side}-{what}-ubyte").write_bytes(idx(array))
    path = tmp_path / "train-images-idx3-ubyte"
    (tmp_path / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    return tmp_path


@pytest.fixture
def cifar(tmp_path):
    """A folder of CIFAR-10 files: ten records each, the label and then three planes."""
    for number in range(6):
        records = RNG.integers(0, 256, (10, RECORD), dtype=np.uint8)
        records[:, 0] = np.arange(10)
        name = f"data_batch_{number + 1}.bin" if number < 5 else "test_batch.bin"
        (tmp_path / name).write_bytes(records.tobytes())
    return tmp_path


def refusal(name):
    with pytest.raises(DatasetError) as caught:
        read(RunConfig(dataset=name))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("kind", ["mnist", "fashion-mnist"])
def test_images_and_labels_are_those_in_the_files_with_their_own_test_split(folder, kind):
    data = read(RunConfig(dataset=f"{kind}:{folder}"))
    assert data.X_test is not None
    assert data.y_test is not None
    assert data.X.dtype == data.X_test.dtype == np.uint8
    np.testing.assert_array_equal(data.X, PIXELS[:30].reshape(30, 20))
    np.testing.assert_array_equal(data.X_test, PIXELS[30:].reshape(10, 20))
    assert (data.y.tolist(), data.y_test.tolist()) == (LABELS[:30].tolist(), LABELS[30:].tolist())
    assert data.classes[9] == {"mnist": "9", "fashion-mnist": "Ankle boot"}[kind]
    config = pin_dataset(RunConfig(dataset=f"{kind}:{folder}"))
    assert config.dataset_fingerprint == data.fingerprint
    assert config.input == "scale"
    split = load_dataset(config).split(5)
    np.testing.assert_array_equal(split.X_test, data.X_test / data.X.max())


def test_colour_images_are_three_planes_and_grey_ones_their_sum(cifar):
    colour, gray = (
        read(RunConfig(dataset=f"cifar-10:{cifar}")),
        read(RunConfig(dataset=f"cifar-10-gray:{cifar}")),
    )
    records = np.frombuffer((cifar / "data_batch_3.bin").read_bytes(), np.uint8).reshape(10, RECORD)
    assert colour.X_test is not None
    assert (colour.X.shape, colour.X_test.shape) == ((50, 3072), (10, 3072))
    np.testing.assert_array_equal(colour.X[20:30], records[:, 1:])
    mean = records[:, 1:].reshape(10, 3, 1024).mean(axis=1)
    np.testing.assert_allclose(gray.X[20:30] / 3, mean, rtol=1e-15)
    assert gray.classes[6] == "frog"
    assert gray.y.tolist() == colour.y.tolist() == list(range(10)) * 5


TRAIN, TRAIN_Y = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"


def repacked(change):
    return lambda content: gzip.compress(change(gzip.decompress(content)))


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        (TRAIN, repacked(lambda c: b"\0\0\x08\x01" + c[4:]),
         "begins with 00 00 08 01, expected 00 00 08 03, an IDX file of images of one byte a "
         "value"),
        (TRAIN_Y, lambda c: c[:3], "begins with 00 00 08, expected 00 00 08 01, an IDX file of "
         "labels of one byte a value"),
        (TRAIN_Y, lambda c: b"", "begins with nothing, expected 00 00 08 01, an IDX file of labels "
         "of one byte a value"),
        (TRAIN_Y, lambda c: b"\0\0\x0d\x01" + c[4:], "begins with 00 00 0d 01, expected "
         "00 00 08 01, an IDX file of labels of one byte a value"),
        (TRAIN, repacked(lambda c: c[:9]), "holds fewer, expected 16 bytes of header, as an IDX "
         "file says of itself; get the file again"),
        (TRAIN, repacked(lambda c: c[:-1]), "holds only 599, expected 600 bytes after the header, "
         "as an IDX file says of itself; get the file again"),
        (TRAIN, repacked(lambda c: c + b"\0"), "holds more, expected 600 bytes after the header, "
         "as an IDX file says of itself; get the file again"),
        (TRAIN_Y, lambda c: c[:-1], "holds only 29, expected 30 bytes after the header, as an IDX "
         "file says of itself; get the file again"),
        (TRAIN, repacked(lambda c: c[:4] + bytes(12)), "holds images of shape (0, 0, 0), "
         "expected some values"),
        (TRAIN, lambda c: c[:-9], "cannot be read (Compressed file ended before the end-of-stream "
         "marker was reached); get the file again"),
        (TRAIN, lambda c: b"no gzip", "cannot be read (Not a gzipped file (b'no')); get the file "
         "again"),
        (TRAIN_Y, lambda c: c[:-1] + b"\x0a", "label 30 is 10, expected 0 to 9"),
        (TRAIN_Y, lambda c: c[:7] + b"\x1d" + c[8:-1], "got 29 labels for 30 images, expected one "
         "each"),
    ],
)  # fmt: skip
def test_a_bad_idx_file_is_refused_in_one_line(folder, file, change, words):
    path = folder / file
    path.write_bytes(change(path.read_bytes()))
    assert refusal(f"mnist:{folder}") == f"{path}: {words}"


def test_a_header_that_asks_for_too_much_memory_is_refused_before_any_is_taken(folder):
    path = folder / TRAIN_Y
    path.write_bytes(b"\0\0\x08\x01\xff\xff\xff\xff")
    (folder / TRAIN).write_bytes(gzip.compress(b"\0\0\x08\x03" + b"\xff" * 12))
    said = refusal(f"mnist:{folder}")
    assert said.startswith(
        f"{folder / TRAIN}: images of shape (4294967295, 4294967295, 4294967295)"
    )
    assert "is available; expected a smaller data set" in said


def test_missing_files_and_folders_are_named(folder):
    (folder / TRAIN).unlink()
    assert refusal(f"mnist:{folder}") == (
        f"{folder}: has no file train-images-idx3-ubyte or {TRAIN}, expected all files of the data "
        "set"
    )
    assert refusal(f"cifar-10:{folder}") == (
        f"{folder}: has no file data_batch_1.bin, expected all files of the data set"
    )
    none = folder / "none"
    assert refusal(f"mnist:{none}") == (
        f"{none}: no such folder; expected one with train-images-idx3-ubyte"
    )
    assert refusal("mnist:") == "mnist:: names no folder, expected mnist:FOLDER"
    assert refusal("cifar-10:" + 300 * "x").endswith("cannot be looked into (File name too long)")


def test_a_name_without_its_folder_is_told_what_belongs_to_it():
    with pytest.raises(UnknownNameError, match=r"did you mean cifar-10\?"):
        read(RunConfig(dataset="cifar-1:x"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c[:-1], "has 30,729 bytes, expected a multiple of 3073, a label and 3072 bytes "
         "of an image; get the file again"),
        (lambda c: b"", "has 0 bytes, expected a multiple of 3073, a label and 3072 bytes of an "
         "image; get the file again"),
        (lambda c: c[:RECORD] + b"\x0b" + c[RECORD + 1 :], "label 2 is 11, expected 0 to 9"),
    ],
)  # fmt: skip
def test_a_bad_cifar_file_is_refused_in_one_line(cifar, change, words):
    path = cifar / "data_batch_4.bin"
    path.write_bytes(change(path.read_bytes()))
    assert refusal(f"cifar-10-gray:{cifar}") == f"{path}: {words}"


def fresh(config):
    """Load as a process does that has read nothing yet."""
    from cdbench.datasets import _read_pinned

    _read_pinned.cache_clear()
    return load_dataset(config)


def test_a_large_set_is_mapped_from_its_copy_and_its_source_is_read_no_more(
    folder, cache, monkeypatch
):
    monkeypatch.setattr(limits, "LARGE", 0)
    name = f"mnist:{folder}"
    config = pin_dataset(RunConfig(dataset=name, epochs=1, hidden=(4,)))
    (copy,) = (cache / "samples").iterdir()
    assert copy.name == config.dataset_fingerprint
    run = execute(config)
    monkeypatch.setattr(idx_file, "_read", None)  # nobody reads the files again
    monkeypatch.setattr("cdbench.datasets.base.HASHED_AT_ONCE", None)  # nor computes a fingerprint
    data = fresh(config)
    assert isinstance(data.X, np.memmap)
    assert isinstance(data.X_test, np.memmap)
    again = execute(config)
    assert [replace(one, duration_s=0) for one in again.epochs] == [
        replace(one, duration_s=0) for one in run.epochs
    ]
    assert again.dataset_fingerprint == config.dataset_fingerprint


@pytest.mark.parametrize("damage", ["a byte", "cut", "longer", "contents", "gone"])
def test_a_damaged_copy_is_made_again_when_a_configuration_is_pinned(
    folder, cache, monkeypatch, damage
):
    monkeypatch.setattr(limits, "LARGE", 0)
    config = pin_dataset(RunConfig(dataset=f"mnist:{folder}"))
    (copy,) = (cache / "samples").iterdir()
    path, sound = copy / "X", (copy / "X").read_bytes()
    if damage == "contents":
        (copy / copies.CONTENTS).write_text("[]")
    elif damage == "gone":
        path.unlink()
    else:
        changed = {"a byte": sound[:-1] + b"\xee", "cut": sound[:-5], "longer": sound + b"x"}
        path.write_bytes(changed[damage])
    assert pin_dataset(RunConfig(dataset=f"mnist:{folder}")) == config
    assert path.read_bytes() == sound
    assert fresh(config).fingerprint == config.dataset_fingerprint


def test_where_no_copy_can_be_kept_the_set_is_trained_all_the_same(
    folder, tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(limits, "LARGE", 0)
    (tmp_path / "file").touch()
    monkeypatch.setenv("CDBENCH_CACHE", str(tmp_path / "file"))
    config = pin_dataset(RunConfig(dataset=f"mnist:{folder}", epochs=1, hidden=(4,)))
    (said,) = caplog.messages
    assert said == (
        f"mnist:{folder}: no copy for all processes can be kept in the cache folder ([Errno 20] "
        f"Not a directory: '{tmp_path}/file/samples'), so each takes 1.1 kB of memory; for another "
        "folder: export CDBENCH_CACHE=FOLDER"
    )
    assert execute(config).status == "completed"


def test_small_sets_have_no_copy(folder, cache):
    pin_dataset(RunConfig(dataset=f"mnist:{folder}"))
    assert not cache.exists()


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="as Linux counts memory")
def test_the_workers_of_a_sweep_share_one_copy_of_a_large_set(tmp_path):
    rng = np.random.default_rng(0)
    for side, n in (("train", 20_000), ("t10k", 500)):
        X, y = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8), np.arange(n) % 10
        (tmp_path / f"{side}-images-idx3-ubyte").write_bytes(idx(X))
        (tmp_path / f"{side}-labels-idx1-ubyte").write_bytes(idx(y.astype(np.uint8)))
    config = pin_dataset(RunConfig(dataset=f"mnist:{tmp_path}", epochs=1, hidden=(8,)))
    runs = list(execute_all([config.with_seed(seed) for seed in (0, 1)], jobs=2))
    alone = [execute(config.with_seed(seed)) for seed in (0, 1)]
    assert {run.status for run in runs} == {"completed"}
    for run in runs:
        (same,) = (one for one in alone if one.config == run.config)
        assert run.epochs[0].training_loss == same.epochs[0].training_loss
        assert run.dataset_fingerprint == config.dataset_fingerprint
        # Of its own each worker takes no copy of X, 126 MB in float64, beside what is mapped.
        assert (run.peak_memory_bytes or 0) < 126e6 + 38e6


def test_registries_agree():
    from cdbench.config.checks import FOLDER_NAMES

    assert tuple(FOLDERS) == FOLDER_NAMES
