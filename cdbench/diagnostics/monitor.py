"""Monitor: measures a run's diagnostics while it trains."""

from collections.abc import Callable

import numpy as np

from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.diagnostics.spectra import KINDS, measure_spectra
from cdbench.engine.layers import Context
from cdbench.engine.network import Network
from cdbench.engine.products.base import Array
from cdbench.engine.samples import Samples
from cdbench.engine.split import Split
from cdbench.records.spectra import Curvature, Spectrum

SAMPLES_STREAM = 2
"""Key of the random stream that draws the samples to measure, so that it changes no other draw."""

OnStage = Callable[[str], None]


class Monitor:
    """Measures a network in training whenever its diagnostics ask for it.

    Parameters
    ----------
    network : Network
        The network.
    parameters : (n_parameters,) float
        Its parameters, which training changes in place.
    split : Split
        The run's data.
    config : RunConfig
        The run.
    diagnostics : Diagnostics
        What to measure.
    on_stage : callable
        Called with what is measured when it begins, and with "" when it has ended.

    Attributes
    ----------
    spectra : list of Spectrum
    curvature : list of Curvature
        What was measured so far.
    """

    def __init__(
        self,
        network: Network,
        parameters: Array,
        split: Split,
        config: RunConfig,
        diagnostics: Diagnostics,
        on_stage: OnStage = lambda what: None,
    ) -> None:
        self._on_stage = on_stage
        self.network, self.parameters, self.split = network, parameters, split
        self.diagnostics = diagnostics
        self._task, self._smoothing = config.task, config.label_smoothing
        size = config.batch_size
        self._last = config.epochs
        X, self.y = {
            "train": (split.X_train, split.y_train),
            "test": (split.X_test, split.y_test),
            "batch": (split.X_train[:size], split.y_train[:size]),
        }[diagnostics.on]
        n_samples = diagnostics.samples
        if n_samples is not None and n_samples < len(self.y):
            stream = np.random.SeedSequence(config.seed, spawn_key=(SAMPLES_STREAM,))
            drawn = np.random.default_rng(stream).permutation(len(self.y))[:n_samples]
            X, self.y = X.only(drawn) if isinstance(X, Samples) else X[drawn], self.y[drawn]
        self.X = X
        self._spectra_epochs = diagnostics.spectra_epochs(config.epochs)
        self._curvature_epochs = diagnostics.curvature_epochs(config.epochs)
        self.spectra: list[Spectrum] = []
        self.curvature: list[Curvature] = []

    def after_epoch(self, epoch: int) -> None:
        """Measure what is due after this epoch; 0 is the initialisation."""
        self._measure(epoch, due=epoch)

    def after_early_stop(self, epoch: int) -> None:
        """Measure what is due after the last epoch, as far as it was not due after this one."""
        self._measure(epoch, due=self._last, but=epoch)

    def _measure(self, epoch: int, due: int, but: int | None = None) -> None:
        if due in self._spectra_epochs and but not in self._spectra_epochs:
            self._on_stage("spectra of the layers")
            self.spectra += measure_spectra(
                self.network,
                self.parameters,
                self.X,
                epoch,
                sample=self.diagnostics.on,
                kinds=self.diagnostics.kinds or KINDS,
                values=self.diagnostics.values,
                floors=self.diagnostics.floors and due == self._last,
                context=self._context(),
            )
        if due in self._curvature_epochs and but not in self._curvature_epochs:
            # Imported late: importing SciPy takes longer than training the paper's runs.
            from cdbench.diagnostics.curvature import measure_curvature

            self.curvature += measure_curvature(
                self.network,
                self.parameters,
                self.X,
                self.y,
                sample=self.diagnostics.on,
                epoch=epoch,
                method=self.diagnostics.curvature,
                task=self._task,
                smoothing=self._smoothing,
                context=self._context(),
                on_stage=self._on_stage,
            )
        self._on_stage("")

    def before_step(self, epoch: int, step: int, x: Array) -> None:
        """Measure only the condition of Theorem 1's spectrum of a mini-batch."""
        self.spectra += measure_spectra(
            self.network,
            self.parameters,
            x,
            epoch,
            sample="batch",
            step=step,
            kinds=("theorem1",),
            values=False,
            context=self._context(),
        )

    def _context(self) -> Context:
        """Return the evaluation context, in float64 like the measurements."""
        parameters = self.parameters.astype(np.float64, copy=False)
        X_train = self.split.X_train.astype(np.float64, copy=False)
        return self.network.evaluation(self.network.views(parameters), X_train)
