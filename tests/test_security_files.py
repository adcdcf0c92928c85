"""Files of the user's own are held against memory before it is taken, and none can hang a run."""

import contextlib
import os
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from cdbench.cli.settings import load_settings
from cdbench.config.run_config import RunConfig
from cdbench.datasets import limits, load_dataset, pin_dataset
from cdbench.datasets.csv_file import MEMORY_PER_BYTE, read_csv
from cdbench.datasets.limits import COPIES
from cdbench.datasets.npz_file import read_npz
from cdbench.errors import CdbenchError, ConfigurationError, DatasetError, UnknownNameError

ENOUGH = 30_000_000
"""Bytes that a refusal may take, which has nothing to allocate but words."""


def refusal(read, path, error: type[CdbenchError] = DatasetError) -> str:
    """Return the one line with which a file is refused, and check that it took no memory."""
    tracemalloc.start()
    try:
        with pytest.raises(error) as caught:
            read(path)
        assert tracemalloc.get_traced_memory()[1] < ENOUGH
    finally:
        tracemalloc.stop()
    assert str(caught.value).startswith((str(path), "unknown column"))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def header(shape, descr="<f8", extra="") -> bytes:
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, {extra}}}"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def archive(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name + ".npy", content)
    return path


GOOD_Y = header((4,), "<i8") + bytes(32)


