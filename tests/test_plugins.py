"""Plug-ins: what they get, what is refused in one line, and what is recorded."""

import json
import re
import sys
from pathlib import Path

import pytest

from cdbench.cli.settings import load_settings
from cdbench.config import plugin_source, plugins
from cdbench.config.checks import DATASET_NAMES
from cdbench.config.plugin_records import Carried, carried, take
from cdbench.config.run_config import RunConfig
from cdbench.datasets import DATASETS, load_dataset, pin_dataset
from cdbench.errors import DatasetError, PluginError, WorkerError
from cdbench.records.run import COMPLETED
from cdbench.running.execution import execute
from cdbench.running.sweep import execute_all
from tests.cli_tools import SMALL_NETWORK, contents, for_real, rows
from tests.dask_cluster import dask_cluster, until
from tests.layer_laws import LAWS, a_step_allocates_nothing

PAGE = (Path(__file__).parents[1] / "docs" / "extending.md").read_text(encoding="utf-8")
FAMILY, DATASET, CLAIM = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)

TINY = (*SMALL_NETWORK, "--epochs", "1")


def written(folder: Path, text: str = FAMILY, name: str = "hashed.py") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    path.chmod(0o644)
    return path


def changed(old: str, new: str, text: str = FAMILY) -> str:
    assert text.count(old) == 1
    return text.replace(old, new)


def said(error: pytest.ExceptionInfo[Exception]) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.long
def test_the_page_s_family_is_swept_measured_reported_and_reproduced(tmp_path: Path) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "here"
    elsewhere.mkdir()
    folder.mkdir()
    plugin = ("--plugin", str(written(elsewhere)))
    layers = ("--layer", "dense", "hashed", "hashed:8")
    words = (*plugin, *layers, "--hidden", "8", "--seeds", "0", "1", "--epochs", "2")
    answer = for_real(folder, "sweep", *words, "--jobs", "2")
    assert (answer.code, answer.out.count(": completed")) == (0, 6), answer.err
    assert re.search(r"^hashed share=8 +2/2 ", answer.out, re.MULTILINE)
    measured = "select count(*) from condition_number join run using (run_id) where kind = "
    for kind in ("'weight'", "'layer_hessian'"):
        question = f"{measured}{kind} and run.layer = 'hashed'"
        assert rows(folder / "runs.db", question) == [(8,)]
    report = for_real(folder, "db", "info")
    assert report.code == 0
    assert "hashed share=8" in report.out
    again = for_real(folder, "reproduce", "--all", *plugin)
    assert again.code == 0, again.err
    assert re.search(r"bit for bit .* 6$", again.out, re.MULTILINE)
    resumed = for_real(folder, "sweep", *words, "--resume")
    assert "6 of 6 runs are stored already" in resumed.out
    assert for_real(folder, "db", "check").out == "runs.db is sound: 6 runs\n"
    assert contents(elsewhere).keys() == {"hashed.py"}  # and no __pycache__


@pytest.mark.long
def test_the_page_s_family_serves_every_architecture_measured_and_reproduced(tmp_path: Path):
    text = tmp_path / "text.txt"
    text.write_text("hashed layers ha" * 200)
    plugin = ("--plugin", str(written(tmp_path)))
    quick = (*plugin, "--layer", "hashed:8", "--epochs", "1", "--samples", "10")
    trained = 0
    for name, *knobs in (
        (
            "attention",
            "--width",
            "8",
            "--heads",
            "2",
            "--context",
            "8",
            "--dataset",
            f"text:{text}",
        ),
        ("attention", "--width", "8", "--heads", "2", "--dataset", "digits"),
        ("conv", "--channels", "4", "4", "--dataset", "digits"),
        ("residual-mlp", "--width", "8", "--depth", "2", "--dataset", "digits"),
    ):
        words = ("--architecture", name, *knobs, "--curvature", "lanczos")
        answer = for_real(tmp_path, "train", *quick, *words, "--learning-rate-scaling", "sharp")
        assert answer.code == 0, answer.err
        trained += 1
        ask = f"select count(*) from curvature where run_id = {trained} and largest > 0"
        assert rows(tmp_path / "runs.db", ask) == [(4,)], name
        ask = (
            f"select count(*), max(layer) from condition_number where run_id = {trained} "
            "and kind in ('weight', 'layer_hessian')"  # a dense first kernel has others
        )
        ((n_conditions, n_layers),) = rows(tmp_path / "runs.db", ask)
        assert n_conditions == 2 * n_layers, name
    again = for_real(tmp_path, "reproduce", "--all", *plugin)
    assert again.code == 0, again.err
    assert re.search(rf"bit for bit .* {trained}$", again.out, re.MULTILINE)
    assert for_real(tmp_path, "db", "check").out == f"runs.db is sound: {trained} runs\n"


