"""The tables of benchmarks: the time of one layer, dense and with each product."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, ForeignKey

from cdbench.store.models.base import Base, column, integer_key, order_of_writing


class Benchmark(Base):
    """One call of `cdbench bench`, written whole when it ended."""

    __tablename__ = "benchmark"

    benchmark_id: Column[int] = integer_key("Key; a later benchmark has a larger one.")
    uuid: Column[str] = column(unique=True, comment="Identity of the benchmark in any database.")
    sequence: Column[int] = order_of_writing()
    environment_id: Column[int] = column(
        ForeignKey("environment.environment_id"), index=True, comment="What it was measured with."
    )
    started_at: Column[datetime] = column(comment="Start, UTC.")
    duration_s: Column[float] = column(comment="Wall time of all of it, seconds.")


class Timing(Base):
    """Time of a forward and backward pass of one n × n layer, without what surrounds it."""

    __tablename__ = "timing"
    __table_args__ = (CheckConstraint("rounds >= 1", name="rounds"),)

    benchmark_id: Column[int] = column(
        ForeignKey("benchmark.benchmark_id", ondelete="CASCADE"),
        primary_key=True,
        comment="The benchmark.",
    )
    dtype: Column[str] = column(primary_key=True, comment="float64 or float32.")
    B: Column[int] = column(
        primary_key=True, comment="Block size; of dense, of those that it was measured beside."
    )
    n_samples: Column[int] = integer_key("Samples in the batch, N.")
    n: Column[int] = integer_key("Width of input and output.")
    product: Column[str] = column(
        primary_key=True, comment="gather, polygon or fft; or dense, to compare them with."
    )
    seconds: Column[float] = column(comment="Of one pass: median of the rounds.")
    seconds_low: Column[float] = column(comment="Lower quartile of the rounds.")
    seconds_high: Column[float] = column(comment="Upper quartile of the rounds.")
    speedup: Column[float | None] = column(
        comment="Dense's time / this one's in the same round, median of the rounds; above 1 is "
        "faster than dense; NULL where dense was left out."
    )
    speedup_low: Column[float | None] = column(comment="Lower quartile of the same.")
    speedup_high: Column[float | None] = column(comment="Upper quartile of the same.")
    rounds: Column[int] = column(comment="How often each of a size's rivals had its turn.")
    is_planned: Column[bool] = column(
        comment="1 if this is the product that auto stood for at this size."
    )
