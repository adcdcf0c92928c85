"""examples/results.ipynb with what its cells give: ``python -m tests.notebook DATABASE``."""

import os
import sys
from pathlib import Path
from typing import Any

NOTEBOOK = Path(__file__).parents[1] / "examples" / "results.ipynb"


def executed(database: Path) -> Any:
    """Return the notebook, run from top to bottom on a database, as nbformat has it.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell does.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    os.environ["CDBENCH_DATABASE"] = str(database)  # the kernel's too
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    folder = {"metadata": {"path": str(NOTEBOOK.parent)}}
    NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources=folder, record_timing=False
    ).execute()
    return notebook


if __name__ == "__main__":
    import nbformat

    found = executed(Path(sys.argv[1]).resolve())
    nbformat.write(found, NOTEBOOK)