@pytest.mark.parametrize(
    "law",
    # The page's family is as short as can be: it lets NumPy make its arrays.
    [law for law in LAWS if law is not a_step_allocates_nothing],
    ids=lambda law: law.__name__,
)
def test_the_page_s_family_obeys_every_law(tmp_path: Path, law) -> None:
    plugins.load(written(tmp_path))
    found = plugins.find("layer", "hashed")
    assert found is not None
    law(found.value(10, 8))


OWN_BIND = f"""\
from cdbench.engine.layers.base import BoundLayer
{FAMILY}
    def bind(self, params, x, context):
        y = np.empty((len(x), self.n_out), x.dtype)

        def run():
            np.add(x @ self.matrix(params).T, params["bias"], out=y)

        def pullback(dy, grads, wanted=True):
            grads["w"][...] = 0.0
            self.matrix_pullback(params, dy.T @ x, grads)
            grads["bias"][...] = dy.sum(axis=0)
            return dy @ self.matrix(params) if wanted else None

        return BoundLayer(y, run, pullback)
"""

MATRIX = "    def matrix(self"

BROKEN = {
    "forward of (3, 8) gave (3, 11), expected (3, 12)": ("BoundLayer(y,", "BoundLayer(y[:, 1:],"),
    "matrix gave (8, 12), expected (12, 8)": ("[self.hash]", "[self.hash].T"),
    "bias has shape None, expected (12,)": (
        MATRIX,
        f"    def parameter_shapes(self):\n        return self.weight_shapes\n\n{MATRIX}",
    ),
    "initialize leaves bias unset": (
        MATRIX,
        f'    def initialize(self, params, rng):\n        params["w"][...] = 1\n\n{MATRIX}',
    ),
    "the pullback leaves the gradient of bias unset": ("dy.sum(axis=0)", "np.nan"),
    "the pullback of (3, 12) gave NoneType, expected (3, 8)": ("if wanted", "if not wanted"),
    "w has shape (24.0,), expected a tuple of whole numbers": ("// share),)", "/ share),)"),
    "width_multiple gave 0, expected a whole number of at least 1": (
        MATRIX,
        f"    @classmethod\n    def width_multiple(cls, structure):\n        return 0\n\n{MATRIX}",
    ),
    "has structure ('share',), expected a tuple of StructureParameter": (
        'StructureParameter("share", "Entries of W that have one weight.", 4)',
        '"share"',
    ),
    "multiply_adds gave None, expected a whole number": (
        MATRIX,
        f"    def multiply_adds(self):\n        pass\n\n{MATRIX}",
    ),
    "hessian_spectrum raised ComplexWarning: Casting complex": (
        'return params["w"][self.hash]',
        'return np.add(0, params["w"][self.hash], dtype=float, casting="unsafe")',
    ),
    "a complex step's slope of forward is off by ": ("[self.hash]", "[self.hash].real"),
    "a complex step's slope of the gradient of w is off by ": ("dy.T @ x", "(dy.T @ x).real"),
    "the pullback with wanted=False raised TypeError": ("wanted=True", "wanted=True, /"),
    "forward is off by ": ('params["bias"], out=y', '2 * params["bias"], out=y'),
    "the pullback is off by ": ("return dy @", "return 2 * dy @"),
    "the gradient of w is ": ("self.hash, dW", "self.hash, 2 * dW"),
    "a second run is off by ": (
        "        def run():",
        "        if True:",
    ),
    "hessian_spectrum raised ": ("self.n_out), x.dtype)", "self.n_out), float)"),
    "cannot be built: no": (
        "super().__init__(",
        "raise __import__('cdbench.errors').errors.ShapeError('no') or dict(",
    ),
    "build raised ZeroDivisionError": ('that have one weight.", 4)', 'that have one weight.", 0)'),
    "lacks matrix, expected": (MATRIX, "    def matrices(self"),
    "the pullback raised NotImplementedError: expected a matrix_pullback, or a bind": (
        "def matrix_pullback",
        "def matrix_gradient",
    ),
    "expected a name of letters": ('family = "hashed"', 'family = "ha:shed"'),
    "layer dense: this name is taken": ('family = "hashed"', 'family = "dense"'),
}


