"""``cdbench compare`` with networks of every architecture."""

import pytest

from tests.cli_tools import Here, rows

QUICK = (
    *("--budget", "0.5", "--seeds", "0..2", "--tuning-seeds", "9", "--rates", "0.02", "0.04"),
    *("0.08", "--epochs", "1", "--jobs", "1"),
)


@pytest.mark.long
@pytest.mark.parametrize(
    ("words", "narrower"),
    [
        (("conv", "--channels", "8", "16", "--layer", "cdlinear", "low-rank"), "6 11"),
        (
            ("attention", "--width", "16", "--heads", "2", "--depth", "1", "--layer", "cdlinear"),
            "11",
        ),
        (("residual-mlp", "--width", "16", "--depth", "2", "--layer", "low-rank"), "9"),
    ],
)
def test_sizes_in_the_table_are_those_of_the_runs(
    here: Here, words: tuple[str, ...], narrower: str
) -> None:
    answer = here("compare", "--architecture", *words, *QUICK)
    assert answer.code == 0, answer
    database = here.folder / "runs.db"
    question = "SELECT role, model, hidden, n_parameters FROM comparisons"
    found = rows(database, question)
    assert [hidden for role, _, hidden, _ in found if role == "narrower dense"] == [narrower]
    for role, model, hidden, n_parameters in found:
        trained = rows(
            database,
            "SELECT runs.n_parameters, runs.architecture FROM comparison_accuracies AS a "
            "JOIN runs USING (run_id) WHERE a.role = "
            f"'{role}' AND a.model = '{model}' AND a.hidden = '{hidden}'",
        )
        assert trained == [(n_parameters, words[0])] * 3
        assert f"{n_parameters:,}" in answer.out
