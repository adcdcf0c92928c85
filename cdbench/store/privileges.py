"""What a PostgreSQL server allows its user to do with our tables."""

from sqlalchemy import Connection, text

from cdbench.store.models import Base

CHANGED = ("sweep", "comparison", "study_part")
"""Tables whose rows are updated later: a sweep and a comparison get their end, and a part of a
study another comparison where its data are others."""

REPLACED = ("comparison_run", "comparison_line")
"""Tables whose rows are deleted and written again when a comparison ends once more."""

_IS_READ_ONLY = text(
    "SELECT current_setting('transaction_read_only') = 'on' OR pg_is_in_recovery()"
)

_MISSING_ON_TABLES = text(
    """
    SELECT privilege || ' on ' || relation
    FROM unnest(CAST(:relations AS text[]), CAST(:privileges AS text[]))
        AS wanted (relation, privilege)
    WHERE NOT has_table_privilege(to_regclass(relation), privilege)
    """
)

_MISSING_ON_SEQUENCES = text(
    """
    SELECT 'USAGE on ' || sequence FROM (
        SELECT pg_get_serial_sequence(relation, key) AS sequence
        FROM unnest(CAST(:relations AS text[]), CAST(:keys AS text[])) AS wanted (relation, key)
        WHERE to_regclass(relation) IS NOT NULL
    ) AS found WHERE NOT has_sequence_privilege(sequence, 'USAGE')
    """
)


def is_read_only(connection: Connection) -> bool:
    """Return whether the server accepts no writes: it is a hot standby, or set to read-only."""
    return bool(connection.execute(_IS_READ_ONLY).scalar_one())


def missing_privileges(connection: Connection) -> list[str]:
    """Return the privileges that the user lacks to write runs, such as ``INSERT on run``."""
    tables = Base.metadata.sorted_tables
    wanted = [(table.name, privilege) for table in tables for privilege in ("SELECT", "INSERT")]
    wanted += [(name, "UPDATE") for name in CHANGED]
    wanted += [(name, "DELETE") for name in REPLACED]
    relations, privileges = zip(*wanted, strict=True)
    names = {"relations": list(relations), "privileges": list(privileges)}
    missing = list(connection.execute(_MISSING_ON_TABLES, names).scalars())
    keys = [
        (table.name, key.name)
        for table in tables
        if (key := table.autoincrement_column) is not None
    ]
    relations, columns = zip(*keys, strict=True)
    of_keys = {"relations": list(relations), "keys": list(columns)}
    return missing + list(connection.execute(_MISSING_ON_SEQUENCES, of_keys).scalars())
