"""Reports: rounding as the paper's, marks that can fail, forms that parse back."""

import csv
import io
import json
import math
import re
import shlex
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from cdbench.api.exporting import file_parts
from cdbench.cli import run as run_command
from cdbench.config.run_config import RunConfig
from cdbench.errors import MissingResultsError
from cdbench.records.published import PUBLISHED_TABLE1
from cdbench.reports.answers import answer_data
from cdbench.reports.escaping import latex_escape, latex_numbers
from cdbench.reports.formats import FORMATS, Report, render
from cdbench.reports.pages import Page, render_page
from cdbench.reports.statistics import format_count, format_kappa, format_loss, format_percent
from cdbench.reports.summary import summary
from cdbench.reports.table1 import table1, table1_configs
from cdbench.statistics.numerals import format_number, format_range
from cdbench.store.database import open_for_reading
from cdbench.store.queries import StoredRun, newest_runs
from cdbench.store.run_export import ExportColumn, Exported

Runs = dict[RunConfig, StoredRun]

NASTY = r"a_b%|$&#{}~^\ [bold]<x> 100 %"

PLAIN = Report(
    title=f"Title {NASTY}",
    columns=("Model", "", "κ"),
    rows=[[NASTY, "measured", "∞"], [], ["dense", "", "1.0e0"]],
    notes=(f"Note {NASTY}",),
    records=[
        {"model": NASTY, "κ": math.inf, "n": 3},
        {"model": "dense", "κ": 0.1 + 0.2, "n": None},
    ],
)


@pytest.fixture(scope="module")
def runs(paper_path: Path) -> Runs:
    configs = [config for group in table1_configs().values() for config in group]
    return newest_runs(open_for_reading(str(paper_path)), configs)


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0"), (999, "999"), (8970, "8,970"), (1234567, "1,234,567")]
)
def test_count_has_commas(count: int, said: str) -> None:
    assert format_count(count) == said


@pytest.mark.parametrize(
    ("kappa", "said"),
    [
        (1.0, "1.0e0"),
        (5.94e6, "5.9e6"),
        (9.96e6, "1.0e7"),
        (510.0, "5.1e2"),
        (1.2e100, "1.2e100"),
        (0.012, "1.2e-2"),
        (math.inf, "∞"),
    ],
)
def test_kappa_has_two_digits(kappa: float, said: str) -> None:
    assert format_kappa(kappa) == said


def test_loss_and_accuracy_are_mean_and_deviation_with_ddof_0() -> None:
    assert format_loss([0.001, 0.003]) == "0.0020 ± 0.0010"
    assert format_loss([0.25]) == "0.2500"
    assert format_percent([0.97, 0.99]) == "98.00 % ± 1.00 %"


@pytest.mark.parametrize("name", FORMATS)
def test_every_form_is_text_that_ends_with_one_newline(name: str, runs: Runs) -> None:
    text = render(table1(table1_configs(), runs), name)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert text.strip()


@pytest.mark.parametrize("name", ["table", "markdown", "latex"])
def test_printed_forms_hold_every_cell(name: str, runs: Runs) -> None:
    report = table1(table1_configs(), runs)
    text = render(report, name)
    for cell in (cell.strip() for row in report.rows for cell in row):
        assert (latex_numbers(cell) if name == "latex" else cell) in text


def test_terminal_table_prints_data_as_it_is() -> None:
    text = render(PLAIN, "table")
    assert text.count(NASTY) == 3
    assert "\x1b" not in text


def test_table_that_is_not_for_a_terminal_does_not_depend_on_it(
    monkeypatch: pytest.MonkeyPatch, runs: Runs
) -> None:
    report = table1(table1_configs(), runs)
    expected = render(report, "table")
    for name, value in (("COLUMNS", "40"), ("FORCE_COLOR", "1"), ("TERM", "dumb")):
        monkeypatch.setenv(name, value)
        assert render(report, "table") == expected