@pytest.mark.parametrize("law", BROKEN)
def test_a_layer_that_breaks_a_law_is_refused_by_its_name(here, law: str) -> None:
    text = changed(*BROKEN[law], FAMILY if "matrix_pullback" in law else OWN_BIND)
    if law == "a second run is off by ":
        text = changed("return BoundLayer(y, run,", "return BoundLayer(y, lambda: None,", text)
    path = written(here.folder, text)
    answer = here("train", *TINY, "--plugin", str(path), "--layer", "hashed")
    (line,) = answer.err.splitlines()
    assert line.startswith("cdbench: plug-in hashed.py: layer ")
    assert law in line
    assert answer.code == 2
    assert contents(here.folder).keys() == {"hashed.py"}


@pytest.mark.parametrize(("n_in", "hidden"), [(4, "8"), (9, "9")])
def test_a_layer_that_cannot_be_built_at_other_widths_is_one_line(here, n_in, hidden) -> None:
    text = changed("        super()", f"        1 / (n_in - {n_in})\n        super()")
    path = written(here.folder, text)
    answer = here("train", *TINY, "--hidden", hidden, "--plugin", str(path), "--layer", "hashed")
    assert answer.err == (
        "cdbench: plug-in hashed.py: layer hashed: cannot be built (ZeroDivisionError: division by "
        "zero, line 13)\n"
    )
    assert contents(here.folder).keys() == {"hashed.py"}


OTHER = {
    "brings no layer, data set or claim; expected a WeightLayer": "x = 1\n",
    "cannot be imported (ModuleNotFoundError: No module named 'not_there', line 2)": (
        "\nimport not_there\n"
    ),
    "cannot be imported (SyntaxError: ": "def\n",
    "cannot be imported (SystemExit: 3, line 1)": "raise SystemExit(3)\n",
    "DATASETS: expected a dict of names to functions": "DATASETS = {'a': 1}\n",
    "data set digits: this name is taken by a built-in data": "DATASETS = {'digits': dict}\n",
    "data set x.csv: expected a name of letters": "DATASETS = {'x.csv': dict}\n",
    "claim accuracy: this name is taken by": changed('= "above-ninety"', '= "accuracy"', CLAIM),
    "claim above-ninety: has no rule, expected a text": changed("  rule = ", "  rules = ", CLAIM),
    "claim above-ninety: lacks judge": changed("def judge", "def judges", CLAIM),
}  # fmt: skip


@pytest.mark.parametrize("fault", OTHER)
def test_a_plugin_that_cannot_be_used_is_one_line_and_stores_nothing(here, fault: str) -> None:
    path = written(here.folder, OTHER[fault], "mine.py")
    answer = here("train", *TINY, "--plugin", str(path))
    (line,) = answer.err.splitlines()
    assert line.startswith("cdbench: plug-in mine.py: ")
    assert fault in line
    assert answer.code == 2
    assert contents(here.folder).keys() == {"mine.py"}


