"""Memory: how much is available, and amounts of it in words."""

import os
from pathlib import Path


def available_memory() -> int | None:
    """Return how many bytes can be allocated now without swapping; None if unknown."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:  # not Linux: all installed memory, for want of a better number
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def format_bytes(n_bytes: int) -> str:
    """Return a number of bytes in words, such as ``17.2 GB``."""
    for power, unit in ((12, "TB"), (9, "GB"), (6, "MB")):
        if n_bytes >= 10**power:
            return f"{n_bytes / 10**power:,.1f} {unit}"
    return f"{n_bytes / 1000:,.1f} kB"
