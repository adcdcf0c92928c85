"""A run as one document, in which every number is exact; and as rows of name and value."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from cdbench.records.run import Run
from cdbench.reports.run_sources import sources
from cdbench.store.run_origins import RunOrigin


def run_document(run: Run, origin: RunOrigin, again: Sequence[str]) -> dict[str, Any]:
    """Return everything that is stored of a run.

    Parameters
    ----------
    run : Run
        The run.
    origin : RunOrigin
        What it belongs to.
    again : sequence of str
        The words that train it again.
    """
    config = {one.name: (one.value, source) for one, source in sources(run.config, origin)}
    return {
        "run_id": origin.run_id,
        "uuid": run.uuid,
        "model": origin.model,
        "changes": origin.changes,
        "status": run.status,
        "error": run.error,
        "diverged_epoch": run.diverged_epoch,
        "diverged_step": run.diverged_step,
        "is_latest": origin.is_latest,
        "tags": list(origin.labels.tags),
        "note": origin.labels.note,
        "started_at": run.started_at.isoformat(),
        "belongs_to": {
            "sweep_id": origin.sweep_id,
            "command_line": origin.command_line,
            "comparisons": [{"name": name, "stage": stage} for name, stage in origin.comparisons],
        },
        "config_digest": run.config.digest(),
        "config": {name: value for name, (value, _) in config.items()}
        | {"structure": run.config.structure, "plugin": run.config.plugin},
        "config_from": {name: source for name, (_, source) in config.items()},
        "dataset_fingerprint": run.dataset_fingerprint,
        "diagnostics": None if run.diagnostics is None else asdict(run.diagnostics),
        "environment": asdict(run.environment),
        "cost": _cost(run, origin),
        "epochs": list(map(asdict, run.epochs)),
        "classes": list(map(asdict, run.classes)),
        "gains": list(map(asdict, run.gains)),
        "spectra": [_spectrum(one) for one in map(asdict, run.spectra)],
        "curvature": list(map(asdict, run.curvature)),
        "command": shlex.join(again),
    }


def run_records(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the document in rows: what it is of, such as ``epochs 3``, its name and its value."""
    return [
        {"of": " ".join(place[:-1]) or "run", "what": place[-1], "value": value}
        for place, value in _leaves(document, ())
    ]


def _leaves(value: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _leaves(one, (*place, name))
    elif isinstance(value, list | tuple) and value and isinstance(value[0], Mapping):
        for number, one in enumerate(value, 1):
            yield from _leaves(one, (*place, str(number)))
    elif isinstance(value, list | tuple):
        yield place, " ".join(map(str, value))
    else:
        yield place, value


def _cost(run: Run, origin: RunOrigin) -> dict[str, Any]:
    return {
        "duration_s": run.duration_s,
        "cpu_s": run.cpu_s,
        "peak_memory_bytes": run.peak_memory_bytes,
        "n_parameters": run.n_parameters,
        "widths": list(run.widths),
        "product_used": run.product_used,
        "multiply_adds": origin.multiply_adds,
        "kept_network_bytes": origin.kept_bytes,
        "kept_network_digest": origin.kept_digest,
    }


def _spectrum(found: dict[str, Any]) -> dict[str, Any]:
    """Return a spectrum with its condition's numbers beside its place."""
    condition: dict[str, Any] = found["condition"]
    place = {name: found[name] for name in ("layer", "kind", "epoch", "step", "sample")}
    numbers = {name: found[name] for name in ("multiplicity", "n_numbers", "values")}
    return place | condition | numbers