WORDS = st.lists(
    st.sampled_from(["a", "cdlinear", "B=4", "0.05", "数据", "(1", "guess)"]), max_size=4
)
CELLS = st.one_of(
    WORDS.map(" ".join), st.sampled_from(["96.57 % ± 0.41 %", "3.8e6", "64→64→64→12 ✓", ""])
)


@given(
    rows=st.lists(st.lists(CELLS, min_size=4, max_size=4), min_size=1, max_size=3),
    text_columns=st.integers(0, 4),
    width=st.integers(30, 130),
)
def test_a_table_of_any_width_cuts_nothing_and_tears_no_number(
    rows: list[list[str]], text_columns: int, width: int
) -> None:
    headings = ("Model", "learning rate", "Test accuracy", "weight κ")
    report = Report("t", headings, rows, (), [], text_columns)
    _, *lines = render(report, "table", width).splitlines()
    assert max(map(cell_len, lines), default=0) <= width
    expected = Counter(re.findall(r"[^ →]+→?", " ".join(cell for row in rows for cell in row)))
    found = Counter(re.findall(r"[^ →]+→?", " ".join(lines)))
    assert expected <= found


def test_a_table_is_folded_only_where_it_has_to_be() -> None:
    row = ["cdlinear B=4", "0.05", "96.57 % ± 0.41 %", "3.8e6"]
    headings = ("Model", "learning rate", "Test accuracy", "weight κ")
    report = replace(PLAIN, columns=headings, rows=[row], notes=())
    wide = render(report, "table", 60)
    assert "cdlinear B=4   0.05            96.57 % ± 0.41 %      3.8e6" in wide
    narrow = [line.split() for line in render(report, "table", 40).splitlines()]
    assert narrow[-3:-1] == [["cdlinear", "0.05", "96.57", "%", "3.8e6"], ["B=4", "±", "0.41", "%"]]
    lists = render(report, "table", 25).splitlines()
    assert "Test accuracy  96.57 %" in [line.rstrip() for line in lists]


def test_an_interval_is_split_only_where_no_other_fold_is_enough() -> None:
    row = ["a", "−3.92 (−4.37 … −3.49)"]
    report = replace(PLAIN, columns=("Model", "less"), rows=[row], notes=(), text_columns=1)
    assert "−3.92 (−4.37 … −3.49)" in render(report, "table", 29)
    assert "(−4.37 … −3.49)\n" in render(report, "table", 24)
    assert "−3.92 (−4.37\n" in render(report, "table", 20)


def test_a_specification_is_split_after_a_comma_only_where_no_other_fold_is_enough() -> None:
    row = ["gaussian:classes=5,kappa=1e6 or 1,000", "91.57 % ± 0.41 %"]
    report = replace(PLAIN, columns=("Data set", "Score"), rows=[row], notes=(), text_columns=1)
    assert "\ngaussian:classes=5,kappa=1e6   91.57 %\nor 1,000 " in render(report, "table", 45)
    assert "\ngaussian:classes=5,   91.57 %\nkappa=1e6 or 1,000 " in render(report, "table", 34)


def test_lines_of_a_row_are_told_apart_by_an_indent_or_by_blank_lines() -> None:
    rows = [["block-diagonal blocks=4", "1.0"], ["dense", "2.0"], ["low-rank", "3.0"]]
    report = replace(PLAIN, columns=("Model", "κ"), rows=rows, notes=(), text_columns=1)
    few = render(report, "table", 20).splitlines()
    assert ["  blocks=4", "dense           2.0"] == few[6:8]
    most = render(replace(report, rows=[rows[0]] * 3), "table", 20).splitlines()
    assert ["blocks=4", ""] == most[6:8]
    named = replace(report, rows=[["1", rows[0][0]]] * 3, text_columns=2)  # rows begin with "1"
    one = ["1      block-diagonal", "       blocks=4"]
    assert render(named, "table", 22).splitlines()[5:] == [*one * 3, ""]


