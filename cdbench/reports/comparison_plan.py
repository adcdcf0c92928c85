"""What a comparison would train: its models with the sizes that they really reach."""

from collections.abc import Sequence
from typing import Any

from cdbench.comparison.plan import Plan
from cdbench.comparison.sizes import Candidate, Field
from cdbench.comparison.words import widths_of
from cdbench.records.comparison import DENSE, NARROWER
from cdbench.reports.formats import Report
from cdbench.reports.statistics import format_count


def planned(plan: Plan, fields: Sequence[Field], candidates: Sequence[Candidate]) -> Report:
    """Return the table of the models that compete, and notes on those that cannot."""
    rows, records = [], []
    targets = {field.budget: field.target for field in fields}
    before = None
    for one in candidates:
        if before is not None and (one.budget, one.role == DENSE) != before:
            rows.append([])
        before = one.budget, one.role == DENSE
        target = None if one.role == DENSE else targets[one.budget]
        rows.append(_cells(one, target))
        records.append(_record(one, target))
    return Report(
        title=f"What would be compared on {plan.base.dataset}, matched by {plan.match}",
        columns=["Model", "Target", "Parameters", "Multiply-adds", "Padding"],
        rows=rows,
        notes=[
            f"Not at {field.budget:g}: "
            + "; ".join(
                f"{name}, whose nearest size is {'none' if size is None else format_count(size)}"
                for name, size in field.left_out
            )
            + "."
            for field in fields
            if field.left_out
        ],
        records=records,
        text_columns=1,
    )


def _cells(one: Candidate, target: float | None) -> list[str]:
    return [
        f"{one.config.model} {widths_of(one.config)}" if one.role == NARROWER else one.config.model,
        "–" if target is None else f"{target:,.0f}",
        format_count(one.n_parameters),
        format_count(one.multiply_adds),
        f"{100 * (one.padded - 1):.0f} %",
    ]


def _record(one: Candidate, target: float | None) -> dict[str, Any]:
    return {
        "budget": one.budget,
        "target": target,
        "role": one.role,
        "model": one.config.model,
        "hidden": widths_of(one.config),
        "n_parameters": one.n_parameters,
        "multiply_adds": one.multiply_adds,
        "padded": one.padded,
    }
