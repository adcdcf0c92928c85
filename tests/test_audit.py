"""The audit: trains what is missing, judges what has changed, nothing twice."""

import json
import shutil
import signal
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest import mock

import pytest

from cdbench.claims import CLAIMS, Bench, Claim, Measurements, Needs
from cdbench.claims.base import CONDITIONS_ONLY, union
from cdbench.cli import run
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.records.judgement import CONTRADICTED, HOLDS, Judgement, Measurement, Observation
from cdbench.statistics.estimands import NEW_DATA, SPLITS
from cdbench.statistics.estimates import Observations, mean, mean_difference
from tests.cli_tools import Here, rows

ACCURACY = "test accuracy, share"
SEEDS = ("--seeds", "0..9", "--jobs", "1")


def tiny(seed: int, layer: str = "dense") -> RunConfig:
    return RunConfig(dataset="iris", hidden=(4,), epochs=2, layer=layer, seed=seed)


class Better(Claim):
    """A claim on two models of milliseconds."""

    name = "better"
    title = "Blocks are better"
    statement = "Blocks are better than none."
    where = "Sec. 0"
    published = "better"
    method = "Train both."
    rule = "holds if the mean difference is above zero; else contradicted."
    overturn = "Other data."

    def needs(self, seeds: Sequence[int]) -> Needs:
        """Return both models."""
        return {
            tiny(seed, layer): CONDITIONS_ONLY for layer in ("dense", "cdlinear") for seed in seeds
        }

    def observe(self, bench: Bench) -> list[Observation]:
        """Return accuracies."""
        return [
            Observation(ACCURACY, layer, seed, run.test_accuracy, run.run_id)
            for layer in ("dense", "cdlinear")
            for seed in bench.seeds
            for run in [bench.run(tiny(seed, layer))]
        ]

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return the difference and both means."""
        return [
            mean_difference(observations, ACCURACY, "cdlinear", "dense"),
            mean(observations, ACCURACY, "dense"),
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict."""
        gap = found.find(ACCURACY, "cdlinear", "dense").estimate
        return Judgement(HOLDS if gap > 0 else CONTRADICTED, f"{gap:.3f}", f"The gap is {gap:.3f}.")


class Computed(Better):
    """A claim that needs no run."""

    name = "computed"
    title = "Two and two"
    uses_seeds = False

    def needs(self, seeds: Sequence[int]) -> Needs:
        """Return none."""
        return {}

    def observe(self, bench: Bench) -> list[Observation]:
        """Return a number."""
        return [Observation(ACCURACY, who, seed, 4.0) for who in ("dense", "cdlinear")
                for seed in bench.seeds]  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def two_claims() -> Iterator[None]:
    with mock.patch.dict(CLAIMS, {"better": Better(), "computed": Computed()}, clear=True):
        yield


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Here]:
    on_interrupt = signal.getsignal(signal.SIGINT)
    yield Here(tmp_path, monkeypatch, capsys)
    # An interrupted command ignores interrupts from then on; processes of later tests would too.
    signal.signal(signal.SIGINT, on_interrupt)


