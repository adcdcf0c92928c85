"""The crossover: who is measured, how, and what is said of it."""

import itertools
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cdbench.engine.products import PRODUCTS, plan
from cdbench.engine.products.base import BoundProduct
from cdbench.errors import ConfigurationError
from cdbench.records.benchmark import DENSE, Size, Timing, by_size, crossover, fastest
from cdbench.reports.crossover import crossover_report, format_time
from cdbench.running.crossover import (
    RIVALS,
    bytes_needed,
    make_pass,
    rivals_that_fit,
    run_benchmark,
    sizes,
    summarize,
)
from cdbench.running.turns import SAMPLE_S, take_turns
from cdbench.system.memory import available_memory, format_bytes

SMALL = Size("float64", 4, 3, 8)


def timings(
    speedups: dict[int, float], product: str = "polygon", B: int = 4, spread: float = 0.0
) -> list[Timing]:
    """Return dense and one product for every width, with these speed-ups."""
    found = []
    for n, speedup in speedups.items():
        size = Size("float32", B, 64, n)
        for name, ratio in ((DENSE, 1.0), (product, speedup)):
            seconds, away = n * 1e-6 / ratio, spread * (name != DENSE)
            found.append(
                Timing(
                    size, name, seconds, 0.9 * seconds, 1.1 * seconds, ratio, ratio - away,
                    ratio + away, 5, is_planned=name == product,
                )
            )  # fmt: skip
    return found


def test_sizes_are_all_combinations_from_small_to_large() -> None:
    found = sizes([8, 4], [4, 2], [1], ["float64", "float32"])
    assert found[:4] == [Size("float64", B, 1, n) for B, n in ((2, 4), (2, 8), (4, 4), (4, 8))]
    assert len(found) == len(set(found)) == 8


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (([0], [2], [1], ["float64"]), "n = 0: expected at least 1"),
        (([8], [0], [1], ["float64"]), "B = 0: expected at least 2"),
        (([8], [1], [1], ["float64"]), "a layer with B = 1 is the dense one"),
        (([8], [2], [0], ["float64"]), "batch = 0: expected at least 1"),
        (([8, 8], [2], [1], ["float64"]), "n: 8 is given twice"),
        (([8], [2], [1], ["float46"]), "did you mean float64?"),
        (([8, 10], [4], [1], ["float64"]), "n = 10 is not a multiple of B = 4; expected --n 8 or"),
        (([10], [4, 6], [1], ["float64"]), "expected --n 12, or another --B"),
    ],
)
def test_sizes_that_cannot_be_are_refused(given: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said.replace("?", r"\?")):
        sizes(*given)


