"""What a page on a database asks, as SQL that the page shows, and the answers to it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import DateTime, text

from cdbench.store.database import Database

TABLE1 = "SELECT * FROM table1"

CONTENTS = """\
SELECT status, count(*) AS n_runs FROM runs GROUP BY status ORDER BY n_runs DESC, status"""

NEWEST_RUNS = """\
SELECT run_id, status, model, dataset, changes, seed, test_accuracy, test_r2, bits_per_character,
    weight_kappa, started_at, error
FROM runs ORDER BY started_at DESC, run_id DESC LIMIT :most"""

LEDGER = """\
SELECT c.position, c.claim, c.published, c.measured, c.verdict, c.condition, c.seeds,
    r.verdict AS replicated, r.condition AS replicated_condition
FROM claims AS c LEFT JOIN replications AS r ON r.claim = c.claim
ORDER BY c.position"""

COMPARISON = """\
SELECT position, budget, role, model, n_parameters, score, low, high, wide_low, wide_high,
    learning_rate, usable_low, usable_high, weight_kappa, hessian_kappa, multiply_adds,
    seconds_per_epoch, prediction_us
FROM comparisons WHERE comparison_id = :id ORDER BY position"""

DIFFERENCES = """\
SELECT d.budget, d.model, d.against, d.difference, d.low, d.high, d.p_holm, d.improvement
FROM differences AS d JOIN comparisons AS c ON c.comparison_line_id = d.comparison_line_id
WHERE d.comparison_id = :id ORDER BY c.position, d.against"""

STUDY = """\
SELECT s.part, d.budget, d.model, d.difference, d.low, d.high, d.p_holm
FROM studies AS s JOIN differences AS d ON d.comparison_id = s.comparison_id
WHERE d.against = 'narrower dense' AND s.study_id = :id
ORDER BY s.part, d.budget DESC, d.difference DESC"""

BENCHMARK = """\
SELECT dtype, "B", n_samples, n, product, microseconds, speedup, is_fastest, is_planned
FROM benchmarks WHERE benchmark_id = :id ORDER BY dtype, "B", n_samples, n, product"""

MODELS = """\
SELECT model, dataset, changes, n_seeds, n_parameters, test_accuracy_mean, test_accuracy_sd,
    test_r2_mean, test_r2_sd, bits_per_character_mean, bits_per_character_sd,
    weight_kappa_median
FROM models ORDER BY n_seeds DESC, dataset, model, changes LIMIT :most"""

ENVIRONMENTS = """\
SELECT e.cpu, e.n_cores, e.blas, e.blas_threads, e.operating_system, e.python_version,
    e.numpy_version, e.scipy_version, e.scikit_learn_version, e.cdbench_version,
    count(DISTINCT e.git_commit) AS n_commits, count(*) AS n_runs,
    sum(CASE WHEN e.git_dirty THEN 1 ELSE 0 END) AS n_dirty
FROM runs JOIN environment AS e ON e.environment_id = runs.environment_id
GROUP BY e.cpu, e.n_cores, e.blas, e.blas_threads, e.operating_system, e.python_version,
    e.numpy_version, e.scipy_version, e.scikit_learn_version, e.cdbench_version
