"""How the quantities of a run are printed, by which reproduction compares them."""

from collections.abc import Callable
from math import isinf

LARGE_LOSS = 1e6
"""From here on, a loss is that of a run about to diverge and has two digits."""


def _loss(value: float) -> str:
    return f"{value:.4f}" if abs(value) < LARGE_LOSS else f"{value:.1e}"


def _share(value: float) -> str:
    return f"{100 * value:.2f} %"


def _four_decimals(value: float) -> str:
    return f"{value:.4f}"


def _six_digits(value: float) -> str:
    return f"{value:.6g}"


def _kappa(value: float) -> str:
    return "∞" if isinf(value) else f"{value:.1e}"


def _three_digits(value: float) -> str:
    return f"{value:.2e}"


def _not_printed(_value: float) -> str:
    return ""


PRINTED: dict[str, Callable[[float], str]] = {
    # As in the paper's Table 1 and all summaries: four decimals, and percent with two.
    "training_loss": _loss,
    "test_loss": _loss,
    "test_accuracy": _share,
    "validation_loss": _loss,
    "validation_accuracy": _share,
    # Of a regression: R² with four decimals, squared errors with six digits, as train prints them.
    "test_r2": _four_decimals,
    "training_squared_error": _six_digits,
    "test_squared_error": _six_digits,
    "validation_squared_error": _six_digits,
    # Condition numbers always have two digits, as in Table 1: 5.9e6, or ∞.
    "kappa": _kappa,
    "kappa_nonnull": _kappa,
    "damped_kappa": _kappa,
    "cut_kappa": _kappa,
    # Three digits, like measurements in the audit.
    "gain": _three_digits,
    "largest": _three_digits,
    "smallest": _three_digits,
    "threshold": _three_digits,
    "flatness": _three_digits,
    "trace": _three_digits,
    "trace_error": _three_digits,
    "effective_rank": _three_digits,
    "damping": _three_digits,
    "value": _three_digits,
    "node": _three_digits,
    "weight": _three_digits,
    # A count that depends on rounding; see ``reproduction``.
    "rank": _not_printed,
}
"""How each quantity is printed; any quantity not listed must be exactly equal.

This is what reports print (``cdbench.reports.statistics``), or would print for numbers that only
figures and SQL show. A test checks that they agree.
"""
