"""A run is computed again with the instructions with which it was computed."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from cdbench.records.run import Environment
from cdbench.running.environment import current_environment, simd
from cdbench.running.instructions import KERNELS, ONLY, WITHOUT, as_stored, given
from tests.cli_tools import SMALL, Here, rows

OPENBLAS = "openblas 0.3.31"


def machine(kernels: str, simd: str | None) -> Environment:
    """Return an environment with these kernels and vector instructions."""
    return replace(current_environment(), blas=f"{OPENBLAS} {kernels}", simd=simd)


NEWER = machine("SkylakeX", "X86_V3 X86_V4 AVX512_ICL")
OLDER = machine("Haswell", "X86_V3")


@pytest.mark.parametrize(
    ("stored", "here", "variables"),
    [
        (NEWER, NEWER, {}),
        (OLDER, NEWER, {KERNELS: "Haswell", WITHOUT: "AVX512_ICL X86_V4"}),
        (replace(OLDER, simd=None), NEWER, {KERNELS: "Haswell", WITHOUT: "AVX512_ICL X86_V4"}),
        (replace(NEWER, simd=None), NEWER, {}),
        (replace(NEWER, simd=None), replace(NEWER, blas=OLDER.blas), {KERNELS: "SkylakeX"}),
        (machine("Haswell", "X86_V3 X86_V4"), NEWER, {KERNELS: "Haswell", WITHOUT: "AVX512_ICL"}),
        (NEWER, OLDER, {}),  # which has no AVX-512
        (machine("Haswell", ""), machine("Haswell", ""), {}),
        (machine("Haswell", ""), machine("Nehalem", ""), {}),  # its kernels would not run
        (replace(OLDER, blas="openblas 0.3.30 Haswell"), NEWER, {WITHOUT: "AVX512_ICL X86_V4"}),
        (replace(NEWER, blas="mkl 2024", simd=None), NEWER, {}),
        (replace(NEWER, blas="openblas 0.3.31 Cooperlake"), NEWER, {}),  # not asked for
        (replace(NEWER, numpy_version="2.3", simd="AVX2 AVX512_SKX"), NEWER, {}),  # other names
        (
            replace(OLDER, numpy_version="2.3", simd="AVX2"),
            NEWER,
            {KERNELS: "Haswell", WITHOUT: "AVX512_ICL X86_V4"},
        ),
        (machine("neoversen1", "ASIMDHP ASIMDDP"), NEWER, {}),  # of another architecture
        (NEWER, machine("neoversen1", "ASIMDHP ASIMDDP"), {}),
    ],
)
def test_a_process_is_given_what_makes_it_compute_as_the_stored_one(
    stored: Environment, here: Environment, variables: dict[str, str]
) -> None:
    assert as_stored(stored, here) == variables


def test_what_the_user_left_out_stays_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WITHOUT, "AVX512_SPR")
    assert as_stored(OLDER, NEWER)[WITHOUT] == "AVX512_ICL AVX512_SPR X86_V4"


@pytest.mark.parametrize(("stored", "left"), [("X86_V3", "X86_V3"), ("", " ")])
def test_where_numpy_is_told_what_to_use_it_is_not_told_what_to_leave_out(
    monkeypatch: pytest.MonkeyPatch, stored: str, left: str
) -> None:
    monkeypatch.setenv(ONLY, "X86_V3 X86_V4")
    assert as_stored(machine("SkylakeX", stored), NEWER) == {ONLY: left}


def test_variables_are_given_for_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KERNELS, "Nehalem")
    monkeypatch.delenv(WITHOUT, raising=False)
    with given({KERNELS: "Haswell", WITHOUT: "X86_V4"}):
        assert (os.environ[KERNELS], os.environ[WITHOUT]) == ("Haswell", "X86_V4")
    assert os.environ[KERNELS] == "Nehalem"
    assert WITHOUT not in os.environ


def test_the_vector_instructions_are_those_that_numpy_uses_in_the_process() -> None:
    found = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    assert simd().split() == found
    command = [sys.executable, "-c", "from cdbench.running.environment import simd; print(simd())"]
    without = os.environ | {WITHOUT: " ".join(found)}
    told = subprocess.run(command, env=without, capture_output=True, text=True, check=True)
    assert told.stdout == "\n"


def test_a_numpy_without_vector_instructions_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np, "show_config", lambda mode: {})
    assert simd() == ""


def test_who_needs_new_processes_is_not_told_of_a_way_without() -> None:
    program = "from cdbench.running import servers; servers.new_processes()"
    command = [sys.executable, "-E", "-c", program]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.stderr.endswith("from the working folder; start it with -I\n")


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_run_of_a_lesser_machine_is_reproduced_with_what_that_had(here: Here, jobs: str) -> None:
    path = here.folder / "runs.db"
    command = [sys.executable, "-m", "cdbench", "sweep", *SMALL, "--B", "2", "--seeds", "0", "1"]
    lesser = os.environ | {WITHOUT: simd()}
    subprocess.run(
        [*command, "--jobs", "1", "--db", str(path)], env=lesser, check=True, capture_output=True
    )
    assert rows(path, "SELECT simd FROM environment") == [("",)]
    answer = here("reproduce", "--all", "--jobs", jobs)
    assert answer.code == 0
    assert "the same environment" in answer.out, answer.out
    assert WITHOUT not in os.environ
