"""The numbers of knobs: how they are read, and the paper's own."""

from numbers import Integral

from cdbench.errors import ConfigurationError

ALPHA_CD = 0.0118
"""Shannon noise rate of the paper, a drop probability (Secs. I, II and IV.1)."""

MAX_INTEGER = 2**63 - 1
"""Largest integer that a database can store."""

DEFAULT_LEARNING_RATE = {"sgd": 0.1, "adam": 0.001, "adamw": 0.001}
"""For SGD, Sec. VI.1; for Adam the paper names no value, so that of Kingma and Ba (2015), which
Loshchilov and Hutter (2019) keep for AdamW."""

DEFAULT_WEIGHT_DECAY = 0.01
"""Of AdamW, Loshchilov and Hutter (2019), as in PyTorch."""


def parse_rate(name: str, value: object) -> float:
    """Return a knob's real value as a float; for ``dropout``, ``"alpha-cd"`` is the paper's rate.

    Raises
    ------
    ConfigurationError
        If the value is not a number.
    """
    if name == "dropout" and value == "alpha-cd":
        return ALPHA_CD
    try:
        if isinstance(value, bool):
            raise TypeError
        return float(value) + 0.0  # type: ignore[arg-type]  # -0.0 and 0.0 are one value
    except (TypeError, ValueError, OverflowError):
        named = ", or alpha-cd" if name == "dropout" else ""
        raise ConfigurationError(f"{name} = {value!r}: expected a number{named}") from None


def parse_integer(name: str, value: object) -> int:
    """Return a knob's whole number, of NumPy's types too.

    Raises
    ------
    ConfigurationError
        If it is not one.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise ConfigurationError(f"{name} = {value!r}: expected a whole number")
    return int(value)
