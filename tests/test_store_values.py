"""Any value comes back exactly, or is refused in one line and nothing is stored."""

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from cdbench.config.run_config import RunConfig
from cdbench.errors import ConfigurationError, StoreError
from cdbench.records.benchmark import Benchmark, Size, Timing
from cdbench.records.judgement import CONDITIONAL, ClaimResult, Judgement, Measurement, Observation
from cdbench.records.run import Run
from cdbench.records.spectra import Curvature
from cdbench.store.benchmark_queries import stored_benchmark
from cdbench.store.database import Database
from cdbench.store.ledger_queries import measurements_of, observations_of, stored_claims
from cdbench.store.models import Base
from cdbench.store.record import record_benchmark, record_claim, record_run, start_sweep
from cdbench.store.run_queries import stored_runs
from tests.hostile import HOSTILE, MORE

FLOATS: tuple[float, ...] = (
    math.inf,
    -math.inf,
    5e-324,
    2.2250738585072014e-308,
    1e308,
    -1.7976931348623157e308,
)
FLOATS = (*FLOATS, 0.1 + 0.2, 2.0**53 + 2, -0.0)
INTEGERS = (2**31 - 1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63))
TOO_LARGE = (2**63, 2**64, -(2**63) - 1, 10**400)
NO_NUMBERS = (math.nan, np.float64("nan"))

QUICK = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

_PLACES = {
    "run text": (
        "dataset_fingerprint product_used error environment.python_version environment.blas "
        "environment.cpu environment.operating_system environment.git_commit "
        "environment.cdbench_version environment.numpy_version environment.scipy_version "
        "environment.scikit_learn_version spectra.kind spectra.sample curvature.sample "
        "curvature.method curvature.coordinates"
    ),
    "run float": (
        "duration_s cpu_s epochs.training_loss epochs.test_loss epochs.duration_s "
        "spectra.values spectra.condition.largest spectra.condition.smallest "
        "spectra.condition.kappa spectra.condition.kappa_nonnull spectra.condition.threshold "
        "spectra.condition.flatness curvature.threshold curvature.largest curvature.smallest "
        "curvature.kappa curvature.kappa_nonnull curvature.trace curvature.trace_error "
        "curvature.effective_rank curvature.damping curvature.damped_kappa curvature.nodes "
        "curvature.weights"
    ),
    "run integer": (
        "peak_memory_bytes n_parameters diverged_step environment.blas_threads "
        "environment.n_cores spectra.multiplicity spectra.condition.rank "
        "spectra.condition.size curvature.n_samples curvature.size curvature.rank"
    ),
    "claim text": (
        "claim published rule seeds inputs_digest judgement.measured judgement.reason "
        "judgement.condition observations.quantity observations.subject measurements.quantity "
        "measurements.subject measurements.statistic measurements.sql measurements.baseline "
        "measurements.interval"
    ),
    "claim float": (
        "duration_s observations.place observations.value measurements.estimate "
        "measurements.low measurements.high"
    ),
    "claim integer": "position measurements.n",
    "benchmark text": "uuid timings.product timings.size.dtype",
    "benchmark float": (
        "duration_s timings.seconds timings.seconds_low timings.seconds_high timings.speedup "
        "timings.speedup_low timings.speedup_high"
    ),
    "benchmark integer": "timings.size.B timings.size.N timings.size.n timings.rounds",
}
PLACES = {kind: tuple(names.split()) for kind, names in _PLACES.items()}
"""Where a text or a number can be, in its first item where there are several."""


def put(thing: Any, place: str, value: Any) -> Any:
    """Return a copy with a value at a place; of a tuple, in its first item."""
    if isinstance(thing, tuple):
        return (put(thing[0], place, value) if place else value, *thing[1:])
    name, _, rest = place.partition(".")
    old = getattr(thing, name)
    return replace(
        thing, **{name: put(old, rest, value) if rest or old.__class__ is tuple else value}
    )


class Kind:
    """One kind of what is stored: an example, how it is stored, and how all of it is read."""

    def __init__(self, example: Any, store: Callable[..., int], read: Callable[..., Any]) -> None:
        self.example, self.store, self.read = example, store, read
        self._numbers = iter(range(10**6))

    def new(self) -> Any:
        """Return an example that can be stored beside the others."""
        return replace(self.example, **self._identity(next(self._numbers)))

    def _identity(self, number: int) -> dict[str, Any]:
        if isinstance(self.example, ClaimResult):
            return {"claim": f"claim {number}"}
        return {"uuid": f"{number}"}


