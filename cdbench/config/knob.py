"""A knob: a field of RunConfig with its help."""

from dataclasses import field
from typing import Any


def knob(default: Any, help_text: str) -> Any:
    """Return a dataclass field with a default and what ``--help`` prints."""
    return field(default=default, metadata={"help": help_text})
