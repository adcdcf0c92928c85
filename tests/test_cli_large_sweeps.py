"""Sweeps of very many runs: what is left out so that they end, and what they take from a range."""

from typing import Any

import pytest

from cdbench.cli.arguments import expand_lists
from tests.cli_tools import Here

SMALL = ("sweep", "--dataset", "iris", "--hidden", "8", "--epochs", "2", "--B", "2", "--jobs", "1")


@pytest.mark.parametrize(("seeds", "compared"), [("0..2", True), ("0..3", False)])
def test_more_seeds_than_a_bootstrap_can_take_are_summed_up_and_not_compared(
    here: Here, monkeypatch: Any, seeds: str, compared: bool
) -> None:
    monkeypatch.setattr("cdbench.api.sweep_tables.MOST_SEEDS", 3)
    answer = here(*SMALL, "--seeds", seeds)
    assert (answer.code, answer.err) == (0, "")
    assert "This sweep" in answer.out
    assert ("Against dense" in answer.out) == compared
    assert ("Not compared with dense: 4 seeds; expected 3 at most" in answer.out) != compared


def test_a_range_of_a_hundred_thousand_seeds_is_one_word_to_the_parser(
    here: Here, monkeypatch: Any
) -> None:
    words: list[int] = []

    def counted(*given: Any) -> list[str]:
        words.append(len(expanded := expand_lists(*given)))
        return expanded

    monkeypatch.setattr("cdbench.cli.arguments.expand_lists", counted)
    answer = here(*SMALL, "--seeds", "0..49999", "--dry-run")
    assert "100000 runs, 0 of them stored" in answer.out
    assert words[0] < 50
