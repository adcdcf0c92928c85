"""``cdbench init``: a settings file that says all there is, and changes nothing."""

import re
from pathlib import Path

import pytest

from cdbench.cli.options import given
from cdbench.cli.settings import load_settings
from cdbench.cli.settings_template import settings_template
from cdbench.config.knob_values import DEFAULT_NAMES
from cdbench.config.run_config import RunConfig
from tests.cli_tools import SMALL, Here

UNCOMMENTED = re.sub(r"^#(?=[a-z\[])", "", settings_template(), flags=re.MULTILINE)


def test_the_file_as_it_is_written_sets_nothing(here: Here) -> None:
    assert here("init").out == "wrote cdbench.toml; it changes nothing until you take a # away\n"
    settings = load_settings(here.folder)
    assert settings.path == here.folder / "cdbench.toml"
    assert not (settings.database)
    assert not (settings.defaults)
    assert not (settings.sweeps)
    assert not (settings.studies)
    assert here("train", *SMALL, "--no-spectra").err == ""


def test_uncommented_it_is_valid_and_changes_no_number_of_a_run(tmp_path: Path) -> None:
    (tmp_path / "cdbench.toml").write_text(UNCOMMENTED, encoding="utf-8")
    settings = load_settings(tmp_path)
    values = settings.default_map("train")
    assert values.pop("db") == str(tmp_path / "runs.db")
    assert values.pop("keep_weights") is False
    assert RunConfig(**given(values)) == RunConfig()
    assert (list(settings.sweeps), list(settings.studies)) == (["mine"], ["mine"])
    assert settings.sweeps["mine"]["seeds"] == list(range(10))


def test_every_knob_has_its_line(tmp_path: Path) -> None:
    lines = re.findall(r"^# ?(\w+) = ", settings_template(), re.MULTILINE)
    assert DEFAULT_NAMES <= set(lines)
    assert max(map(len, settings_template().splitlines())) <= 100


@pytest.mark.parametrize(
    ("words", "file"),
    [((), "cdbench.toml"), (("a/b",), "a/b/cdbench.toml"), (("a/cdbench.toml",), "a/cdbench.toml")],
)
def test_what_is_there_is_written_over_only_by_force(
    here: Here, words: tuple[str, ...], file: str
) -> None:
    path = here.folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("not even TOML", encoding="utf-8")
    answer = here("init", *words)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == (
        f"cdbench: {file} is there already; to write over it: "
        f"cdbench init {' '.join([*words, '--force'])}\n"
    )
    assert path.read_text(encoding="utf-8") == "not even TOML"
    assert here("init", *words, "--force").code == 0
    assert path.read_text(encoding="utf-8") == settings_template()


def test_another_name_would_not_be_found_and_is_refused(here: Here) -> None:
    answer = here("init", "mine.toml")
    assert (answer.code, answer.out) == (1, "")
    assert "expected a folder, in which the file is called cdbench.toml" in answer.err
    assert not list(here.folder.iterdir())
