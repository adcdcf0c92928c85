"""docs/schema.md, made from the models' comments: ``python -m cdbench.store.schema_page``."""

import re
import sys
from pathlib import Path

from sqlalchemy import Table

from cdbench.store.models import Base
from cdbench.store.views import VIEWS

HEADER = """\
# The database

One SQLite file, `runs.db` unless told otherwise, or a database on a PostgreSQL server, with the
same tables and views. Open it by hand:

```
sqlite3 runs.db "select * from table1"
sqlite3 runs.db "select model, seed, test_accuracy, weight_kappa from runs where is_latest"
psql runs -c 'select "B", avg(test_accuracy) from runs where is_latest group by "B"'
```

A run is written whole, in one transaction, when it ends. Times are UTC; losses are in nats;
accuracies are shares from 0 to 1; an infinite condition number is `Inf`. Of several runs of one
configuration the newest is the one that was written last, by `sequence`, because clocks may be
wrong. This page is made from the comments in `cdbench/store/models/` and `views.py` by
`make docs`.
"""


def schema_markdown() -> str:
    """Return the page: views first, because people read those, then the tables."""
    parts = [HEADER, "## Views\n"]
    parts += [f"- **`{name}`**: {view.purpose}" for name, view in VIEWS.items()]
    parts.append("\n## Tables\n")
    parts += [_table(table) for table in Base.metadata.sorted_tables]
    return "\n".join(parts).rstrip() + "\n"


def _table(table: Table) -> str:
    lines = [f"### `{table.name}`\n", _purpose(table), "", "| column | type | meaning |"]
    lines.append("| --- | --- | --- |")
    for column in table.columns:
        kind = str(column.type).lower() + ("" if column.nullable else ", not null")
        key = " Primary key." if column.primary_key else ""
        target = "".join(f" → `{key.target_fullname}`" for key in column.foreign_keys)
        comment = str(column.comment).replace("|", "\\|")
        lines.append(f"| `{column.name}` | {kind} | {comment}{key}{target} |")
    return "\n".join(lines) + "\n"


def _purpose(table: Table) -> str:
    model = next(m.class_ for m in Base.registry.mappers if m.local_table is table)
    return re.sub(r"\s+", " ", model.__doc__ or "").strip()


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(schema_markdown(), encoding="utf-8")
