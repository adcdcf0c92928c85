"""``cdbench bench`` and ``plot --crossover``, and the threads that every command passes on."""

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cdbench.engine.products import PRODUCTS
from cdbench.errors import MissingResultsError
from cdbench.records.benchmark import DENSE, Benchmark, Size, Timing
from cdbench.running import crossover, sweep
from cdbench.running.environment import current_environment
from cdbench.store.benchmark_queries import stored_benchmark
from cdbench.store.database import open_for_reading, open_for_writing
from cdbench.store.record import record_benchmark
from cdbench.system import memory
from tests.cli_tools import SMALL, Here, contents, rows

TINY = ("--n", "8", "16", "--B", "4", "--rounds", "2")
WORDS = ("bench", *TINY)


def timing(product: str, seconds: float, speedup: float | None, n: int = 8) -> Timing:
    return Timing(
        Size("float64", 4, 64, n), product, seconds, 0.9 * seconds, 1.1 * seconds,
        speedup, speedup, speedup, 5, is_planned=product == "fft",
    )  # fmt: skip


def benchmark(uuid: str, *timings: Timing) -> Benchmark:
    return Benchmark(uuid, current_environment(), datetime.now(UTC), 1.5, timings)


def test_it_prints_draws_and_stores_the_crossover(here: Here) -> None:
    answer = here(*WORDS)
    assert (answer.code, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert lines[0].startswith("benchmark 1 of runs.db · ")
    assert lines[0].endswith("1 thread")
    for dtype in ("float32", "float64"):
        assert sum(line.startswith(f"{dtype}, B = 4, N = 64: ") for line in lines) == 1
    assert "stored as benchmark 1 in runs.db" in lines
    assert lines[-1] == "wrote figures/crossover.png"
    assert (here.folder / "figures" / "crossover.png").stat().st_size > 5000
    database = here.folder / "runs.db"
    found = rows(database, "SELECT dtype, B, n_samples, n, product FROM timing")
    assert sorted(found) == sorted(
        (dtype, 4, 64, n, product)
        for dtype in ("float32", "float64")
        for n in (8, 16)
        for product in (DENSE, *PRODUCTS)
    )
    assert rows(database, "SELECT blas_threads FROM environment") == [(1,)]
    assert rows(database, "SELECT count(*) FROM run") == [(0,)]


def test_values_are_those_that_were_given(here: Here) -> None:
    words = ("--batch", "1", "3", "--dtype", "float32", "--output", "deep/er", "--db", "b.db")
    answer = here(*WORDS, *words)
    assert (answer.code, answer.err) == (0, "")
    found = rows(here.folder / "b.db", "SELECT DISTINCT dtype, n_samples, rounds FROM timing")
    assert found == [("float32", 1, 2), ("float32", 3, 2)]
    assert (here.folder / "deep" / "er" / "crossover.png").exists()


def test_the_figure_goes_into_the_file_that_is_named(here: Here) -> None:
    assert here(*WORDS, "--output", "times.svg").out.endswith("wrote times.svg\n")
    assert (here.folder / "times.svg").read_bytes().startswith(b"<?xml")
    assert not (here.folder / "figures").exists()


def test_defaults_for_training_are_not_meant_for_it_but_the_database_is(here: Here) -> None:
    (here.folder / "cdbench.toml").write_text(
        'database = "b.db"\n[defaults]\nB = 3\ndtype = "float32"\nproduct = "gather"\n'
    )
    assert here("bench", "--n", "64", "--rounds", "1").code == 0
    found = rows(here.folder / "b.db", "SELECT DISTINCT dtype, B FROM timing")
    assert found == [(dtype, B) for dtype in ("float32", "float64") for B in (4, 8, 16, 32)]


def test_plot_draws_the_newest_benchmark_again(here: Here) -> None:
    here(*WORDS)
    first = (here.folder / "figures" / "crossover.png").read_bytes()
    answer = here("plot", "--crossover", "--output", "again")
    assert (answer.code, answer.out) == (0, "wrote again/crossover.png\n")
    assert (here.folder / "again" / "crossover.png").read_bytes() == first


def test_what_lacks_for_the_figure_is_said(here: Here) -> None:
    answer = here("plot", "--crossover")
    assert answer.code == 3
    assert answer.err.startswith(
        "cdbench: runs.db: no results yet; to make some: cdbench bench; the released results are in"
    )
    open_for_writing("runs.db")
    answer = here("plot", "--crossover", "--db", "runs.db")
    assert (answer.code, answer.err) == (
        3, "cdbench: runs.db: no benchmark yet; to measure one: cdbench bench --db runs.db\n",
    )  # fmt: skip


def test_a_benchmark_comes_back_exactly_and_the_newest_by_default(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    database = open_for_writing(str(path))
    with pytest.raises(MissingResultsError, match="cdbench bench"):
        stored_benchmark(database)
    one = [timing(DENSE, 2e-5, 1.0), timing("gather", 1e-5, 2.0), timing("fft", 4e-5, 0.5)]
    two = [replace(t, speedup=None, speedup_low=None, speedup_high=None) for t in one[1:]]
    assert [record_benchmark(database, benchmark(*b)) for b in (("a", *one), ("b", *two))] == [1, 2]  # type: ignore[arg-type]
    database = open_for_reading(str(path))
    assert stored_benchmark(database, 1)[1] == tuple(one)
    source, newest = stored_benchmark(database)
    assert newest == tuple(two)
    assert source.startswith("benchmark 2 of runs.db · ")


def test_the_view_is_for_reading_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    database = open_for_writing(str(path))
    for uuid in "ab":
        given = [timing(DENSE, 2e-5, 1.0), timing("fft", 1e-5, 2.0), timing("fft", 3e-5, None, 12)]
        record_benchmark(database, benchmark(uuid, *given))
    question = (
        "SELECT benchmark_id, is_latest, n, product, microseconds, microseconds_low, "
        "microseconds_high, speedup, is_fastest, is_planned FROM benchmarks ORDER BY 1, 3, 4"
    )
    expected: list[tuple[Any, ...]] = [
        (1, 0, 8, DENSE, 20.0, 18.0, 22.0, 1.0, 0, 0),
        (1, 0, 8, "fft", 10.0, 9.0, 11.0, 2.0, 1, 1),
        (1, 0, 12, "fft", 30.0, 27.0, 33.0, None, 1, 1),
    ]
    expected += [(2, 1, *row[2:]) for row in expected]
    assert rows(path, question) == expected


def test_a_benchmark_is_stored_whole_or_not_at_all(tmp_path: Path) -> None:
    database = open_for_writing(str(tmp_path / "runs.db"))
    with pytest.raises(Exception, match="NOT NULL"):
        record_benchmark(database, benchmark("a", replace(timing(DENSE, 1.0, 1.0), seconds=None)))  # type: ignore[arg-type]
    assert rows(Path(database.name), "SELECT count(*) FROM benchmark") == [(0,)]


def test_deleting_a_benchmark_deletes_its_times(tmp_path: Path) -> None:
    database = open_for_writing(str(tmp_path / "runs.db"))
    record_benchmark(database, benchmark("a", timing(DENSE, 1.0, 1.0)))
    with closing(sqlite3.connect(Path(database.name))) as connection, connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("DELETE FROM benchmark")
    assert rows(Path(database.name), "SELECT count(*) FROM timing") == [(0,)]


BAD = [
    ("--n 100", "n = 100 is not a multiple of B = 8; expected --n 96 or --n 128, or another --B"),
    ("--n 4 --B 8", "n = 4 is not a multiple of B = 8; expected --n 8, or another --B"),
    ("--n 0", "n = 0: expected at least 1"),
    ("--n many", "'--n': 'many' is not a whole number"),
    ("--n", "Option '--n' requires at least one value"),
    ("--B 0", "B = 0: expected at least 2"),
    ("--B 1", "B = 1: expected at least 2; a layer with B = 1 is the dense one"),
    ("--batch 0", "batch = 0: expected at least 1"),
    ("--dtype float46", "did you mean float64?"),
    ("--n 64 64", "n: 64 is given twice"),
    ("--rounds 0", "'--rounds'"),
    ("--n 33554432", "n = 33,554,432, B = 4, N = 64, float64: needs "),
    ("--n 33554432", "of memory at least"),
]


@pytest.mark.parametrize(("line", "said"), BAD)
def test_bad_input_is_one_line_and_leaves_nothing(here: Here, line: str, said: str) -> None:
    answer = here("bench", *line.split())
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("cdbench: ")
    assert answer.err.count("\n") == 1
    assert said in answer.err
    assert contents(here.folder) == {}


def test_who_does_not_fit_into_memory_is_left_out_and_named(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = Size("float64", 16, 1, 256)
    room = sum(crossover.bytes_needed(product, size) for product in ("polygon", "fft"))
    assert room < crossover.bytes_needed(DENSE, size)
    monkeypatch.setattr(memory, "available_memory", lambda: room)
    words = ("--n", "256", "--B", "16", "--batch", "1", "--dtype", "float64", "--rounds", "2")
    answer = here("bench", *words)
    assert answer.code == 0
    assert (
        "n = 256, B = 16, N = 1, float64: left out dense (1.1 MB), gather (3.7 MB): " in answer.err
    )
    assert answer.err.count("\n") == 1
    assert "nothing to compare, dense did not fit into memory" in answer.out
    found = rows(here.folder / "runs.db", "SELECT product, speedup FROM timing ORDER BY product")
    assert found == [("fft", None), ("polygon", None)]


def test_an_interrupted_benchmark_stores_nothing(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_passes: Any, _rounds: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(crossover, "take_turns", interrupt)
    answer = here(*WORDS)
    assert (answer.code, answer.out, answer.err) == (130, "", "interrupted: nothing is stored\n")
    assert rows(here.folder / "runs.db", "SELECT count(*) FROM benchmark") == [(0,)]


# --blas-threads

THREADED = [
    ("train", *SMALL, "--B", "2"),
    ("sweep", *SMALL, "--B", "2", "--seeds", "0", "1", "--jobs", "1"),
    ("sweep", *SMALL, "--B", "2", "--seeds", "0", "1", "--jobs", "2"),
    WORDS,
]


@pytest.mark.long
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("words", THREADED, ids=" ".join)
def test_the_threads_of_matrix_products_are_set_and_stored(
    here: Here, words: tuple[str, ...], threads: int
) -> None:
    more = () if threads == 1 else ("--blas-threads", str(threads))
    assert here(*words, *more).code == 0
    assert rows(here.folder / "runs.db", "SELECT blas_threads FROM environment") == [(threads,)]


def test_a_sweep_gives_each_thread_a_core(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    asked = []

    def spy(configs: Any, jobs: int, *_rest: Any, **_more: Any) -> list[Any]:
        asked.append(jobs)
        return []

    monkeypatch.setattr(sweep, "execute_in_batches", spy)
    words = ("sweep", *SMALL, "--B", "2", "--seeds", "0")
    for more in ((), ("--blas-threads", "3"), ("--blas-threads", "7"), ("--jobs", "5")):
        here(*words, *more)
    assert asked == [7, 2, 1, 5]


@pytest.mark.parametrize("words", [THREADED[0], THREADED[1], WORDS], ids=" ".join)
@pytest.mark.parametrize("value", ["0", "-1", "100000", "two", "1.5"])
def test_threads_that_cannot_be_are_refused(here: Here, words: tuple[str, ...], value: str) -> None:
    answer = here(*words, "--blas-threads", value)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("cdbench: Invalid value for '--blas-threads': ")
    assert ("expected 1 to" in answer.err) != ("is not a whole number" in answer.err)
    assert contents(here.folder) == {}


# --product


def test_a_sweep_over_products_trains_each_and_says_which_was_used(here: Here) -> None:
    words = ("--B", "2", "--product", "gather", "polygon", "fft", "--seeds", "0", "--jobs", "1")
    answer = here("sweep", *SMALL, *words)
    assert answer.code == 0
    for product in ("gather", "polygon", "fft"):
        assert f"product={product}" in answer.out
    found = rows(here.folder / "runs.db", "SELECT family, product, product_used FROM runs")
    assert found == [
        ("dense", "auto", None),
        *(("cdlinear", product, product) for product in ("gather", "polygon", "fft")),
    ]
    again = here("sweep", *SMALL, *words, "--resume")
    assert "4 of 4 runs are stored already" in again.out


def test_train_says_the_product_that_auto_stood_for(here: Here) -> None:
    answer = here("train", *SMALL, "--B", "2")
    ((used,),) = rows(
        here.folder / "runs.db", "SELECT product_used FROM run WHERE product = 'auto'"
    )
    assert f" · product {used} · " in answer.out
    assert " · product " not in here("train", *SMALL, "--layer", "dense").out
    answer = here("train", *SMALL, "--product", "polygn")
    assert (answer.code, answer.out) == (2, "")
    assert "unknown product 'polygn'; did you mean polygon?" in answer.err


def test_a_folder_that_cannot_be_made_is_refused_before_anything_is_measured(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crossover, "take_turns", None)
    (here.folder / "file").write_text("")
    answer = here("bench", "--output", str(here.folder / "file" / "figures"))
    assert answer.code != 0
    assert answer.err.count("\n") == 1
    assert "choose another --output" in answer.err