def test_a_plugin_that_is_not_there_is_one_line(here) -> None:
    answer = here("train", *TINY, "--plugin", "mine.py")
    path = here.folder.resolve() / "mine.py"
    expected = f"cdbench: plug-in {path}: no such file; expected a Python file\n"
    assert (answer.code, answer.err) == (2, expected)
    answer = here("train", *TINY, "--plugin", ".")
    assert answer.err == (
        f"cdbench: plug-in {here.folder.resolve()}: no such file; that is a folder; expected a "
        "Python file\n"
    )
    assert here("train", *TINY, "--plugin").err == (
        "cdbench: Option '--plugin' requires at least one value, as in --plugin VALUE VALUE\n"
    )


def test_names_of_plugins_are_in_the_help_and_near_misses(here) -> None:
    plugin = ("--plugin", str(written(here.folder)))
    words = re.sub(r"[│\s]+", " ", here("sweep", *plugin, "--help").out)
    assert "From plug-ins: hashed." in words
    near = here("train", "--layer", "hashd", *plugin).err
    assert near.startswith("cdbench: unknown layer 'hashd'; did you mean hashed?")
    wrong = here("train", "--layer", "hashed:shares=3", *plugin).err
    assert "unknown structure parameter of hashed 'shares'; did you mean share?" in wrong


# What is recorded


def test_a_run_records_the_plugin_and_its_digest_changes_with_the_source(tmp_path: Path) -> None:
    plain = RunConfig(layer="dense").digest()
    assert "plugin" not in RunConfig(layer="dense").canonical_json()
    plugins.load(written(tmp_path))
    one = RunConfig(layer="hashed:8")
    assert re.fullmatch(r"hashed sha256:[0-9a-f]{64}", str(one.plugin))
    assert json.loads(one.canonical_json())["plugin"] == one.plugin
    assert RunConfig.from_mapping(json.loads(one.canonical_json())) == one
    assert one.baseline() == RunConfig(layer="dense")
    assert RunConfig(layer="dense").digest() == plain
    plugins.forget()
    plugins.load(written(tmp_path, FAMILY + "\n"))
    assert RunConfig(layer="hashed:8").digest() != one.digest()


def test_a_stored_configuration_is_read_without_its_plugin_and_not_trained(tmp_path: Path) -> None:
    plugins.load(written(tmp_path))
    config = RunConfig(dataset="iris", layer="hashed:8", hidden=(4,), epochs=1)
    text = config.canonical_json()
    plugins.forget()
    again = RunConfig.from_mapping(json.loads(text))
    assert (again.canonical_json(), again.model, hash(again)) == (text, config.model, hash(config))
    with pytest.raises(PluginError) as caught:
        execute(again)
    assert re.fullmatch(
        r"plug-in hashed \(sha256:[0-9a-f]{12}\) is missing; expected --plugin FILE, or the "
        "package that has it",
        said(caught),
    )
    plugins.load(written(tmp_path, FAMILY + "\n"))
    with pytest.raises(PluginError, match="has another source than it was trained with: sha256:"):
        execute(RunConfig.from_mapping(json.loads(text)))


