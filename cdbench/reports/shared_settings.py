"""What the runs of a list have in common: told once, so that each line says what differs."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

_BETWEEN = re.compile(r" (?=[A-Za-z_]+=)")


def settings_of(row: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings of a run that are not at their default, but for its data set.

    Parameters
    ----------
    row : mapping
        With ``dataset``, and ``changes`` as the view runs has them.

    Examples
    --------
    >>> settings_of({"dataset": "iris", "changes": "dataset=iris hidden=3 3 epochs=2"})
    {'hidden': '3 3', 'epochs': '2'}
    """
    others = str(row["changes"] or "").replace(f"dataset={row['dataset']}", "", 1).strip()
    words = _BETWEEN.split(others) if others else []
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def in_words(settings: Mapping[str, str]) -> str:
    """Return settings as they are written: ``hidden=3 3 epochs=2``."""
    return " ".join(f"{name}={value}" if value else name for name, value in settings.items())


def told_apart(every: Sequence[Mapping[str, str]]) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Return the settings that all runs have with the same value, and the others of each run.

    Examples
    --------
    >>> told_apart([{"epochs": "2", "dropout": "0.1"}, {"epochs": "2"}])
    ({'epochs': '2'}, [{'dropout': '0.1'}, {}])
    """
    first = every[0].items() if every else ()
    shared = dict(item for item in first if all(item in own.items() for own in every))
    others = [{name: value for name, value in own.items() if name not in shared} for own in every]
    return shared, others
