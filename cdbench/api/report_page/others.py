"""Models, runs, times and environments, as sections."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cdbench.api.report_page.figures import drawings
from cdbench.api.report_page.gathered import Gathered
from cdbench.records.run import COMPLETED
from cdbench.reports.crossover import crossover_report
from cdbench.reports.environments import environments_report
from cdbench.reports.html.page import Section
from cdbench.reports.html.table import Source, Table
from cdbench.reports.model_means import model_means
from cdbench.reports.newest_runs import newest_runs_report
from cdbench.store.benchmark_queries import stored_benchmark
from cdbench.store.page_queries import (
    BENCHMARK,
    ENVIRONMENTS,
    MODELS,
    MOST_MODELS,
    MOST_RUNS,
    NEWEST_RUNS,
    NewRun,
    Totals,
    environments,
    newest_benchmark,
    newest_runs_of_all,
    seeded_models,
    shown,
)

if TYPE_CHECKING:
    from cdbench.store.database import Database

NO_RUNS = "Runs: there is none; to make some: cdbench sweep --B 1 3 4 --seeds 0 1 2."
NO_BENCHMARK = "Times of a layer: none were measured; to measure them: cdbench bench."


def runs_section(database: "Database", held: Totals) -> Gathered:
    """Return the models with most seeds, and the newest runs."""
    runs = newest_runs_of_all(database)
    if not runs:
        return Gathered(missing=NO_RUNS)
    models = seeded_models(database)
    newest = Source(shown(NEWEST_RUNS, most=MOST_RUNS))
    report = newest_runs_report(runs, held.n_runs)
    parts = [Table("t-runs", report, newest, texts=range(1, report.text_columns)).html()]
    if models:
        source = Source(shown(MODELS, most=MOST_MODELS))
        parts = [Table("t-models", model_means(models, held.n_models), source).html(), *parts]
        parts += drawings(database, ("curves",), _alike(runs))
    return Gathered(Section("runs", "Models and runs", parts))


def _alike(runs: Sequence[NewRun]) -> list[int]:
    """Return those of some runs that completed and go into one figure with the first that did."""
    completed = [run for run in runs if run.status == COMPLETED]
    first = completed[:1]
    return [
        run.run_id
        for run in completed
        if (run.dataset, run.test_r2 is None, run.bits_per_character is None)
        == (first[0].dataset, first[0].test_r2 is None, first[0].bits_per_character is None)
    ]


def speed_section(database: "Database") -> Gathered:
    """Return the newest benchmark of a layer."""
    key = newest_benchmark(database)
    if key is None:
        return Gathered(missing=NO_BENCHMARK)
    source, timings = stored_benchmark(database, key)
    report = crossover_report(timings, source)
    sql = Source(shown(BENCHMARK, id=key), "cdbench bench")
    table = Table("t-speed", report, sql, {0: "dtype, block size, batch"}, is_sortable=False)
    parts = [*drawings(database, ("crossover",)), table.html()]
    return Gathered(Section("speed", "Speed of a layer", parts))


def environments_section(database: "Database") -> Gathered:
    """Return what the runs were trained with."""
    found = environments(database)
    if not found:
        return Gathered()
    table = Table("t-environments", environments_report(found), Source(ENVIRONMENTS))
    return Gathered(Section("environments", "Environments", [table.html()]))
