"""The crossover: time of a layer by dense and by each product, and where which is fastest."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from cdbench.records.benchmark import DENSE, Size, Timing, by_size, crossover, fastest
from cdbench.reports.formats import Report

FASTEST, PLANNED = "*", "›"


def crossover_report(timings: Sequence[Timing], source: str) -> Report:
    """Build the table of a benchmark, grouped by dtype, B and N, with its crossovers in words.

    Parameters
    ----------
    timings : sequence of Timing
        At least one.
    source : str
        What was timed; used in the title.
    """
    products = list(dict.fromkeys(timing.product for timing in timings))
    rows: list[list[str]] = []
    sentences: list[str] = []
    for group in grouped(timings).values():
        own = [_row(size, found, products) for size, found in group.items()]
        own = [row if i == 0 else ["", *row[1:]] for i, row in enumerate(own)]
        rows += [[]] * bool(rows) + own
        sentences.append(_sentence(group))
    rounds = timings[0].rounds
    return Report(
        title=source,
        columns=("Layer", "n", *products, "dense / fastest product"),
        rows=rows,
        notes=(
            f"Forward and backward pass of an n × n layer, median of {rounds} rounds in which all "
            f"take turns. {FASTEST} fastest of its row; {PLANNED} the product that auto picks "
            "for such a layer alone (a whole narrow network is gathered at once, which is faster); "
            "in brackets the quartiles.",
            "",
            *sentences,
        ),
        records=[_record(timing) for timing in timings],
        text_columns=1,
    )


def _record(timing: Timing) -> dict[str, Any]:
    values = asdict(timing)
    size: dict[str, Any] = values.pop("size")
    return size | values


def grouped(
    timings: Sequence[Timing],
) -> dict[tuple[str, int, int], dict[Size, dict[str, Timing]]]:
    """Return timings by (dtype, B, N), then by size, smallest n first, then by product."""
    groups: dict[tuple[str, int, int], dict[Size, dict[str, Timing]]] = {}
    for size, row in by_size(timings).items():
        groups.setdefault((size.dtype, size.B, size.N), {})[size] = row
    return groups


def _row(size: Size, found: Mapping[str, Timing], products: Sequence[str]) -> list[str]:
    best = fastest(found.values())
    cells = [
        _cell(found[product], is_fastest=found[product] == best) if product in found else "–"
        for product in products
    ]
    return [_name(size), f"{size.n:,}", *cells, _speedup(found)]


def _name(size: Size) -> str:
    return f"{size.dtype}, B = {size.B}, N = {size.N:,}"


def _cell(timing: Timing, *, is_fastest: bool) -> str:
    # A blank stands in for a missing mark, so that the numbers stay aligned.
    mark = FASTEST if is_fastest else " "
    return f"{PLANNED if timing.is_planned else ''}{format_time(timing.seconds)} {mark}"


def format_time(seconds: float) -> str:
    """Return a time with three digits and its unit: ``12.3 µs``, ``4.56 ms``, ``1.23 s``."""
    for unit, factor in (("µs", 1e6), ("ms", 1e3), ("s", 1.0)):
        value = factor * seconds
        if value < 999.5 or unit == "s":
            break
    digits = 0 if value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:,.{digits}f} {unit}"


def _speedup(found: Mapping[str, Timing]) -> str:
    best = fastest(timing for timing in found.values() if timing.product != DENSE)
    if best.speedup is None:
        return "–"
    return f"{best.product} {best.speedup:.2f} ({best.speedup_low:.2f} … {best.speedup_high:.2f})"


def _sentence(group: Mapping[Size, Mapping[str, Timing]]) -> str:
    """Say from which n on some product beats dense."""
    compared = [dict(found) for found in group.values() if DENSE in found]
    name = _name(next(iter(group)))
    if not compared:
        return f"{name}: nothing to compare, dense did not fit into memory."
    widest = compared[-1]
    n_max = widest[DENSE].size.n
    first = crossover(compared)
    if first is None:
        return f"{name}: at n = {n_max:,} no product beats dense."
    best = fastest(timing for timing in widest.values() if timing.product != DENSE)
    start = (
        "at every n measured" if first == compared[0][DENSE].size.n else f"from n = {first:,} on"
    )
    reach = f"at n = {n_max:,} {best.product} is {best.speedup:.1f} times as fast"
    return f"{name}: {start} a product beats dense; {reach}."