def read_claim(database: Database, _key: int, given_one: ClaimResult) -> ClaimResult:
    """Return everything of a claim that there is a query for."""
    stored = stored_claims(database)[given_one.claim]
    names = ("claim", "position", "published", "rule", "seeds", "inputs_digest", "judgement")
    return replace(
        given_one,
        **{name: getattr(stored, name) for name in names},
        observations=observations_of(database, given_one.claim),
        measurements=measurements_of(database, given_one.claim),
    )


def read_benchmark(database: Database, key: int, given_one: Benchmark) -> Benchmark:
    return replace(given_one, timings=stored_benchmark(database, key)[1])


@pytest.fixture
def kinds(tiny_run: Callable[..., Run]) -> dict[str, Kind]:
    run = tiny_run()
    spectrum = next(found for found in run.spectra if found.values)
    numbers: Any = (0.5, 4.0, -1.0, math.inf, None, 3.0, 0.0, 1.5, 0.1, math.inf)
    curvature = Curvature(
        *("hessian", "own", 1, "train", 5, "exact", 9, 3),
        *(*numbers, (1.0, 0.5), (0.75, 0.25)),
    )
    spectrum = replace(spectrum, values=spectrum.values[:3])
    run = replace(run, spectra=(spectrum,), curvature=(curvature,), epochs=run.epochs[:1])
    claim = ClaimResult(
        *("c", 1, "what", "rule", "0", "digest", Judgement(CONDITIONAL, "m", "r", "if so")),
        (Observation("q", "s", 0.0, 1.0),),
        (Measurement("q", "s", "mean", 1.0, 1, "SELECT 1", "b", 0.5, 1.5, "quartiles"),),
        *(run.environment, run.started_at, 1.0),
    )
    timing = Timing(
        Size("float64", 2, 3, 4), "fft", 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 3, is_planned=True
    )
    benchmark = Benchmark("b", run.environment, run.started_at, 1.0, (timing,))
    return {
        "run": Kind(run, record_run, lambda db, key, _: dict(stored_runs(db, [key]))[key]),
        "claim": Kind(claim, record_claim, read_claim),
        "benchmark": Kind(benchmark, record_benchmark, read_benchmark),
    }


def counts(database: Database) -> dict[str, int]:
    with database.transaction() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in Base.metadata.sorted_tables
        }


def everywhere(kind: Kind, places: tuple[str, ...], value: Any) -> Any:
    """Return an example with one value at all of the places."""
    thing = kind.new()
    for place in places:
        thing = put(thing, place, value)
    return thing


def assert_comes_back(database: Database, kind: Kind, thing: Any) -> None:
    assert kind.read(database, kind.store(database, thing), thing) == thing


def assert_refused(database: Database, do: Callable[[], object], said: str = ".") -> None:
    before = counts(database)
    with pytest.raises(StoreError, match=said) as caught:
        do()
    assert "\n" not in str(caught.value)
    assert counts(database) == before


def comes_back_or_is_refused(database: Database, kind: Kind, thing: Any) -> bool:
    """Store it; return whether it was taken, and then it is as it was; else nothing is there."""
    before, error = counts(database), None
    try:
        key = kind.store(database, thing)
    except StoreError as caught:
        error = caught
    if error is not None:
        assert "\n" not in str(error)
        assert counts(database) == before
        return False
    assert kind.read(database, key, thing) == thing
    return True


def is_server(database: Database) -> bool:
    return database.path is None


def kinds_of(what: str) -> pytest.MarkDecorator:
    found = [name.split()[0] for name in PLACES if name.endswith(what)]
    return pytest.mark.parametrize("kind", found)


@kinds_of("float")
def test_any_number_comes_back_exactly(database: Database, kinds: Any, kind: str) -> None:
    for value in FLOATS:
        assert_comes_back(
            database, kinds[kind], everywhere(kinds[kind], PLACES[f"{kind} float"], value)
        )


@QUICK
@given(data=st.data())
def test_any_numbers_come_back_exactly(database: Database, kinds: Any, data: st.DataObject) -> None:
    for kind in ("run", "claim", "benchmark"):
        thing = kinds[kind].new()
        for place in PLACES[f"{kind} float"]:
            thing = put(thing, place, data.draw(st.floats(allow_nan=False)))
        assert_comes_back(database, kinds[kind], thing)


def test_minus_zero_keeps_its_sign_on_a_server_only(database: Database, kinds: Any) -> None:
    """SQLite keeps whole numbers of a REAL column as integers, which have one zero."""
    run = put(kinds["run"].new(), "spectra.values", -0.0)
    ((_, kept),) = stored_runs(database, [record_run(database, run)])
    (found,) = kept.spectra
    assert math.copysign(1, found.values[0]) == (-1 if is_server(database) else 1)


