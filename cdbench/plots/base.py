"""The input of a figure: runs as plain values. Nothing here imports matplotlib."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdbench.errors import MissingResultsError
from cdbench.run import Curvature, EpochMetrics, Spectrum

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure


@dataclass(frozen=True)
class Model:
    """An architecture, regardless of seed: a layer family and its block size."""

    layer: str
    B: int | None = None

    @classmethod
    def named(cls, name: str) -> "Model":
        """Return the model with this name in the database.

        Examples
        --------
        >>> Model.named("cdlinear B=4")
        Model(layer='cdlinear', B=4)
        """
        layer, _, B = name.partition(" B=")
        return cls(layer, int(B) if B else None)

    @property
    def short_label(self) -> str:
        """Name next to a line: ``"dense"`` or ``"B = 4"``."""
        return self.layer if self.B is None else f"B = {self.B}"

    @property
    def label(self) -> str:
        """Name in the legend: ``"dense"`` or ``"CDLinear B = 4"``."""
        name = "CDLinear" if self.layer == "cdlinear" else self.layer
        return name if self.B is None else f"{name} B = {self.B}"


@dataclass(frozen=True)
class PlottedRun:
    """One completed run, with what figures need from it.

    Attributes
    ----------
    run_id : int
        Its number in the database.
    model : str
        The model's name in the database.
    layer : str
        A key of ``cdbench.layers.LAYERS``.
    B : int or None
        Block size; None for layers without blocks.
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

    @property
    def short_label(self) -> str:
        """Name next to a line: ``"dense"`` or ``"B = 4"``."""
        return Model(self.layer, self.B).short_label

    @property
    def label(self) -> str:
        """Name in the legend: ``"dense, 8,970 parameters"``."""
        return f"{Model(self.layer, self.B).label}, {self.n_parameters:,} parameters"

    def last_layer_spectrum(self, kind: str) -> Spectrum:
        """Return the last weight layer's spectrum of one kind, at its latest measurement.

        Parameters
        ----------
        kind : str
            A key of ``cdbench.spectra.KINDS``.

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
