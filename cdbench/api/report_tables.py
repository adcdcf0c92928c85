"""The tables of each report, made from a database; ``REPORTS`` are those that can be asked for."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from cdbench.config.run_config import RunConfig
from cdbench.records.published import PUBLISHED_SEEDS
from cdbench.reports.formats import Report
from cdbench.store.database import FIRST_COMMAND, Database, open_for_reading


@dataclass(frozen=True)
class Asked:
    """What is asked for beside a report's name; each report takes some of it.

    Attributes
    ----------
    db : str
        The database, as it was typed.
    maker : str
        The command that makes what is asked for.
    name : tuple of str
        Names of comparisons or of claims; if empty, the newest comparison, and all claims.
    which : str
        Which study, or which sweep.
    seeds, B : tuple of int
        Of Table 1; the paper's if empty.
    by : tuple of str
        Columns that runs are grouped by.
    value, baseline, where : str or None
        Of groups: which number, beside which value, and of which runs.
    short, details : bool
        Whether less or more is told than usually.
    """

    db: str
    maker: str = FIRST_COMMAND
    name: tuple[str, ...] = ()
    which: str = ""
    seeds: tuple[int, ...] = ()
    B: tuple[int, ...] = ()
    by: tuple[str, ...] = ()
    value: str | None = None
    baseline: str | None = None
    where: str | None = None
    short: bool = False
    details: bool = False

    @cached_property
    def database(self) -> Database:
        """The database, opened for reading when it is first needed."""
        return open_for_reading(self.db, self.maker)


@dataclass(frozen=True)
class Kind:
    """A report that can be asked for.

    Attributes
    ----------
    option : str
        What is typed to ask for it.
    shows : str
        What it shows, in a few words.
    maker : str
        The command whose results it shows.
    tables : callable
        Makes its tables.
    """

    option: str
    shows: str
    maker: str
    tables: Callable[[Asked], list[Report]]


def overview(asked: Asked) -> list[Report]:
    """Return what the database holds, and where to look next."""
    from cdbench.reports.overview import overview as build
    from cdbench.store.overview_queries import contents

    return [build(contents(asked.database))]


def table1(asked: Asked) -> list[Report]:
    """Return the paper's Table 1, published beside measured."""
    from cdbench.reports.table1 import table1 as build
    from cdbench.reports.table1 import table1_configs
    from cdbench.store.queries import newest_runs

    rows = table1_configs(list(asked.seeds or PUBLISHED_SEEDS), list(asked.B) or None)
    every: list[RunConfig] = [config for configs in rows.values() for config in configs]
    return [build(rows, newest_runs(asked.database, every))]


def claims(asked: Asked) -> list[Report]:
    """Return the ledger or, of claims that are named, every number with its intervals."""
    from cdbench.api.ledger import claims_report
    from cdbench.claims import every_claim
    from cdbench.reports.claims import shortened

    if not asked.name:
        report = claims_report(list(every_claim()), asked.database)
        return [shortened(report) if asked.short else report]
    from cdbench.claims.audit import find_claims
    from cdbench.reports.measurements import measurements_table
    from cdbench.store.ledger_queries import judged_claim, measurements_of

    tables = []
    for claim in find_claims(list(asked.name)):
        judged_claim(asked.database, claim.name)
        measurements = measurements_of(asked.database, claim.name)
        tables.append(measurements_table(measurements, f"{claim.name}: {claim.title}"))
    return tables


def compare(asked: Asked) -> list[Report]:
    """Return a comparison's tables, or how the families fare over several."""
    from cdbench.reports.comparison import tables_of
    from cdbench.store.comparison_queries import stored_comparison

    if len(asked.name) > 1:
        from cdbench.api.over_comparisons import over_comparisons
        from cdbench.reports.over_tasks import ranked

        measure, over = over_comparisons(asked.database, asked.name)
        return [ranked(own, budget, measure) for budget, own in over.items()]
    return tables_of(stored_comparison(asked.database, *asked.name), details=asked.details)


def study(asked: Asked) -> list[Report]:
    """Return a study's tables."""
    from cdbench.reports.study import study_reports
    from cdbench.store.study_queries import stored_study

    return study_reports(stored_study(asked.database, asked.which), details=asked.details)


def sweep(asked: Asked) -> list[Report]:
    """Return what a sweep ended with, for each task that it has runs of."""
    from cdbench.api.sweep_tables import sweep_tables
    from cdbench.store.sweep_queries import stored_sweep

    found = stored_sweep(asked.database, asked.which)
    tables = []
    for task in dict.fromkeys(config.task for config in found.configs):
        configs = [config for config in found.configs if config.task == task]
        own = sweep_tables(configs, asked.database, found.guessing_levels, details=asked.details)
        title = f"Sweep {found.sweep_id}, begun {found.started_at} UTC: {found.command_line}"
        tables += [replace(own[0], title=title), *own[1:]]
    return tables


def benchmark(asked: Asked) -> list[Report]:
    """Return the newest benchmark of a layer's products."""
    from cdbench.reports.crossover import crossover_report
    from cdbench.store.benchmark_queries import stored_benchmark

    source, timings = stored_benchmark(asked.database)
    return [crossover_report(timings, source)]


def groups(asked: Asked) -> list[Report]:
    """Return runs grouped by columns."""
    from cdbench.api.grouping import grouped_runs

    options = {"value": asked.value, "baseline": asked.baseline, "where": asked.where}
    return [grouped_runs(asked.database, asked.by, **options)]


REPORTS: dict[str, Kind] = {
    "table1": Kind(
        "--table1", "the paper's Table 1, published beside measured", FIRST_COMMAND, table1
    ),
    "claims": Kind(
        "--claims", "the paper's claims, as the last audit judged them", "cdbench audit", claims
    ),
    "compare": Kind(
        "--compare", "a comparison: what its models reach, and cost", "cdbench compare", compare
    ),
    "study": Kind(
        "--study NAME", "a study: the best at each size", "cdbench compare --study NAME", study
    ),
    "sweep": Kind("--sweep", "what the last sweep ended with, or any other", FIRST_COMMAND, sweep),
    "group_by": Kind(
        "--group-by COLUMN ...", "runs by their knobs, beside a baseline", FIRST_COMMAND, groups
    ),
    "benchmark": Kind(
        "--benchmark", "times of a layer, dense and by each product", "cdbench bench", benchmark
    ),
}
"""Every report but the overview, by the name of its option."""
