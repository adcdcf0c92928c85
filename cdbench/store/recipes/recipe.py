"""What a recipe is."""

from typing import NamedTuple


class Recipe(NamedTuple):
    """A question that is often asked, the query that answers it, and what to know of the answer.

    The SQL, of at most ten lines, is for SQLite and DuckDB as it stands; ``of_dialect`` has that of
    a PostgreSQL server.

    Attributes
    ----------
    name : str
        Its name: words in small letters, with hyphens.
    question : str
        One sentence that ends with a question mark.
    sql : str
        The query.
    why : str
        What the answer is good for, or what it must not be taken for.
    """

    name: str
    question: str
    sql: str
    why: str


def of_dialect(sql: str, dialect: str) -> str:
    """Return a recipe's SQL for a kind of database.

    PostgreSQL rounds to digits only what is of its type numeric.

    Parameters
    ----------
    sql : str
        A recipe's SQL.
    dialect : str
        ``"sqlite"`` or ``"postgresql"``.

    Examples
    --------
    >>> of_dialect("select round(100 * avg(x), 2) from runs", "postgresql")
    'select round((100 * avg(x))::numeric, 2) from runs'
    """
    if dialect != "postgresql":
        return sql
    before, opening, rest = sql.partition("round(")
    if not opening:
        return sql
    depth, comma = 1, None
    for place, character in enumerate(rest):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 1:
            comma = place
        if depth == 0:
            break
    inner, after = rest[:place], rest[place:]
    if comma is not None:
        inner = f"({inner[:comma]})::numeric{inner[comma:]}"
    return before + opening + of_dialect(inner, dialect) + of_dialect(after, dialect)
