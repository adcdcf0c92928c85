"""Writing the queries of measurements, each stored once."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection

from cdbench.errors import StoreError
from cdbench.records.judgement import Measurement
from cdbench.store import models
from cdbench.store.insert import shared_key
from cdbench.store.written_out import PARAMETERS


def measurement_row(connection: Connection, claim: str, measurement: Measurement) -> dict[str, Any]:
    """Return a measurement's columns but its keys; its statement is written if there is none yet.

    Raises
    ------
    StoreError
        If its query would not come out of the view as it is.
    """
    values = asdict(measurement)
    del values["sql"]
    statement = {"sql": _statement(claim, measurement)}
    key = shared_key(connection, models.Statement, ("sql",), statement)
    return values | {"statement_id": key}


def _statement(claim: str, measurement: Measurement) -> str:
    """Return a measurement's query with parameters for its own names."""
    own = {"claim": claim} | {name: getattr(measurement, name) for name in list(PARAMETERS)[:-1]}
    quoted = {
        f":{name}": "'" + own[name].replace("'", "''") + "'"
        for name in PARAMETERS
        if own[name] is not None
    }
    text = measurement.sql
    for name, value in quoted.items():
        text = text.replace(value, name)
    written_out = text
    for name, value in reversed(quoted.items()):
        written_out = written_out.replace(name, value)
    if written_out != measurement.sql:
        raise StoreError(
            f"claim {claim}: the query of {measurement.quantity!r} has "
            ":quantity, :subject, :baseline or :claim in its text, which stand for names; expected "
            "others"
        )
    return text
