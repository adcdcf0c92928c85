"""SQL for how a run differs from the defaults, as one text such as ``learning_rate=0.05``."""

from cdbench.config.numbers import DEFAULT_LEARNING_RATE
from cdbench.config.run_config import KNOBS

_TOLD_ELSEWHERE = ("layer", "B", "seed")
"""Knobs shown by the columns model and seed."""

_DEPENDENT = {
    "input": "CASE WHEN run.dataset = 'digits' THEN 'scale' WHEN run.task = 'language' THEN 'none' "
    "ELSE 'standardize' END",
    "learning_rate": "CASE run.optimizer {} END".format(
        " ".join(f"WHEN '{name}' THEN {rate}" for name, rate in DEFAULT_LEARNING_RATE.items())
    ),
}
"""Defaults that depend on another knob."""


def _default(name: str) -> str:
    value = KNOBS[name].default
    if name in _DEPENDENT:
        return _DEPENDENT[name]
    if isinstance(value, tuple):
        value = " ".join(map(str, value))
    return f"'{value}'" if isinstance(value, str) else str(value)


def _changed(name: str) -> str:
    """Return SQL for ``name=value `` where the value is not the default, else for empty text."""
    column = f"run.{name}"
    # SQLite writes 25 as 25.0 and 1e-5 as 1.0e-05; PostgreSQL does not.
    shown = f"replace(replace(CAST({column} AS text) || ' ', '.0 ', ' '), '.0e', 'e')"
    if KNOBS[name].default is None and name not in _DEPENDENT:
        return f"CASE WHEN {column} IS NULL THEN '' ELSE '{name}=' || {shown} END"
    return f"CASE WHEN {column} = {_default(name)} THEN '' ELSE '{name}=' || {shown} END"


CHANGES = "trim({})".format(
    "\n            || ".join(_changed(name) for name in KNOBS if name not in _TOLD_ELSEWHERE)
)
"""SQL for the whole text, for a query that reads ``run``."""
