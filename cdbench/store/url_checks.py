"""Checking that a database URL has only one meaning, so that it is clear what its password is."""

import ipaddress
from dataclasses import dataclass
from difflib import get_close_matches
from urllib.parse import unquote, unquote_plus

PARAMETERS = (
    *("user", "password", "host", "hostaddr", "port", "connect_timeout", "application_name"),
    *("options", "target_session_attrs", "sslmode", "sslrootcert", "sslcert", "sslkey"),
    *("sslpassword", "channel_binding", "gssencmode", "require_auth"),
)
"""Parameters allowed after the question mark of a PostgreSQL URL. libpq has others, for files that
it writes (sslkeylogfile) or reads passwords and servers from (passfile, service); no URL needs
them."""

DRIVERS = {"sqlite": ("", "pysqlite"), "postgresql": ("", "psycopg"), "postgres": ("", "psycopg")}
"""Kinds of database, with which a scheme begins, and the drivers that may follow its +."""

REPEATED = ("host", "port")
"""Parameters that may be repeated, to give several servers that are tried in turn."""


@dataclass(frozen=True)
class Pieces:
    """The parts of a URL as it was typed, split where the user meant them to be."""

    text: str
    scheme: str
    user: str
    password: str
    place: str
    path: str
    query: str

    @property
    def is_server(self) -> bool:
        """Whether it is a URL of PostgreSQL."""
        return kind_and_driver(self.scheme)[0] in ("postgresql", "postgres")

    @property
    def is_file(self) -> bool:
        """Whether it is a URL of SQLite, whose path names a file."""
        return kind_and_driver(self.scheme)[0] == "sqlite"

    @property
    def fields(self) -> list[tuple[str, str | None]]:
        """Names and values of the parameters; a value is None if there is no equals sign."""
        fields = [field.partition("=") for field in self.query.split("&")] if self.query else []
        return [
            (unquote_plus(name), unquote_plus(value) if equals else None)
            for name, equals, value in fields
        ]

    def masked(self) -> str:
        """Return the URL as it was typed, with its passwords hidden."""
        head, question, query = self.text.partition("?")
        if self.password:
            start = len(f"{self.scheme}://{self.user}:")
            head = f"{head[:start]}***{head[start + len(self.password) :]}"
        if any(is_secret(name) for name, _ in self.fields):
            # With other schemes, an & may end a password or be part of it; nobody can tell.
            query = "&".join(map(_masked_field, query.split("&"))) if self.is_server else "***"
        return head + question + query


def cut(text: str) -> Pieces:
    """Split a URL into its parts."""
    scheme, _, rest = text.partition("://")
    before, _, query = rest.partition("?")
    authority, _, path = before.partition("/")
    account, _, place = authority.rpartition("@")
    user, _, password = account.partition(":")
    return Pieces(text, scheme, user, password, place, path, query)


def kind_and_driver(scheme: str) -> tuple[str, str]:
    """Return a scheme's two parts in lower case, because case has no meaning (RFC 3986, 3.1)."""
    kind, _, driver = scheme.casefold().partition("+")
    return kind, driver


def _masked_field(field: str) -> str:
    name, equals, _ = field.partition("=")
    return f"{name}{equals}***" if is_secret(unquote_plus(name)) else field


def is_secret(name: str) -> bool:
    """Return whether a parameter with this name is a password."""
    return "pass" in name.casefold()


def fault_of(text: str) -> str | None:
    """Return what is wrong with a URL, or None; never show what may be part of its password."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    pieces = cut(text)
    if not text.isprintable():
        return "it contains invisible characters"
    apart = "its user, password, host and port cannot be told apart"
    try:
        url = make_url(text)
    except (ArgumentError, ValueError, TypeError):
        return apart
    # If SQLAlchemy found other parts than the user meant, it took a piece of one for another.
    place = (f"[{url.host}]" if ":" in (url.host or "") else url.host or "") + (
        f":{url.port}" if url.port is not None else ""
    )
    found = (url.username or "", url.password or "", place, url.database or "")
    meant = (unquote(pieces.user), unquote(pieces.password), pieces.place, unquote(pieces.path))
    if found != meant or not (place == "" or _is_place(place)):
        return apart
    if not pieces.is_file and set(pieces.path) & set("@:=&#/;"):
        return "the name of the database contains one of @ : = & # / ;"
    return _fault_of_parameters(pieces)


def _fault_of_parameters(pieces: Pieces) -> str | None:
    seen: list[str] = []
    for name, value in pieces.fields:
        if not name or value is None:
            return "a parameter has no name or no equals sign (write an & in a value as %26)"
        if not pieces.is_server:
            continue
        if name not in PARAMETERS:
            # After a password, it may be the rest of that password, if it contains an &.
            if any(map(is_secret, seen)):
                return "a parameter after the password is not one that cdbench takes"
            near = get_close_matches(name.casefold(), PARAMETERS, n=1)
            question = f"; did you mean {near[0]}?" if near else ""
            return f"{name} is not among the parameters that cdbench takes{question}"
        if name in seen and name not in REPEATED:
            return f"{name} is given twice"
        if not _is_value(name, value):
            return f"the value of {name} is not a valid {name}"
        seen.append(name)
    return None


def _is_value(name: str, value: str) -> bool:
    match name:
        case "host":
            return "@" not in value and (value.startswith("/") or _is_place(value))
        case "port":
            return all(map(_is_port, value.split(",")))
    return True


def _is_place(text: str) -> bool:
    """Return whether a text is a list of hosts, separated by commas, with or without ports."""
    return all(map(_is_host_and_port, text.split(",")))


def _is_host_and_port(text: str) -> bool:
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        return bool(bracket) and _is_address(host) and (not port or _is_port(port[1:]))
    host, colon, port = text.partition(":")
    allowed = all(character.isalnum() or character in "-._" for character in host)
    return allowed and (not colon or _is_port(port))


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) < 65536