@kinds_of("float")
def test_not_a_number_is_refused_wherever_it_is(database: Database, kinds: Any, kind: str) -> None:
    for place in PLACES[f"{kind} float"]:
        for value in NO_NUMBERS:
            thing = put(kinds[kind].new(), place, value)
            assert_refused(database, partial(kinds[kind].store, database, thing), r"\(NaN\)")


@kinds_of("integer")
def test_whole_number_comes_back_exactly_or_is_refused(
    database: Database, kinds: Any, kind: str
) -> None:
    of_64_bits = {"peak_memory_bytes", "n_parameters"}
    places = PLACES[f"{kind} integer"]
    if not is_server(database):  # which takes all of them, so all places are tried at once
        for value in INTEGERS[: 4 if kind == "benchmark" else 5]:  # it has no negative rounds
            assert_comes_back(database, kinds[kind], everywhere(kinds[kind], places, value))
        return
    for place in places:
        for value in INTEGERS:
            if place == "timings.rounds" and value < 1:
                continue
            thing = put(kinds[kind].new(), place, value)
            taken = comes_back_or_is_refused(database, kinds[kind], thing)
            assert taken == (place in of_64_bits or value == 2**31 - 1)


@kinds_of("integer")
def test_whole_number_of_more_than_64_bits_is_refused(
    database: Database, kinds: Any, kind: str
) -> None:
    for place in PLACES[f"{kind} integer"]:
        for value in TOO_LARGE:
            thing = put(kinds[kind].new(), place, value)
            assert_refused(database, partial(kinds[kind].store, database, thing))


@kinds_of("text")
def test_any_text_comes_back_exactly(database: Database, kinds: Any, kind: str) -> None:
    for value in HOSTILE.values():
        places = PLACES[f"{kind} text"]
        assert_comes_back(database, kinds[kind], everywhere(kinds[kind], places, value))


@QUICK
@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_any_texts_come_back_exactly(database: Database, kinds: Any, text: str) -> None:
    run = everywhere(kinds["run"], PLACES["run text"], text)
    assert_comes_back(database, kinds["run"], replace(run, uuid=f"{run.uuid} {text}"))


@pytest.mark.long
@kinds_of("text")
def test_text_that_no_database_has_to_take(database: Database, kinds: Any, kind: str) -> None:
    """SQLite takes NUL as any character; PostgreSQL has none; lone surrogates are no text."""
    for place in PLACES[f"{kind} text"]:
        for value in MORE.values():
            thing = put(kinds[kind].new(), place, value)
            taken = comes_back_or_is_refused(database, kinds[kind], thing)
            assert taken == (value == MORE["NUL"] and not is_server(database)), place


def test_command_line_of_a_sweep(database: Database) -> None:
    taken = []
    for name, line in (HOSTILE | MORE).items():
        if "surrogate" in name or (name == "NUL" and is_server(database)):
            assert_refused(database, partial(start_sweep, database, line))
        else:
            start_sweep(database, line)
            taken.append(line)
    with database.transaction() as connection:
        found = connection.exec_driver_sql("SELECT command_line FROM sweep ORDER BY sweep_id")
        assert found.scalars().all() == taken


def test_configuration_comes_back_whatever_its_files_are_called(
    database: Database, kinds: Any
) -> None:
    for text in HOSTILE.values():
        config = RunConfig(dataset=f"{text}.csv", label_column=text, learning_rate=5e-324)
        assert_comes_back(database, kinds["run"], replace(kinds["run"].new(), config=config))


@pytest.mark.parametrize("text", MORE.values(), ids=list(MORE))
@pytest.mark.parametrize("knob", ["dataset", "label_column", "dataset_fingerprint"])
def test_configuration_of_what_is_no_text_is_none(knob: str, text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        RunConfig.from_mapping({"dataset": "x.csv", knob: f"{text}.csv"})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2026, 3, 29, 2, 30, 0, 1, tzinfo=timezone(timedelta(hours=5, minutes=45))),
    ],
)
def test_any_moment_comes_back(database: Database, kinds: Any, moment: datetime) -> None:
    assert_comes_back(database, kinds["run"], replace(kinds["run"].new(), started_at=moment))


def test_moment_that_no_database_knows_is_refused(database: Database, kinds: Any) -> None:
    early = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=9)))
    run = replace(kinds["run"].new(), started_at=early)
    assert_refused(database, lambda: record_run(database, run))