ORDER BY n_runs DESC, e.cpu"""

MOST_MODELS, MOST_RUNS = 60, 20
"""Models and runs that a page lists."""

_STUDY = text(
    """
    SELECT study_id FROM study WHERE name = :name ORDER BY sequence DESC LIMIT 1
    """
)
_NEWEST_STUDY = text("SELECT name FROM study ORDER BY sequence DESC LIMIT 1")
_NEWEST_BENCHMARK = text(
    """
    SELECT benchmark_id FROM benchmark ORDER BY sequence DESC, benchmark_id DESC LIMIT 1
    """
)
_COUNTS = text(
    """
    SELECT count(*) AS n_runs, count(DISTINCT dataset) AS n_datasets,
        min(started_at) AS first, max(started_at) AS last
    FROM runs
    """
).columns(first=DateTime, last=DateTime)


@dataclass(frozen=True)
class UsedEnvironment:
    """What runs were trained with, and how many: all but the commit, of which the number."""

    cpu: str
    n_cores: int
    blas: str
    blas_threads: int
    operating_system: str
    python_version: str
    numpy_version: str
    scipy_version: str
    scikit_learn_version: str
    cdbench_version: str
    n_commits: int
    n_runs: int
    n_dirty: int


@dataclass(frozen=True)
class SeededModel:
    """A row of the view ``models``: all knobs but the seed, and means over the seeds."""

    model: str
    dataset: str
    changes: str
    n_seeds: int
    n_parameters: int | None
    test_accuracy_mean: float | None
    test_accuracy_sd: float | None
    test_r2_mean: float | None
    test_r2_sd: float | None
    bits_per_character_mean: float | None
    bits_per_character_sd: float | None
    weight_kappa_median: float | None


@dataclass(frozen=True)
class NewRun:
    """A row of the view ``runs``, of whatever status."""

    run_id: int
    status: str
    model: str
    dataset: str
    changes: str
    seed: int
    test_accuracy: float | None
    test_r2: float | None
    bits_per_character: float | None
    weight_kappa: float | None
    started_at: datetime
    error: str | None


@dataclass(frozen=True)
class Totals:
    """How much a database holds, and when its first and last run began, UTC."""

    n_runs: int
    n_datasets: int
    n_models: int
    statuses: dict[str, int]
    first: datetime | None
    last: datetime | None


def shown(sql: str, **values: int) -> str:
    """Return a query as it can be typed, with numbers in place of its ``:name``.

    Examples
    --------
    >>> shown("SELECT * FROM runs LIMIT :most", most=20)
    'SELECT * FROM runs LIMIT 20'
    """
    for name, value in values.items():
        sql = sql.replace(f":{name}", str(value))
    return sql


def totals(database: Database) -> Totals:
    """Return how much a database holds."""
    with database.transaction() as connection:
        counts = connection.execute(_COUNTS).mappings().one()
        n_models = connection.execute(text("SELECT count(*) FROM models")).scalar_one()
        statuses = {row.status: row.n_runs for row in connection.execute(text(CONTENTS))}
    return Totals(**counts, n_models=n_models, statuses=statuses)


def environments(database: Database) -> list[UsedEnvironment]:
    """Return what the runs were trained with, those of most runs first."""
    with database.transaction() as connection:
        rows = connection.execute(text(ENVIRONMENTS)).mappings()
        return [UsedEnvironment(**row) for row in rows]


def seeded_models(database: Database, most: int = MOST_MODELS) -> list[SeededModel]:
    """Return the models with most seeds."""
    with database.transaction() as connection:
        rows = connection.execute(text(MODELS), {"most": most}).mappings()
        return [SeededModel(**row) for row in rows]


def newest_runs_of_all(database: Database, most: int = MOST_RUNS) -> list[NewRun]:
    """Return the runs that began last, whatever came of them."""
    question = text(NEWEST_RUNS).columns(started_at=DateTime)
    with database.transaction() as connection:
        rows = connection.execute(question, {"most": most}).mappings()
        return [NewRun(**row) for row in rows]


def newest_study(database: Database) -> str | None:
    """Return the name of the study that was begun last; None without one."""
    with database.transaction() as connection:
        name: str | None = connection.execute(_NEWEST_STUDY).scalar()
        return name


def study_key(database: Database, name: str) -> int:
    """Return the key of the study of this name that was begun last."""
    with database.transaction() as connection:
        key: int = connection.execute(_STUDY, {"name": name}).scalar_one()
        return key


def newest_benchmark(database: Database) -> int | None:
    """Return the key of the newest benchmark; None without one."""
    with database.transaction() as connection:
        key: int | None = connection.execute(_NEWEST_BENCHMARK).scalar()
        return key
