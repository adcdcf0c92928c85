"""docs/comparison.md and the README's part on it: every number is what the database answers."""

import re

import pytest

from tests.comparison_page import (
    MEASURED,
    PAGE,
    README,
    Section,
    answer_of,
    sections,
)
from tests.released import released_database


@pytest.mark.parametrize("section", sections(), ids=lambda one: one.title)
def test_the_answers_are_those_of_the_released_database(section: Section) -> None:
    for sql, answer in section.queries:
        assert answer_of(released_database(), sql) == answer


@pytest.mark.parametrize("section", sections(), ids=lambda one: one.title)
def test_every_number_of_the_prose_is_in_an_answer_below_it(section: Section) -> None:
    answered = set(re.findall(r"\d+\.\d+", " ".join(answer for _, answer in section.queries)))
    told = {number.rstrip("0").rstrip(".") for number in MEASURED.findall(section.prose)}
    assert told <= {number.rstrip("0").rstrip(".") for number in answered}


def test_the_page_tells_numbers() -> None:
    assert len(sections()) >= 5
    assert sum(len(MEASURED.findall(section.prose)) for section in sections()) >= 10


def test_no_measured_number_stands_outside_a_section_with_a_query() -> None:
    text = PAGE.read_text(encoding="utf-8")
    inside = "".join(section.prose for section in sections())
    for number in MEASURED.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        assert number in inside


def test_what_the_readme_tells_of_the_study_is_told_and_answered_there() -> None:
    (told,) = re.findall(r"^## Against which.*?(?=^## )", README.read_text("utf-8"), re.M | re.S)
    numbers = MEASURED.findall(re.sub(r"```.*?```", "", told, flags=re.DOTALL))
    assert len(numbers) >= 3
    (study,) = [section for section in sections() if section.title == "## The study"]
    assert set(numbers) <= set(MEASURED.findall(study.prose))