def bomb(path: Path, name: str, head: bytes, size: int = 10**8) -> Path:
    """Write a member of 100 MB of zeros, which takes some hundred kB in the archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        with file.open(name, "w", force_zip64=True) as member:
            member.write(head)
            for _ in range(size // 10**7):
                member.write(bytes(10**7))
        file.writestr("y.npy", header((size // 32,), "|b1") + bytes(size // 32))
    return path


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [
        (header((10**6, 10**6)), GOOD_Y, "8.0 TB"),
        (header((10**30, 4)), GOOD_Y, "TB"),
        (header((-4, -3)), GOOD_Y, "shape (-4, -3)"),
        (header((4, 1)) + bytes(32), header((4,), "|S0"), "one class"),
        (header((4, 1)) + bytes(32), header((10**13,), "|S0"), "y (10000000000000,)"),
        (header((4, 1)) + bytes(32), header((4,), "<U400000000"), "6.4 GB"),
        (header((4, 1), "|O"), GOOD_Y, "pickled"),
        (header("(" * 4000), GOOD_Y, "cannot be read as .npz"),
        (header("-" * 4000 + "1"), GOOD_Y, "cannot be read as .npz"),
        (header("(4, __import__('os').abort())"), GOOD_Y, "cannot be read as .npz"),
        (b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1), GOOD_Y, "header has 4,294,967,295"),
        (b"\x93NUMPY\x09\x00", GOOD_Y, "cannot be read as .npz"),
        (b"", GOOD_Y, "cannot be read as .npz"),
        (b"\x80\x04cos\nabort\n.", GOOD_Y, "cannot be read as .npz"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_npz_that_promises_what_it_does_not_hold_is_refused(tmp_path, X, y, words):
    path = archive(tmp_path / "a.npz", X=X, y=y)
    assert words in refusal(lambda path: read_npz(path).dataset(), path)


def test_zip_bomb_is_refused_by_its_header(tmp_path, monkeypatch):
    path = bomb(tmp_path / "a.npz", "X.npy", header((10**8 // 32, 4)))
    assert path.stat().st_size < 10**6
    monkeypatch.setattr(limits, "available_memory", lambda: 2 * 10**8)
    message = refusal(read_npz, path)
    assert "200.0 MB is available; expected a smaller data set" in message
    assert "X.npy of shape (3125000, 4) and float64" in message


def test_zip_bomb_that_is_no_array_is_not_unpacked(tmp_path):
    assert "cannot be read" in refusal(read_npz, bomb(tmp_path / "a.npz", "X", b""))
    head = b"\x93NUMPY\x02\x00" + struct.pack("<I", 10**8)
    assert "header has 100,000,000" in refusal(read_npz, bomb(tmp_path / "b.npz", "X.npy", head))


def test_npz_of_too_many_members_is_refused_unread(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as file:
        for i in range(20_000):
            file.writestr(f"member-{i}", b"")
    assert "list of members" in refusal(read_npz, path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_npz_compressed_as_numpy_never_does_is_refused(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", method) as file:
        file.writestr("X.npy", header((4, 1)) + bytes(32))
        file.writestr("y.npy", GOOD_Y)
    assert "compressed" in refusal(read_npz, tmp_path / "a.npz")


def test_npz_with_odd_members_is_read_for_x_and_y_alone(tmp_path):
    path = tmp_path / "a.npz"
    rng = np.random.default_rng(0)
    np.savez(path, X=rng.normal(size=(20, 2)), y=np.arange(20) % 2)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("../../etc/passwd", b"evil")
        file.writestr("\x1b[31m\n.npy", b"\x80\x04.")
    assert read_npz(path).X.shape == (20, 2)
    assert sorted(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("letter", [0xD800, 0x110000])
def test_labels_that_are_no_text_are_refused(tmp_path, letter):
    y = np.array([letter, 98] * 10, dtype="<u4").view("<U1")
    np.savez(tmp_path / "a.npz", X=np.ones((20, 2)), y=y)
    assert "is not text" in refusal(read_npz, tmp_path / "a.npz")


# .csv


def test_csv_too_large_for_memory_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.truncate(10**12)  # a hole, as long as a terabyte, without a line break
    message = refusal(read_csv, path)
    assert "1,000,000,000,000 bytes of text would take about 40.0 TB of memory" in message
    monkeypatch.setattr(limits, "available_memory", lambda: None)
    assert "4.0 GB is available" in refusal(read_csv, path)


def test_csv_of_a_long_line_without_commas_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("1" * 5_000_000)
    assert "field larger than field limit" in refusal(read_csv, tmp_path / "a.csv")


def test_csv_of_a_million_columns_is_read_in_seconds(tmp_path):
    path = tmp_path / "a.csv"
    names = ",".join(f"c{i}" for i in range(300_000))
    path.write_text(f"{names}\n" + f"{'1,' * 299_999}a\n" * 2)
    with pytest.raises(DatasetError, match="only one class"):
        read_csv(path).dataset()
    with pytest.raises(UnknownNameError, match="and 299,950 more") as caught:
        read_csv(path, "species")
    assert len(str(caught.value)) < 1000


def test_one_long_label_costs_its_own_length_alone(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("1,short\n2,short\n" * 5000 + f"3,{'l' * 100_000}\n" * 20)
    tracemalloc.start()
    assert read_csv(path).classes == ("l" * 100_000, "short")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10**7  # as an array of text it would be 4 GB


@pytest.mark.long
@pytest.mark.parametrize(
    "text",
    [
        "1,a\n1,b\n" * 20_000,
        ("1," * 20 + "a\n" + "1," * 20 + "b\n") * 2000,
        "".join(f"1,{i}\n" for i in range(40_000)),
        "12," * 100_000 + "a\n",
        "," * 200_000 + "a\n",
        ",".join(f"{i:x}" for i in range(100_000)) + "\n",
    ],
    ids=["narrow", "wide", "unique labels", "one line", "empty cells", "names"],
)
def test_csv_takes_no_more_memory_than_is_said(tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_text(text)
    tracemalloc.start()
    with contextlib.suppress(DatasetError):  # after all the file was read
        load_dataset(pin_dataset(RunConfig(dataset=str(path)))).split(0, "float64", "whiten")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MEMORY_PER_BYTE * len(text)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int8", "bool"])
@pytest.mark.parametrize("transform", ["scale", "center", "standardize", "whiten"])
def test_npz_takes_no_more_memory_than_is_said(tmp_path, dtype, transform):
    path = tmp_path / "a.npz"
    X = np.random.default_rng(0).integers(0, 2, size=(40_000, 20)).astype(dtype)
    np.savez(path, X=X, y=np.arange(len(X)) % 2)
    tracemalloc.start()
    load_dataset(pin_dataset(RunConfig(dataset=str(path)))).split(0, "float64", transform)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    said = X.nbytes + 8 * COPIES * X.size + (3 + COPIES) * 8 * len(X)
    assert peak < said


# What is no file


@pytest.mark.parametrize("suffix", [".npz", ".csv"])
def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path, suffix):
    read = read_npz if suffix == ".npz" else read_csv
    os.mkfifo(tmp_path / f"pipe{suffix}")
    (tmp_path / f"zero{suffix}").symlink_to("/dev/zero")
    (tmp_path / f"folder{suffix}").mkdir()
    for name in ("pipe", "zero", "folder"):
        path = tmp_path / f"{name}{suffix}"
        assert refusal(read, path)
        with pytest.raises(DatasetError):
            pin_dataset(RunConfig(dataset=str(path)))


# cdbench.toml


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("#" * 1_000_001, "larger than 1,000,000 bytes"),
        ("a." * 400_000 + "b = 1", "more than 16 parts"),
        ("[" + '"a" . ' * 17 + "b]", "more than 16 parts"),
        ("a = " + "[" * 100_000, "too deep"),
        ("database = 'x\\u0000'".replace("'", '"'), "contains NUL"),
        ('[defaults]\ndataset = "x\\u0000.csv"', "contains NUL"),
        ("[defaults]\nepochs = 9223372036854775808", "at most 9223372036854775807"),
        ("[defaults]\nepochs = 1" + "0" * 5000, "digits"),
    ],
)
def test_settings_that_would_take_all_memory_or_cannot_be_are_refused(tmp_path, text, words):
    (tmp_path / "cdbench.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=words) as caught:
        load_settings(tmp_path)
    assert "\n" not in str(caught.value)


def test_settings_are_not_read_from_a_pipe_or_a_device(tmp_path):
    for make in (os.mkfifo, lambda path: path.symlink_to("/dev/zero"), Path.mkdir):
        path = tmp_path / "cdbench.toml"
        make(path)
        load_settings(tmp_path)
        path.rmdir() if path.is_dir() else path.unlink()
