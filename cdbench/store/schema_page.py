"""docs/schema.md, made from the models' comments: ``python -m cdbench.store.schema_page``."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Table, create_engine

from cdbench.store.models import Base
from cdbench.store.view_columns import column_meaning
from cdbench.store.views import VIEWS, create_views

HEADER = """\
# The database

One SQLite file, `runs.db` unless told otherwise, or a database on a PostgreSQL server, with the
same tables and views. Open it by hand:

```
sqlite3 runs.db "select * from table1"
sqlite3 -box runs.db "select model, changes, n_seeds, test_accuracy_mean from models"
psql runs -c "select model, seed, test_accuracy from runs where is_latest and changes = ''"
```

`cdbench db schema NAME` prints what is here of a table or view, and `cdbench db sql` asks it
questions: [querying.md](querying.md).

An average over `runs` mixes whatever learning rates, dropouts and epochs were tried. The view
`models` has a row for each of them, and [recipes.md](recipes.md) answers twenty questions that
are often asked.

A run is written whole, in one transaction, when it ends. Times are UTC; losses are in nats;
accuracies are shares from 0 to 1; an infinite condition number is `Inf`. Of several runs of one
configuration the newest is the one that was written last, by `sequence`, because clocks may be
wrong. This page is made from the comments in `cdbench/store/models/` and `*_views.py` by
`make pages`.

An arrow leads from a table to the one whose rows its own belong to; under a table's name is its
primary key:

![The tables and their foreign keys](diagrams/database.svg)
"""


def schema_markdown() -> str:
    """Return the page: views first, because people read those, then the tables."""
    parts = [HEADER, "## Views\n"]
    parts += [_view(name, columns) for name, columns in view_columns().items()]
    parts.append("## Tables\n")
    parts += [_table(table) for table in Base.metadata.sorted_tables]
    return "\n".join(parts).rstrip() + "\n"


def view_columns() -> dict[str, list[str]]:
    """Return the columns of each view, as a new database has them."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        Base.metadata.create_all(connection)
        create_views(connection)
        return {
            name: list(connection.exec_driver_sql(f"SELECT * FROM {name}").keys()) for name in VIEWS
        }


def _view(name: str, columns: Sequence[str]) -> str:
    lines = [f"### `{name}`\n", VIEWS[name].purpose, "", "| column | meaning |", "| --- | --- |"]
    meanings = [column_meaning(name, column).replace("|", "\\|") for column in columns]
    lines += [f"| `{c}` | {meaning} |" for c, meaning in zip(columns, meanings, strict=True)]
    return "\n".join(lines) + "\n"


def _table(table: Table) -> str:
    lines = [f"### `{table.name}`\n", purpose(table), "", "| column | type | meaning |"]
    lines.append("| --- | --- | --- |")
    for column in table.columns:
        meaning = table_meaning(column).replace("|", "\\|")
        lines.append(f"| `{column.name}` | {kind_of(column)} | {meaning} |")
    return "\n".join(lines) + "\n"


def kind_of(column: Column[Any]) -> str:
    """Return a column's type, and whether it may be NULL."""
    return str(column.type).lower() + ("" if column.nullable else ", not null")


def table_meaning(column: Column[Any]) -> str:
    """Return what a column of a table means, with what it refers to."""
    key = " Primary key." if column.primary_key else ""
    target = "".join(f" → `{key.target_fullname}`" for key in column.foreign_keys)
    return f"{column.comment}{key}{target}"


def purpose(table: Table) -> str:
    """Return what a table is for: its model's docstring, in one line."""
    return re.sub(r"\s+", " ", Base.models[table.name].__doc__ or "").strip()


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(schema_markdown(), encoding="utf-8")
