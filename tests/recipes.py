"""docs/recipes.md: the recipes with the answers of the released results beside them.

``python -m tests.recipes DATABASE`` writes the page.
"""

import re
import subprocess
import sys
from pathlib import Path

from cdbench.store.recipes import RECIPES

PAGE = Path(__file__).parents[1] / "docs" / "recipes.md"
ANSWER = re.compile(r"\ncdbench db recipes (\S+)\n.*?\n```text\n(.*?)```\n", re.DOTALL)

HEADER = """\
# Twenty questions, and the SQL that answers them

`cdbench db recipes` lists these, `cdbench db recipes NAME` asks one of your own database, and
`cdbench db browse` has them ready to run; [querying.md](querying.md) says more. Each runs as it
stands in the shell `sqlite3`, in pandas, in DuckDB and in Datasette, and a test tries it in all
four; on a PostgreSQL server, `cdbench db recipes` adapts what is rounded. The answers are those of
the released `runs.db`. What the columns mean is in [schema.md](schema.md); `changes` is what a run
changes against the paper's recipe, so that `changes = ''` is the recipe itself.

```sh
sqlite3 -box runs.db "select model, n_seeds, test_accuracy_mean from models where changes = ''"
```

```python
import sqlite3
import pandas

pandas.read_sql("select * from models", sqlite3.connect("runs.db"))
```

This page is made from `cdbench/store/recipes/` by `make docs`.
"""


def recipes() -> list[tuple[str, str, str]]:
    """Return name, SQL and answer of each recipe, the answer as the page has it."""
    answers = dict(ANSWER.findall(PAGE.read_text(encoding="utf-8")))
    return [(name, recipe.sql, answers.get(name, "")) for name, recipe in RECIPES.items()]


def page(answers: dict[str, str]) -> str:
    """Return the page, with these answers by the recipes' names."""
    parts = [HEADER]
    parts += [
        f"## {number} {recipe.question}\n\n{recipe.why}\n\n"
        f"```sh\ncdbench db recipes {name}\n```\n\n"
        f"```sql\n{recipe.sql}```\n\n```text\n{answers[name]}```\n"
        for number, (name, recipe) in enumerate(RECIPES.items(), 1)
    ]
    return "\n".join(parts)


def in_the_shell(database: Path, sql: str, *options: str) -> str:
    """Return what the shell ``sqlite3`` answers."""
    command = ["sqlite3", "-readonly", *options, str(database), sql]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, timeout=60)
    return done.stdout


def write_answers(database: Path) -> None:
    """Write the page with the answers of a database."""
    answers = {name: in_the_shell(database, recipe.sql, "-box") for name, recipe in RECIPES.items()}
    PAGE.write_text(page(answers), encoding="utf-8")


if __name__ == "__main__":
    write_answers(Path(sys.argv[1]))
