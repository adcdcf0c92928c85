"""What was found of an installation, as plain values: a line of ``cdbench doctor`` each."""

from collections.abc import Iterable
from dataclasses import dataclass

WELL, NOTE, FAULT = "well", "note", "fault"
"""States of a finding: as it should be, worth knowing, or in the way of work."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    of : str
        What it is a part of, such as ``Machine``.
    what : str
        What was looked at, in a word or two.
    said : str
        What was found.
    state : str
        WELL, NOTE or FAULT.
    advice : str
        What to do; empty if there is nothing to do.
    """

    of: str
    what: str
    said: str
    state: str = WELL
    advice: str = ""


def is_well(findings: Iterable[Finding]) -> bool:
    """Return whether nothing that was found is in the way of work."""
    return all(finding.state != FAULT for finding in findings)
