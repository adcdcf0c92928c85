"""What ``import cdbench`` offers: as listed, documented, lazy; its examples run."""

import builtins
import doctest
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import cdbench
import cdbench.api
from cdbench import errors
from tests.released import ROOT, released_database
from tests.surface import FILE, LOOKED_UP, lines, public

NOT_LOADED = (
    *("numpy", "scipy", "sqlalchemy", "alembic", "matplotlib", "sklearn", "torch", "typer"),
    *("rich", "pandas", "polars", "typing", "dataclasses"),
)

EXAMPLES = sorted(
    module.name for module in pkgutil.walk_packages(cdbench.api.__path__, "cdbench.api.")
)


def test_the_surface_is_the_one_on_the_list() -> None:
    assert FILE.read_text(encoding="utf-8").splitlines() == lines(), "python -m tests.surface"


def test_every_public_thing_says_what_it_takes_gives_and_raises_with_an_example() -> None:
    for name, found in public():
        text = inspect.getdoc(found) or ""
        assert len(text) > 20, name
        if isinstance(found, LOOKED_UP) or (isinstance(found, type) and name.endswith("Error")):
            continue
        if "." in name and not name.startswith(("Results.", "Comparison.")):
            continue  # methods of nouns whose own docstring has the example
        assert ">>> " in text, name
        if not isinstance(found, type) and name != "Results.close":
            sections = ["Parameters", "Raises"]
            assert all(f"{section}\n---" in text for section in sections), name
            for parameter in inspect.signature(found).parameters.values():
                starred = "**" * (parameter.kind is parameter.VAR_KEYWORD)
                word = f"{starred}{parameter.name}"
                assert word == "self" or any(
                    word in line.partition(" : ")[0].split(", ") for line in text.splitlines()
                ), (name, word)


def test_every_error_is_offered() -> None:
    own = {
        name
        for name, found in vars(errors).items()
        if isinstance(found, type) and issubclass(found, errors.CdbenchError)
    }
    assert own <= {*cdbench.__all__, *cdbench._BESIDE_ALL}


def test_names_that_are_listed_are_there_and_others_are_not() -> None:
    assert set(dir(cdbench)) == {*cdbench.__all__, *cdbench._BESIDE_ALL, "__version__"}
    for name in (*cdbench.__all__, *cdbench._BESIDE_ALL):
        assert getattr(cdbench, name) is getattr(cdbench, name)
    with pytest.raises(AttributeError, match=r"^module 'cdbench' has no attribute 'swep'$"):
        cdbench.swep  # type: ignore[attr-defined]  # noqa: B018


def in_another_process(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def test_the_import_loads_nothing_else() -> None:
    code = (
        "import sys; before = set(sys.modules); import cdbench; dir(cdbench)\n"
        f"print(sorted(set(sys.modules) - before), sorted(set({NOT_LOADED}) & set(sys.modules)))"
    )
    assert in_another_process(code) == "['cdbench'] []\n"


def test_training_loads_no_library_that_it_does_not_need() -> None:
    code = (
        "import sys, cdbench\n"
        "cdbench.sweep(dataset='iris', epochs=1, seeds=0)\n"
        "print(sorted({'torch', 'sklearn', 'matplotlib', 'pandas', 'polars', 'typer', 'rich'}"
        " & set(sys.modules)))"
    )
    assert in_another_process(code) == "[]\n"


def run_examples(test: doctest.DocTest, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run examples in a folder of their own, in which the released results are."""
    folder.mkdir()
    (folder / "runs.db").symlink_to(released_database())
    monkeypatch.chdir(folder)
    said: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    runner.run(test, out=said.append)
    assert runner.failures == 0, "".join(said)


@pytest.mark.long
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_of_the_docstrings_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = doctest.DocTestFinder().find(importlib.import_module(name))
    for place, test in enumerate(one for one in tests if one.examples):
        run_examples(test, tmp_path / str(place), monkeypatch)


@pytest.mark.long
def test_the_examples_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = ROOT / "docs" / "python.md"
    text = page.read_text(encoding="utf-8").replace("```", "")
    test = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    assert len(test.examples) > 20
    run_examples(test, tmp_path / "here", monkeypatch)


def test_all_names_at_once_leave_pythons_own_alone() -> None:
    names: dict[str, object] = {}
    exec("from cdbench import *", names)  # noqa: S102 - what is tested
    assert "RunConfig" in names
    assert not names.keys() & set(dir(builtins))
    assert callable(cdbench.open)
