"""What a run was trained with: versions, BLAS, processor, operating system, commit."""

import os
import platform
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info

import cdbench
from cdbench.records.run import Environment


def current_environment() -> Environment:
    """Describe this process. Call it with BLAS threads limited as in training."""
    # SciPy may have loaded its own BLAS; our products use NumPy's.
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    blas = min(pools, key=lambda pool: "numpy" not in pool["filepath"], default=None)
    return _environment(_blas_name(blas), blas["num_threads"] if blas else 1)


@cache
def _environment(blas: str, blas_threads: int) -> Environment:
    commit, dirty = _git_state()
    return Environment(
        python_version=platform.python_version(),
        numpy_version=version("numpy"),
        scipy_version=version("scipy"),
        scikit_learn_version=version("scikit-learn"),
        cdbench_version=cdbench.__version__,
        blas=blas,
        blas_threads=blas_threads,
        cpu=_cpu_name(),
        n_cores=os.cpu_count() or 1,
        operating_system=f"{platform.system()} {platform.release()} {platform.machine()}",
        git_commit=commit,
        git_dirty=dirty,
        simd=simd(),
    )


def simd() -> str:
    """Return the vector instructions that NumPy uses in this process beyond its baseline."""
    # NumPy leaves out what is empty.
    known = np.show_config(mode="dicts").get("SIMD Extensions", {})
    return " ".join(known.get("found", []))


def _blas_name(blas: dict[str, object] | None) -> str:
    if blas is None:
        return "unknown"
    parts = (blas["internal_api"], blas["version"], blas.get("architecture"))
    return " ".join(str(part) for part in parts if part)


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _git_state() -> tuple[str | None, bool | None]:
    """Return the commit of cdbench's source and whether it has changes; None if installed.

    Only the package's folder counts: results and figures outside it do not make it dirty.
    """
    package = Path(cdbench.__file__).parent
    try:
        _git(package, "ls-files", "--error-unmatch", "__init__.py")
        commit = _git(package, "rev-parse", "HEAD").strip()
        return commit, bool(_git(package, "status", "--porcelain", "--", ".").strip())
    except (OSError, subprocess.SubprocessError):
        return None, None


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=10).stdout
