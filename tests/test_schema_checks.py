"""What is said of each way in which a schema can differ from the models."""

from types import SimpleNamespace
from typing import Any

import pytest

from cdbench.store.upkeep.schema_checks import MOVE, _of_difference


def named(name: str | None) -> Any:
    """A table, column, index or constraint of the table run."""
    return SimpleNamespace(name=name, table=SimpleNamespace(name="run"))


@pytest.mark.parametrize(
    ("difference", "what", "example"),
    [
        (("add_table", named("epoch")), "the table epoch is missing", ""),
        (("add_column", None, "run", named("seed")), "the column run.seed is missing", ""),
        (("add_index", named("ix_a")), "the index ix_a is missing or changed", ""),
        (
            ("modify_type", None, "run", "seed", {}, 1, 2),
            "the column run.seed has a different type",
            "",
        ),
        (
            ("modify_nullable", None, "run", "seed", {}, 1, 2),
            "the column run.seed has a different nullable",
            "",
        ),
        (
            ("modify_default", None, "run", "seed", {}, 1, 2),
            "the column run.seed has a different default",
            "",
        ),
        (("add_fk", named("fk_a")), "a constraint of run is missing or changed", "fk_a"),
        (("add_constraint", named("uq_a")), "a constraint of run is missing or changed", "uq_a"),
        (("remove_fk", named("fk_b")), "a constraint of run is not cdbench's", "fk_b"),
        (
            ("remove_constraint", named(None)),
            "a constraint of run is not cdbench's",
            "without a name",
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_each_difference_is_said_with_its_place(
    difference: tuple[Any, ...], what: str, example: str
) -> None:
    found = _of_difference(*difference)
    assert (found.what, found.example, found.remedy) == (what, example, MOVE)
