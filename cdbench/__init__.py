"""cdbench: the bench on which the claims made for CDLinear are run, kept and judged.

The paper is arXiv 2605.08171v1; equation and section numbers in this package refer to it.
ARCHITECTURE.md, beside this package in the repository, describes the design.

Importing it loads nothing else: each name below is loaded where it is first used. docs/python.md
shows what they do.

Examples
--------
>>> import cdbench
>>> cdbench.execute(cdbench.RunConfig(dataset="iris", epochs=1)).status
'completed'
"""

__version__ = "0.1.0"

TYPE_CHECKING = False  # typing's own would have to be imported
if TYPE_CHECKING:
    from cdbench.api.compare import compare
    from cdbench.api.compared import Comparison
    from cdbench.api.many_runs import sweep
    from cdbench.api.models import load_model, save_model
    from cdbench.api.opened import Results, open_results
    from cdbench.api.single_run import execute
    from cdbench.config.diagnostics import Diagnostics
    from cdbench.config.run_config import RunConfig
    from cdbench.errors import (
        CdbenchError,
        ClusterError,
        ConfigurationError,
        DatabaseGoneError,
        DatabaseReplacedError,
        DatasetError,
        DivergenceError,
        MissingResultsError,
        ModelError,
        NotDefinedError,
        OutputError,
        PluginError,
        QueryError,
        ShapeError,
        StoreError,
        UnknownNameError,
        WorkerError,
    )
    from cdbench.records.run import Run
    from cdbench.trained.model import TrainedModel

    open = open_results  # noqa: A001 - cdbench.open; not in __all__, see _BESIDE_ALL

__all__ = [
    "CdbenchError",
    "ClusterError",
    "Comparison",
    "ConfigurationError",
    "DatabaseGoneError",
    "DatabaseReplacedError",
    "DatasetError",
    "Diagnostics",
    "DivergenceError",
    "MissingResultsError",
    "ModelError",
    "NotDefinedError",
    "OutputError",
    "PluginError",
    "QueryError",
    "Results",
    "Run",
    "RunConfig",
    "ShapeError",
    "StoreError",
    "TrainedModel",
    "UnknownNameError",
    "WorkerError",
    "compare",
    "execute",
    "load_model",
    "save_model",
    "sweep",
]

_BESIDE_ALL = ("open",)
"""What is public too, but must not take the place of Python's own by ``from cdbench import *``."""

_MODULES = {
    "Comparison": "api.compared",
    "Diagnostics": "config.diagnostics",
    "Results": "api.opened",
    "Run": "records.run",
    "RunConfig": "config.run_config",
    "TrainedModel": "trained.model",
    "compare": "api.compare",
    "execute": "api.single_run",
    "load_model": "api.models",
    "open": "api.opened",
    "save_model": "api.models",
    "sweep": "api.many_runs",
}
"""Where the names are that are not errors; a new one is added here, above twice, and in
tests/assets/surface.txt."""

if not TYPE_CHECKING:  # else every name would be there for type checkers

    def __getattr__(name: str) -> object:
        """Load a name of ``__all__`` where it is first used (PEP 562)."""
        if name not in (*__all__, *_BESIDE_ALL):
            raise AttributeError(f"module 'cdbench' has no attribute {name!r}")
        from importlib import import_module

        module = import_module(f"cdbench.{_MODULES.get(name, 'errors')}")
        found = getattr(module, "open_results" if name == "open" else name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    """Return what is public, loaded or not."""
    return sorted([*__all__, *_BESIDE_ALL, "__version__"])
