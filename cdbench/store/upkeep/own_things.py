"""What the user added to a database besides what is cdbench's."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from cdbench.store.migrate import VERSION_TABLE
from cdbench.store.models import Base
from cdbench.store.views import VIEWS

_QUESTIONS = {
    "sqlite": """
        SELECT type AS kind, name, tbl_name AS parent FROM sqlite_master
        WHERE (type <> 'index' OR sql IS NOT NULL) AND name NOT LIKE 'sqlite!_%' ESCAPE '!'
        UNION ALL
        SELECT 'column', columns.name, tables.name
        FROM sqlite_master AS tables JOIN pragma_table_xinfo(tables.name) AS columns
        WHERE tables.type = 'table'
        ORDER BY 1, 3, 2
    """,
    "postgresql": """
        WITH relations AS (
            SELECT oid, relname, relkind FROM pg_class
            WHERE relnamespace = CAST(current_schema() AS regnamespace)
        )
        SELECT CASE WHEN relkind IN ('v', 'm') THEN 'view' ELSE 'table' END AS kind,
            CAST(relname AS text) AS name, CAST(relname AS text) AS parent
        FROM relations WHERE relkind IN ('r', 'p', 'f', 'v', 'm')
        UNION ALL
        SELECT 'trigger', CAST(tgname AS text), CAST(relname AS text)
        FROM pg_trigger JOIN relations ON relations.oid = tgrelid WHERE NOT tgisinternal
        UNION ALL
        SELECT 'index', CAST(indices.relname AS text), CAST(tables.relname AS text)
        FROM pg_index JOIN relations AS indices ON indices.oid = indexrelid
        JOIN relations AS tables ON tables.oid = indrelid
        WHERE NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid)
        UNION ALL
        SELECT 'column', CAST(attname AS text), CAST(relname AS text)
        FROM pg_attribute JOIN relations ON relations.oid = attrelid
        WHERE relkind IN ('r', 'p', 'f') AND attnum > 0 AND NOT attisdropped
        ORDER BY 1, 3, 2
    """,
}
"""Queries for everything in the database: its kind, its name, and the table it belongs to."""


@dataclass(frozen=True)
class OwnThing:
    """Something in the database that is not cdbench's.

    Attributes
    ----------
    kind : str
        ``"table"``, ``"view"``, ``"trigger"``, ``"index"`` or ``"column"``.
    name, parent : str
        Its name, and that of the table it belongs to (for a table or view, its own name).
    """

    kind: str
    name: str
    parent: str

    def __str__(self) -> str:
        """Return a description, such as ``an index by_date``."""
        article = "an" if self.kind == "index" else "a"
        whole = {
            "column": f"{self.parent}.{self.name}",
            "trigger": f"{self.name} on {self.parent}",
        }.get(self.kind, self.name)
        return f"{article} {self.kind} {whole}"


def own_things(connection: Connection) -> Sequence[OwnThing]:
    """Return everything in a database of the newest schema that is not cdbench's.

    Columns and indices of a user's own table are not listed besides the table; triggers are,
    because they act.
    """
    found = connection.exec_driver_sql(
        _QUESTIONS[connection.dialect.name], execution_options={"no_parameters": True}
    )
    everything = [OwnThing(*row) for row in found.all()]
    return [thing for thing in everything if not _is_ours(thing)]


def _is_ours(thing: OwnThing) -> bool:
    if thing.kind == "view":
        return thing.name in VIEWS
    if thing.kind == "trigger":
        return False
    table = Base.metadata.tables.get(thing.parent)
    if thing.kind == "table":
        return table is not None or thing.name == VERSION_TABLE
    if table is None:  # no need to list what belongs to a user's own table
        return True
    names = {"column": table.columns.keys(), "index": {index.name for index in table.indexes}}
    return thing.name in names[thing.kind]
