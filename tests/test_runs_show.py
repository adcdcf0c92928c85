"""``cdbench runs show`` and ``diff``: everything about one run, and about two."""

import json
import math
import shlex
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from cdbench.config.run_config import RunConfig
from cdbench.config.train_words import train_words
from cdbench.errors import ConfigurationError
from cdbench.records.run import Run
from cdbench.reports.formats import FORMATS
from cdbench.reports.one_run import KnownRun, environment_lines, run_page
from cdbench.reports.pages import render_page
from cdbench.reports.run_sources import sources
from cdbench.reports.sparklines import BARS, LEVEL, MOST, PLAIN_BARS, sparkline
from cdbench.reports.two_runs import differences
from cdbench.reports.two_runs_page import two_runs_page
from cdbench.store.database import open_for_reading, open_for_writing
from cdbench.store.record import record_run
from cdbench.store.run_origins import RunOrigin, run_origin
from cdbench.store.run_queries import stored_runs
from tests.cli_tools import Here
from tests.hostile import HOSTILE, MORE, steers
from tests.released import released_database

ORIGIN = RunOrigin(
    run_id=1,
    model="",
    changes="",
    is_latest=True,
    sweep_id=None,
    command_line=None,
    comparisons=(),
    multiply_adds=None,
    kept_bytes=None,
    kept_digest=None,
)


@pytest.fixture
def stored(here: Here, tiny_run: Callable[..., Run]) -> Here:
    """Return a folder whose runs.db has a run, its like of another seed, and itself once more."""
    database = open_for_writing(str(here.folder / "runs.db"))
    for seed in (0, 1, 0):
        record_run(database, tiny_run(epochs=3, seed=seed))
    return here


def document(here: Here, *words: str) -> dict[str, Any]:
    """Return what a command prints as JSON."""
    answer = here("runs", *words, "--format", "json")
    assert answer.code == 0, answer.err
    found: dict[str, Any] = json.loads(answer.out)
    return found


def test_json_of_a_run_gives_every_number_back(stored: Here) -> None:
    database = open_for_reading("runs.db")
    ((_, run),) = stored_runs(database, [1])
    found = document(stored, "show", "1")
    assert found["epochs"] == [asdict(epoch) for epoch in run.epochs]
    assert found["cost"]["duration_s"] == run.duration_s
    kappas = [float(one["kappa"]) for one in found["spectra"]]
    assert kappas == [one.condition.kappa for one in run.spectra]
    assert [one["values"] for one in found["spectra"]] == [list(one.values) for one in run.spectra]
    assert RunConfig.from_mapping(found["config"]).digest() == found["config_digest"]


def test_what_show_says_to_type_trains_the_run_again_bit_for_bit(stored: Here) -> None:
    command = shlex.split(document(stored, "show", "2")["command"])
    assert stored(*command[1:]).code == 0
    assert document(stored, "diff", "2", "latest")["bit_for_bit"]
    assert "the same bit for bit" in stored("runs", "diff", "2", "latest").out


def test_diff_says_what_differs_and_from_which_epoch_on(stored: Here) -> None:
    found = document(stored, "diff", "1", "2")
    assert found["configuration"] == {"seed": [0, 1]}
    assert not found["bit_for_bit"]
    first, second = (document(stored, "show", run)["epochs"] for run in "12")
    loss = found["curves"]["training_loss"]
    gaps = [b["training_loss"] - a["training_loss"] for a, b in zip(first, second, strict=True)]
    assert loss["first_epoch_apart"] == 1
    assert loss["largest_difference"] == max(gaps, key=abs) == gaps[loss["at_epoch"] - 1]
    text = stored("runs", "diff", "1", "2").out
    assert "hidden" not in text
    assert "hidden" in stored("runs", "diff", "1", "2", "--all").out
    assert document(stored, "diff", "1", "3")["bit_for_bit"]


def test_diff_tells_missing_values_truths_and_commits_as_people_read_them(
    here: Here, tiny_run: Any
) -> None:
    database = open_for_writing("runs.db")
    for run, commit in ((tiny_run(), "a" * 40), (tiny_run(layer="dense", B=None), "b" * 40)):
        environment = replace(run.environment, git_commit=commit)
        record_run(database, replace(run, environment=environment))
    lines = [line.split() for line in here("runs", "diff", "1", "2", "--all").out.splitlines()]
    assert ["B", "2", "–"] in lines
    assert ["git_commit", "a" * 8, "b" * 8] in lines
    assert ["floors", "no", "no"] in lines
    assert not any("None" in line for line in lines)


def test_curves_part_in_the_first_epoch_that_differs(here: Here, tiny_run: Any) -> None:
    run = tiny_run(epochs=3)
    last = replace(run.epochs[2], test_loss=math.nextafter(run.epochs[2].test_loss, 9))
    other = replace(run, uuid="other", epochs=(*run.epochs[:2], last))
    database = open_for_writing(str(here.folder / "runs.db"))
    for one in (run, other):
        record_run(database, one)
    found = document(here, "diff", "1", "2")
    assert found["curves"]["test_loss"]["first_epoch_apart"] == 3
    assert found["curves"]["training_loss"]["first_epoch_apart"] is None
    assert not found["bit_for_bit"]
    assert "not the same, though the configuration is" in here("runs", "diff", "1", "2").out


