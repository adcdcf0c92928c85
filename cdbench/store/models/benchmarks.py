"""The tables of benchmarks: the time of one layer, dense and with each product."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from cdbench.store.models.base import Base, integer_key, order_of_writing


class Benchmark(Base):
    """One call of `cdbench bench`, written whole when it ended."""

    __tablename__ = "benchmark"

    benchmark_id: Mapped[int] = integer_key("Key; a later benchmark has a larger one.")
    uuid: Mapped[str] = mapped_column(
        unique=True, comment="Identity of the benchmark in any database."
    )
    sequence: Mapped[int] = order_of_writing()
    environment_id: Mapped[int] = mapped_column(
        ForeignKey("environment.environment_id"), index=True, comment="What it was measured with."
    )
    started_at: Mapped[datetime] = mapped_column(comment="Start, UTC.")
    duration_s: Mapped[float] = mapped_column(comment="Wall time of all of it, seconds.")


class Timing(Base):
    """Time of a forward and backward pass of one n × n layer, without what surrounds it."""

    __tablename__ = "timing"
    __table_args__ = (CheckConstraint("rounds >= 1", name="rounds"),)

    benchmark_id: Mapped[int] = mapped_column(
        ForeignKey("benchmark.benchmark_id", ondelete="CASCADE"),
        primary_key=True,
        comment="The benchmark.",
    )
    dtype: Mapped[str] = mapped_column(primary_key=True, comment="float64 or float32.")
    B: Mapped[int] = mapped_column(
        "B", primary_key=True, comment="Block size; of dense, of those that it was measured beside."
    )
    n_samples: Mapped[int] = integer_key("Samples in the batch, N.")
    n: Mapped[int] = integer_key("Width of input and output.")
    product: Mapped[str] = mapped_column(
        primary_key=True, comment="gather, polygon or fft; or dense, to compare them with."
    )
    seconds: Mapped[float] = mapped_column(comment="Of one pass: median of the rounds.")
    seconds_low: Mapped[float] = mapped_column(comment="Lower quartile of the rounds.")
    seconds_high: Mapped[float] = mapped_column(comment="Upper quartile of the rounds.")
    speedup: Mapped[float | None] = mapped_column(
        comment="Dense's time / this one's in the same round, median of the rounds; above 1 is "
        "faster than dense; NULL where dense was left out."
    )
    speedup_low: Mapped[float | None] = mapped_column(comment="Lower quartile of the same.")
    speedup_high: Mapped[float | None] = mapped_column(comment="Upper quartile of the same.")
    rounds: Mapped[int] = mapped_column(comment="How often each of a size's rivals had its turn.")
    is_planned: Mapped[bool] = mapped_column(
        comment="1 if this is the product that auto stood for at this size."
    )
