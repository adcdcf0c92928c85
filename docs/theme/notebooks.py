"""A notebook as a page of Markdown: its words, its code, what its cells gave."""

import json
import re
from pathlib import Path
from typing import Any


def notebook_markdown(path: Path) -> str:
    """Return a notebook as Markdown, its figures inside.

    The first line of a cell that draws says, as a comment, what the figure shows.
    """
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    parts = [
        _text(cell["source"]) if cell["cell_type"] == "markdown" else _code(cell) for cell in cells
    ]
    return "\n\n".join(parts) + "\n"


def _code(cell: dict[str, Any]) -> str:
    source = _text(cell["source"])
    caption = source.partition("\n")[0].removeprefix("# ")
    shown = [_output(output.get("data", {}), caption) for output in cell["outputs"]]
    return "\n\n".join([f"```python\n{source}\n```", *filter(None, shown)])


def _output(data: dict[str, Any], caption: str) -> str:
    if "image/png" in data:
        return f"![{caption}](data:image/png;base64,{_text(data['image/png']).strip()})"
    if "text/html" in data:
        table = re.sub(r"<style.*?</style>", "", _text(data["text/html"]), flags=re.DOTALL)
        return re.sub(r' border="1" class="dataframe"| style="text-align: right;"', "", table)
    return f"```text\n{_text(data['text/plain'])}\n```" if "text/plain" in data else ""


def _text(lines: list[str] | str) -> str:
    return lines if isinstance(lines, str) else "".join(lines)
