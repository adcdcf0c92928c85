"""Conditions above noise floors: known spectra, their limits, and the way to the database."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdbench.config import RunConfig
from cdbench.diagnostics import Diagnostics
from cdbench.execution import execute
from cdbench.spectra import FLOORED_KINDS, Numbers, condition
from cdbench.spectra.base import FLOORS, noise_floors
from cdbench.store.audit_queries import audited_runs
from cdbench.store.database import open_for_writing
from cdbench.store.record import record_run
from cdbench.store.run_queries import stored_runs
from tests.cli_tools import rows

TINY = RunConfig(dataset="iris", epochs=2, hidden=(4,), B=2)


def test_known_spectrum() -> None:
    found = {
        f.level: f
        for f in noise_floors(Numbers(np.array([0.9, 0.1 - 1e-5, 1e-5]), 0.0, multiplicity=2))
    }
    assert found[1e-9].damped_kappa == pytest.approx(0.9 / 1e-5, rel=1e-3)
    assert found[1e-1].damped_kappa == pytest.approx(1.0 / 0.10001)
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
    found = noise_floors(numbers)
    assert [f.level for f in found] == list(FLOORS)
    for lower, higher in pairwise(found):
        assert lower.damped_kappa >= higher.damped_kappa >= 1
        assert lower.cut_kappa >= higher.cut_kappa >= 1
        assert lower.n_left >= higher.n_left >= 1
    own = condition(numbers)
    assert found[0].damped_kappa <= own.kappa * (1 + 1e-12)
    assert own.effective_rank == pytest.approx(sum(values) / max(values))
    scaled = noise_floors(Numbers(7.0 * np.array(values), 0.0))
    assert [f.n_left for f in scaled] == [f.n_left for f in found]


def test_a_spectrum_of_zeros_has_no_condition_above_any_floor() -> None:
    found = condition(Numbers(np.zeros(3), 0.0), floors=True)
    assert found.effective_rank == 0
    assert {f.damped_kappa for f in found.floors} == {np.inf}


def test_they_are_measured_where_asked_for_and_come_back_from_the_database(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    database = open_for_writing(str(path))
    run = execute(TINY, diagnostics=Diagnostics(spectra_every=1, values=False, floors=True))
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
    assert [c.floors for c in audited.conditions("weight")] == [
        s.condition.floors for s in with_floors if s.kind == "weight"
    ]
    question = (
        "select count(*), count(distinct level) from noise_floors where model = 'cdlinear B=2'"
    )
    assert rows(path, question) == [(len(with_floors) * len(FLOORS), len(FLOORS))]
