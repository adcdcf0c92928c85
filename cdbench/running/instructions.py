"""With which of a processor's instructions a run is computed, and how it is again.

NumPy and OpenBLAS choose their code by the processor. With equal versions this choice settles the
last bits of all numbers, whatever the processor's name. Both read it from the environment when they
are loaded, so that only a new process can have another.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from cdbench.records.run import Environment

WITHOUT, ONLY = "NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES"
KERNELS = "OPENBLAS_CORETYPE"

AVX2, AVX512 = frozenset({"AVX2", "X86_V3"}), frozenset({"AVX512_SKX", "X86_V4"})
"""By the names that NumPy gives them, and gave them."""
NEEDED = {"Haswell": AVX2, "Zen": AVX2, "SkylakeX": AVX512}
"""What OpenBLAS's kernels need, of those that can be asked for."""


def as_stored(stored: Environment, here: Environment) -> dict[str, str]:
    """Return the environment variables with which a new process computes as a stored run did.

    Parameters
    ----------
    stored : Environment
        With what the run was trained. If its vector instructions were not recorded, or by another
        NumPy, which may name them otherwise, they are taken to be those of processors for which
        OpenBLAS picks its kernels.
    here : Environment
        That of this process.

    Returns
    -------
    dict
        Nothing if this process computes so too, and of what this processor does not have.
    """
    able = _names(here.simd)
    (library, kernels), (own_library, own_kernels) = _parts(stored.blas), _parts(here.blas)
    variables = {}
    has_them = bool(NEEDED.get(kernels, frozenset()) & able)
    if library == own_library and kernels != own_kernels and has_them:
        variables[KERNELS] = kernels
    surplus = set()
    if stored.simd is None or stored.numpy_version != here.numpy_version:
        if NEEDED.get(kernels) is AVX2:
            surplus = {name for name in able if name in AVX512 or name.startswith("AVX512")}
    else:
        own = _names(stored.simd)
        surplus = able - own if able & own or not own else set()  # not of another architecture
    if surplus and os.environ.get(ONLY):  # NumPy refuses to be told both
        variables[ONLY] = " ".join(sorted(able - surplus)) or " "
    elif surplus:
        variables[WITHOUT] = " ".join(sorted(surplus | _names(os.environ.get(WITHOUT))))
    return variables


def _names(text: str | None) -> set[str]:
    return set((text or "").split())


def _parts(blas: str) -> tuple[str, str]:
    library, _, kernels = blas.rpartition(" ")
    return library, kernels


@contextmanager
def given(variables: Mapping[str, str]) -> Iterator[None]:
    """Let processes that are started now have these environment variables."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
