"""The data sets made from the digits: what each is made of, and that nothing leaks."""

import inspect

import numpy as np
import pytest

from cdbench.datasets import DATASETS
from cdbench.datasets.digits_made import NOISE, digits_few, digits_noise, digits_pairs, digits_sums

DIGITS = DATASETS["digits"]()
NUMBERS = {image.tobytes(): number for number, image in enumerate(DIGITS.X)}
"""Which digit an image is; no two are alike, see the first test."""

MADE = [name for name in DATASETS if name.startswith("digits-")]


def halves() -> tuple[list[int], list[int]]:
    """Return the numbers of the digits on the left and on the right of the pairs."""
    left, right = np.hsplit(digits_pairs().X, 2)
    return [NUMBERS[image.tobytes()] for image in left], [NUMBERS[i.tobytes()] for i in right]


def test_no_two_digits_are_alike() -> None:
    assert len(NUMBERS) == len(DIGITS.X)


@pytest.mark.parametrize("name", MADE)
def test_making_a_set_again_gives_the_same_set_under_its_own_name(name: str) -> None:
    data, again = DATASETS[name](), inspect.unwrap(DATASETS[name])()  # past the cache
    assert data.name == name
    assert again is not data
    assert again.fingerprint == data.fingerprint


def test_sets_differ_from_each_other() -> None:
    assert len({DATASETS[name]().fingerprint for name in ("digits", *MADE)}) == 5


def test_noise_is_gaussian_of_its_deviation_on_every_pixel_alone() -> None:
    noise = digits_noise().X - DIGITS.X
    np.testing.assert_array_equal(digits_noise().y, DIGITS.y)
    n = len(noise)
    assert noise.std() == pytest.approx(NOISE, rel=4 / np.sqrt(2 * noise.size))
    # With 64 pixels and 2,016 pairs of them, five standard errors are never reached by chance.
    assert np.abs(noise.mean(axis=0)).max() < 5 * NOISE / np.sqrt(n)
    assert np.abs(noise.std(axis=0) / NOISE - 1).max() < 5 / np.sqrt(2 * n)
    correlations = np.corrcoef(noise, rowvar=False)
    assert np.abs(correlations - np.eye(64)).max() < 5 / np.sqrt(n)
    assert np.mean(noise**4) / NOISE**4 == pytest.approx(3, abs=5 * np.sqrt(96 / noise.size))


def test_noise_is_not_clipped_to_the_range_of_pixels() -> None:
    X = digits_noise().X
    # A blank pixel is negative half of the time, and no value is met twice.
    assert np.mean(X[DIGITS.X == 0] < 0) == pytest.approx(0.5, abs=0.01)
    assert X.max() > 1 + 3 * NOISE
    assert len(np.unique(X)) == X.size


def test_few_are_digits_each_once_in_the_same_shares() -> None:
    few = digits_few()
    numbers = [NUMBERS[image.tobytes()] for image in few.X]
    assert len(set(numbers)) == len(numbers) == 200
    np.testing.assert_array_equal(few.y, DIGITS.y[numbers])
    shares = 200 * np.bincount(DIGITS.y) / len(DIGITS.y)
    assert np.abs(np.bincount(few.y) - shares).max() < 1


def test_a_pairs_class_is_its_two_digits_and_its_sum_theirs() -> None:
    left, right = halves()
    pairs, sums = digits_pairs(), digits_sums()
    named = [f"{DIGITS.y[a]}{DIGITS.y[b]}" for a, b in zip(left, right, strict=True)]
    assert [pairs.classes[number] for number in pairs.y] == named
    np.testing.assert_array_equal(sums.X, pairs.X)
    np.testing.assert_array_equal(sums.y, (DIGITS.y[left] + DIGITS.y[right]) % 10)
    assert sums.classes == tuple("0123456789")


def test_each_digit_is_in_one_pair_so_that_none_is_on_both_sides_of_a_split() -> None:
    left, right = halves()
    assert len({*left, *right}) == 2 * 898
    split = digits_pairs().split(3)
    sides = [
        {image.tobytes() for half in np.hsplit(X, 2) for image in half}
        for X in (split.X_train, split.X_test)
    ]
    assert [len(side) for side in sides] == [2 * 718, 2 * 180]
    assert not sides[0] & sides[1]


def test_pairs_are_drawn_whatever_their_digits() -> None:
    left, right = (DIGITS.y[half] for half in halves())
    table = np.zeros((10, 10))
    np.add.at(table, (left, right), 1)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    chi_squared = float(((table - expected) ** 2 / expected).sum())
    assert 81 - 5 * np.sqrt(162) < chi_squared < 81 + 5 * np.sqrt(162)  # 9 × 9 degrees of freedom


@pytest.mark.parametrize("seed", range(5))
def test_every_class_of_pairs_is_trained_on(seed: int) -> None:
    split = digits_pairs().split(seed)
    counts = np.bincount(split.y_train, minlength=100)
    assert 2 <= counts.min()
    assert counts.max() <= 15
