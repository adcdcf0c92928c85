"""The user's folder for files that can be made or downloaded again."""

import os
import sys
from pathlib import Path

VARIABLE = "CDBENCH_CACHE"


def cache_folder() -> Path:
    """Return $CDBENCH_CACHE, or the folder cdbench where the system keeps caches; not made here.

    Raises
    ------
    OSError
        If there is no home folder.
    """
    if own := os.environ.get(VARIABLE):
        return Path(own)
    try:
        if sys.platform == "win32":
            base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        elif sys.platform == "darwin":
            base = Path.home() / "Library" / "Caches"
        else:
            base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError as error:
        raise FileNotFoundError(str(error)) from None
    return base / "cdbench"