@pytest.mark.parametrize("format_name", ["table", "markdown", "latex", "csv", "json"])
def test_every_format_has_the_run_and_its_score(stored: Here, format_name: str) -> None:
    for words in (("show", "1"), ("diff", "1", "2")):
        answer = stored("runs", *words, "--format", format_name)
        assert answer.code == 0
        assert answer.err == ""
        assert "iris" in answer.out or "seed" in answer.out
        assert (BARS[0] in answer.out) == (format_name in ("table", "markdown"))


def test_screens_fit_80_columns(monkeypatch: pytest.MonkeyPatch, stored: Here) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    database = str(released_database())
    screens = [stored("runs", "show", run, "--db", database) for run in ("1512", "1960", "4915")]
    screens.append(stored("runs", "diff", "1960", "4915", "--db", database))
    for screen in screens:
        told = [line for line in screen.out.splitlines() if database not in line]
        assert max(map(cell_len, told)) <= 80, screen.out


def test_stored_text_controls_no_terminal(here: Here, tiny_run: Any) -> None:
    run = replace(tiny_run(), status="failed", error="\x1b[31m[bold]red")
    record_run(open_for_writing(str(here.folder / "runs.db")), run)
    out = here("runs", "show", "1").out
    assert "\x1b" not in out
    assert r"\x1b[31m[bold]red" in out


def test_pages_of_hostile_names_steer_no_terminal_and_json_gives_them_back(tiny_run: Any) -> None:
    run = tiny_run(epochs=3)
    for name in (*HOSTILE.values(), *MORE.values()):
        try:
            config = replace(run.config, dataset=f"{name[:99]}.csv", label_column=name)
        except ConfigurationError:  # a run of such a name cannot be
            config = run.config
        origin = replace(ORIGIN, command_line=name, comparisons=((name, "tuning"),))
        own = replace(run, config=config, error=name, status="failed")
        page = run_page(KnownRun(own, origin, train_words(config)))
        for form in FORMATS:
            assert not steers(render_page(page, form, 80)), name
        found = json.loads(render_page(page, "json"))
        assert found["error"] == found["belongs_to"]["command_line"] == name
        assert shlex.split(found["command"])[-2] == "--seed"
        other = two_runs_page(differences(KnownRun(own, origin), KnownRun(run, ORIGIN)))
        assert not steers(render_page(other, "table", 80) + render_page(other, "csv")), name


def test_curves_are_ascii_where_the_encoding_has_no_bars(tiny_run: Any) -> None:
    run = tiny_run(epochs=3)
    known = KnownRun(run, ORIGIN, train_words(run.config))
    text = render_page(run_page(known, plain=True), "table", 80)
    assert not set(text) & set(BARS)
    assert PLAIN_BARS[0] in text


def test_a_value_comes_from_the_recipe_the_command_line_or_the_plan_of_the_command() -> None:
    config = RunConfig(B=8, epochs=3, seed=7, learning_rate=0.05, hidden=(32, 32))
    line = "cdbench sweep mine --B 4 8 --seeds 0..9 --learning-rate 0.050 --hidden 32 32"
    found = {one.name: own for one, own in sources(config, replace(ORIGIN, command_line=line))}
    assert {found[name] for name in ("B", "seed", "learning_rate", "hidden")} == {"command line"}
    assert found["epochs"] == "sweep"
    assert found["momentum"] == "recipe"
    audited = replace(ORIGIN, command_line="cdbench audit --seeds '0")
    assert {own for _, own in sources(config, audited)} == {"audit", "recipe"}
    assert {own for _, own in sources(config, ORIGIN)} == {"given", "recipe"}


def test_a_run_tells_its_vector_instructions_where_they_were_recorded(tiny_run: Any) -> None:
    run = tiny_run()
    told = []
    for simd in (None, "", "X86_V3 X86_V4"):
        lines = environment_lines(replace(run, environment=replace(run.environment, simd=simd)))
        told.append([line for _, line in lines])
    assert told[0] == told[1] == told[2][:-1]
    assert told[2][-1] == "vector instructions: X86_V3 X86_V4"


def test_a_run_tells_its_sweep_and_the_comparisons_that_rest_on_it() -> None:
    database = open_for_reading(str(released_database()))
    origin = run_origin(database, 4915)
    assert str(origin.command_line).startswith("cdbench compare --dataset digits")
    assert ("released-digits", "tuning") in origin.comparisons
    assert origin.multiply_adds == 4324


@given(st.lists(st.floats(), max_size=60))
def test_bars_are_as_many_as_numbers_and_as_high(numbers: list[float]) -> None:
    bars = sparkline(numbers, most=60)
    assert len(bars) == len(numbers)
    finite = [(x, BARS.index(bar)) for x, bar in zip(numbers, bars, strict=True) if bar in BARS]
    assert len(finite) == sum(map(math.isfinite, numbers))
    ordered = sorted(finite)
    assert [height for _, height in ordered] == sorted(height for _, height in ordered)
    if finite and not math.isclose(ordered[0][0], ordered[-1][0], rel_tol=LEVEL):
        assert (ordered[0][1], ordered[-1][1]) == (0, len(BARS) - 1)


def test_long_curves_keep_their_ends() -> None:
    bars = sparkline([9.0] + [1.0] * 500 + [5.0])
    assert len(bars) == MOST
    assert (bars[0], bars[-1]) == (BARS[-1], sparkline([9.0, 1.0, 5.0])[-1])


def test_unknown_run_is_refused_in_one_line(stored: Here) -> None:
    answer = stored("runs", "show", "99")
    assert answer.code == 2
    assert answer.err.startswith("cdbench: RUN 99: no such run in runs.db")
