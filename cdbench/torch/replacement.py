"""What came of replacing a model's linear layers: a table of what each lost and saved."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Replacement:
    """One layer that was replaced.

    Attributes
    ----------
    name : str
        Of the module in the model.
    layer : str
        The family and structure, as in tables.
    in_features, out_features : int
        Widths.
    relative_error : float or None
        ‖W − Ŵ‖ / ‖W‖ in the Frobenius norm, or with moments in the root mean square of outputs
        (without the bias); None if new values were drawn.
    parameters_before, parameters_after : int
        The bias counts.
    multiply_adds_before, multiply_adds_after : int
        Real ones with the weights for each row, as ``WeightLayer.multiply_adds`` counts them.
    """

    name: str
    layer: str
    in_features: int
    out_features: int
    relative_error: float | None
    parameters_before: int
    parameters_after: int
    multiply_adds_before: int
    multiply_adds_after: int


@dataclass(frozen=True)
class Report:
    """What was replaced and what was not; ``print`` shows it as a table.

    Attributes
    ----------
    replaced : tuple of Replacement
        In the order of the model's modules.
    skipped : mapping of str to str
        Why each of the other linear layers, by name, stayed.
    """

    replaced: tuple[Replacement, ...]
    skipped: Mapping[str, str]

    def rows(self) -> list[dict[str, object]]:
        """Return the replaced layers as plain rows, for pandas and the like."""
        return [asdict(own) for own in self.replaced]

    def __str__(self) -> str:
        """Return a table with a line for each layer, and one for each that was skipped."""
        head = ("layer", "widths", "to", "error", "parameters", "multiply-adds")
        lines = [head, *(_cells(own) for own in self.replaced), self._total()]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        text = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        ]
        return "\n".join([*text, *(f"kept {name}: {why}" for name, why in self.skipped.items())])

    def _total(self) -> tuple[str, ...]:
        def change(what: str) -> str:
            before, after = (
                sum(getattr(own, f"{what}_{when}") for own in self.replaced)
                for when in ("before", "after")
            )
            return f"{before:,} → {after:,}"

        return ("all", "", "", "", change("parameters"), change("multiply_adds"))


def _cells(own: Replacement) -> tuple[str, ...]:
    return (
        own.name,
        f"{own.in_features} → {own.out_features}",
        own.layer,
        "" if own.relative_error is None else f"{own.relative_error:.3f}",
        f"{own.parameters_before:,} → {own.parameters_after:,}",
        f"{own.multiply_adds_before:,} → {own.multiply_adds_after:,}",
    )
