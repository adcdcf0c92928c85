"""What the functions refuse before they begin: values of another kind than they take."""

from collections.abc import Iterable
from typing import Any

from cdbench.config.diagnostics import Diagnostics
from cdbench.config.numbers import parse_integer
from cdbench.config.run_config import RunConfig
from cdbench.errors import ConfigurationError


def check_config(config: object) -> None:
    """Raise ConfigurationError unless it is a RunConfig."""
    if not isinstance(config, RunConfig):
        raise ConfigurationError(
            f"config: got {config!r}; expected a RunConfig, as in cdbench.RunConfig(B=4)"
        )


def check_options(
    *, diagnostics: object = None, blas_threads: object = 1, jobs: object = None
) -> None:
    """Raise ConfigurationError unless they are of their kinds, and the numbers at least 1."""
    if not isinstance(diagnostics, Diagnostics | None):
        raise ConfigurationError(
            f"diagnostics: got {diagnostics!r}; expected Diagnostics, as in "
            "cdbench.Diagnostics(weights=True)"
        )
    for name, value in (("blas_threads", blas_threads), ("jobs", jobs)):
        if value is not None and parse_integer(name, value) < 1:
            raise ConfigurationError(f"{name} = {value}: expected at least 1")


def several(name: str, given: Any) -> list[Any]:
    """Return what was given, one or several, as a list; raise ConfigurationError if it is empty."""
    values = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    if not values:
        raise ConfigurationError(f"{name} = []: expected at least one")
    return values


def whole_numbers(name: str, given: int | Iterable[int]) -> tuple[int, ...]:
    """Return one or several whole numbers; raise ConfigurationError if they are none."""
    return tuple(parse_integer(name, value) for value in several(name, given))
