"""What is typed by mistake gets one line that says what to type instead."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cdbench.cli import run
from tests.cli_tools import SMALL, Answer, Here, by_shell, plain_environment, rows


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("train --lr 0.1", "did you mean --learning-rate?"),
        ("sweep --block-size 4", "did you mean --B?"),
        ("sweep --blocksize 4", "did you mean --B?"),
        ("train --b 4", "did you mean --B?"),
        ("sweep --seed 0", "did you mean --seeds?"),
        ("report --table", "did you mean --table1?"),
        ("train --nonsense 3", "train has no option --nonsense (all: cdbench train --help)"),
        ("train --seeds 0 1", "several seeds are a sweep: cdbench sweep --seeds 0 1 2"),
        ("sweep --seeds 0-29", "a range is typed 0..29"),
        ("sweep --seeds 0:29", "a range is typed 0..29"),
        ("sweep --seeds 0,1,2", "several are typed with blanks between: 0 1 2"),
        ("sweep --B 4,8", "several are typed with blanks between: 4 8"),
        ("train --hidden 64,64", "several are typed with blanks between: 64 64"),
        ("sweep --learning-rate 0.1,0.2", "several are typed with blanks between: 0.1 0.2"),
        ("train --B 4 8", "train takes one --B; several are a sweep: cdbench sweep --B 4 8"),
        ("train --seed 0 1", "several are a sweep: cdbench sweep --seeds 0 1"),
        ("train --dropout 0 0.1", "cdbench sweep --dropout 0 0.1"),
        ("sweep 4 8", "as in cdbench sweep --B 4 8"),
        ("train --optimizer SGD", "did you mean sgd?"),
        ("train --dataset Digits", "did you mean digits?"),
        ("train --header maybe --dataset iris", "unknown header 'maybe'"),
        ("trian", "did you mean cdbench train?"),
        ("info", "did you mean cdbench db info?"),
        ("db bakcup", "did you mean cdbench db backup?"),
        ("model sweep", "did you mean cdbench sweep?"),
        ("train --curvature lancos", "did you mean lanczos?"),
        ("report --table1 --format mrkdown", "did you mean markdown?"),
        ("sweep --jobs many", "Invalid value for '--jobs' / '-j': expected a whole number"),
        ("sweep --jobs 0", "expected 1 or more"),
        ("train --layer low-rank,rank=3", "did you mean low-rank:rank=3?"),
        ("train --layer monrach,inner=3", "did you mean monarch?"),
        ("xyz", "cdbench has no command xyz (all: cdbench --help)"),
        ("study s --only a", "study is an option now: cdbench compare --study s --only a"),
    ],
)
def test_a_mistake_is_answered_by_what_was_probably_meant(here: Here, line: str, said: str) -> None:
    answer = here(*line.split())
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert said in answer.err
    assert not list(here.folder.iterdir())


@pytest.mark.parametrize(
    ("line", "there"),
    [
        ("train --dataset measuremnts.csv", "measurements.csv"),
        ("train --dataset measuremnts.npz", "measurements.npz"),
        ("train --architecture attention --dataset text:shakespere.txt", "shakespeare.txt"),
        ("train --plugin mylayr.py", "mylayer.py"),
        ("model show mynetwrk.npz", "mynetwork.npz"),
        ("model predict latest measuremnts.csv", "measurements.csv"),
        ("model project mynetwrk.safetensors", "mynetwork.safetensors"),
        ("db info --db reslts.db", "results.db"),
        ("db merge reslts.db", "results.db"),
    ],
)
def test_a_file_that_is_not_there_is_answered_by_the_nearest(
    here: Here, folder_with_a_model: Path, line: str, there: str
) -> None:
    shutil.copyfile(folder_with_a_model / "runs.db", here.folder / "runs.db")
    (here.folder / there).write_bytes(b"")
    answer = here(*line.split())
    assert (answer.code in (2, 3), answer.out, answer.err.count("\n")) == (True, "", 1)
    assert re.search(rf"did you mean \S*{there}\?", answer.err)


@pytest.fixture(scope="module")
def folder_with_a_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept")
    words = ("train", *SMALL, "--no-spectra", "--keep-weights", "--db", str(folder / "runs.db"))
    assert run([*words]) == 0
    return folder


@pytest.mark.parametrize("command", ["train", "sweep", "compare"])
def test_encode_without_a_value_says_which_to_type(here: Here, command: str) -> None:
    for behind in ("", " --epochs 2", " --epochs=2", " -- x"):
        answer = here(*f"{command} --dataset x.csv --encode{behind}".split())
        assert answer == Answer(
            2,
            "",
            f"cdbench: {command} --encode has no value; expected one-hot, which encodes text and "
            "fills blanks: --encode one-hot\n",
        )
    given = here(*f"{command} --dataset x.csv --encode one-hot".split())
    assert "no value" not in given.err


def test_a_database_that_is_not_there_says_how_to_make_one(here: Here) -> None:
    answer = here("db", "info", "--db", "nope.db")
    assert (answer.code, answer.err.count("\n")) == (3, 1)
    assert "to make one: cdbench sweep --B 4 --seeds 0 1 2" in answer.err


@pytest.mark.parametrize("words", [["sweep"], ["db", "info"], ["db"], []])
def test_help_is_a_command_too(here: Here, words: list[str]) -> None:
    asked = here("help", *words)
    assert asked.code == 0
    assert asked == here(*words, "--help")


def test_the_package_runs_as_the_command_does(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cdbench", "--version"],
        cwd=tmp_path,
        env=plain_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("cdbench ")


@pytest.mark.parametrize("command", ["train", "sweep", "plot", "bench", "reproduce", "db sql"])
def test_help_calls_values_by_words_for_people(here: Here, command: str) -> None:
    text = here(*command.split(), "--help").out
    assert not re.search(r"<\w+>|list\[| INT | STR | bool", text)
    assert any(word in text for word in ("NUMBER", "TEXT", "PATH"))


# Files of the user's own

SAMPLES = "".join(f"{i},{i * i % 7},{i % 2}\n" for i in range(40))


def n_contents(folder: Path) -> int:
    """Return how many different contents the runs were trained on."""
    question = "select count(distinct dataset_fingerprint) from configuration"
    ((count,),) = rows(folder / "runs.db", question)
    return int(count)


def test_a_first_line_of_numbers_is_a_sample_and_said_to_be(here: Here) -> None:
    (here.folder / "plain.csv").write_text(SAMPLES)
    (here.folder / "named.csv").write_text("a,b,c\n" + SAMPLES)
    plain = here("train", *SMALL[2:], "--dataset", "plain.csv", "--hidden", "4")
    assert plain.code == 0
    assert "plain.csv has no header: its first line is all numbers" in plain.err
    named = here("train", *SMALL[2:], "--dataset", "named.csv", "--hidden", "4")
    assert "header" not in named.err
    assert n_contents(here.folder) == 1, "both hold the same samples"


@pytest.mark.parametrize("label", [["--label-column", "3"], []])
def test_a_label_column_without_a_name_has_a_number_and_no_sample_is_lost(
    here: Here, label: list[str]
) -> None:
    (here.folder / "plain.csv").write_text("3,1,0\n" + SAMPLES)
    (here.folder / "named.csv").write_text("x,y,label\n3,1,0\n" + SAMPLES)
    for name in ("plain.csv", "named.csv"):
        words = ("--dataset", name, "--hidden", "4", *(label if name == "plain.csv" else []))
        assert here("train", *SMALL[2:], *words).code == 0
    assert n_contents(here.folder) == 1


def test_header_says_what_cannot_be_recognised_and_is_kept_for_reproduction(here: Here) -> None:
    """Columns that are called by numbers, such as years."""
    (here.folder / "years.csv").write_text("1990,1991,0\n" + SAMPLES)
    words = ("--dataset", "years.csv", "--hidden", "4", *SMALL[2:])
    for header in ("yes", "no"):
        answer = here("train", *words, "--header", header)
        assert answer.code == 0
        assert "no header" not in answer.err
    assert n_contents(here.folder) == 2
    again = here("reproduce", "--all", "--jobs", "1")
    assert again.code == 0, again
    assert again.out.startswith("2 runs trained again")
    assert again.err.count("bit for bit") == 2


def test_a_header_of_numbers_above_labels_of_text_is_named(here: Here) -> None:
    rows_of_text = "".join(f"{i},{i * i},{'ab'[i % 2]}\n" for i in range(40))
    (here.folder / "numbered.csv").write_text("1,2,kind\n" + rows_of_text)
    words = ("train", "--dataset", "numbered.csv", "--hidden", "4", "--epochs", "1", "--B", "2")
    answer = here(*words)
    assert answer.code == 2
    assert "only line 1 has the label 'kind'; expected --header yes" in answer.err
    assert here(*words, "--header", "yes").code == 0


def test_a_name_for_a_column_without_a_header_is_refused(here: Here) -> None:
    (here.folder / "plain.csv").write_text(SAMPLES)
    words = ("train", "--dataset", "plain.csv", "--label-column", "kind", "--header", "no")
    assert "expected its number, 1 to 3, or --header yes" in here(*words).err


def test_quantities_are_no_classes(here: Here) -> None:
    lines = "".join(f"{i},{i % 5},{100 + i * 1.7:.1f}\n" for i in range(60))
    (here.folder / "prices.csv").write_text("a,b,price\n" + lines)
    answer = here("train", "--dataset", "prices.csv")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert "got 60 different numbers as labels" in answer.err
    assert "that is a quantity" in answer.err


def test_many_numbered_classes_are_classes(here: Here) -> None:
    lines = "".join(f"{i},{i % 5},{i % 30}\n" for i in range(300))
    (here.folder / "classes.csv").write_text("a,b,kind\n" + lines)
    assert here("train", *SMALL[2:], "--dataset", "classes.csv", "--hidden", "4").code == 0


# Where it is written


@pytest.fixture
def paper(here: Here, paper_path: Path) -> Here:
    (here.folder / "runs.db").write_bytes(paper_path.read_bytes())
    return here


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("t.md", "**Table 1"), ("t.tex", r"\documentclass"), ("t.csv", "model,"), ("t.json", "{"),
        ("t.txt", "Table 1"), ("t", "Table 1"),
    ],
)  # fmt: skip
def test_a_report_has_the_form_of_its_ending(paper: Here, name: str, start: str) -> None:
    assert paper("report", "--table1", "--output", name).code == 0
    assert (paper.folder / name).read_text(encoding="utf-8").startswith(start)
    assert paper("report", "--table1", "--output", name, "--format", "csv").code == 0
    assert (paper.folder / name).read_text(encoding="utf-8").startswith("model,")


def test_an_ending_that_is_no_form_of_a_report_is_refused(paper: Here) -> None:
    answer = paper("report", "--table1", "--output", "t.html")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert "no form of a report ends in .html; expected .md, .markdown, .tex, .csv" in answer.err
    assert [path.name for path in paper.folder.iterdir()] == ["runs.db"]
    assert paper("report", "--table1", "--output", "t.html", "--format", "table").code == 0


@pytest.mark.parametrize(
    ("name", "start"), [("x.png", b"\x89PNG"), ("a/y.SVG", b"<?xml"), ("z.pdf", b"%PDF")]
)
def test_one_figure_goes_into_the_file_that_is_named(paper: Here, name: str, start: bytes) -> None:
    answer = paper("plot", "--fig1", "--output", name)
    assert answer.code == 0, answer
    (path,) = (
        path for path in paper.folder.rglob("*") if path.is_file() and path.name != "runs.db"
    )
    assert str(path.relative_to(paper.folder)) == name
    assert path.read_bytes().startswith(start)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--fig1 --fig2 --output x.png", "is one file, for 2 figures; expected a folder"),
        ("--fig1 --fig2 --output -", "is one file, for 2 figures; expected a folder"),
        ("--fig1 --output x.png --format svg", "expected one of the two"),
        ("--fig1 --output x.jpg", "did you mean"),
    ],
)
def test_a_file_that_cannot_be_is_refused_before_anything_is_drawn(
    paper: Here, line: str, said: str
) -> None:
    answer = paper("plot", *line.split())
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert said in answer.err
    assert [path.name for path in paper.folder.iterdir()] == ["runs.db"]


def test_a_folder_of_figures_is_one_whatever_its_name_ends_in(paper: Here) -> None:
    (paper.folder / "old.png").mkdir()
    for name in ("old.png", "results.v2"):
        answer = paper("plot", "--fig1", "--output", name)
        assert answer.out == f"wrote {name}/fig1.png\n"


@pytest.mark.long
def test_a_figure_on_standard_output_is_the_one_of_the_file(paper: Here) -> None:
    assert paper("plot", "--fig1", "--output", "a.svg").code == 0
    script = '"$0" "$@" --format svg --output - > b.svg'
    assert by_shell(paper.folder, script, "plot", "--fig1").code == 0
    assert (paper.folder / "b.svg").read_bytes() == (paper.folder / "a.svg").read_bytes()
