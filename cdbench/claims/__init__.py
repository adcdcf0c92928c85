"""The paper's claims, one a file; ``CLAIMS`` is the ledger's list.

First come the paper's main claims, then the statements around them, each in the paper's order. They
are loaded when the list is first asked for: most that uses this room needs one claim, or its parts.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cdbench.claims.base import Bench, Claim, Measurements, Needs, union
    from cdbench.claims.every import CLAIMS, every_claim

__all__ = ["CLAIMS", "Bench", "Claim", "Measurements", "Needs", "every_claim", "union"]


def __getattr__(name: str) -> Any:
    """Load a name where it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    of_all = name in ("CLAIMS", "every_claim")
    return getattr(import_module(f"{__name__}.{'every' if of_all else 'base'}"), name)