@pytest.fixture(scope="module")
def audited(two_claims: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database in which both claims are judged; it is only to be copied."""
    path = tmp_path_factory.mktemp("audited") / "runs.db"
    assert run(["audit", *SEEDS, "--db", str(path)]) == 0
    return path


@pytest.fixture
def judged(here: Here, audited: Path) -> Here:
    """Return what runs commands in a folder where both claims are judged."""
    shutil.copy(audited, here.folder / "runs.db")
    return here


def counts(here: Here) -> tuple[int, int]:
    database = here.folder / "runs.db"
    ((runs,),) = rows(database, "select count(*) from run")
    ((results,),) = rows(database, "select count(*) from claim_result")
    return runs, results


def test_audit_trains_judges_stores_and_prints_the_ledger(here: Here) -> None:
    answer = here("audit", *SEEDS)
    assert answer.code == 0
    assert counts(here) == (20, 2)
    assert "Blocks are better" in answer.out
    assert "not measured" not in answer.out
    found = rows(here.folder / "runs.db", "select claim, position, seeds from claims")
    assert found == [("better", 1, "0..9"), ("computed", 2, "none")]
    # The second answers from the database.
    again = here("audit", *SEEDS)
    assert counts(here) == (20, 2)
    assert answer.out.endswith(again.out)
    assert again.err == ""


def test_ledger_and_explanation_name_both_intervals_and_which_of_them_decides(
    judged: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = judged("audit", *SEEDS).out
    told = " ".join(printed.split())
    assert "(splits); " in told
    assert "(new data)" in told
    assert "rest on those for new data" not in told
    monkeypatch.setattr(Better, "about", NEW_DATA)
    again = " ".join(judged("audit", *SEEDS).out.split())
    assert "Verdicts that rest on those for new data of the kind: better, computed." in again
    for about in (NEW_DATA, SPLITS):
        monkeypatch.setattr(Better, "about", about)
        words = judged("audit", *SEEDS, "--claim", "better", "--explain").out
        assert f"About     {about}, by whose intervals it is judged" in words
        assert "(splits)" in words
    assert "About" not in judged("audit", *SEEDS, "--claim", "computed", "--explain").out
    assert counts(judged) == (20, 6)  # each of the two again whenever what it is about changes


def test_another_block_of_seeds_stands_beside_the_ledger(judged: Here) -> None:
    (before,) = rows(
        judged.folder / "runs.db", "select measured from claims where claim = 'better'"
    )
    answer = judged("audit", "--seeds", "0..9", "--replicate")
    assert answer.code == 0
    assert "--replicate: seeds 10..19)" in " ".join(answer.out.split())
    assert "computed" in answer.out
    found = rows(
        judged.folder / "runs.db",
        "select claim, first_seeds, seeds, is_replicated = (verdict = first_verdict) "
        "from replications",
    )
    assert found == [("better", "0..9", "10..19", 1), ("computed", "none", "none", 1)]
    question = "select measured from claims where claim = 'better'"
    assert rows(judged.folder / "runs.db", question) == [before]
    assert "Again" in judged("audit", "--seeds", "0..9", "--explain").out
    assert judged("audit", "--seeds", "0..9", "--replicate").err == ""  # nothing is judged again


def test_a_changed_rule_leaves_the_first_verdict_beside_the_new_one(
    judged: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert judged("audit", "--seeds", "0..9", "--replicate").code == 0
    for name, value in (("version", 2), ("rule", "never"), ("changed", "It was too kind.")):
        monkeypatch.setattr(Better, name, value)
    monkeypatch.setattr(Better, "judge", lambda self, found: Judgement(CONTRADICTED, "m", "r."))
    assert judged("audit", "--seeds", "0..9").code == 0
    question = "select claim, verdict, verdict_now from first_audit"
    assert ("better", CONTRADICTED) in {
        (claim, now) for claim, _, now in rows(judged.folder / "runs.db", question)
    }
    replicated = rows(judged.folder / "runs.db", "select claim from replications")
    assert replicated == []  # they were judged by another rule
    told = judged("audit", "--seeds", "0..9", "--claim", "better", "--explain").out
    assert "by the first rule, seeds 0..9: " in told
    assert "It was too kind." in told


def test_audit_uses_runs_that_are_there_and_trains_those_that_lack_something(here: Here) -> None:
    here("sweep", "--dataset", "iris", "--hidden", "4", "--epochs", "2", "--B", "4",
         "--seeds", "0..4", "--jobs", "1")  # fmt: skip
    here("audit", *SEEDS)
    assert counts(here)[0] == 20
    Better.needs, kept = (  # type: ignore[method-assign]
        lambda self, seeds: (
            {tiny(s): Diagnostics(spectra_every=1) for s in seeds}
            | {tiny(s, "cdlinear"): CONDITIONS_ONLY for s in seeds}
        ),
        Better.needs,
    )
    try:
        here("audit", *SEEDS)
    finally:
        Better.needs = kept  # type: ignore[method-assign]
    assert counts(here) == (30, 3)


def test_interrupted_audit_goes_on_where_it_stopped(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cdbench.running.execution

    real = cdbench.running.execution.execute
    calls: list[int] = []

    def fail_after_seven(*arguments: object, **more: object) -> object:
        if len(calls) == 7:
            raise KeyboardInterrupt
        calls.append(1)
        return real(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("cdbench.running.grouping.MOST", 1)  # one run at a time
    monkeypatch.setattr("cdbench.running.execution.execute", fail_after_seven)
    answer = here("audit", *SEEDS)
    assert answer.code == 130
    assert "to go on: cdbench audit --seeds 0..9 --jobs 1" in answer.err
    assert counts(here) == (7, 0)
    monkeypatch.setattr("cdbench.running.execution.execute", real)
    assert here("audit", *SEEDS).code == 0
    assert counts(here) == (20, 2)
    distinct = rows(here.folder / "runs.db", "select count(distinct config_digest) from run")
    assert distinct == [(20,)]


def test_interrupted_judging_says_how_to_go_on_and_keeps_what_is_judged(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(self: Claim, bench: Bench) -> list[Observation]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Computed, "observe", interrupt)
        answer = here("audit", *SEEDS)
    assert answer.code == 130
    assert "to go on: cdbench audit --seeds 0..9 --jobs 1" in answer.err
    assert counts(here) == (20, 1)
    assert here("audit", *SEEDS).code == 0
    assert counts(here) == (20, 2)


def test_claim_is_found_by_its_number_and_keeps_it(here: Here) -> None:
    answer = here("audit", "--claim", "2", *SEEDS)
    assert counts(here) == (0, 1)
    (row,) = [line for line in answer.out.splitlines() if "Two and two" in line]
    assert row.split()[0] == "2"
    assert "none" in row


def test_changed_rule_or_seeds_or_runs_are_judged_again(
    judged: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Better, "rule", "never holds")
    judged("audit", *SEEDS)
    assert counts(judged) == (20, 4)  # Computed has Better's rule
    judged("audit", "--seeds", "0..10", "--jobs", "1")
    assert counts(judged) == (22, 6)


def test_one_claim_alone(here: Here) -> None:
    here("audit", "--claim", "computed", *SEEDS)
    assert counts(here) == (0, 1)
    answer = here("report", "--claims")
    assert "not measured" in answer.out
    assert answer.code == 0


def test_explain_prints_the_claim_and_its_sql_gives_its_numbers(judged: Here) -> None:
    answer = judged("audit", "--claim", "better", "--explain", "--sql", *SEEDS)
    for words in (Better.statement, Better.where, Better.rule, Better.method, Better.overturn):
        assert words in answer.out
    with sqlite3.connect(judged.folder / "runs.db") as connection:
        statements = [
            part.strip()
            for part in answer.out.partition("By hand")[2].partition("\n")[2].split(";\n")
            if part.strip()
        ]
        found = [connection.execute(sql).fetchall() for sql in statements]
    assert len(found) == 4  # the measurements, the observations, and one query a measurement
    estimates = [row[4] for row in found[0]]
    assert estimates == pytest.approx([answer[0][0] for answer in found[2:]])
    assert len(found[1]) == 20
    assert all(row[5] for row in found[1])  # each with the digest of its run's configuration


def test_explain_goes_through_a_pager_on_a_terminal_and_has_sql_on_request(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("audit", "--claim", "computed", "--explain", *SEEDS)
    plain = here(*words)
    assert "SELECT" not in plain.out
    assert "add --sql" in plain.out
    paged: list[str] = []
    monkeypatch.setattr("pydoc.pager", paged.append)
    monkeypatch.setattr("cdbench.cli.explain.on_terminal", lambda: True)
    assert here(*words).out == ""
    assert paged == [plain.out]
    refused = here("audit", "--sql")
    assert (refused.code, refused.err.count("\n")) == (2, 1)


def test_dry_run_does_nothing(here: Here) -> None:
    answer = here("audit", "--dry-run", *SEEDS)
    assert "20 runs in all, 0 of them stored" in answer.out
    assert list(here.folder.iterdir()) == []


@pytest.mark.parametrize("form", ["table", "markdown", "latex", "csv", "json"])
def test_ledger_in_every_format(judged: Here, form: str) -> None:
    answer = judged("report", "--claims", "--format", form)
    assert answer.code == 0
    assert "Two and two" in answer.out
    if form == "json":
        document = json.loads(answer.out)
        assert [record["claim"] for record in document["records"]] == ["better", "computed"]
        assert document["records"][0]["rule"] == Better.rule


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("audit --claim betted", "unknown claim 'betted'; did you mean better?"),
        ("audit --seeds 0 1 2", "a verdict rests on at least 10"),
        ("audit --seeds 0..10 3", "repeats a value"),
        (
            "report --claims --table1",
            "several reports were named, --table1 and --claims; expected one of them",
        ),
        ("report --claims", "no results yet; to make some: cdbench audit"),
        ("report --claims --seeds 0 1", "--seeds and --B are of --table1"),
        ("audit --claim 3", "unknown claim '3'"),
    ],
)
def test_bad_input_is_one_line(here: Here, words: str, expected: str) -> None:
    answer = here(*words.split())
    assert answer.code in (2, 3)
    assert expected in answer.err
    assert answer.err.count("\n") == 1
    assert list(here.folder.iterdir()) == []


def test_a_claim_on_request_is_left_out_unless_named_or_stored(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Better, "on_request", True)
    answer = here("audit", *SEEDS)
    assert answer.code == 0
    line = (
        "on request only, for hours of training or data of your own: cdbench audit --claim better\n"
    )
    assert line in answer.err
    assert counts(here) == (0, 1)
    assert here("audit", "--claim", "better", *SEEDS).code == 0
    assert counts(here) == (20, 2)
    again = here("audit", *SEEDS)
    assert again.err == ""
    assert "Blocks are better" in again.out


def test_data_of_a_claim_on_request_are_looked_for_before_anything_is_trained(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    def needs(self: Claim, seeds: Sequence[int]) -> Needs:
        configs = [RunConfig(dataset=name) for name in ("digits", "gone.csv")]
        return dict.fromkeys(configs, CONDITIONS_ONLY)

    monkeypatch.setattr(Better, "needs", needs)
    monkeypatch.setattr(Better, "on_request", True)
    answer = here("audit", "--claim", "better", *SEEDS)
    assert answer.code == 2
    assert answer.err.count("\n") == 1
    assert "gone.csv" in answer.err
    assert counts(here) == (0, 0)


def test_run_that_cannot_complete_leaves_its_claim_unmeasured(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Claim, seeds: Sequence[int]) -> Needs:
        configs = [RunConfig(dataset="gone.csv", seed=seed) for seed in seeds]
        return dict.fromkeys(configs, CONDITIONS_ONLY)

    monkeypatch.setattr(Better, "needs", broken)
    monkeypatch.setattr(Computed, "needs", lambda self, seeds: {})
    answer = here("audit", *SEEDS)
    assert answer.code == 1
    assert "better: not measured, 10 runs did not complete" in answer.err
    assert "not measured" in answer.out


def test_needs_are_merged() -> None:
    one = {tiny(0): Diagnostics(spectra_every=4), tiny(1): Diagnostics()}
    two = {tiny(0): Diagnostics(spectra_every=6, curvature="lanczos", values=False)}
    assert union([one, two]) == {
        tiny(0): Diagnostics(spectra_every=2, curvature="lanczos"),
        tiny(1): Diagnostics(),
    }
