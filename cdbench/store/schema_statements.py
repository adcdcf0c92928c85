"""The statements that make the tables and views of the newest schema."""

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from cdbench.errors import UnknownNameError
from cdbench.store.models import Base
from cdbench.store.views import VIEWS

_DIALECTS = {"sqlite": sqlite.dialect, "postgresql": postgresql.dialect}


def relations() -> list[str]:
    """Return the names of all views and tables: views first, because people read those."""
    return [*VIEWS, *(table.name for table in Base.metadata.sorted_tables)]


def check_relation(name: str) -> None:
    """Raise UnknownNameError, with the nearest name, if there is no such table or view."""
    if name not in VIEWS and name not in Base.metadata.tables:
        raise UnknownNameError("table or view", name, relations())


def statements_of(name: str, dialect: str) -> str:
    """Return the statements that make a table with its indices, or a view; each ends with ``;``.

    Parameters
    ----------
    name : str
        The table or view.
    dialect : str
        ``"sqlite"`` or ``"postgresql"``.

    Raises
    ------
    UnknownNameError
        If there is no such table or view.
    """
    check_relation(name)
    if name in VIEWS:
        return f"CREATE VIEW {name} AS {VIEWS[name].select.strip()};"
    table = Base.metadata.tables[name]
    own = _DIALECTS[dialect]()
    made = [CreateTable(table).compile(dialect=own)]
    made += [
        CreateIndex(index).compile(dialect=own)
        for index in sorted(table.indexes, key=lambda index: str(index.name))
    ]
    text = "\n".join(f"{str(statement).strip()};" for statement in made)
    return "\n".join(line.rstrip() for line in text.expandtabs(4).splitlines())
