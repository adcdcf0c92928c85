"""Tables for the user: a frame of pandas or polars where one is installed, else plain rows."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from cdbench.errors import ConfigurationError, UnknownNameError

FRAMES = ("pandas", "polars", "rows")
"""Kinds of tables: frames of pandas, frames of polars, and lists of one dict a row."""


def kind_of_frames(frames: str | None) -> str:
    """Return the kind that is meant; None stands for the first that is installed.

    Raises
    ------
    UnknownNameError
        If it is not one of FRAMES.
    ConfigurationError
        If it is not installed.
    """
    if frames is None:
        return next(kind for kind in FRAMES if kind == "rows" or find_spec(kind))
    if frames not in FRAMES:
        raise UnknownNameError("frames", frames, FRAMES)
    if frames != "rows" and find_spec(frames) is None:
        raise ConfigurationError(
            f"frames = {frames!r}: it is not installed; to install it: pip install {frames}, or "
            "without it: frames='rows'"
        )
    return frames


def as_frame(columns: Sequence[str], rows: Sequence[Sequence[Any]], frames: str | None) -> Any:
    """Return the rows as the kind of table that ``frames`` names.

    Raises
    ------
    ConfigurationError
        As ``kind_of_frames``, and if two columns of a polars frame or of rows have one name.
    """
    kind = kind_of_frames(frames)
    if kind == "pandas":
        import pandas as pd

        return pd.DataFrame.from_records(list(rows), columns=list(columns))
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise ConfigurationError(
            f"two columns are called {twice[0]}; expected names of their own, as in "
            f"{twice[0]} AS other"
        )
    if kind == "polars":
        import polars as pl

        return pl.DataFrame(
            list(rows), schema=list(columns), orient="row", infer_schema_length=None
        )
    return [dict(zip(columns, row, strict=True)) for row in rows]


def of_records(records: Sequence[dict[str, Any]], frames: str | None) -> Any:
    """Return records that all have the same keys as a table."""
    columns = list(records[0]) if records else []
    return as_frame(columns, [list(record.values()) for record in records], frames)
