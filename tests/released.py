"""The released results as git has them, whatever a user has added to the file in the checkout.

``python -m tests.released FILE`` writes them to a file.
"""

import atexit
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]


def staged_database() -> bytes:
    """Return runs.db as it is staged; git stages what is committed, unless told otherwise."""
    command = ["git", "-C", str(ROOT), "show", ":runs.db"]
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout


@cache
def released_database() -> Path:
    """Return a file of that content, called runs.db; it is only to be read."""
    folder = tempfile.TemporaryDirectory(prefix="released-")
    atexit.register(folder.cleanup)
    path = Path(folder.name) / "runs.db"
    path.write_bytes(staged_database())
    path.chmod(0o444)
    return path


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(staged_database())
