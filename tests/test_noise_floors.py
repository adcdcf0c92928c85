"""Conditions above noise floors: known spectra, their limits, and the way to the database."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.diagnostics.spectra import FLOORED_KINDS, Numbers, condition
from cdbench.diagnostics.spectra.base import noise_floors
from cdbench.errors import StoreError
from cdbench.records.noise_floors import FLOORS, NoiseFloor
from cdbench.records.run import Run
from cdbench.running.execution import execute
from cdbench.store.audit_queries import audited_runs
from cdbench.store.database import Database
from cdbench.store.record import record_run
from cdbench.store.run_queries import stored_runs

TINY = RunConfig(dataset="iris", epochs=2, hidden=(4,), B=2)


def measured() -> Run:
    return execute(TINY, diagnostics=Diagnostics(spectra_every=1, values=False, floors=True))


def test_known_spectrum() -> None:
    numbers = Numbers(np.array([0.9, 0.1 - 1e-5, 1e-5]), 0.0, multiplicity=2)
    found = {f.level: f for f in noise_floors(numbers)}
    assert condition(numbers).damped_kappa(1e-9) == pytest.approx(0.9 / 1e-5, rel=1e-3)
    assert condition(numbers).damped_kappa(1e-1) == pytest.approx(1.0 / 0.10001)
    cuts = [found[level].cut_kappa for level in (1e-9, 1e-4, 1e-1)]
    assert cuts == pytest.approx([9e4, 9.0, 1.0], rel=1e-3)
    assert [found[level].n_left for level in (1e-9, 1e-4, 1e-1)] == [6, 4, 2]


@given(
    st.lists(st.just(0.0) | st.floats(1e-9, 1e6), min_size=1, max_size=12).filter(
        lambda x: max(x) > 1e-3
    )
)
def test_curves_fall_as_the_floor_rises_and_begin_below_kappa(values: list[float]) -> None:
    numbers = Numbers(np.array(values), 0.0)
    found, own = noise_floors(numbers), condition(numbers)
    assert [f.level for f in found] == list(FLOORS)
    for lower, higher in pairwise(found):
        assert own.damped_kappa(lower.level) >= own.damped_kappa(higher.level) >= 1
        assert lower.cut_kappa >= higher.cut_kappa >= 1
        assert lower.n_left >= higher.n_left >= 1
    assert own.damped_kappa(0) == own.kappa
    assert own.damped_kappa(FLOORS[0]) <= own.kappa * (1 + 1e-12)
    assert own.effective_rank == pytest.approx(sum(values) / max(values))
    scaled = noise_floors(Numbers(7.0 * np.array(values), 0.0))
    assert [f.n_left for f in scaled] == [f.n_left for f in found]


def test_a_spectrum_of_zeros_has_no_condition_above_any_floor() -> None:
    found = condition(Numbers(np.zeros(3), 0.0), floors=True)
    assert found.effective_rank == 0
    assert {found.damped_kappa(level) for level in FLOORS} == {np.inf}


def test_the_sum_has_to_be_known_for_a_share_of_it_to_be_added() -> None:
    found = replace(condition(Numbers(np.ones(3), 0.0)), effective_rank=None)
    with pytest.raises(ValueError, match="effective rank"):
        found.damped_kappa(1e-3)


def test_they_are_measured_where_asked_for_and_come_back_from_the_database(
    database: Database,
) -> None:
    run = measured()
    key = record_run(database, run)
    plain = execute(TINY, diagnostics=Diagnostics(values=False))
    assert not any(spectrum.condition.floors for spectrum in plain.spectra)
    with_floors = [s for s in run.spectra if s.condition.floors]
    assert {(s.kind, s.epoch) for s in with_floors} == {(kind, 2) for kind in FLOORED_KINDS}
    ((_, again),) = stored_runs(database, [key])
    assert {(s.layer, s.kind, s.epoch): s.condition for s in again.spectra} == {
        (s.layer, s.kind, s.epoch): s.condition for s in run.spectra
    }
    (audited,) = audited_runs(database, [key]).values()
    for kind in FLOORED_KINDS:
        assert [c.floors for c in audited.conditions(kind)] == [
            s.condition.floors for s in with_floors if s.kind == kind
        ]


def test_the_view_has_a_row_for_each_floor_with_the_values_of_python(database: Database) -> None:
    zeros = condition(Numbers(np.zeros(3), 0.0), floors=True)
    run, key = measured(), ("layer", "kind", "epoch")
    spectra = [s for s in run.spectra if s.condition.floors]
    spectra[0] = replace(spectra[0], condition=zeros)
    of_a_step = replace(spectra[0], condition=condition(Numbers(np.ones(3), 0.0)), step=1)
    record_run(database, replace(run, spectra=(*spectra, of_a_step)))
    with database.transaction() as connection:
        found = connection.exec_driver_sql("SELECT * FROM noise_floors").mappings().all()
    names = ("level", "damped_kappa", "cut_kappa", "n_left")
    assert sorted(tuple(row[name] for name in (*key, *names)) for row in found) == sorted(
        (
            s.layer,
            s.kind,
            s.epoch,
            f.level,
            s.condition.damped_kappa(f.level),
            f.cut_kappa,
            f.n_left,
        )
        for s in spectra
        for f in s.condition.floors
    )
    assert {row["model"] for row in found} == {"cdlinear B=2"}


def test_without_the_sum_the_view_has_no_damped_kappa(database: Database) -> None:
    record_run(database, measured())
    with database.transaction() as connection:
        connection.exec_driver_sql("UPDATE condition_number SET effective_rank = NULL")
        question = "SELECT count(*), count(damped_kappa), count(cut_kappa) FROM noise_floors"
        n_rows, n_damped, n_cut = connection.exec_driver_sql(question).one()
    assert n_rows == n_cut == 2 * len(FLOORED_KINDS) * len(FLOORS)
    assert n_damped == 0


def test_floors_of_other_levels_are_refused(database: Database) -> None:
    run = measured()
    spectrum = next(s for s in run.spectra if s.condition.floors)
    for floors in (
        spectrum.condition.floors[1:],
        (*spectrum.condition.floors[:-1], NoiseFloor(0.2, 1.0, 1)),
    ):
        other = replace(spectrum, condition=replace(spectrum.condition, floors=floors))
        with pytest.raises(StoreError, match="other levels"):
            record_run(database, replace(run, spectra=(other,)))
    assert [*stored_runs(database, [1])] == []
