"""The page docs/schema.md: made from the models, and nothing of them is missing."""

from pathlib import Path

from cdbench.store.models import Base
from cdbench.store.schema_page import schema_markdown, view_columns

ROOT = Path(__file__).parents[1]


def test_schema_page_is_generated_from_the_models() -> None:
    assert (ROOT / "docs" / "schema.md").read_text(encoding="utf-8") == schema_markdown()


def test_schema_page_has_a_row_for_each_column_and_ends_with_one_newline() -> None:
    page = schema_markdown()
    names = [column.name for table in Base.metadata.sorted_tables for column in table.columns]
    names += [column for columns in view_columns().values() for column in columns]
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert sorted(row.split("`")[1] for row in rows) == sorted(names)
    assert page.endswith(" |\n")
