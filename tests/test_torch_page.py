"""docs/torch.md: its code runs from top to bottom and prints what the page says."""

import contextlib
import io
import re
import warnings
from pathlib import Path

import pytest

for needed in ("torch", "onnxruntime", "onnxscript"):
    pytest.importorskip(needed)

PAGE = Path(__file__).parents[1] / "docs" / "torch.md"


@pytest.mark.long
def test_the_page_prints_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    assert len(blocks) == 8
    names: dict[str, object] = {}
    for code, expected in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter's own
            exec(code, names)  # noqa: S102
        assert printed.getvalue() == expected