def test_reproduce_refuses_a_plugin_that_is_missing_or_another(here) -> None:
    plugin = ("--plugin", str(written(here.folder)))
    assert here("train", *TINY, "--layer", "hashed", *plugin).code == 0
    assert here("train", *TINY, "--layer", "dense").code == 0
    before = contents(here.folder)
    plugins.forget()
    answer = here("reproduce", "1")
    assert answer.code == 2
    assert re.fullmatch(r"cdbench: run 1: plug-in hashed \(sha256:.{12}\) is missing; expected "
                        r"--plugin FILE, or the package that has it\n", answer.err)  # fmt: skip
    every = here("reproduce", "--all")
    assert every.code == 1
    assert re.search(r"^bit for bit .* 1$", every.out, re.MULTILINE)
    assert re.search(r"^failed .* 1$", every.out, re.MULTILINE)
    assert re.search(r"^1 .* failed +plug-in hashed \(sha256:", every.out, re.MULTILINE)
    assert here("db", "check").out == "runs.db is sound: 2 runs\n"
    assert contents(here.folder) == before
    written(here.folder, FAMILY + "\n")
    answer = here("reproduce", "1", *plugin)
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert "run 1: plug-in hashed has another source than it was trained with: " in answer.err
    plugins.forget()
    answer = here("reproduce", "1", "--plugin", str(written(here.folder, name="renamed.py")))
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert re.search(r"or the package that has it, not renamed \(sha256:.{12}\)$", answer.err)


def test_a_name_that_another_plugin_has_is_refused_with_whose_it_is(here) -> None:
    first, second = (written(here.folder, name=name) for name in ("first.py", "second.py"))
    answer = here("train", *TINY, "--plugin", str(first), str(second))
    assert answer.err == (
        f"cdbench: plug-in second.py: layer hashed: this name is taken by plug-in {first}; "
        "expected another\n"
    )


def test_what_is_run_is_what_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, DATASET, "mine.py")
    source = path.read_bytes()

    def swapped(path: Path) -> bytes:
        path.write_text("raise SystemExit('the file was read again')\n")
        return source

    monkeypatch.setattr(plugin_source, "read", swapped)
    plugins.load(path)
    assert plugins.names("dataset") == ["rings"]
    assert contents(tmp_path).keys() == {"mine.py"}


# Data sets and claims


def test_the_built_in_names_that_plugins_know_are_those_of_the_data_sets() -> None:
    assert set(DATASET_NAMES) == set(DATASETS)


def test_the_page_s_data_set_is_trained_on_and_pinned(tmp_path: Path) -> None:
    plugins.load(written(tmp_path, DATASET, "rings.py"))
    config = pin_dataset(RunConfig(dataset="rings", layer="dense", hidden=(4,), epochs=1))
    assert config.dataset_fingerprint == load_dataset(config).fingerprint
    assert str(config.plugin).startswith("rings sha256:")
    assert execute(config).status == COMPLETED
    assert config.baseline().plugin == config.plugin


def test_a_data_set_that_is_none_or_changes_is_refused(tmp_path: Path) -> None:
    text = (
        "import sys\n"
        "def bad(): return [1]\n"
        "def worse(): return 1 / 0\n"
        "def worst(): sys.exit(0)\n"
        "DATASETS = {'a': bad, 'b': worse, 'c': worst}\n"
    )
    plugins.load(written(tmp_path, text, "mine.py"))
    with pytest.raises(DatasetError, match=r"mine\.py: data set a: gave list, expected a Dataset"):
        pin_dataset(RunConfig(dataset="a"))
    with pytest.raises(DatasetError, match=r"data set b: cannot be made \(ZeroDivisionError: "):
        pin_dataset(RunConfig(dataset="b"))
    with pytest.raises(DatasetError, match=r"data set c: cannot be made \(SystemExit: 0\)"):
        pin_dataset(RunConfig(dataset="c"))
    random = changed("default_rng(0)", "default_rng()", DATASET)
    plugins.load(written(tmp_path, random, "random.py"))
    config = pin_dataset(RunConfig(dataset="rings"))
    with pytest.raises(DatasetError, match="gives other samples than when the configuration"):
        load_dataset(config)


