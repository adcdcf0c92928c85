"""Queries of measurements: their own names are parameters in the table, which the view puts in."""

PARAMETERS = {
    "quantity": "m.quantity",
    "subject": "m.subject",
    "baseline": "m.baseline",
    "claim": "claims.claim",
}
"""What statements have parameters for, in the order in which they are made: a view's columns."""


def _written_out() -> str:
    text = "statement.sql"
    for name, column in reversed(PARAMETERS.items()):
        quoted = f"'''' || replace({column}, '''', '''''') || ''''"
        text = f"replace({text}, ':{name}', coalesce({quoted}, ':{name}'))"
    return text


WRITTEN_OUT = _written_out()
"""SQL of a measurement's query with the names in it, from ``statement``, ``m`` and ``claims``."""
