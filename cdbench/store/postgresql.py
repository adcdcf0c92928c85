"""A database on a PostgreSQL server; the extra ``postgres`` installs the driver."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import SetColumnComment

from cdbench.errors import StoreError
from cdbench.store.location import Location
from cdbench.store.urls import server_url

LOCK = 0x43446265
"""Key of the advisory lock held while the schema is created or changed: "CDbe" in ASCII."""

CONNECT_TIMEOUT_S = 10

AWAY_STATES = ("57P", "08", "53300")
"""SQLSTATEs of a server that is shutting down, starting, lost, or out of connections."""

_RELATIONS = "SELECT 1 FROM information_schema.tables WHERE table_schema = current_schema() LIMIT 1"

_COLUMNS = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position
"""

_VIEWS = """
    SELECT relname, pg_get_viewdef(pg_class.oid) FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind = 'v' AND nspname = current_schema() ORDER BY pg_class.oid
"""


class PostgresDatabase(Location):
    """A database on a PostgreSQL server; tables are in the first schema of its search path.

    Raises
    ------
    StoreError
        If the URL cannot be read, or the driver is not installed.
    """

    dialect: ClassVar[str] = "postgresql"

    def __init__(self, url: str) -> None:
        self._url = _read(url)
        shown = self._url.set(drivername="postgresql", password=None, query={})
        super().__init__(shown.render_as_string(), self._url.database or str(self._url.host))

    def engine(self, *, read_only: bool) -> Engine:
        """Return an engine that keeps one connection; a reader's transaction sees one state."""
        engine = create_engine(
            self._url,
            pool_size=1,
            isolation_level="REPEATABLE READ" if read_only else "READ COMMITTED",
            pool_pre_ping=True,  # the kept connection may be lost after the server restarts
            connect_args={
                "connect_timeout": CONNECT_TIMEOUT_S,
                "fallback_application_name": "cdbench",
            },
        )

        @event.listens_for(engine, "do_connect")
        def _connect(_dialect: Any, _record: Any, words: Any, options: Any) -> Any:
            from cdbench.store.server_connection import ServerConnection

            connection = ServerConnection.connect(*words, **options)
            connection.place = self.name
            return connection

        if read_only:

            @event.listens_for(engine, "begin")
            def _begin(connection: Connection) -> None:
                connection.exec_driver_sql("SET TRANSACTION READ ONLY")

        return engine

    @contextmanager
    def queries_only(self, connection: Connection) -> Iterator[None]:
        """Have what is executed prepared: a server prepares one statement, not several.

        It can write nothing, as a reader's transactions are read-only.
        """
        raw = connection.connection.driver_connection
        assert raw is not None
        before, raw.prepare_threshold = raw.prepare_threshold, 0
        try:
            yield
        finally:
            raw.prepare_threshold = before

    def columns(self, connection: Connection) -> list[tuple[str, str]]:
        """Return every column of the schema's tables and views."""
        return [(row[0], row[1]) for row in connection.exec_driver_sql(_COLUMNS)]

    def check_writable(self) -> None:
        """Do nothing: a server reports what is wrong as soon as it is asked."""

    def check_may_write(self, connection: Connection) -> None:
        """Raise StoreError if the server accepts no writes, or none from this user."""
        from cdbench.store.privileges import is_read_only, missing_privileges

        if is_read_only(connection):
            raise StoreError(
                f"{self.name}: the server accepts no writes (it is a standby, or "
                "default_transaction_read_only is on); name another --db"
            )
        missing = missing_privileges(connection)
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise StoreError(
                f"{self.name}: this user lacks the right {missing[0]}{more}, which storing "
                "runs needs; have it granted, or name another --db"
            )

    def is_empty(self) -> bool:
        """Return False: only the server knows."""
        return False

    def has_tables(self, connection: Connection) -> bool:
        """Return whether the schema holds any table or view."""
        return connection.exec_driver_sql(_RELATIONS).first() is not None

    @contextmanager
    def migration(self, engine: Engine) -> Iterator[Connection]:
        """Provide a transaction that waits until nobody else is changing the schema."""
        with engine.begin() as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
            yield connection

    def back_up(self, revision: str) -> str | None:
        """Do nothing: a migration is one transaction, and backing up a server is pg_dump's job."""
        del revision
        return None

    def describe(self, connection: Connection) -> None:
        """Set every column's comment, for people who read the tables by hand."""
        from cdbench.store.models import Base

        for table in Base.metadata.sorted_tables:
            for column in table.columns:
                connection.execute(SetColumnComment(column))

    def views(self, connection: Connection) -> Mapping[str, str]:
        """Return every view's statement, in the order in which they were created."""
        found = connection.exec_driver_sql(_VIEWS).all()
        return {name: f"CREATE VIEW {_quoted(name)} AS {definition}" for name, definition in found}

    def drop_views(self, connection: Connection) -> None:
        """Drop every view."""
        for name in self.views(connection):
            connection.exec_driver_sql(
                f"DROP VIEW IF EXISTS {_quoted(name)} CASCADE",
                execution_options={"no_parameters": True},  # a % in the name stays a %
            )

    def kind_and_size(self, connection: Connection) -> tuple[str, int]:
        """Return PostgreSQL with the server's version, and the size of the whole database."""
        version = connection.exec_driver_sql("SHOW server_version").scalar_one()
        size = connection.exec_driver_sql("SELECT pg_database_size(current_database())")
        return f"PostgreSQL {version.split()[0]}", size.scalar_one()

    def damage(self, connection: Connection) -> list[str]:
        """Return nothing: a server checks its own files."""
        del connection
        return []

    def compact(self, engine: Engine) -> None:
        """Free the space of deleted rows, and update the planner's statistics."""
        with engine.connect() as connection:
            alone = connection.execution_options(isolation_level="AUTOCOMMIT")
            alone.exec_driver_sql("VACUUM ANALYZE")

    def is_away(self, error: BaseException | None) -> bool:
        """Return whether a server that may come back lost or refused the connection."""
        import psycopg

        reason = error.orig if isinstance(error, DBAPIError) else error
        if not isinstance(reason, psycopg.OperationalError):
            return False
        if reason.sqlstate is not None:
            return reason.sqlstate.startswith(AWAY_STATES)
        return reason.pgconn is None or self._is_unreachable()

    def _is_unreachable(self) -> bool:
        """Return False if the server answers but refuses this user or database for good."""
        import psycopg

        _, options = self._url.get_dialect()().create_connect_args(self._url)
        words = psycopg.conninfo.make_conninfo(**options)
        if psycopg.pq.PGconn.ping(words.encode()) != psycopg.pq.Ping.OK:
            return True
        try:  # it may have come back a moment ago
            psycopg.connect(words).close()
        except psycopg.OperationalError:
            return psycopg.pq.PGconn.ping(words.encode()) != psycopg.pq.Ping.OK
        return True

    def error(self, error: Exception) -> StoreError:
        """Return the driver's message in one line; a test checks that it shows no password."""
        reason = error.orig if isinstance(error, DBAPIError) and error.orig else error
        return StoreError(f"{self.name}: {' '.join(str(reason).split())}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _read(url: str) -> URL:
    try:
        import psycopg  # noqa: F401
    except ImportError:
        raise StoreError(
            "PostgreSQL needs its driver; to install it: pip install 'cdbench[postgres]'"
        ) from None
    return server_url(url).set(drivername="postgresql+psycopg")
