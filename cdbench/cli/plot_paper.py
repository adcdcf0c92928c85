"""``cdbench plot --fig1 --fig2 --claims --crossover``: of the paper, the audit, a benchmark."""

from collections.abc import Sequence

from cdbench.cli import COMPLETED
from cdbench.cli.figure_output import FigureOutput


def plot_paper(
    db: str, runs: Sequence[str], claims: bool, crossover: bool, seed: int, put: FigureOutput
) -> int:
    """Draw and put figures of the paper's runs, the audit's samples and a benchmark."""
    from cdbench.api.figures.drawn_runs import drawn_runs
    from cdbench.api.figures.figure_samples import READERS
    from cdbench.plots import FIGURES, KINDS_DRAWN, SAMPLE_FIGURES, draw_crossover
    from cdbench.store.benchmark_queries import stored_benchmark
    from cdbench.store.database import FIRST_COMMAND, open_for_reading

    names = [*runs, *(SAMPLE_FIGURES if claims else ()), *(["crossover"] if crossover else ())]
    files = put.files(names)
    is_paper = {"fig1", "fig2"} & set(runs)
    first = FIRST_COMMAND if is_paper else "cdbench audit" if claims else "cdbench bench"
    database = open_for_reading(db, first)
    # Samples are read before runs, so that if both are missing, the error names the audit, which
    # should come first. All figures are drawn before the first is written.
    samples = {name: READERS[name](database) for name in SAMPLE_FIGURES if claims}
    figures = {
        name: FIGURES[name](*drawn_runs(database, seed, KINDS_DRAWN.get(name, ()))) for name in runs
    }
    figures |= {name: SAMPLE_FIGURES[name](*given) for name, given in samples.items()}
    if crossover:
        source, timings = stored_benchmark(database)
        figures["crossover"] = draw_crossover(timings, source)
    put.put(figures, files)
    return COMPLETED
