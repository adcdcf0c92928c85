"""Opening a file with the program that the desktop has for it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path


def open_file(path: Path) -> str | None:
    """Open a file with the system's viewer, without waiting for it.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str or None
        Why it was not opened; None if it was.
    """
    if os.environ.get("CI"):
        return "nobody sees it there (CI is set)"
    if sys.platform == "win32":
        os.startfile(path)
        return None
    opener = "open" if sys.platform == "darwin" else "xdg-open"
    program = shutil.which(opener)
    if program is None:
        return f"there is no {opener} to open it with"
    if sys.platform != "darwin" and not any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY"))):
        return "there is no desktop to open it on (neither DISPLAY nor WAYLAND_DISPLAY is set)"
    try:
        subprocess.Popen(
            [program, str(path.resolve())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        return f"{opener} did not start ({error.strerror or error})"
    return None
