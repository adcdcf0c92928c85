"""The runs that the paper's figures show, read from the database."""

from collections.abc import Sequence

from cdbench.errors import MissingResultsError
from cdbench.plots.base import PlottedRun
from cdbench.plots.kinds import NETWORK
from cdbench.reports.table1 import table1_configs
from cdbench.store.database import Database
from cdbench.store.figure_queries import curvature_of, runs_with_spectra
from cdbench.store.queries import epochs_of, newest_runs, spectra_of


def drawn_runs(database: Database, seed: int, kinds: Sequence[str]) -> tuple[list[PlottedRun], str]:
    """Return the runs of the paper's three models with this seed, and a line that names them.

    They are the newest that kept spectra of these kinds; an audit's runs do not keep them.

    Raises
    ------
    MissingResultsError
        If they are not there, or did not keep those spectra; it names the command that makes them.
    """
    configs = [config for (config,) in table1_configs([seed]).values()]
    stored = newest_runs(database, configs)
    sweep = f"cdbench sweep --B 4 8 --seeds {seed}"
    if len(stored) < len(configs):
        raise MissingResultsError(
            f"{database.name}: the figures need runs of dense, B = 4 and B = 8 with seed {seed}; "
            f"to train them: {sweep} --resume"
        )
    run_ids = runs_with_spectra(database, configs, kinds)
    if len(run_ids) < len(configs):
        again = f"{sweep} --curvature lanczos" if NETWORK in kinds else sweep
        raise MissingResultsError(
            f"{database.name}: the runs with seed {seed} did not keep the numbers of their "
            f"spectra, or not of every kind; to train them again: {again}"
        )
    runs = [
        PlottedRun(
            run_id=run_ids[config],
            model=config.model,
            layer=config.layer,
            B=config.B,
            seed=seed,
            n_parameters=stored[config].n_parameters,
            widths=tuple(int(width) for width in stored[config].widths.split("→")),
            epochs=epochs_of(database, run_ids[config]),
            spectra=spectra_of(database, run_ids[config]),
            curvature=curvature_of(database, run_ids[config]),
            structure=config.structure,
        )
        for config in configs
    ]
    numbers = ", ".join(str(run.run_id) for run in runs)
    return runs, f"runs {numbers} of {database.label} · digits · seed {seed}"
