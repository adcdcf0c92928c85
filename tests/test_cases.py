"""for_each: every case is tried, and the one that fails is named."""

import pytest

from tests.cases import for_each


def test_every_combination_is_tried_once() -> None:
    tried = []

    @for_each("a", [1, 2])
    @for_each("b, c", ["xy", "zz"])
    def law(a: int, b: str, c: str) -> None:
        tried.append((a, b, c))

    law()
    assert tried == [(1, "x", "y"), (1, "z", "z"), (2, "x", "y"), (2, "z", "z")]


def test_a_failure_names_its_case_and_fixtures_are_handed_on() -> None:
    @for_each("n", [3, 0, 4])
    def law(n: int, fixture: int) -> None:
        assert fixture // n

    with pytest.raises(ZeroDivisionError) as caught:
        law(fixture=6)
    assert caught.value.__notes__ == ["with n = 0"]


def test_a_name_that_the_test_does_not_take_and_no_cases_are_refused() -> None:
    def law(n: int) -> None: ...

    with pytest.raises(AssertionError, match=r"law.* does not take m"):
        for_each("m", [1])(law)
    with pytest.raises(AssertionError):
        for_each("n", [])(law)()
