"""The audit's figures from the database: what they are given, and what is said where it lacks."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cdbench.api.figures.figure_samples import READERS
from cdbench.claims import odd_block_sizes
from cdbench.claims.base import paper_models
from cdbench.claims.evidence import kappas, whitened
from cdbench.cli import run
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.diagnostics.spectra import KINDS
from cdbench.plots import SAMPLE_FIGURES
from cdbench.plots.base import Model
from cdbench.plots.kappa_floors import CUT, DAMPED
from cdbench.plots.kinds import KIND_WORDS, NETWORK
from cdbench.plots.theorem2 import MARCHENKO_PASTUR, MEASURED, PUBLISHED
from cdbench.records.judgement import HOLDS, ClaimResult, Judgement, Measurement, Observation
from cdbench.records.noise_floors import FLOORS
from cdbench.running.environment import current_environment
from cdbench.running.execution import execute
from cdbench.statistics.estimates import Observations, mean
from cdbench.store.database import open_for_reading, open_for_writing
from cdbench.store.figure_queries import curvature_of, runs_with_spectra
from cdbench.store.record import record_claim, record_run
from tests.cli_tools import change, rows

pytestmark = pytest.mark.long

CLAIMS_SHOWN = ("comparable-kappa", "theorem-2", "odd-block-sizes")
DENSE = Model("dense")
SEEDS = (2, 3)


def observations(claim: str) -> list[Observation]:
    """Return made-up observations of a claim, by the names that the claim itself gives them."""
    if claim == "comparable-kappa":
        quantities = (kappas.PUBLISHED, *kappas.DECISIVE)
        cases = [(quantity, model) for quantity in quantities for model in paper_models(SEEDS)]
    elif claim == "theorem-2":
        cases = [
            (quantity, whitened.subject(B))
            for N in whitened.SAMPLES
            for quantity in (whitened.over_samples(whitened.KINDS[0], N), *whitened.laws(N))
            for B in whitened.BLOCK_SIZES
        ]
    else:
        cases = [
            (quantity, RunConfig(B=B).model)
            for quantity in (odd_block_sizes.ACCURACY, odd_block_sizes.PARAMETERS)
            for B in odd_block_sizes.BLOCK_SIZES
        ]
    return [
        Observation(quantity, subject, seed, _made_up(quantity, seed) + i)
        for i, (quantity, subject) in enumerate(cases)
        for seed in SEEDS
    ]


def _made_up(quantity: str, seed: int) -> float:
    return 900.0 if quantity == odd_block_sizes.PARAMETERS else 2.0 + 0.1 * seed


def judged(claim: str, found: list[Observation]) -> ClaimResult:
    data = Observations(claim, found)
    measurements: tuple[Measurement, ...] = tuple(
        mean(data, odd_block_sizes.ACCURACY, subject)
        for subject in data.subjects(odd_block_sizes.ACCURACY)
    )
    return ClaimResult(
        claim, 1, "", "", "2 3", "digest", Judgement(HOLDS, "", ""), tuple(found), measurements,
        current_environment(), datetime.now(UTC), 0.0,
    )  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def few_steps() -> Iterator[None]:
    """Measure the curvature roughly: what is stored is read, whatever it is."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("cdbench.diagnostics.curvature.lanczos.LONG_STEPS", 6)
        patched.setattr("cdbench.diagnostics.curvature.lanczos.PROBES", 1)
        yield


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with what the figures need: made-up observations, but real runs."""
    path = tmp_path_factory.mktemp("audited") / "runs.db"
    database = open_for_writing(str(path))
    for claim in CLAIMS_SHOWN:
        record_claim(database, judged(claim, observations(claim)))
    for configs in paper_models(SEEDS).values():
        for config in configs:
            diagnostics = Diagnostics(spectra_every=5, values=False, floors=True)
            if config.seed == SEEDS[0]:
                diagnostics = Diagnostics(spectra_every=5, curvature="lanczos", floors=True)
            record_run(database, execute(config, diagnostics=diagnostics))
    return path


def without(audited: Path, folder: Path, *statements: str) -> list[str]:
    """Return the words that plot a copy of the database, changed by the statements."""
    path = Path(shutil.copy(audited, folder / "changed.db"))
    for statement in statements:
        for one in statement.split("; "):
            change(path, one)
    return ["plot", "--claims", "--db", str(path), "--output", str(folder / "made")]


@pytest.mark.long
def test_claims_draws_the_six_figures_of_what_is_stored(
    audited: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(without(audited, tmp_path)) == 0
    made = sorted(path.name for path in (tmp_path / "made").iterdir())
    assert made == sorted(f"{name}.png" for name in (*SAMPLE_FIGURES, "spectra-kinds"))
    out = capsys.readouterr().out
    assert [line.partition(" ")[0] for line in out.splitlines()] == ["wrote"] * 6


def test_samples_are_what_the_database_holds(audited: Path) -> None:
    database = open_for_reading(str(audited))
    read = {name: reader(database) for name, reader in READERS.items()}
    shown = {
        (sample.quantity, sample.model): sample.values
        for name in ("kappa-seeds", "accuracy-parameters")
        for sample in read[name][0]
    }
    stored: dict[tuple[str, Model], list[float]] = {}
    for claim in CLAIMS_SHOWN:
        for found in observations(claim):
            stored.setdefault((found.quantity, Model.named(found.subject)), []).append(found.value)
    assert len(shown) == 9 + len(odd_block_sizes.BLOCK_SIZES)
    assert all(values == tuple(stored[key]) for key, values in shown.items())
    assert {sample.x for sample in read["accuracy-parameters"][0]} == {
        stored[odd_block_sizes.PARAMETERS, Model("cdlinear", B)][0]
        for B in odd_block_sizes.BLOCK_SIZES
    }
    assert {(s.quantity, s.x, s.values) for s in read["theorem2"][0] if s.model == DENSE} == {
        (shown_as, N, tuple(stored[quantity, DENSE]))
        for N in whitened.SAMPLES
        for shown_as, quantity in (
            (MEASURED, whitened.over_samples(whitened.KINDS[0], N)),
            (PUBLISHED, whitened.laws(N)[0]),
            (MARCHENKO_PASTUR, whitened.laws(N)[1]),
        )
    }
    assert read["kappa-epochs"][1] == "6 runs of runs.db · digits · seeds 2 3"
    assert read["kappa-seeds"][1] == "claim comparable-kappa of runs.db · digits · seeds 2 3"
    kept = rows(
        audited,
        "select kappa_nonnull from conditions where model = 'dense' and kind = 'layer_hessian' "
        "and layer = 2 and epoch = 15 order by seed",
    )
    (sample,) = [
        s
        for s in read["kappa-epochs"][0]
        if (s.model, s.quantity, s.weight_layer, s.x) == (DENSE, "layer_hessian", 2, 15)
    ]
    assert sample.values == tuple(kappa for (kappa,) in kept)


@pytest.mark.parametrize(
    ("layer", "kind"), [(None, "weight"), (1, "layer_hessian"), (3, "layer_hessian")]
)
def test_floors_are_what_the_database_holds(audited: Path, layer: int | None, kind: str) -> None:
    samples, source = READERS["kappa-floors"](open_for_reading(str(audited)))
    assert source == "6 runs of runs.db · digits · seeds 2 3"
    own = [s for s in samples if (s.model, s.weight_layer) == (DENSE, layer)]
    read = {(s.quantity, s.x): s.values for s in own}
    where = f"model = 'dense' and kind = '{kind}' and layer = {layer or 'layer'}"
    stored: dict[tuple[str, float], list[float]] = {}
    for quantity in (CUT, DAMPED):
        for level, kappa in rows(
            audited,
            f"select level, avg({quantity}_kappa) from noise_floors where {where} "
            "group by level, seed order by level, seed",
        ):
            stored.setdefault((quantity, level), []).append(kappa)
    rounding = rows(
        audited,
        f"select avg(kappa_nonnull) from conditions where {where} and epoch = 25 "
        "group by seed order by seed",
    )
    stored[CUT, 0.0] = [kappa for (kappa,) in rounding]
    assert len(read) == len(own) == 1 + 2 * len(FLOORS)
    assert read.keys() == stored.keys()
    assert all(list(read[key]) == pytest.approx(kappas) for key, kappas in stored.items())


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        *(
            (f"delete from claim_result where claim = '{claim}'", f"claim {claim} is not judged")
            for claim in CLAIMS_SHOWN
        ),
        (
            "update series set quantity = 'κ' where quantity = 'published κ'",
            "claim comparable-kappa has no 'published κ' of dense; to judge the claims: cdbench "
            "audit --db",
        ),
        (
            "update run set diagnostics_id = null where seed = 3 and layer = 'dense'",
            "1 of 6 runs of dense, B = 4 and B = 8 lack spectra every 5 epochs; to train them: "
            "cdbench sweep --B 4 8 --seeds 2 3 --spectra-every 5 --no-values --resume --db",
        ),
        (
            "delete from spectrum where kind = 'layer_hessian'",
            "to train them again: cdbench sweep --B 4 8 --seeds 2 --curvature lanczos --db",
        ),
        (
            "delete from curvature_node",
            "to train them again: cdbench sweep --B 4 8 --seeds 2 --curvature lanczos --db",
        ),
        (
            "insert into diagnostics (diagnostics_json) select replace(diagnostics_json, "
            "'\"floors\":true', '\"floors\":false') from diagnostics; update run set "
            "diagnostics_id = (select max(diagnostics_id) from diagnostics) where seed = 3 and "
            "layer = 'dense'",
            "1 of 6 runs of dense, B = 4 and B = 8 lack noise floors; to train them: cdbench sweep "
            "--B 4 8 --seeds 2 3 --noise-floors --no-values --resume --db",
        ),
        (
            "update run set status = 'failed' where seed = 2",
            "3 of 6 runs of dense, B = 4 and B = 8 lack spectra every 5 epochs; to train them: "
            "cdbench sweep --B 4 8 --seeds 2 3 --spectra-every 5 --no-values --resume --db",
        ),
    ],
)
def test_what_lacks_is_one_line_that_names_the_command(
    audited: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    statement: str,
    words: str,
) -> None:
    assert run(without(audited, tmp_path, statement)) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert words in captured.err
    assert not (tmp_path / "made").exists()


def test_runs_that_kept_their_spectra_are_drawn_even_where_newer_ones_did_not(
    audited: Path, tmp_path: Path
) -> None:
    database = open_for_writing(str(shutil.copy(audited, tmp_path / "runs.db")))
    config = RunConfig(B=4, seed=SEEDS[0])
    kept = runs_with_spectra(database, [config], KINDS)
    newer = record_run(database, execute(config, diagnostics=Diagnostics(values=False)))
    assert runs_with_spectra(database, [config], KINDS) == kept != {config: newer}
    assert runs_with_spectra(database, [config], KIND_WORDS) == kept
    assert runs_with_spectra(database, [config], []) == {config: newer}
    assert runs_with_spectra(database, [RunConfig(B=4, seed=SEEDS[1])], ["weight"]) == {}


def test_without_curvature_the_figures_of_the_paper_are_drawn(
    audited: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = without(audited, tmp_path, "delete from curvature")
    assert run(["plot", "--fig1", "--fig2", *words[2:]]) == 0
    database = open_for_reading(str(tmp_path / "changed.db"))
    assert runs_with_spectra(database, [RunConfig(B=4, seed=SEEDS[0])], [NETWORK]) == {}
    assert "fig2.png" in capsys.readouterr().out


def test_curvature_is_read_as_it_was_measured(tmp_path: Path) -> None:
    database = open_for_writing(str(tmp_path / "runs.db"))
    config = RunConfig(dataset="iris", hidden=(8,), B=2, epochs=1)
    measured = execute(config, diagnostics=Diagnostics(curvature="lanczos"))
    assert curvature_of(database, record_run(database, measured)) == measured.curvature


@pytest.mark.parametrize("made", [False, True])
def test_without_judgements_the_audit_is_named_before_any_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], made: bool
) -> None:
    path = tmp_path / "runs.db"
    if made:
        open_for_writing(str(path))
    assert run(["plot", "--claims", "--db", str(path), "--output", str(tmp_path / "made")]) == 3
    error = capsys.readouterr().err
    assert "cdbench audit --db" in error
    assert "sweep" not in error
    assert run(["plot", "--fig1", "--claims", "--db", str(tmp_path / "none.db")]) == 3
    assert "cdbench sweep" in capsys.readouterr().err


def test_no_figure_named_lists_the_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plot"]) == 2
    assert "--claims" in capsys.readouterr().err
