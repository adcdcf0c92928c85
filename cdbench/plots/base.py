"""The input of a figure: runs as plain values. Nothing here imports matplotlib."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdbench.errors import MissingResultsError
from cdbench.records.published import WRITTEN
from cdbench.records.run import EpochMetrics
from cdbench.records.spectra import Curvature, Spectrum

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure


@dataclass(frozen=True)
class Model:
    """An architecture, regardless of seed: a layer family with its block size or structure."""

    layer: str
    B: int | None = None
    structure: str | None = None

    @classmethod
    def named(cls, name: str) -> "Model":
        """Return the model with this name in the database.

        Examples
        --------
        >>> Model.named("cdlinear B=4")
        Model(layer='cdlinear', B=4, structure=None)
        >>> Model.named("low-rank rank=8")
        Model(layer='low-rank', B=None, structure='rank=8')
        """
        layer, _, structure = name.partition(" ")
        if structure.startswith("B="):
            return cls(layer, int(structure.removeprefix("B=")))
        return cls(layer, None, structure or None)

    @property
    def short_label(self) -> str:
        """Name next to a line: ``"dense"``, ``"B = 4"``, ``"low-rank 8"``."""
        if self.B is not None:
            return f"B = {self.B}"
        values = [part.partition("=")[2] for part in (self.structure or "").split()]
        return " ".join([self.layer, *values])

    @property
    def label(self) -> str:
        """Name in the legend: ``"dense"``, ``"CDLinear B = 4"``, ``"low-rank rank=8"``."""
        if self.B is not None:
            return f"{WRITTEN.get(self.layer, self.layer)} B = {self.B}"
        return " ".join(filter(None, [self.layer, self.structure]))


@dataclass(frozen=True)
class Line(Model):
    """A model under a name of its own: one of the lines of a figure of any runs.

    Attributes
    ----------
    legend, end : str
        Its names in the legend and at the line's end.
    """

    legend: str = ""
    end: str = ""

    @property
    def short_label(self) -> str:
        """Name next to the line."""
        return self.end

    @property
    def label(self) -> str:
        """Name in the legend."""
        return self.legend


@dataclass(frozen=True)
class PlottedRun:
    """One run, with what figures need from it.

    Attributes
    ----------
    run_id : int
        Its number in the database.
    model : str
        The model's name in the database.
    layer : str
        A key of ``cdbench.config.families.FAMILIES``.
    B : int or None
        Block size; None for families without.
    seed : int
        Seed of the run.
    n_parameters : int
        Weights and biases of the network as built.
    widths : tuple of int
        Widths of the network as built, starting at the input.
    epochs : tuple of EpochMetrics
        In order of training.
    spectra : tuple of Spectrum
        For any layers, kinds and epochs, in any order.
    curvature : tuple of Curvature, optional
        Of the whole network, in any order.
    structure : str, optional
        The family's structure, such as rank=8.
    dataset, task : str
        Its data, and what of them it learns: a key of ``cdbench.statistics.measures.OF_TASK``.
    changes : str
        The knobs in which it is not as the paper, as in the view ``runs``.
    group : str
        What runs have in common that differ in their seeds only.
    """

    run_id: int
    model: str
    layer: str
    B: int | None
    seed: int
    n_parameters: int
    widths: tuple[int, ...]
    epochs: tuple[EpochMetrics, ...]
    spectra: tuple[Spectrum, ...]
    curvature: tuple[Curvature, ...] = ()
    structure: str | None = None
    dataset: str = ""
    task: str = "classification"
    changes: str = ""
    group: str = ""

    @property
    def short_label(self) -> str:
        """Name next to a line: ``"dense"`` or ``"B = 4"``."""
        return self.architecture.short_label

    @property
    def label(self) -> str:
        """Name in the legend: ``"dense, 8,970 parameters"``."""
        return f"{self.architecture.label}, {self.n_parameters:,} parameters"

    @property
    def architecture(self) -> Model:
        """Its model, regardless of seed and size."""
        return Model(self.layer, self.B, self.structure)

    def last_layer_spectrum(self, kind: str) -> Spectrum:
        """Return the last weight layer's spectrum of one kind, at its latest measurement.

        Parameters
        ----------
        kind : str
            A key of ``cdbench.diagnostics.spectra.KINDS``.

        Returns
        -------
        Spectrum
            That of the highest layer and, there, of the highest epoch.

        Raises
        ------
        MissingResultsError
            If the run has none of that kind.
        """
        found = [spectrum for spectrum in self.spectra if spectrum.kind == kind]
        if not found:
            raise MissingResultsError(f"run {self.run_id} has no spectrum of kind {kind!r} to draw")
        return max(found, key=lambda spectrum: (spectrum.layer, spectrum.epoch))

    def network_spectrum(self) -> Curvature:
        """Return the latest spectrum of the whole network's Gauss-Newton matrix, own parameters.

        Raises
        ------
        MissingResultsError
            If the run did not keep its eigenvalues.
        """
        wanted = ("gauss_newton", "own")
        found = [c for c in self.curvature if (c.matrix, c.coordinates) == wanted and c.nodes]
        if not found:
            raise MissingResultsError(f"run {self.run_id} has no spectrum of its network to draw")
        return max(found, key=lambda curvature: curvature.epoch)


Shown = Model | PlottedRun
"""Anything with a look and a name in a figure."""

DrawFigure = Callable[[Sequence[PlottedRun], str], "MatplotlibFigure"]
"""Draws a figure of runs; the string names their source."""
