"""``cdbench bench``: find the size from which a product beats dense on this machine."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cdbench.cli import COMPLETED, INTERRUPTED
from cdbench.cli.echo import echo
from cdbench.cli.options import (
    DEFAULT_DATABASE,
    BlasThreadsOption,
    DatabaseOption,
    whole_numbers,
)
from cdbench.cli.output import print_report
from cdbench.errors import OutputError
from cdbench.system.blas import check_threads
from cdbench.system.home_folders import expanded
from cdbench.system.output_files import check_output

if TYPE_CHECKING:
    from cdbench.records.benchmark import Benchmark, Size

WIDTHS, BLOCK_SIZES, BATCHES = (64, 256, 1024), (4, 8, 16, 32), (64,)
DTYPES = ("float64", "float32")
ROUNDS = 25
FIGURE = "crossover"


def _several(flag: str, what: str, default: tuple[object, ...]) -> Any:
    numbers = isinstance(default[0], int)
    return typer.Option(
        flag,
        parser=whole_numbers if numbers else None,
        metavar="NUMBER ..." if numbers else "TEXT ...",
        show_default=False,
        help=f"{what} [default: {' '.join(map(str, default))}]",
    )


def bench(
    n: Annotated[
        list[int] | None, _several("--n", "Widths of the layer, multiples of every B.", WIDTHS)
    ] = None,
    B: Annotated[list[int] | None, _several("--B", "Block sizes.", BLOCK_SIZES)] = None,
    batch: Annotated[
        list[int] | None, _several("--batch", "Numbers N of samples in a batch.", BATCHES)
    ] = None,
    dtype: Annotated[list[str] | None, _several("--dtype", "Floating-point types.", DTYPES)] = None,
    rounds: Annotated[
        int,
        typer.Option(
            "--rounds", min=1, help="Rounds in which dense and every product have their turn."
        ),
    ] = ROUNDS,
    blas_threads: BlasThreadsOption = 1,
    db: DatabaseOption = DEFAULT_DATABASE,
    output: Annotated[
        Path,
        typer.Option("--output", help="Folder of the figure, made if missing; or its file."),
    ] = Path("figures"),
) -> int:
    """Measure from which size on a product beats dense on this machine.

    What is measured is a forward and backward pass of an n × n layer.

    All combinations of the values are; by default that takes some ten seconds.

    For example:

        cdbench bench

        cdbench bench --n 512 2048 --B 4 16 64 --batch 256 --dtype float32

        sqlite3 runs.db "select * from benchmarks where is_latest"
    """
    from cdbench.running.crossover import rivals_that_fit, sizes
    from cdbench.system.memory import available_memory

    grid = sizes(n or WIDTHS, B or BLOCK_SIZES, batch or BATCHES, dtype or DTYPES)
    memory = available_memory()
    rivals = {size: rivals_that_fit(size, memory) for size in grid}
    from cdbench.cli.released import open_to_add, say_if_new
    from cdbench.plots.saving import check_folder, figure_files
    from cdbench.store.benchmark_queries import stored_benchmark
    from cdbench.store.record import record_benchmark

    check_threads(blas_threads)
    (path,) = figure_files(Path(expanded(output, OutputError)), [FIGURE])
    check_folder(path.parent)
    check_output(path)
    database = open_to_add(db)
    if memory is not None:
        _name_left_out(rivals, memory)
    try:
        measured = _measure(rivals, rounds, blas_threads)
    except KeyboardInterrupt:
        echo("interrupted: nothing is stored", err=True)
        return INTERRUPTED
    benchmark_id = record_benchmark(database, measured)
    source, timings = stored_benchmark(database, benchmark_id)
    from cdbench.plots import draw_crossover, save_figure
    from cdbench.reports.crossover import crossover_report

    print_report(crossover_report(timings, source))
    echo(f"\nstored as benchmark {benchmark_id} in {database.name}")
    say_if_new(database)
    if save_figure(draw_crossover(timings, source), path):
        echo(f"wrote {path}")
    return COMPLETED


def _name_left_out(rivals: "Mapping[Size, Sequence[str]]", memory: int) -> None:
    """Say what was left out because it does not fit into memory, and how much it would need."""
    from cdbench.running.crossover import RIVALS, bytes_needed
    from cdbench.system.memory import format_bytes

    for size, names in rivals.items():
        needs = [
            f"{rival} ({format_bytes(bytes_needed(rival, size))})"
            for rival in RIVALS
            if rival not in names
        ]
        if needs:
            room = f"{format_bytes(memory)} are available for all"
            echo(f"{size}: left out {', '.join(needs)}: {room}", err=True)


def _measure(rivals: "Mapping[Size, Sequence[str]]", rounds: int, blas_threads: int) -> "Benchmark":
    """Measure, with a progress bar on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from cdbench.running.crossover import run_benchmark

    console = Console(stderr=True)
    with Progress(
        TextColumn("measuring"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("sizes"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
        auto_refresh=False,  # a drawing thread would disturb the measurement
    ) as bar:
        task = bar.add_task("", total=len(rivals))
        bar.refresh()

        def advance(_size: "Size") -> None:
            bar.advance(task)
            bar.refresh()

        return run_benchmark(rivals, rounds, blas_threads, advance)
