"""What an audit and the figures read of a run is what was recorded, number by number."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cdbench.records.noise_floors import FLOORS as LEVELS
from cdbench.records.noise_floors import NoiseFloor
from cdbench.records.run import Run
from cdbench.records.spectra import Condition, Curvature, Spectrum
from cdbench.store.audit_queries import audited_runs
from cdbench.store.database import Database
from cdbench.store.figure_queries import curvature_of, runs_with_spectra
from cdbench.store.queries import spectra_of
from cdbench.store.record import record_runs

TinyRun = Callable[..., Run]


def condition(seed: int, *floors: NoiseFloor) -> Condition:
    """Numbers that differ from one another and from those of every other seed."""
    return Condition(seed + 0.5, seed + 0.25, 2.0, 3.0, 4, 5, 1e-9, 0.75, seed + 0.125, floors)


def floors(first: float) -> tuple[NoiseFloor, ...]:
    """One of each level, all different."""
    return tuple(NoiseFloor(level, first / n, 20 - n) for n, level in enumerate(LEVELS, 1))


SPECTRA = (
    Spectrum(2, "weight", 2, (2.0, 1.0), condition(1, *floors(7.0))),
    Spectrum(1, "weight", 2, (3.0,), condition(2, *floors(float("inf")))),
    Spectrum(1, "weight", 1, (3.0,), condition(3)),
    Spectrum(1, "input", 2, (3.0,), condition(4), sample="train"),
    Spectrum(1, "input", 2, (), condition(5), sample="batch", step=3),
)
NODES = (0.5, 0.25), (0.75, 0.125)
CURVATURE = Curvature(
    *("gauss_newton", "own", 2, "train", 99, "lanczos", 50, 7, 1e-9),
    *(9.0, 0.5, 18.0, 8.0, 20.0, 0.5, 2.5, 0.1, 15.0),
    *NODES,
)


@pytest.fixture
def runs(tiny_run: TinyRun) -> list[Run]:
    made = [tiny_run(seed=seed) for seed in (0, 1)]
    return [replace(made[0], spectra=SPECTRA, curvature=(CURVATURE,)), made[1]]


def key(spectrum: Spectrum) -> tuple[int, str, int, int]:
    return spectrum.layer, spectrum.kind, spectrum.epoch, spectrum.step


def test_a_run_is_audited_with_all_that_was_measured_but_the_numbers(
    database: Database, runs: list[Run]
) -> None:
    keys = record_runs(database, runs)
    audited = audited_runs(database, keys)
    assert list(audited) == [run.config for run in runs]
    for run, run_id in zip(runs, keys, strict=True):
        found = audited[run.config]
        assert (found.run_id, found.uuid, found.config) == (run_id, run.uuid, run.config)
        assert found.n_parameters == run.n_parameters
        assert found.epochs == run.epochs
        assert found.test_accuracy == run.epochs[-1].test_accuracy
        assert found.training_loss == run.epochs[-1].training_loss
        expected = [replace(spectrum, values=(), multiplicity=1) for spectrum in run.spectra]
        assert list(found.spectra) == sorted(expected, key=key)
        assert found.curvature == tuple(
            replace(curvature, nodes=(), weights=()) for curvature in run.curvature
        )
    assert audited_runs(database, []) == {}
    assert list(audited_runs(database, keys[1:])) == [runs[1].config]


def test_spectra_come_back_with_the_numbers_that_were_kept_or_none(
    database: Database, runs: list[Run]
) -> None:
    bare = replace(SPECTRA[3], values=())
    kept = replace(SPECTRA[1], multiplicity=2, n_numbers=9)
    (run_id,) = record_runs(database, [replace(runs[0], spectra=(SPECTRA[0], bare, kept))])
    found = spectra_of(database, run_id)
    assert found == tuple(
        replace(spectrum, condition=replace(spectrum.condition, floors=()))
        for spectrum in (bare, kept, SPECTRA[0])
    )


def test_conditions_are_those_of_a_kind_after_an_epoch_layer_by_layer(
    database: Database, runs: list[Run]
) -> None:
    keys = record_runs(database, runs)
    found = audited_runs(database, keys)[runs[0].config]
    conditions = [spectrum.condition for spectrum in SPECTRA]
    assert found.config.epochs == 2
    assert found.conditions("weight") == [conditions[1], conditions[0]]
    assert found.conditions("weight", 1) == [conditions[2]]
    assert found.conditions("input") == [conditions[3]]
    assert found.conditions("input", 1) == []


def test_figures_take_runs_whose_numbers_were_kept(database: Database, runs: list[Run]) -> None:
    configs = [run.config for run in runs]
    bare = replace(runs[0], uuid="bare", spectra=SPECTRA[-1:], curvature=())
    keys = record_runs(database, [runs[0], replace(runs[1], spectra=()), bare])
    for kinds in (["weight"], ["weight", "input"], ["input", "network"], ["network"]):
        assert runs_with_spectra(database, configs, kinds) == {configs[0]: keys[0]}
    assert runs_with_spectra(database, configs, ["weight", "other"]) == {}
    assert runs_with_spectra(database, configs[1:], ["weight"]) == {}


def test_curvature_comes_back_with_its_nodes(database: Database, runs: list[Run]) -> None:
    first, second = record_runs(database, runs)
    assert curvature_of(database, first) == (CURVATURE,)
    assert curvature_of(database, second) == runs[1].curvature
