"""What matrices lose when they are projected to families: in all, and one by one."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from cdbench.projection.entrants import WITHOUT
from cdbench.projection.matrices import Nearest, Projection
from cdbench.reports.formats import Report
from cdbench.reports.statistics import format_count

ERROR = "Relative error is ‖W − Ŵ‖ / ‖W‖, Frobenius norms; Ŵ is the nearest member of the family."

WEIGHTED_ERROR = (
    "Relative error is the root mean square of (W − Ŵ) x over that of W x, x being the inputs; Ŵ "
    "is the member of the family where it is least."
)


def whole(
    source: str,
    budget: float,
    found: Sequence[Projection],
    scores: Mapping[str, tuple[float, float | None]] | None = None,
    heading: str = "",
    *,
    weighted: bool = False,
) -> Report:
    """Return the table of families, the one that loses least first.

    Parameters
    ----------
    source : str
        What was projected.
    budget : float
        The share that was asked for.
    found : sequence of Projection
        In the order of the table.
    scores : mapping of str to (after, fine-tuned), optional
        For each family what the network scores projected, and after training on, as told; None if
        that diverged.
    heading : str
        What scores are, with what the network scored before: ``accuracy, % (before: 97.22)``.
    weighted : bool
        Whether errors are weighted by the inputs' second moments.
    """
    columns = ["Family", "Layers", "Weights", "Share", "Relative error"]
    if scores is not None:
        columns += [f"Projected {heading}", "Fine-tuned"]
    rows: list[list[str]] = []
    records: list[dict[str, Any]] = []
    for one in found:
        if not one.found:
            continue
        record = {
            "family": str(one.entrant),
            "layers": len(one.found),
            "all_layers": len(one.found) + len(one.left_out) + len(one.too_long),
            "n_weights": one.n_weights,
            "share": one.n_weights / one.n_dense,
            "relative_error": one.relative_error,
        }
        cells = [
            str(one.entrant),
            f"{record['layers']} of {record['all_layers']}",
            format_count(one.n_weights),
            f"{record['share']:.3f}",
            f"{one.relative_error:.4f}",
        ]
        if scores is not None:
            after, tuned = scores[str(one.entrant)]
            record |= {"projected": after, "fine_tuned": tuned}
            cells += [f"{after:.2f}", "diverged" if tuned is None else f"{tuned:.2f}"]
        rows.append(cells)
        records.append(record)
    return Report(
        title=f"{source}: nearest members with {budget:g} of the weights",
        columns=columns,
        rows=rows,
        notes=[WEIGHTED_ERROR if weighted else ERROR, *_notes(found)],
        records=records,
        text_columns=1,
    )


def _notes(found: Sequence[Projection]) -> list[str]:
    notes, nowhere = [], []
    for one in found:
        if one.left_out and not (one.found or one.too_long):
            nowhere.append(str(one.entrant))
        elif one.left_out:
            words = ", ".join(
                f"{name} ({'no size' if n is None else f'nearest {n:,} weights'})"
                for name, n in one.left_out
            )
            notes.append(
                f"{one.entrant} has no size near the budget for {words}: left as they are."
            )
        if one.too_long:
            notes.append(
                f"{one.entrant} takes alternating least squares, minutes for each of "
                f"{', '.join(one.too_long)}: left as they are, but with --layer {one.entrant}."
            )
    if nowhere:
        notes.append(f"No size near the budget: {', '.join(nowhere)}.")
    if len(found) > 1:
        notes.append(f"Left out: {', '.join(sorted(WITHOUT))}, whose nearest members nobody finds.")
    return notes


def one_by_one(found: Sequence[Projection]) -> Report:
    """Return the table of matrices; of each, the families that lose least come first."""
    by_name: dict[str, list[Nearest]] = {}
    for projection in found:
        for one in projection.found:
            by_name.setdefault(one.name, []).append(one)
    rows: list[Sequence[str]] = []
    records: list[dict[str, Any]] = []
    for each in by_name.values():
        if rows:
            rows.append([])
        for one in sorted(each, key=lambda own: own.relative_error):
            (n_out, n_in), setting = one.setting.shape, one.setting
            share = setting.n_weights / prod(setting.shape)
            rows.append(
                [
                    one.name,
                    f"{n_out} × {n_in}",
                    setting.model,
                    format_count(setting.n_weights),
                    f"{share:.3f}",
                    format_count(setting.layer.multiply_adds()),
                    f"{one.relative_error:.4f}",
                ]
            )
            records.append(
                {
                    "matrix": one.name,
                    "n_out": n_out,
                    "n_in": n_in,
                    "layer": setting.specification,
                    "n_weights": setting.n_weights,
                    "share": share,
                    "multiply_adds": setting.layer.multiply_adds(),
                    "relative_error": one.relative_error,
                }
            )
    return Report(
        title="Matrix by matrix, those first that lose least",
        columns=["Matrix", "Shape", "Model", "Weights", "Share", "Multiply-adds", "Relative error"],
        rows=rows,
        notes=[],
        records=records,
        text_columns=3,
    )
