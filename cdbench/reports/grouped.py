"""Runs by their knobs: how many, mean, median and quartiles, and all that beside a baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

from cdbench.records.judgement import Measurement
from cdbench.reports.formats import Report
from cdbench.reports.quantities import Quantity, shown
from cdbench.statistics.groups import Summary
from cdbench.statistics.numerals import format_points, format_together, two_digits


@dataclass(frozen=True)
class Group:
    """Runs that agree in the columns that they are grouped by.

    Attributes
    ----------
    key : tuple
        Their values in these columns.
    summary : Summary or None
        Of their numbers; None if none has one.
    n_diverged : int
        How many others diverged, of which there is no number.
    n_pairs : int
        Pairs with the baseline.
    against : Measurement or None
        What the pairs say; None without a baseline, and of the baseline itself.
    """

    key: tuple[Any, ...]
    summary: Summary | None
    n_diverged: int
    n_pairs: int = 0
    against: Measurement | None = None


def grouped_report(
    groups: Sequence[Group],
    by: Sequence[str],
    quantity: Quantity,
    *,
    baseline: str | None = None,
    where: str | None = None,
    source: str,
    n_datasets: int = 1,
) -> Report:
    """Return the table of groups, in their order, with a blank line where the first column changes.

    Parameters
    ----------
    groups : sequence of Group
        At least one.
    by : sequence of str
        The columns that they are grouped by.
    quantity : Quantity
        What their numbers are.
    baseline : str, optional
        The value that they are compared with, as it was typed.
    where : str, optional
        The filter of the runs, as it was typed.
    source : str
        The database.
    n_datasets : int
        How many data sets the runs are of.
    """
    unit = ", %" if quantity.is_share else ""
    columns = [*map(_heading, by), "runs", f"{quantity.heading}{unit}", "median (quartiles)"]
    if baseline is not None:
        points = ", points" if quantity.is_share else ""
        columns += [
            f"{baseline} / own" if quantity.is_ratio else f"less {baseline}{points}",
            "pairs",
        ]
    filtered = f" where {where}" if where else ""
    return Report(
        title=f"{_upper(quantity.heading)} by {', '.join(map(_heading, by))}{filtered} · {source}",
        columns=columns,
        rows=_rows(groups, len(by), quantity, has_base=baseline is not None),
        notes=[*_notes(groups, quantity, baseline), *_on_datasets(by, n_datasets)],
        records=[_record(group, by, quantity, baseline) for group in groups],
        text_columns=len(by),
    )


def _heading(name: str) -> str:
    return name.replace("_", " ")


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]


def _rows(
    groups: Sequence[Group], n_by: int, quantity: Quantity, *, has_base: bool
) -> list[list[str]]:
    rows: list[list[str]] = []
    before: Any = None
    for group in groups:
        key = list(map(shown, group.key))
        if n_by > 1 and rows and group.key[0] != before:
            rows.append([])
        elif n_by > 1 and rows:
            key[0] = ""
        before = group.key[0]
        row = [*key, _count(group), *_numbers(group.summary, quantity)]
        rows.append([*row, *(_against(group, quantity) if has_base else [])])
    return rows


def _count(group: Group) -> str:
    n = f"{group.summary.n if group.summary else 0:,}"
    return f"{n} ({group.n_diverged:,} lost)" if group.n_diverged else n


def _numbers(found: Summary | None, quantity: Quantity) -> list[str]:
    if found is None:
        return ["–", "–"]
    middle, *spread = quantity.format(
        [found.mean, *([] if found.n == 1 or isnan(found.deviation) else [found.deviation])]
    )
    median, low, high = quantity.format([found.median, found.lower, found.upper])
    mean = middle + (f" ± {spread[0]}" if spread else "")
    return [mean, median if found.n == 1 else f"{median} ({low} … {high})"]


def _against(group: Group, quantity: Quantity) -> list[str]:
    found = group.against
    if found is None:
        return ["–", "–"]
    known = [x for x in (found.estimate, found.low, found.high) if x is not None]
    if quantity.is_share:
        words = format_points(known)
    elif quantity.is_ratio:
        words = [two_digits(number) for number in known]
    else:
        words = [word if word.startswith("−") else f"+{word}" for word in format_together(known)]
    interval = f" ({words[1]} … {words[2]})" if len(words) > 2 else ""
    return [f"{words[0]}{interval}", f"{group.n_pairs:,}"]


def _notes(groups: Sequence[Group], quantity: Quantity, baseline: str | None) -> list[str]:
    lost = any(group.n_diverged for group in groups)
    notes = [
        "Runs: of each configuration and seed the newest that completed"
        + "; lost: those that diverged, of which nothing is averaged" * lost
        + ". ±: standard deviation (ddof 0). Quartiles are values that occur."
    ]
    if baseline is None:
        return notes
    how = "median ratio" if quantity.is_ratio else "mean difference"
    told = f"pairs: with runs of {baseline} that are equal in all else, seed included"
    found = [group for group in groups if group.against is not None]
    if not found:
        return [*notes, f"{_upper(told)}: there are none."]
    several = any(group.n_pairs > group.against.n for group in found if group.against)
    return [
        *notes,
        f"{_upper(told)}; their {how}, with its 95 % bootstrap interval over seeds, for new splits"
        + ("; pairs of one seed are averaged before." if several else "."),
    ]


def _on_datasets(by: Sequence[str], n_datasets: int) -> list[str]:
    if n_datasets == 1 or "dataset" in by:
        return []
    apart = " ".join(["dataset", *by])
    return [f"The runs are of {n_datasets} data sets; --group-by {apart} tells them apart."]


def _record(
    group: Group, by: Sequence[str], quantity: Quantity, baseline: str | None
) -> dict[str, Any]:
    found, against = group.summary, group.against
    record: dict[str, Any] = dict(zip(by, group.key, strict=True))
    record |= {"of": quantity.heading, "n": found.n if found else 0}
    record |= {"n_diverged": group.n_diverged}
    for name in ("mean", "deviation", "median", "lower", "upper"):
        record[_RECORD.get(name, name)] = getattr(found, name, None)
    if baseline is None:
        return record
    told = "ratio" if quantity.is_ratio else "difference"
    record |= {"baseline": baseline, "n_pairs": group.n_pairs}
    record |= {"n_seeds": against.n if against else 0, told: getattr(against, "estimate", None)}
    ends = ("low", "high", "wide_low", "wide_high")
    return record | {f"{told}_{end}": getattr(against, end, None) for end in ends}


_RECORD: Mapping[str, str] = {
    "deviation": "sd",
    "lower": "lower_quartile",
    "upper": "upper_quartile",
}
"""Names in records that differ from the summary's."""
