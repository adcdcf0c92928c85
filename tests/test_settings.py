"""cdbench.toml: found, checked value by value, and handed to Click."""

import pytest

from cdbench.cli.settings import Settings, load_settings
from cdbench.config.knob_values import expand_range
from cdbench.errors import ConfigurationError, UnknownNameError


def write(folder, text):
    path = folder / "cdbench.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_the_settings_are_empty(tmp_path):
    assert load_settings(tmp_path) == Settings()


def test_the_nearest_file_upward_is_read(tmp_path):
    path = write(tmp_path, 'database = "runs.db"\n[defaults]\nepochs = 3\n')
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    settings = load_settings(inner)
    assert settings.path == path.resolve()
    assert settings.defaults == {"epochs": 3}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("x.db", "{folder}/x.db"),
        ("/abs/x.db", "/abs/x.db"),
        ("sqlite:///x.db", "sqlite:///{folder}/x.db"),
        ("sqlite:////abs/x.db", "sqlite:////abs/x.db"),
        ("sqlite://", "sqlite://"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("postgresql://host/runs", "postgresql://host/runs"),
    ],
)
def test_a_database_is_relative_to_the_file(tmp_path, given, expected):
    write(tmp_path, f'database = "{given}"')
    folder = tmp_path.resolve().as_posix()
    assert load_settings(tmp_path).database == expected.format(folder=folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epochs = = 3", "line 1"),
        ("databse = 'x'", "did you mean database?"),
        ("database = 3", "expected a path"),
        ("defaults = 3", "expected a table"),
        ("[sweeps]\nB = 3", "expected a table, [sweeps.B]"),
        ("[defaults]\nepoch = 3", "did you mean epochs?"),
        ("[defaults]\nepochs = 'many'", "[defaults] epochs = 'many': expected a whole number"),
        ("[defaults]\nepochs = [1, 2]", "expected a whole number"),
        ("[defaults]\ndataset = 5", "expected a text"),
        ("[defaults]\nhidden = 6.5", "hidden = 6.5: expected a whole number"),
        ("[defaults]\nfisher_form = 'x'", "unknown fisher_form"),
        ("[defaults]\nfisher_epsilon = -1.0", "expected a positive number"),
        ("[sweeps.a]\nseed = 3", "did you mean seeds?"),
        ("[sweeps.a]\nB = [1, 0]", "[sweeps.a] B = 0"),
        ("[sweeps.a]\nB = []", "at least one"),
        ("[sweeps.a]\nseeds = '3..0'", "descends"),
        ("[sweeps.a]\nseeds = [-1]", "seeds: seed = -1"),
        ("[sweeps.a]\nbaseline = 1", "true or false"),
        ("[sweeps.a]\njobs = true", "whole number"),
        ("[sweeps.a]\nhidden = [[8], [9]]", "whole number"),
    ],
)
def test_a_mistake_is_refused_in_one_line_beginning_with_the_file(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(tmp_path)
    assert str(caught.value).startswith(f"{path.resolve()}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, UnknownNameError) == ("unknown" in str(caught.value))


def test_a_file_that_is_not_utf8_is_refused(tmp_path):
    (tmp_path / "cdbench.toml").write_bytes(b"database = '\xff'")
    with pytest.raises(ConfigurationError, match=r"cdbench\.toml: "):
        load_settings(tmp_path)


def test_a_value_is_not_refused_for_its_neighbours_defaults(tmp_path):
    write(tmp_path, "[defaults]\nB = 128\nhidden = [2]\n")
    assert load_settings(tmp_path).defaults == {"B": 128, "hidden": [2]}


def test_a_sweep_goes_before_the_defaults_and_has_lists(tmp_path):
    write(
        tmp_path,
        "database = '/x.db'\n[defaults]\nepochs = 3\nseed = 5\nhidden = 8\ndropout = 'alpha-cd'\n"
        "label_column = 'y'\n"
        "[sweeps.a]\nB = [1, '3..5']\nepochs = 4\nbaseline = true\njobs = 2\nseeds = '0..2'\n",
    )
    settings = load_settings(tmp_path)
    common = {"db": "/x.db", "hidden": [8], "dropout": ["alpha-cd"], "label_column": "y"}
    assert settings.default_map("sweep") == common | {"epochs": [3], "seeds": [5]}
    assert settings.default_map("sweep", "a") == common | {
        "epochs": [4],
        "seeds": [0, 1, 2],
        "B": [1, 3, 4, 5],
        "baseline": True,
        "jobs": 2,
    }
    assert settings.default_map("run") == settings.defaults | {"db": "/x.db"}


def test_an_unknown_sweep_is_named():
    with pytest.raises(UnknownNameError, match="did you mean table1"):
        Settings(sweeps={"table1": {}}).default_map("sweep", "tabel1")
    with pytest.raises(ConfigurationError, match=r"no cdbench\.toml here or above"):
        Settings().default_map("sweep", "table1")


def test_a_range_is_its_whole_numbers():
    assert expand_range("-1..1") == ["-1", "0", "1"]
    assert expand_range("2..2") == ["2"]
    assert expand_range("1e-3") == ["1e-3"]
    assert len(expand_range("1..100000")) == 100_000
    for word in ("0..100000", "3..2", "0..999999999999999999"):
        with pytest.raises(ConfigurationError, match="range"):
            expand_range(word)
