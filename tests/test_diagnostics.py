"""Diagnostics: what covers what, and that measuring changes no number of a run."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdbench.config.diagnostics import CURVATURES, SAMPLES, Diagnostics
from cdbench.config.diagnostics import KINDS as NAMES
from cdbench.config.run_config import RunConfig
from cdbench.diagnostics.spectra import KINDS
from cdbench.errors import ConfigurationError, UnknownNameError
from cdbench.running.execution import execute

TINY: dict[str, Any] = {"dataset": "iris", "hidden": (8,), "epochs": 3}


@st.composite
def diagnostics(draw, on="train", curvature="lanczos"):
    every = st.none() | st.integers(1, 6)
    measured = draw(st.sampled_from(("none", curvature)))
    spectra = draw(st.booleans())
    kinds = st.sets(st.sampled_from(list(KINDS))).map(lambda own: tuple(sorted(own)))
    return Diagnostics(
        spectra_every=draw(every) if spectra else None,
        spectra=spectra,
        kinds=draw(kinds) if spectra else (),
        floors=spectra and draw(st.booleans()),
        curvature=measured,
        curvature_every=None if measured == "none" else draw(every),
        on=on,
        batches=spectra and draw(st.booleans()),
        values=draw(st.booleans()),
        weights=draw(st.booleans()),
    )


@given(one=diagnostics(), other=diagnostics(), epochs=st.integers(1, 30))
def test_union_covers_both(one, other, epochs):
    both = one.union(other)
    assert both.covers(one, epochs)
    assert both.covers(other, epochs)
    assert one.union(one).canonical_json() == one.union(one).union(one).canonical_json()


@given(one=diagnostics(), other=diagnostics(), epochs=st.integers(1, 30))
def test_what_covers_measures_at_least_the_same_epochs(one, other, epochs):
    if one.covers(other, epochs):
        assert one.spectra_epochs(epochs) >= other.spectra_epochs(epochs)
        assert one.curvature_epochs(epochs) >= other.curvature_epochs(epochs)
        assert one.batches >= other.batches
        assert one.values >= other.values or not other.spectra
        assert one.floors >= other.floors
        assert one.weights >= other.weights
        assert one.measured_kinds >= other.measured_kinds
    assert one.covers(one, epochs)


@given(found=diagnostics())
def test_json_round_trip(found):
    assert Diagnostics.from_mapping(json.loads(found.canonical_json())) == found
    assert ("weights" in found.canonical_json()) == found.weights


def test_only_the_kinds_that_are_asked_for_are_measured():
    asked = Diagnostics(spectra_every=1, kinds=("weight", "theorem1"))
    run = execute(RunConfig(**TINY), diagnostics=asked)
    assert {(s.kind, s.epoch) for s in run.spectra} == {
        (kind, epoch) for kind in asked.kinds for epoch in range(4)
    }
    whole = execute(RunConfig(**TINY), diagnostics=Diagnostics(spectra_every=1))
    assert {s.kind for s in whole.spectra} == set(KINDS)
    assert set(run.spectra) <= set(whole.spectra)


def test_a_kind_that_is_none_is_named_with_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean weight"):
        Diagnostics(kinds=("weigt",))
    with pytest.raises(ConfigurationError, match="no-spectra"):
        Diagnostics(spectra=False, kinds=("weight",))


def test_names_of_kinds_are_those_that_are_measured():
    assert tuple(KINDS) == NAMES


def test_epochs_that_are_measured():
    assert Diagnostics().spectra_epochs(25) == {25}
    assert Diagnostics(spectra_every=10).spectra_epochs(25) == {0, 10, 20, 25}
    assert Diagnostics(spectra_every=10).curvature_epochs(25) == set()
    both = Diagnostics(curvature="auto", curvature_every=25)
    assert both.curvature_epochs(25) == {0, 25}


@pytest.mark.parametrize(
    "values",
    [{"spectra_every": 0}, {"curvature": "auto", "curvature_every": -1}, {"curvature_every": 3}],
)
def test_impossible_diagnostics_are_refused(values):
    with pytest.raises(ConfigurationError, match=r"_every"):
        Diagnostics(**values)


@pytest.mark.parametrize("values", [{"on": "trian"}, {"curvature": "lanzcos"}])
def test_unknown_names_say_which_is_nearest(values):
    with pytest.raises(UnknownNameError, match="did you mean"):
        Diagnostics(**values)


@pytest.mark.parametrize("on", SAMPLES)
def test_measuring_changes_no_number_of_the_run(on):
    config = RunConfig(**TINY, B=2, dropout=0.1)
    plain = execute(config)
    full = Diagnostics(spectra_every=1, curvature="exact", curvature_every=2, on=on, batches=True)
    watched = execute(config, diagnostics=full)
    assert watched.status == "completed", watched.error
    for a, b in zip(plain.epochs, watched.epochs, strict=True):
        assert replace(a, duration_s=0) == replace(b, duration_s=0)
    last = [s for s in watched.spectra if (s.epoch, s.step) == (3, 0)]
    if on == "train":
        assert last == list(plain.spectra)
    assert {s.sample for s in last if s.kind == "layer_hessian"} == {on}


def test_run_holds_what_was_asked_for():
    wanted = Diagnostics(spectra_every=2, curvature="lanczos", batches=True, values=False)
    run = execute(RunConfig(**TINY, B=2), diagnostics=wanted)
    assert run.diagnostics == wanted
    after = {(s.epoch, s.kind) for s in run.spectra if s.step == 0}
    assert after == {(epoch, kind) for epoch in (0, 2, 3) for kind in KINDS}
    in_training = {(s.epoch, s.step, s.kind, s.layer) for s in run.spectra if s.step}
    n_batches = 2  # 120 samples by 64
    assert in_training == {
        (epoch, step, "theorem1", layer)
        for epoch in (1, 2, 3)
        for step in range(1, n_batches + 1)
        for layer in (1, 2)
    }
    assert not any(s.values for s in run.spectra)
    assert {c.epoch for c in run.curvature} == {3}
    assert {c.method for c in run.curvature} == {"lanczos"}


@pytest.mark.parametrize("normalization", ["layer", "batch"])
def test_networks_with_normalization_are_measured(normalization):
    wanted = Diagnostics(spectra_every=3, curvature="lanczos", batches=True)
    run = execute(RunConfig(**TINY, B=2, normalization=normalization), diagnostics=wanted)
    assert run.status == "completed", run.error
    assert len(run.curvature) >= 2


def test_first_layers_theorem1_does_not_move_in_training():
    run = execute(RunConfig(**TINY, B=2), diagnostics=Diagnostics(spectra_every=1))
    found = {s.values for s in run.spectra if (s.layer, s.kind) == (1, "theorem1")}
    assert len(found) == 1
    moved = {s.values for s in run.spectra if (s.layer, s.kind) == (2, "theorem1")}
    assert len(moved) == 4


def test_every_choice_of_curvature_is_known_to_the_command_line():
    from typing import get_args

    from cdbench.cli.diagnostics import _OPTIONS

    for name, choices in (("curvature", CURVATURES), ("on", SAMPLES)):
        annotated, _default = _OPTIONS[name]
        assert get_args(get_args(annotated)[0]) == choices