def test_in_a_list_what_has_no_heading_joins_its_neighbour() -> None:
    report = replace(
        PLAIN, columns=("", "Claim", "Model", ""), rows=[["1", "a", "dense", "paper"]], notes=()
    )
    report = replace(report, rows=[*report.rows, ["2", "b", "", "measured"]], text_columns=4)
    assert render(report, "table", 14).splitlines()[-7:-1] == [
        *("Claim  1 · a", "Model  dense ·", "       paper", ""),
        *("Claim  2 · b", "       measured"),
    ]


def test_table1_fits_a_terminal_of_80_columns(runs: Runs) -> None:
    text = render(table1(table1_configs(), runs), "table", 80)
    assert max(map(cell_len, text.splitlines())) <= 80
    assert text.count("─" * 70) == 1, "a table, not a list of cells"


@given(st.floats(-1e300, 1e300).filter(lambda x: x == 0 or abs(x) > 1e-300))
def test_a_number_is_read_back_to_three_digits(number: float) -> None:
    said = format_number(number)
    back = float(said.replace("−", "-").replace(",", ""))
    assert back == pytest.approx(number, rel=5.001e-3)
    assert "-" not in said.partition("e")[0]


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0.0, "0"), (1e-3, "0.001"), (9.99e-4, "9.99e-4"), (99_999.0, "99,999"),
        (1e5, "1.00e5"), (-1e-3, "−0.001"), (-math.inf, "−∞"), (1000.0, "1,000"), (999.0, "999"),
    ],
)  # fmt: skip
def test_numbers_far_from_one_have_an_exponent(number: float, said: str) -> None:
    assert format_number(number) == said


def test_numbers_of_one_cell_have_one_style() -> None:
    assert format_range(-0.0106, -4.83e-4) == "−1.06e-2 … −4.83e-4"
    assert format_range(-0.0106, 0.5) == "−0.0106 … 0.5"


def test_latex_has_powers_of_ten_for_numbers_and_leaves_names_alone() -> None:
    assert latex_numbers("κ 5.9e6, 1e-4") == r"$\kappa$ $5.9\times10^{6}$, $1\times10^{-4}$"
    assert latex_numbers("v1.5e6 and 12.5e6.csv") == "v1.5e6 and 12.5e6.csv"
    report = replace(PLAIN, rows=[["5.9e6", "1e4", "5.9e6"]])
    row = next(line for line in render(report, "latex").splitlines() if line.startswith("5.9e6 &"))
    assert row == r"5.9e6 & 1e4 & $5.9\times10^{6}$ \\"


def test_latex_tables_have_rules_of_booktabs_and_a_label(runs: Runs) -> None:
    text = render(table1(table1_configs(), runs), "latex")
    for word in (r"\usepackage{booktabs}", r"\toprule", r"\midrule", r"\bottomrule"):
        assert word in text
    assert r"\label{tab:table-1}" in text
    assert r"\hline" not in text


def test_markdown_cells_parse_back() -> None:
    lines = render(PLAIN, "markdown").splitlines()
    table = [line for line in lines if line.startswith("| ")]
    cells = [
        [
            re.sub(r"\\([!-/:-@[-`{-~])", r"\1", cell.strip())
            for cell in re.split(r"(?<!\\)\|", line)
        ][1:-1]
        for line in table
    ]
    assert cells[1] == ["---", "---", "---:"]
    assert cells[2:] == [[NASTY, "measured", "∞"], ["dense", "", "1.0e0"]]


def test_latex_escapes_what_tex_would_read() -> None:
    assert latex_escape("a_b%|$&") == r"a\_b\%\textbar{}\$\&"
    assert latex_escape("\\{}") == r"\textbackslash{}\{\}"
    assert latex_escape('say "κ" now') == r"say ``$\kappa$'' now"
    bare = re.sub(r"\\[&%$#_{}]|\\text\w+\{\}", "", latex_escape(NASTY))
    assert not re.search(r"[\\&%$#_^~]", bare)


