"""Verdicts as quiet coloured labels, and how many claims have each."""

from collections.abc import Mapping

from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_MEASURED,
    NOT_SUPPORTED,
    REPRODUCED,
)
from cdbench.reports.html.markup import Markup, html

SHOWN = {
    REPRODUCED: "reproduced",
    HOLDS: "holds",
    CONDITIONAL: "holds if",
    NOT_SUPPORTED: "not supported",
    CONTRADICTED: "contradicted",
    NOT_MEASURED: "not measured",
}
"""What the page calls each verdict, from the best to the worst."""


def label(verdict: str) -> Markup:
    """Return a verdict as a label: its word, on a colour of its own."""
    if verdict not in SHOWN:
        return html(verdict)
    shown = SHOWN[verdict]
    return Markup(f'<span class="verdict {shown.replace(" ", "-")}">{shown}</span>')


def with_condition(verdict: str, condition: str | None) -> Markup:
    """Return a verdict with the condition under which it holds."""
    order = list(SHOWN).index(verdict) if verdict in SHOWN else len(SHOWN)
    words = f" {html(condition)}" if condition else ""
    return Markup(f'<span data-order="{order}">{label(verdict)}{words}</span>')


def counted(counts: Mapping[str, int]) -> Markup:
    """Return how many claims have each verdict, as a bar with its numbers in words."""
    present = {verdict: counts[verdict] for verdict in SHOWN if counts.get(verdict)}
    pieces = "".join(
        f'<span class="{SHOWN[verdict].replace(" ", "-")}" style="flex-grow:{count}"></span>'
        for verdict, count in present.items()
    )
    words = "".join(
        f"<li><strong>{count}</strong> {label(verdict)}</li>" for verdict, count in present.items()
    )
    return Markup(
        f'<div class="bar" aria-hidden="true">{pieces}</div><ul class="counts">{words}</ul>'
    )