@pytest.mark.long
def test_the_page_s_claim_is_audited_and_in_the_ledger(here) -> None:
    words = ("--plugin", str(written(here.folder, CLAIM, "claim.py")))
    answer = here("audit", "--claim", "above-ninety", "--seeds", "0..9", "--jobs", "1", *words)
    assert answer.code == 0, answer.err
    assert "Dense reaches 90 %" in answer.out
    assert rows(here.folder / "runs.db", "select claim, verdict from claims") == [
        ("above-ninety", "holds")
    ]
    assert "judging" not in here("audit", "--claim", "above-ninety", "--seeds", "0..9", *words).err
    assert "Dense reaches 90 %" in here("report", "--claims", *words).out
    plugins.forget()
    written(here.folder, CLAIM + "\n", "claim.py")
    assert "judging" in here("audit", "--claim", "above-ninety", "--seeds", "0..9", *words).err
    before = contents(here.folder)
    for old, new, said in (
        ("        share = ", "        1 / 0\n        share = ", "be judged (ZeroDivisionError: "),
        ("HOLDS if", "'well' if", "be judged (ValueError: verdict 'well'; expected "),
        ("        return needs_of", "        {}[0]", "say which runs it needs (KeyError: 0, line "),
    ):
        plugins.forget()
        written(here.folder, changed(old, new, CLAIM), "claim.py")
        answer = here("audit", "--claim", "above-ninety", "--seeds", "0..9", *words)
        assert f"cdbench: plug-in claim.py: claim above-ninety: cannot {said}" in answer.err
        assert (answer.code, "Traceback" in answer.err) == (2, False)
    assert contents(here.folder).keys() == before.keys()


# Other processes


def test_a_worker_that_lacks_the_plugin_ends_the_sweep_and_trains_nothing(tmp_path: Path) -> None:
    path = written(tmp_path)
    plugins.load(path)
    configs = [RunConfig(dataset="iris", layer="hashed", hidden=(4,), seed=seed) for seed in (0, 1)]
    path.unlink()
    with pytest.raises(WorkerError) as caught:
        list(execute_all(configs, 2))
    assert said(caught).startswith(f"a worker process cannot train: plug-in {path}: no such file")
    written(tmp_path, FAMILY + "\n")
    with pytest.raises(WorkerError, match=r"hashed has another source: sha256:.{12}, expected sha"):
        list(execute_all(configs, 2))


def test_what_another_process_lacks_is_named(tmp_path: Path) -> None:
    plugins.load(written(tmp_path))
    (one,) = carried()
    plugins.forget()
    take([one])
    assert plugins.names("layer") == ["hashed"]
    with pytest.raises(PluginError, match=r"plug-in far 1\.0 is not installed"):
        take([Carried("layer", "far", "far 1.0 sha256:00", None)])


@pytest.mark.cluster
def test_a_cluster_trains_a_plugin_as_here_and_refuses_a_worker_that_lacks_it(
    tmp_path: Path,
) -> None:
    pytest.importorskip("distributed")
    path = written(tmp_path)
    words = ("sweep", *TINY, "--plugin", "hashed.py", "--layer", "dense", "hashed")
    lacks = f"plug-in {path}: no such file; expected a Python file"
    nowhere = (
        "from cdbench.config import plugin_source as s\nfrom cdbench.errors import PluginError\n"
        f"def read(path): raise PluginError({lacks!r})\ns.read = read\n"
    )
    with dask_cluster(tmp_path / "cluster", 0) as cluster:
        cluster.worker(preload=nowhere)
        until(cluster.has_registered, "the worker")
        refused = for_real(tmp_path, *words, "--scheduler", cluster.address)
        assert refused.code == 2
        assert re.fullmatch(
            rf"cdbench: worker tcp://\S+ lacks a plug-in \({re.escape(lacks)}\); expected the same "
            "file at the same path, or restart it\n",
            refused.err,
        )
        assert not (tmp_path / "runs.db").exists()
        cluster.worker()
        until(cluster.has_registered, "the other worker")
        answer = for_real(tmp_path, *words, "--scheduler", cluster.address, "--db", "there.db")
        assert answer.code == 0, answer.err
        assert "; it gets no runs" in answer.err
    assert for_real(tmp_path, *words, "--jobs", "1").code == 0
    question = "select config_digest, training_loss from epoch join run using (run_id) order by 1"
    there = rows(tmp_path / "there.db", question)
    assert len(there) == 6
    assert there == rows(tmp_path / "runs.db", question)


