"""Texts as data sets: windows by position, their fingerprint, and one line for each bad file."""

import math
import random

import numpy as np
import pytest

from cdbench.config.run_config import RunConfig
from cdbench.datasets import load_dataset, pin_dataset
from cdbench.datasets.text_file import read_text
from cdbench.errors import DatasetError
from cdbench.running.execution import execute

EXPECTED = "expected text:FILE, a text in UTF-8"
WORDS = ["der", "Fuß,", "ein", "Pfad;", "猫", "and", "a", "dog", "and", "so", "on"]


@pytest.fixture
def text(tmp_path):
    def written(content):
        path = tmp_path / "a.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return f"text:{path}"

    return written


def words(n, seed=0):
    return " ".join(random.Random(seed).choices(WORDS, k=n))


def config_of(name, **knobs):
    return RunConfig(
        **{
            "dataset": name, "architecture": "attention", "layer": "dense", "context": 8,
            "width": 8, "heads": 2, "depth": 1, "epochs": 1, "optimizer": "adamw", **knobs,
        }
    )  # fmt: skip


def test_windows_follow_each_other_and_targets_are_the_next_characters(text):
    content = words(200)
    data = read_text(text(content), 7)
    assert data.X_test is not None
    assert data.y_test is not None
    n_test = math.ceil(0.2 * len(content))
    for part, X, y in (
        (content[:-n_test], data.X, data.y),
        (content[-n_test:], data.X_test, data.y_test),
    ):
        read = ["".join(data.classes[symbol] for symbol in array.ravel()) for array in (X, y)]
        assert read[0] == part[: X.size]
        assert read[1] == part[1 : X.size + 1]
        assert len(part) - 1 - X.size < 7
    assert data.X.dtype == np.uint8
    assert (data.n_features, data.n_outputs) == (7, len(set(content)))
    assert list(data.classes) == sorted(set(content))


def test_validation_is_the_end_of_the_training_part_for_every_seed(text):
    data = read_text(text(words(200)), 7)
    for seed in 0, 1:
        split = data.split(seed, "float32", "none", 0.25)
        assert split.y_validation is not None
        assert split.X_validation is not None
        assert data.X_test is not None
        assert np.array_equal(np.vstack([split.X_train, split.X_validation]), data.X)
        assert np.array_equal(np.vstack([split.y_train, split.y_validation]), data.y)
        assert len(split.X_validation) == math.ceil(0.25 * len(data.X))
        assert np.array_equal(split.X_test, data.X_test)
        assert split.X_train.dtype == "float32"


def test_the_fingerprint_is_that_of_the_text_whatever_the_context(text):
    content = words(200)
    first, second = read_text(text(content), 7), read_text(text(content), 9)
    assert first.fingerprint == second.fingerprint
    assert first.fingerprint != read_text(text(content + ";"), 7).fingerprint
    config = pin_dataset(config_of(text(content)))
    text(content + " ")
    with pytest.raises(DatasetError, match="its contents changed since the configuration was made"):
        load_dataset(config)


def test_a_mark_of_byte_order_is_no_character(text):
    content = words(200)
    plain = read_text(text(content), 7).fingerprint
    assert read_text(text(b"\xef\xbb\xbf" + content.encode()), 7).fingerprint == plain


def test_a_text_is_trained_on_and_classes_are_not_told_one_by_one(text):
    run = execute(pin_dataset(config_of(text(words(400)), validation=0.1)))
    assert (run.status, run.error, run.classes) == ("completed", None, ())
    assert run.epochs[0].validation_loss is not None
    assert 0 < run.epochs[0].test_loss < 2 * math.log(len(set(words(400))))


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "is empty, " + EXPECTED),
        (
            b"abc \xff def",
            "byte 5 is 0xff, which is no UTF-8; expected a text in UTF-8: iconv -t utf-8 makes one",
        ),
        (
            "ab" * 20,
            "has 40 characters, expected at least 41: the test part, the last 20%, needs 8 and the "
            "one after them; or a smaller --context",
        ),
        ("a" * 99, "has only one character, 'a', expected at least two"),
        (
            "ab" * 40 + "abé" * 6 + "ü" * 2,
            "the test part, the last 20%, has the character 'é' (U+00E9) and 1 other, at 83, "
            "which the part before it lacks; expected only characters of that: replace such ones, "
            "or move a passage with them to the front",
        ),
    ],
)
def test_a_bad_text_is_refused_in_one_line(text, content, line):
    name = text(content)
    with pytest.raises(DatasetError) as caught:
        read_text(name, 8)
    assert str(caught.value) == f"{name.removeprefix('text:')}: {line}"


def test_what_is_no_file_is_refused_in_one_line(tmp_path):
    for name, line in (
        ("text:", f"text:: names no file, {EXPECTED}"),
        (f"text:{tmp_path}", f"{tmp_path}: is a folder, {EXPECTED}"),
        (f"text:{tmp_path}/b", f"{tmp_path}/b: no such file, {EXPECTED}"),
    ):
        with pytest.raises(DatasetError) as caught:
            read_text(name, 8)
        assert str(caught.value) == line


def test_the_shortest_text_for_a_context_is_read(text):
    test = read_text(text("ab" * 20 + "a"), 8).y_test
    assert test is not None
    assert len(test) == 1


def test_holding_out_everything_is_refused(text):
    data = read_text(text("ab" * 30), 11)
    with pytest.raises(DatasetError, match=r"validation = 0\.9 holds out 4 of 4 training samples"):
        data.split(0, "float64", "none", 0.9)
