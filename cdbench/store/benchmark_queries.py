"""The query of the crossover report: a stored benchmark."""

from typing import Any

from sqlalchemy import text

from cdbench.errors import MissingResultsError
from cdbench.records.benchmark import Size, Timing
from cdbench.store.database import Database

_BENCHMARK = text(
    """
    SELECT benchmark_id, cpu, blas, blas_threads FROM benchmark
    JOIN environment USING (environment_id)
    WHERE benchmark_id = coalesce(:benchmark_id, benchmark_id)
    ORDER BY sequence DESC, benchmark_id DESC LIMIT 1
    """
)

_TIMINGS = text(
    """
    SELECT dtype, "B", n_samples, n, product, seconds, seconds_low, seconds_high, speedup,
        speedup_low, speedup_high, rounds, is_planned
    FROM timing WHERE benchmark_id = :benchmark_id
    ORDER BY dtype, "B", n_samples, n,
        CASE product WHEN 'dense' THEN 0 WHEN 'gather' THEN 1 WHEN 'polygon' THEN 2 ELSE 3 END
    """
)


def stored_benchmark(
    database: Database, benchmark_id: int | None = None
) -> tuple[str, tuple[Timing, ...]]:
    """Return a line that names a benchmark and its machine, and its timings.

    Parameters
    ----------
    database : Database
        Where the benchmark is.
    benchmark_id : int, optional
        Its key; by default that of the newest.

    Raises
    ------
    MissingResultsError
        If there is no such benchmark.
    """
    with database.transaction() as connection:
        found = connection.execute(_BENCHMARK, {"benchmark_id": benchmark_id}).mappings().first()
        if found is None:
            raise MissingResultsError(
                f"{database.name}: no benchmark yet; to measure one: cdbench bench"
            )
        key = {"benchmark_id": found["benchmark_id"]}
        timings = [_timing(dict(row)) for row in connection.execute(_TIMINGS, key).mappings()]
    threads = f"{found['blas_threads']} thread{'s' * (found['blas_threads'] > 1)}"
    name = f"benchmark {found['benchmark_id']} of {database.label}"
    return f"{name} · {found['cpu']} · {found['blas']}, {threads}", tuple(timings)


def _timing(row: dict[str, Any]) -> Timing:
    size = Size(row.pop("dtype"), row.pop("B"), row.pop("n_samples"), row.pop("n"))
    return Timing(size, **row | {"is_planned": bool(row["is_planned"])})