def test_latex_document_is_whole_and_ascii(runs: Runs) -> None:
    text = render(table1(table1_configs(), runs), "latex")
    assert text.isascii()
    for name in ("document", "table", "tabular"):
        assert text.count(rf"\begin{{{name}}}") == text.count(rf"\end{{{name}}}") == 1
    body = text.partition(r"\toprule")[2].partition(r"\end{tabular}")[0]
    rows = [line for line in body.splitlines() if line.endswith(r"\\")]
    assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {7}
    assert len(rows) == 1 + 6


def test_csv_parses_back_to_the_records(runs: Runs) -> None:
    for report in (PLAIN, table1(table1_configs(), runs)):
        found = list(csv.DictReader(io.StringIO(render(report, "csv"))))
        for row, record in zip(found, report.records, strict=True):
            assert list(row) == list(record)
            for name, value in record.items():
                if isinstance(value, float):
                    assert float(row[name]) == value
                else:
                    assert row[name] == ("" if value is None else str(value))


def test_json_parses_back_to_the_records_with_text_for_infinity(runs: Runs) -> None:
    document = json.loads(render(PLAIN, "json"), parse_constant=pytest.fail)
    assert document["records"] == [{**PLAIN.records[0], "κ": "Infinity"}, PLAIN.records[1]]
    assert (document["title"], document["notes"]) == (PLAIN.title, list(PLAIN.notes))
    report = table1(table1_configs(), runs)
    assert json.loads(render(report, "json"))["records"] == report.records


def _as_report(values: list[Any]) -> str:
    return render(replace(PLAIN, records=[{"κ": value} for value in values]), "json")


def _as_page(values: list[Any]) -> str:
    document = {"records": [{"κ": value} for value in values]}
    return render_page(Page("title", [], document, []), "json")


def _as_answer(values: list[Any]) -> str:
    return "".join(answer_data("json", "title", ["κ"], ([value] for value in values)))


def _as_lines(values: list[Any]) -> str:
    exported = Exported((ExportColumn("κ", "number"),), iter([[(value,) for value in values]]))
    lines = b"".join(file_parts(exported, "jsonl")).decode().splitlines()
    return f'{{"records": [{",".join(lines)}]}}'


@pytest.mark.parametrize("written", [_as_report, _as_page, _as_answer, _as_lines])
def test_every_json_has_the_same_text_for_a_number_that_json_lacks(
    written: Callable[[list[Any]], str],
) -> None:
    text = written([math.inf, -math.inf, math.nan, 0.1 + 0.2, None])
    records = json.loads(text, parse_constant=pytest.fail)["records"]
    found = [record["κ"] for record in records]
    assert found == ["Infinity", "-Infinity", "NaN", 0.1 + 0.2, None]
    assert [float(one) for one in found[:2]] == [math.inf, -math.inf]


@pytest.mark.parametrize("name", ["csv", "json"])
def test_report_without_records_is_still_parsed(name: str) -> None:
    text = render(replace(PLAIN, records=[]), name)
    assert (json.loads(text)["records"] if name == "json" else text.strip()) in ([], "")


def test_infinite_kappa_is_printed_as_a_sign(runs: Runs) -> None:
    singular = {
        config: replace(run, weight_kappa=math.inf, published_kappa=math.inf)
        for config, run in runs.items()
    }
    report = table1(table1_configs(), singular)
    assert report.rows[1][-2:] == ["∞ ✗", "∞"]
    for name in ("table", "markdown"):
        assert "inf" not in render(report, name)
    assert json.loads(render(report, "json"))["records"][0]["weight_kappa_median"] == "Infinity"


def test_all_15_published_cells_are_marked_equal(runs: Runs) -> None:
    report = table1(table1_configs(), runs)
    measured = [row for row in report.rows if row and row[1] == "measured"]
    assert [cell[-1] for row in measured for cell in row[2:7]] == ["✓"] * 15
    assert report.notes[0].startswith("15 of 15 ")


