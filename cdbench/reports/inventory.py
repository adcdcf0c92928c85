"""What a database contains, on one screen."""

from collections.abc import Mapping, Sequence

from cdbench.reports.formats import Report
from cdbench.store.upkeep.inventory import Inventory

PARTS = {
    "epoch": "epochs",
    "kept_weights": "networks that were kept",
    "condition_number": "condition numbers",
    "noise_floor": "conditions above noise floors",
    "spectrum": "spectra",
    "spectrum_value": "values of spectra",
    "curvature": "matrices' curvatures",
    "curvature_node": "points of their spectra",
    "claim_result": "judgements of claims",
    "series": "series of observations",
    "observation": "observations",
    "measurement": "measurements",
    "benchmark": "benchmarks",
    "timing": "times",
    "configuration": "configurations",
    "sweep": "sweeps",
    "environment": "environments",
    "run_tag": "tags",
    "run_note": "notes",
    "trash": "runs in the trash",
}
"""Names for the rows of each table."""


def inventory_report(found: Inventory) -> Report:
    """Return a report on the contents of a database."""
    newest = "the newest" if found.revision == found.newest_revision else "not the newest"
    title = (
        f"{found.name} · {found.kind} · {size_in_words(found.n_bytes)} · schema {found.revision}, "
        f"{newest}"
    )
    others = {
        words: found.n_rows[table] for table, words in PARTS.items() if found.n_rows.get(table)
    }
    groups = [
        ("runs", {"all": found.n_rows["run"]} | found.statuses),
        ("data set", found.datasets),
        ("model", found.models),
        ("beside", others),
    ]
    rows: list[tuple[str, ...]] = []
    for name, counts in groups:
        rows += [()] if rows and counts else []
        rows += [
            (name if number == 0 else "", what, f"{count:,}")
            for number, (what, count) in enumerate(counts.items())
        ]
    return Report(
        title=title,
        columns=("", "", "Number"),
        rows=rows,
        notes=_notes(found),
        records=_records(found, groups),
    )


def size_in_words(n_bytes: float) -> str:
    """Return a size such as ``16.1 MB``.

    Examples
    --------
    >>> size_in_words(999), size_in_words(16_105_472)
    ('999 B', '16.1 MB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if n_bytes < 1000:
            return f"{n_bytes:.0f} {unit}" if unit == "B" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} TB"


def _notes(found: Inventory) -> list[str]:
    notes = []
    if found.first and found.last:
        notes.append(
            f"First run {found.first:%Y-%m-%d %H:%M}, last {found.last:%Y-%m-%d %H:%M} UTC."
        )
    else:
        notes.append("No runs yet; to make some: cdbench sweep --B 1 3 4 --seeds 0 1 2")
    if found.revision != found.newest_revision:
        notes.append(
            f"Schema {found.newest_revision} is the newest; the first command that uses the "
            "database brings it there, or cdbench db upgrade, with a backup."
        )
    return notes


def _records(
    found: Inventory, groups: Sequence[tuple[str, Mapping[str, int]]]
) -> list[dict[str, object]]:
    facts: dict[str, object] = {
        "name": found.name,
        "kind": found.kind,
        "bytes": found.n_bytes,
        "schema": found.revision,
        "newest schema": found.newest_revision,
        "first run": str(found.first) if found.first else None,
        "last run": str(found.last) if found.last else None,
    }
    return [{"of": "database", "what": name, "value": value} for name, value in facts.items()] + [
        {"of": of, "what": what, "value": count}
        for of, counts in groups
        for what, count in counts.items()
    ]