# Where they may come from


def test_settings_in_the_working_folder_load_plugins_and_those_of_a_parent_do_not(
    here, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = here.folder.resolve()
    written(folder)
    settings = written(folder, 'plugins = ["hashed.py"]\n', "cdbench.toml")
    dry = ("sweep", *TINY, "--layer", "hashed", "--no-baseline", "--dry-run")
    answer = here(*dry)
    assert (answer.code, answer.err) == (0, f"cdbench: from {settings}: plugins\n")
    plugins.forget()
    inner = folder / "inner"
    inner.mkdir()
    monkeypatch.chdir(inner)
    answer = here(*dry)
    assert answer.code == 2
    line, unknown = answer.err.splitlines()
    assert "unknown layer 'hashed'" in unknown
    assert line == (
        f"cdbench: {settings}: its plug-ins are not loaded, because it is not in the working "
        f"folder; to load them: --plugin {folder / 'hashed.py'}, or trust it: export "
        f"CDBENCH_TRUST={settings}"
    )
    answer = here(*dry, "--plugin", "../hashed.py")
    assert (answer.code, answer.err) == (0, "")
    plugins.forget()
    monkeypatch.setenv("CDBENCH_TRUST", str(settings))
    assert here(*dry).code == 0


def test_a_plugin_that_others_may_write_is_refused_if_a_file_names_it(here) -> None:
    path = written(here.folder.resolve())
    path.chmod(0o666)
    written(here.folder, 'plugins = ["hashed.py"]\n', "cdbench.toml")
    answer = here("train", *TINY)
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert (
        f"plug-in {path}: may be written to by others (mode 666), so it is not obeyed; to name it "
        f"yourself: --plugin {path}; to trust it: export CDBENCH_TRUST={path}"
    ) in answer.err
    assert here("sweep", "--dry-run", "--layer", "hashed", "--plugin", str(path)).code == 0


@pytest.mark.parametrize("value", ["'x.py'", "[3]", "{ a = 1 }"])
def test_plugins_in_settings_are_paths(here, value: str) -> None:
    written(here.folder, f"plugins = {value}\n", "cdbench.toml")
    with pytest.raises(Exception, match=r"plugins = .*: expected paths, as in \['mylayer.py'\]"):
        load_settings(here.folder)


def test_an_installed_plugin_is_imported_only_when_its_name_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, FAMILY, "far_layers.py")
    written(tmp_path, DATASET, "far_data.py")
    about = tmp_path / "far-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: far\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[cdbench.layers]\nhashed = far_layers:Hashed\nother = far_layers:Hashed\n"
        "gone = far_layers:Gone\ndense = far_layers:Hashed\n"
        "[cdbench.datasets]\nrings = far_data:rings\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    plugin_source.installed.cache_clear()
    try:
        assert set(plugins.names("layer")) == {"hashed", "other", "gone"}
        assert not {"far_layers", "far_data"} & set(sys.modules)
        config = RunConfig(layer="hashed", dataset="rings")
        assert re.fullmatch(r"far 1.0 sha256:\w{64}; far 1.0 sha256:\w{64}", str(config.plugin))
        assert {one.path for one in carried()} == {None}
        take(carried())
        with pytest.raises(
            PluginError, match=r"far 1\.0: layer other: has family 'hashed', expected other"
        ):
            RunConfig(layer="other")
        with pytest.raises(PluginError, match=r"far 1\.0: far_layers:Gone cannot be imported"):
            RunConfig(layer="gone")
        assert RunConfig(layer="dense").plugin is None
        plugins.forget()
        with pytest.raises(PluginError, match="taken by plug-in far_layers:Hashed, which is inst"):
            plugins.load(written(tmp_path))
    finally:
        plugin_source.installed.cache_clear()
        for name in ("far_layers", "far_data"):
            sys.modules.pop(name, None)