@pytest.mark.parametrize(
    ("changed", "column"),
    [
        ({"widths": "64→64→64→11"}, 2),
        ({"n_parameters": 8971}, 3),
        ({"training_loss": 0.5}, 4),
        ({"test_accuracy": 0.5}, 5),
        ({"published_kappa": 1.0}, 6),
    ],
)
def test_cell_that_differs_is_marked(runs: Runs, changed: dict[str, Any], column: int) -> None:
    first = table1_configs()["Dense MLP"][0]
    report = table1(table1_configs(), {**runs, first: replace(runs[first], **changed)})
    marks = [cell[-1] for cell in report.rows[1][2:7]]
    assert marks == ["✗" if number == column else "✓" for number in range(2, 7)]
    assert report.notes[0].startswith("14 of 15 ")


def test_weight_kappa_has_no_mark_and_changes_none(runs: Runs) -> None:
    report = table1(table1_configs(), {c: replace(r, weight_kappa=2.0) for c, r in runs.items()})
    assert [row[7] for row in report.rows if row and row[1] == "measured"] == ["2.0e0"] * 3
    assert report.notes[0].startswith("15 of 15 ")


def test_published_rows_are_the_papers(runs: Runs) -> None:
    rows = [row for row in table1(table1_configs(), runs).rows if row and row[1] == "paper"]
    for row, model in zip(rows, PUBLISHED_TABLE1, strict=True):
        assert [cell.strip() for cell in row] == [
            model.name,
            "paper",
            model.widths,
            model.n_parameters,
            model.training_loss,
            model.test_accuracy,
            model.kappa,
            "",
        ]


def test_other_seeds_are_not_compared(runs: Runs) -> None:
    report = table1(table1_configs((0, 1)), runs)
    assert not re.search("[✓✗]", "".join(cell for row in report.rows for cell in row))
    assert "seeds 0 1 " in report.title
    assert "seeds 0, 1, 2" in report.notes[0]
    more = {replace(config, seed=3): run for config, run in runs.items() if config.seed == 0}
    report = table1(table1_configs((0, 1, 2, 3)), runs | more)
    assert "seeds 0, 1, 2" in report.notes[0]


def test_order_of_the_seeds_does_not_matter_for_the_marks(runs: Runs) -> None:
    assert table1(table1_configs((2, 0, 1)), runs).notes[0].startswith("15 of 15 ")


def test_record_has_what_is_printed_unrounded(runs: Runs) -> None:
    for record, (name, configs) in zip(
        table1(table1_configs(), runs).records, table1_configs().items(), strict=True
    ):
        losses = [runs[config].training_loss for config in configs]
        mean = sum(losses) / 3
        assert (record["model"], record["seeds"]) == (name, "0 1 2")
        assert record["training_loss_mean"] == pytest.approx(mean, rel=1e-12)
        deviation = math.sqrt(sum((loss - mean) ** 2 for loss in losses) / 3)
        assert record["training_loss_sd"] == pytest.approx(deviation, rel=1e-9)
        kappas = sorted(runs[config].weight_kappa or 0.0 for config in configs)
        assert record["weight_kappa_median"] == kappas[1]


