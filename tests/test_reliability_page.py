"""docs/reliability.md names tests that there are."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "reliability.md").read_text(encoding="utf-8")


def test_every_test_that_the_page_names_is_there() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in TESTS.glob("test_*.py"))
    defined = set(re.findall(r"^(?:def |    def )?(test_\w+)\b", sources, re.MULTILINE))
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 50
    assert named - defined == set()
    for path in re.findall(r"`(tests/\w+\.py)`", PAGE):
        assert (TESTS.parent / path).is_file()


def test_every_promise_has_a_test() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and "---" not in line]
    promises = [row for row in rows if not row.startswith("| promised |")]
    assert len(promises) > 30
    assert [row for row in promises if "`test" not in row.rpartition(" | ")[2]] == []
