"""Families with a structure on the command line: specifications, grids, tables and mistakes."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from cdbench.config import families
from cdbench.config.grid import grid
from cdbench.config.run_config import RunConfig
from cdbench.errors import ConfigurationError
from cdbench.reports.kinds import notes_on_kinds
from cdbench.reports.summary import summary
from cdbench.reports.tables import text_table
from cdbench.running.widths import check_widths
from cdbench.store.queries import StoredRun
from tests.cli_tools import Answer, Here, contents, rows
from tests.other_families import Even

pytestmark = pytest.mark.usefixtures("other_families")

TINY = ("--dataset", "iris", "--hidden", "8", "--epochs", "1")


def sweep(here: Here, *words: str) -> Answer:
    return here("sweep", *TINY, "--jobs", "1", *words)


def models_of(here: Here) -> list[str]:
    return [model for (model,) in rows(here.folder / "runs.db", "SELECT DISTINCT model FROM runs")]


def test_a_sweep_trains_each_specification_with_each_seed(here: Here) -> None:
    layers = ["dense", "cdlinear:4", "cdlinear:8", "low-rank:2", "low-rank:4"]
    answer = sweep(here, "--layer", *layers, "--seeds", "0", "1", "2")
    assert answer.code == 0, answer.err
    names = ["dense", "cdlinear B=4", "cdlinear B=8", "low-rank rank=2", "low-rank rank=4"]
    assert models_of(here) == names
    assert rows(here.folder / "runs.db", "SELECT count(*) FROM runs") == [(15,)]
    table = answer.out.partition("This sweep")[2]
    assert [line for line in table.splitlines() if line.startswith(tuple(names))]
    assert "Against dense, paired over 3 seeds" in answer.out


def test_b_is_for_the_families_that_have_one() -> None:
    configs = grid({"layer": ["cdlinear", "low-rank:8"], "B": [4, 8]}, [0], baseline=False)
    assert [config.model for config in configs] == [
        *("cdlinear B=4", "cdlinear B=8"),
        "low-rank rank=8",
    ]
    with pytest.raises(ConfigurationError, match="B = 4 was given with layer low-rank"):
        grid({"layer": ["low-rank:8"], "B": [4]}, [0], baseline=False)


def test_fisher_regularisers_are_for_the_families_with_circulant_blocks() -> None:
    knobs: dict[str, list[Any]] = {
        "layer": ["cdlinear:4", "low-rank:8"],
        "fisher_weight": [0.0, 0.1],
    }
    configs = grid(knobs, [0], baseline=True)
    assert [(config.model, config.fisher_weight) for config in configs] == [
        *(("dense", 0.0), ("cdlinear B=4", 0.0)),
        *(("cdlinear B=4", 0.1), ("low-rank rank=8", 0.0)),
    ]


def test_fisher_regularisers_are_for_other_families_with_circulant_blocks_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Even, "fisher_parameter", "weight")
    knobs: dict[str, list[Any]] = {"layer": ["even", "low-rank:8"], "fisher_weight": [0.1]}
    configs = grid(knobs, [0], baseline=False)
    assert [(c.layer, c.fisher_weight) for c in configs] == [("even", 0.1), ("low-rank", 0.0)]


def test_a_default_structure_is_the_same_run_as_one_that_is_typed(here: Here) -> None:
    answer = sweep(here, "--layer", "low-rank", "low-rank:8", "--seeds", "0", "--dry-run")
    assert answer.out.splitlines()[-1].startswith("2 runs")
    assert "low-rank rank=8" in answer.out


GRAMMAR = "expected FAMILY[:VALUE][,NAME=VALUE…], as in low-rank:8"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--layer lowrank:8", "unknown layer 'lowrank'; did you mean low-rank?"),
        ("--layer even:8,iner=2", "unknown structure parameter of even 'iner'; did you mean inner"),
        ("--layer even:8,basis=dtc", "unknown basis 'dtc'; did you mean dct?"),
        ("--layer low-rank:0", "rank = 0: expected a whole number of at least 1"),
        ("--layer low-rank:2.5", "rank = 2.5: expected a whole number of at least 1"),
        ("--layer low-rank:", GRAMMAR),
        ("--layer :8", f"layer = ':8': {GRAMMAR}"),
        ("--layer low-rank,8", "did you mean low-rank:8?"),
        ("--layer dense,low-rank:8", "did you mean several: dense low-rank:8?"),
        ("--layer even:8,9", GRAMMAR),
        ("--layer even:8,size=9", GRAMMAR),
        ("--layer cdlinear:4 --B 8", "layer = cdlinear:4 was given with B = 8"),
        ("--layer low-rank:4 --B 8", "B = 8 was given with layer low-rank"),
        ("--layer dense:4", "layer dense has no structure parameters; expected --layer dense"),
        ("--layer low-rank:4 --fisher-weight 0.1", "layer low-rank, which has no circulant blocks"),
        ("--layer even --hidden 9", "layer = even:8, hidden = 8 9: Even got widths 8 and 9"),
        ("--layer even", "layer = even:8 with the 4 features and 3 classes of iris: Even got"),
    ],
)
@pytest.mark.parametrize("command", ["train", "sweep"])
def test_a_wrong_specification_is_one_line_and_nothing_is_stored(
    here: Here, command: str, words: str, said: str
) -> None:
    answer = here(command, *TINY, *words.split())
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("cdbench: ")
    assert answer.err.count("\n") == 1
    assert said in answer.err
    assert contents(here.folder) == {}


def test_widths_that_fit_are_not_refused() -> None:
    check_widths(RunConfig(layer="even", dataset="digits"))
    check_widths(RunConfig(layer="block-diagonal:3", dataset="iris"))
    with pytest.raises(ConfigurationError, match="13 features and 3 classes of wine"):
        check_widths(RunConfig(layer="even", dataset="wine"))


def test_the_file_takes_specifications_too(here: Here) -> None:
    (here.folder / "cdbench.toml").write_text(
        '[defaults]\ndataset = "iris"\nhidden = [8]\nepochs = 1\nlayer = "low-rank:2"\n'
        '[sweeps.two]\nlayer = ["cdlinear:4", "low-rank:4"]\nseeds = 0\njobs = 1\n'
    )
    answer = here("train")
    assert answer.code == 0
    assert answer.out.startswith("low-rank rank=2 · iris")
    assert here("sweep", "two").code == 0
    assert models_of(here) == [*("low-rank rank=2", "dense"), *("cdlinear B=4", "low-rank rank=4")]


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ('"low-rank:0"', "[defaults] layer low-rank: rank = 0: expected"),
        ('"low-rank:"', f"[defaults] layer = 'low-rank:': {GRAMMAR}"),
        ("8", "[defaults] layer = 8: expected a text"),
    ],
)
def test_a_wrong_specification_in_the_file_is_named_with_its_place(
    here: Here, layer: str, said: str
) -> None:
    (here.folder / "cdbench.toml").write_text(f"[defaults]\nlayer = {layer}\n")
    answer = here("train")
    assert answer.code == 2
    assert answer.err.startswith(f"cdbench: {here.folder}/cdbench.toml: {said}")


@pytest.mark.parametrize(
    "typed",
    ["dense", "cdlinear:3", "low-rank:8", "even:8,inner=3", "even:4,inner=3,basis=dct", "even:2"],
)
def test_a_specification_is_written_as_it_is_read(typed: str) -> None:
    config = RunConfig(layer=typed)
    written = families.specification(config.layer, config.structure, config.B)
    assert written == typed
    assert RunConfig(layer=written) == config


def test_a_model_has_its_name_in_the_code_and_in_the_database(here: Here) -> None:
    layers = ["dense", "cdlinear:2", "low-rank:3", "block-diagonal:4,basis=dct"]
    sweep(here, "--layer", *layers, "--seeds", "0")
    names = [RunConfig(layer=layer).model for layer in layers]
    assert models_of(here) == names == [
        *("dense", "cdlinear B=2", "low-rank rank=3", "block-diagonal blocks=4 basis=dct")
    ]  # fmt: skip


def test_train_names_the_kinds_that_it_measured_and_those_that_the_family_lacks(
    here: Here,
) -> None:
    said = " ".join(here("train", *TINY, "--layer", "low-rank:2").out.split())
    assert "weight and layer_hessian can be compared between layer families." in said
    assert said.count("published, block_power and theorem1 are not defined for low-rank") == 1
    assert "theorem1 is the diagonal" not in said
    said = " ".join(here("train", *TINY, "--layer", "dense").out.split())
    assert "Only weight and layer_hessian can be compared between layer families; theor" in said
    assert "not defined" not in said


def test_train_says_that_nothing_of_what_was_asked_is_defined(here: Here) -> None:
    answer = here("train", *TINY, "--layer", "low-rank:2", "--kinds", "published")
    assert "published is not defined for low-rank layers." in answer.out
    assert "can be compared" not in answer.out
    unasked = here("train", *TINY, "--layer", "low-rank:2", "--no-spectra")
    assert "not defined" not in unasked.out


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        (["weight"], "weight can be compared between layer families."),
        (["published"], "None of these kinds can be compared between layer families."),
        (["weight", "published"], "Only weight can be compared between layer families."),
    ],
)
def test_a_kind_that_was_not_measured_is_not_named(measured: list[str], said: str) -> None:
    assert notes_on_kinds(measured, [], "dense") == (said,)


def test_train_says_of_what_widths_are_multiples(here: Here) -> None:
    assert "4→8→4 (multiples of 4)" in here(
        "train", *TINY, "--layer", "block-diagonal:4"
    ).out.replace("\n", " ")
    assert "4→8→4 (multiples of B = 4)" in here("train", *TINY, "--B", "4").out
    assert "4→8→3 · " in here("train", *TINY, "--layer", "low-rank:4").out


def test_a_sweep_without_spectra_has_a_dash_for_kappa(here: Here) -> None:
    answer = sweep(here, "--layer", "low-rank:2", "--seeds", "0", "1", "--no-spectra")
    assert answer.code == 0
    lines = [line for line in answer.out.splitlines() if line.startswith("low-rank rank=2 ")]
    assert lines[-1].split()[-2] == "–"


TWELVE = [
    *("dense", "cdlinear:4", "cdlinear:8", "low-rank:8", "low-rank:16", "block-diagonal:8"),
    *("block-diagonal:8,basis=dct", "even:8", "even:8,inner=16", "even:16", "low-rank:32"),
    "cdlinear:2",
]


def made_up(config: RunConfig, accuracy: float, kappa: float | None) -> StoredRun:
    return StoredRun(1, config, "64→64→64→10", 8970, 0.1, 0.1, accuracy, None, kappa, 0.0123)


@pytest.mark.parametrize("width", [80, 120])
def test_a_summary_of_twelve_models_has_a_row_for_each(width: int) -> None:
    configs = [RunConfig(layer=layer, seed=seed) for layer, seed in product(TWELVE, range(3))]
    runs = {c: made_up(c, 0.9 + 0.03 * c.seed, 12.0 * c.seed or None) for c in configs}
    report = summary(configs, runs)
    text = text_table(report, width, styled=False)
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    table = lines[4 : lines.index("", 4) if width == 120 else -3]
    for config in configs[::3]:
        first = config.model if width == 120 else config.model.partition(" basis")[0]
        assert sum(line.startswith(first) for line in table) >= 1
    if width == 120:
        assert len(table) == 12
    assert {record["structure"] for record in report.records} >= {"rank=8", None}


def test_a_folded_column_gives_its_room_to_one_that_then_need_not_fold() -> None:
    configs = [RunConfig(layer=layer, seed=seed) for layer, seed in product(TWELVE[:6], (0, 1))]
    runs = {config: made_up(config, 0.05 * config.seed, 12.0) for config in configs}
    lines = text_table(summary(configs, runs, {"digits": 0.12}), 80, styled=False).splitlines()
    assert any(line.startswith("block-diagonal blocks=8 ") for line in lines)
    rest = [place for place, line in enumerate(lines) if line.strip() == "(2 guess)"]
    assert len(rest) == 6
    models = [config.model for config in configs[::2]]
    for place, model in zip(rest, models, strict=True):  # and no line is blank between
        assert lines[place - 1].startswith(f"{model} ")
    assert rest[-1] - rest[0] == 10


def test_help_names_every_family_and_how_a_structure_is_typed(here: Here) -> None:
    for command in ("train", "sweep"):
        said = " ".join(here(command, "--help").out.replace("│", " ").split())
        assert "FAMILY[:VALUE][,NAME=VALUE...], as in dense, low-rank:8" in said
        assert "cdlinear, dense" in said


def test_reproduce_trains_the_same_structure(here: Here, tmp_path: Path) -> None:
    here("train", *TINY, "--layer", "low-rank:2", "--seed", "3")
    answer = here("reproduce", "1", "--jobs", "1")
    assert answer.code == 0
    assert "bit for bit" in answer.out