@pytest.mark.parametrize(
    ("seeds", "blocks", "lost"),
    [
        ((0, 1, 2), None, lambda config: True),
        ((0, 1, 2), None, lambda config: config.B is None),
        ((0, 1, 2), None, lambda config: config.B == 4 and config.seed == 2),
        ((0, 1, 2), None, lambda config: (config.B, config.seed) in {(4, 0), (8, 1), (None, 2)}),
        ((5,), (1, 3), lambda config: True),
        (tuple(range(12)), (7,), lambda config: True),
    ],
)
def test_missing_runs_are_named_with_a_command_that_trains_them(
    runs: Runs,
    seeds: tuple[int, ...],
    blocks: tuple[int, ...] | None,
    lost: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = table1_configs(seeds, blocks)
    kept = {config: run for config, run in runs.items() if not lost(config)}
    missing = [c for configs in rows.values() for c in configs if c not in kept]
    with pytest.raises(MissingResultsError, match=f"needs {len(missing)} run") as caught:
        table1(rows, kept)
    assert "\n" not in str(caught.value)
    program, *arguments = shlex.split(str(caught.value).partition("to train: ")[2])
    assert program == "cdbench"
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CDBENCH_DATABASE", raising=False)
    monkeypatch.setattr("cdbench.cli.sweep.SHOWN_IN_DRY_RUN", 1000)
    assert run_command([*arguments, "--dry-run"]) == 0
    planned = capsys.readouterr().out
    for config in missing:
        assert f"to train  {config.model} · digits · seed {config.seed}\n" in planned
    assert not list(tmp_path.iterdir())


def test_summary_has_a_row_for_each_group_with_how_many_completed(runs: Runs) -> None:
    configs = [config for group in table1_configs((0, 1, 2, 3)).values() for config in group]
    report = summary(configs, runs)
    assert [row[0] for row in report.rows] == ["dense", "cdlinear B=4", "cdlinear B=8"]
    assert {row[1] for row in report.rows} == {"3/4"}
    assert [row[2:4] for row in report.rows] == [
        [model.n_parameters, model.test_accuracy] for model in PUBLISHED_TABLE1
    ]


def test_summary_of_nothing_completed_has_dashes() -> None:
    (row,) = summary([RunConfig(B=2)], {}).rows
    assert row == ["cdlinear B=2", "0/1", *"––––"]


def test_summary_has_a_column_for_each_knob_that_varies(runs: Runs) -> None:
    configs = [
        RunConfig(B=B, learning_rate=rate, normalization=kind)
        for B, rate, kind in product((4, 8), (0.1, 0.05), ("none", "batch"))
    ]
    report = summary([*configs, *(config.baseline() for config in configs)], runs)
    assert report.columns[:4] == ["Model", "normalization", "learning rate", "Runs"]
    assert report.rows[0][:4] == ["cdlinear B=4", "none", "0.1", "1/1"]
    assert report.rows[3][:4] == ["cdlinear B=4", "batch", "0.05", "0/1"]
    assert len({tuple(row[:3]) for row in report.rows}) == len(report.rows) == 12
    assert report.records[3]["learning_rate"] == 0.05


def test_summary_says_of_weight_kappa_what_its_note_says(runs: Runs) -> None:
    """The median over seeds, which one run whose κ explodes does not move."""
    configs = [config for config in runs if config.B == 4]
    wild = {c: replace(runs[c], weight_kappa=k) for c, k in zip(configs, (2, 3, 1e9), strict=True)}
    report = summary(configs, wild)
    assert report.rows[0][list(report.columns).index("weight κ")] == "3.0e0"
    assert not any("published" in heading for heading in report.columns)


def test_runs_that_guess_are_counted_and_others_are_not(runs: Runs) -> None:
    configs = [config for config in runs if config.B == 4]
    level = 0.134
    ended = (level, level + 1e-9, 0.97)
    guessing = {c: replace(runs[c], test_accuracy=a) for c, a in zip(configs, ended, strict=True)}
    report = summary(configs, guessing, {"digits": level})
    assert report.rows[0][3].endswith(" (1 guess)")
    assert "13.4 % or below" in report.notes[1]
    assert report.records[0]["n_guessing"] == 1
    for known in ({"digits": 0.1}, {"wine": 0.5}, {}):
        assert len(summary(configs, guessing, known).notes) == 1


def test_rows_of_every_report_have_as_many_cells_as_columns(runs: Runs) -> None:
    for report in (table1(table1_configs(), runs), summary(list(runs), runs)):
        assert {len(row) for row in report.rows if row} == {len(report.columns)}
    blank = [not row for row in table1(table1_configs(), runs).rows]
    assert not any(above and below for above, below in pairwise(blank))


def test_rows_are_dense_and_the_block_sizes_asked_for() -> None:
    rows = table1_configs((5, 7), (3, 1))
    assert list(rows) == ["Dense MLP", "CD-MLP B=3", "CD-MLP B=1"]
    assert rows["Dense MLP"] == [RunConfig(layer="dense", seed=seed) for seed in (5, 7)]
    assert rows["CD-MLP B=3"] == [RunConfig(B=3, seed=seed) for seed in (5, 7)]
    assert list(table1_configs()) == [model.name for model in PUBLISHED_TABLE1]