def test_dense_is_three_products_into_arrays_that_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    one_pass, seen, matmul = make_pass(DENSE, SMALL), [], np.matmul

    def spy(a: Any, b: Any, out: Any) -> Any:
        seen.append((a.shape, b.shape, id(out)))
        return matmul(a, b, out=out)

    monkeypatch.setattr(np, "matmul", spy)
    one_pass()
    one_pass()
    assert [shapes[:2] for shapes in seen[:3]] == [
        ((3, 8), (8, 8)), ((3, 8), (8, 8)), ((8, 3), (3, 8)),
    ]  # fmt: skip
    assert seen[:3] == seen[3:]


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_products_pass_is_forward_and_backward_in_its_own_layout(
    product: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = PRODUCTS[product], []

    class Spy(real):  # type: ignore[valid-type, misc]
        def bind(self, c: Any, x: Any, allocate: Any) -> Any:
            y, run, pullback = super().bind(c, x, allocate)

            def spy(dy: Any, dc: Any) -> Any:
                dx = pullback(dy, dc)
                calls.append((c, x, y, dy, dc.copy(), dx))
                return dx

            return BoundProduct(y, run, spy)

    monkeypatch.setitem(PRODUCTS, product, Spy)
    one_pass = make_pass(product, SMALL)
    one_pass()
    one_pass()
    (c, x, y, dy, dc, dx), again = calls
    assert c.transpose(2, 1, 0).flags.c_contiguous  # as a network holds it
    assert again[2] is y  # bound once
    assert again[5] is dx

    def rows(array: Any) -> Any:
        return array if array.ndim == 2 else array.transpose(2, 1, 0).reshape(3, 8)

    W = real(2, 2, 4).matrix(c)
    np.testing.assert_allclose(rows(y), rows(x) @ W.T, atol=1e-12)
    np.testing.assert_allclose(rows(dx), rows(dy) @ W, atol=1e-12)
    dW = rows(dy).T @ rows(x)
    np.testing.assert_allclose(np.vdot(dc, c), np.vdot(dW, W), rtol=1e-10)


class Clock:
    """Time that passes only in the passes."""

    def __init__(self) -> None:
        self.now = 0.0
        self.log: list[str] = []

    def one_pass(self, name: str, durations: Callable[[], float]) -> Callable[[], None]:
        def run() -> None:
            self.log.append(name)
            self.now += durations()

        return run


def test_rivals_take_turns_in_both_orders_for_long_enough() -> None:
    clock = Clock()
    passes = {
        "short": clock.one_pass("short", lambda: SAMPLE_S / 3.5),
        "long": clock.one_pass("long", lambda: 2 * SAMPLE_S),
    }
    seconds = take_turns(passes, 3, clock=lambda: clock.now)
    assert seconds["short"] == pytest.approx([SAMPLE_S / 3.5] * 3)
    assert seconds["long"] == pytest.approx([2 * SAMPLE_S] * 3)
    # Warm-up, then rounds: four short calls fill a sample, after one that is not measured.
    assert clock.log[:7] == ["short"] * 5 + ["long"] * 2
    turns = [(name, len(list(same))) for name, same in itertools.groupby(clock.log[7:])]
    assert turns == [("short", 5), ("long", 4), ("short", 10), ("long", 2)]


def test_speedup_is_the_median_of_ratios_within_rounds() -> None:
    # The machine slows down by ten in the middle; in each round the product takes half.
    seconds = {DENSE: [2.0, 20.0, 2.0, 20.0, 2.0], "fft": [1.0, 10.0, 1.0, 10.0, 1.0]}
    dense, fft = summarize(SMALL, seconds, "fft")
    assert (fft.speedup_low, fft.speedup, fft.speedup_high) == (2.0, 2.0, 2.0)
    assert (fft.seconds_low, fft.seconds, fft.seconds_high) == (1.0, 1.0, 10.0)
    assert (dense.speedup, dense.is_planned, fft.is_planned) == (1.0, False, True)
    assert (fft.rounds, fft.beats_dense, dense.beats_dense) == (5, True, False)
    (alone,) = summarize(SMALL, {"fft": [1.0, 2.0]}, "gather")
    assert (alone.speedup, alone.speedup_low, alone.beats_dense) == (None, None, False)


@pytest.mark.parametrize("N", [1, 3])
def test_a_benchmark_measures_every_rival_of_every_size(N: int) -> None:
    grid = sizes([8, 16], [4], [N], ["float32"])
    seen: list[Size] = []
    found = run_benchmark(dict.fromkeys(grid, RIVALS), 2, 1, seen.append)
    assert seen == grid
    assert [(t.size, t.product) for t in found.timings] == [(s, r) for s in grid for r in RIVALS]
    for size, row in by_size(found.timings).items():
        planned = plan(N, (size.n, size.n), size.B, size.dtype)
        assert [name for name, timing in row.items() if timing.is_planned] == [planned]
        for timing in row.values():
            assert 0 < timing.seconds_low <= timing.seconds <= timing.seconds_high
            assert timing.rounds == 2
    assert found.environment.blas_threads == 1
    assert 0 < found.duration_s


@pytest.mark.parametrize(
    "size",
    [
        Size("float64", 4, 64, 512),
        Size("float32", 16, 512, 64),
        Size("float64", 8, 256, 256),
        Size("float32", 32, 4, 1024),
    ],
)
@pytest.mark.parametrize("rival", RIVALS)
def test_memory_is_foretold_from_above_within_a_factor_of_two(rival: str, size: Size) -> None:
    make_pass(rival, size)()  # what is imported and cached along the way
    tracemalloc.start()
    try:
        one_pass = make_pass(rival, size)
        one_pass()
        one_pass()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak / 1.03 <= bytes_needed(rival, size) <= 2 * peak


def test_who_does_not_fit_into_memory_is_left_out() -> None:
    size = Size("float32", 16, 64, 4096)
    need = {rival: bytes_needed(rival, size) for rival in RIVALS}
    assert need["polygon"] + need["fft"] < need[DENSE] < need["gather"]
    both = need["polygon"] + need["fft"]
    assert rivals_that_fit(size, sum(need.values())) == rivals_that_fit(size, None) == RIVALS
    assert rivals_that_fit(size, sum(need.values()) - 1) == (DENSE, "polygon", "fft")
    assert rivals_that_fit(size, both + need[DENSE] - 1) == ("polygon", "fft")
    least = min(need["polygon"], need["fft"])
    with pytest.raises(
        ConfigurationError, match=r"n = 4,096, B = 16, .* needs \d+\.\d MB of memory"
    ):
        rivals_that_fit(size, least - 1)


def test_available_memory_is_a_number_of_bytes() -> None:
    memory = available_memory()
    assert memory is None or 2**20 < memory < 2**60
    sizes = (16 * 1024**4, 17_179_869_184, 10**6, 82_944)
    assert [*map(format_bytes, sizes)] == ["17.6 TB", "17.2 GB", "1.0 MB", "82.9 kB"]


@pytest.mark.parametrize(
    ("speedups", "width"),
    [
        ({64: 0.5, 256: 2.0, 1024: 3.0}, 256),
        ({64: 2.0, 256: 0.5, 1024: 3.0}, 1024),
        ({64: 2.0, 256: 2.0}, 64),
        ({64: 2.0, 256: 0.5}, None),
        ({64: 1.0}, None),
    ],
)
def test_the_crossover_is_where_dense_is_beaten_for_good(
    speedups: dict[int, float], width: int | None
) -> None:
    assert crossover(by_size(timings(speedups)).values()) == width


def test_a_lead_within_the_spread_does_not_count() -> None:
    assert crossover(by_size(timings({64: 1.1}, spread=0.05)).values()) == 64
    assert crossover(by_size(timings({64: 1.1}, spread=0.2)).values()) is None


def test_widths_without_dense_do_not_count() -> None:
    found = [t for t in timings({64: 2.0, 256: 3.0}) if (t.product, t.size.n) != (DENSE, 256)]
    assert crossover(by_size(found).values()) == 64
    assert crossover(by_size(found[2:]).values()) is None


def test_the_report_marks_the_fastest_and_the_planned_and_says_the_crossover() -> None:
    found = timings({64: 0.5, 1024: 4.0})
    report = crossover_report(found, "source")
    assert report.columns == ("Layer", "n", DENSE, "polygon", "dense / fastest product")
    assert [row[1:4] for row in report.rows] == [
        ["64", "64.0 µs *", "›128 µs  "], ["1,024", "1.02 ms  ", "›256 µs *"],
    ]  # fmt: skip
    assert report.rows[1][4] == "polygon 4.00 (4.00 … 4.00)"
    assert report.notes[-1] == (
        "float32, B = 4, N = 64: from n = 1,024 on a product beats dense; at n = 1,024 polygon is "
        "4.0 times as fast."
    )
    everywhere = crossover_report(timings({64: 2.0, 128: 2.0}), "").notes[-1]
    assert "at every n measured a product beats dense" in everywhere
    nowhere = crossover_report(timings({64: 2.0, 128: 0.5}), "").notes[-1]
    assert nowhere.endswith("at n = 128 no product beats dense.")


def test_the_report_has_a_group_for_each_block_size_and_does_without_dense() -> None:
    found = timings({64: 2.0}) + [
        replace(t, speedup=None, speedup_low=None, speedup_high=None)
        for t in timings({64: 2.0}, B=8)
        if t.product != DENSE
    ]
    report = crossover_report(found, "")
    assert [bool(row) for row in report.rows] == [True, False, True]
    assert report.rows[2][2:] == ["–", "›32.0 µs *", "–"]
    assert report.notes[-1].endswith("nothing to compare, dense did not fit into memory.")


def test_fastest_is_the_least_median() -> None:
    assert fastest(timings({64: 2.0})).product == "polygon"
    assert fastest(timings({64: 0.9})).product == DENSE


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1.234e-6, "1.23 µs"), (12.34e-6, "12.3 µs"), (123.4e-6, "123 µs"), (999.6e-6, "1.00 ms"),
        (9.996e-6, "10.0 µs"), (0.25, "250 ms"), (1.5, "1.50 s"), (1234.0, "1,234 s"),
    ],
)  # fmt: skip
def test_times_have_three_digits(seconds: float, text: str) -> None:
    assert format_time(seconds) == text
