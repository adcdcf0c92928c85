"""Datasette's application for one of our files."""

from pathlib import Path
from typing import Any

from datasette.app import Datasette
from datasette.database import Database
from datasette.plugins import pm

from cdbench.store.browsing import browsing_connection, descriptions

SETTINGS = {
    "default_page_size": 50,
    "default_facet_size": 8,
    "sql_time_limit_ms": 10_000,
    "facet_time_limit_ms": 2_000,
    "suggest_facets": False,  # it would try every column of every view
    "allow_download": False,
    "max_returned_rows": 5_000,
}


class _OurFile(Database):  # type: ignore[misc]
    """A file that is opened as we open others' files; its name may hold any character."""

    def connect(self, write: bool = False) -> Any:
        """Return a connection that can only read."""
        del write
        return browsing_connection(Path(self.path))

    async def execute(self, sql: str, *values: Any, **options: Any) -> Any:
        """Execute a query; of a wrong one the page tells, so that no terminal is written to."""
        return await super().execute(sql, *values, **options | {"log_sql_errors": False})


def datasette_app(path: Path, label: str) -> tuple[Any, str]:
    """Return the application, and the database's name in it.

    Parameters
    ----------
    path : Path
        The file.
    label : str
        Its name for people.
    """
    name = Path(label).stem
    # Else it prints a traceback for every address that is not there.
    pm.get_plugin("datasette.handle_exception").rich = None
    told = descriptions(name, label) | {"extra_css_urls": ["/style/browse.css"]}
    style = ("style", str(Path(__file__).with_name("browsing_style")))
    datasette = Datasette(metadata=told, settings=SETTINGS, static_mounts=[style])
    datasette.remove_database("_memory")
    datasette.add_database(_OurFile(datasette, path=str(path)), name=name)
    return datasette.app(), datasette.urls.database(name)
