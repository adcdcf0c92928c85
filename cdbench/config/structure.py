"""What a structure parameter of a layer family is, and what configurations ask of a family."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from cdbench.errors import ConfigurationError, UnknownNameError

Value = int | str
Structure = Mapping[str, Value]
"""Values of a family's structure parameters, by name."""


@dataclass(frozen=True)
class StructureParameter:
    """One number or word that a family's layers are built with, such as a rank or a basis.

    Attributes
    ----------
    name : str
        As in specifications and in the database: ``rank``.
    help : str
        What it is, in a few words.
    default : int or str or None
        None stands for what the layer makes of it, from its widths.
    least : int
        Smallest number.
    choices : tuple of str
        The words that it may be; empty for a number.
    """

    name: str
    help: str
    default: Value | None
    least: int = 1
    choices: tuple[str, ...] = ()

    def checked(self, value: object) -> Value:
        """Return the value if it is one of this parameter.

        Raises
        ------
        ConfigurationError
            If it is not, saying what is expected.
        """
        if self.choices:
            if value not in self.choices:
                raise UnknownNameError(self.name, str(value), self.choices)
            return str(value)
        try:
            number = int(value) if not isinstance(value, bool | float) else None  # type: ignore[call-overload]
        except (TypeError, ValueError):
            number = None
        if number is None or number < self.least:
            raise ConfigurationError(
                f"{self.name} = {value}: expected a whole number of at least {self.least}"
            )
        return int(number)


class Family(Protocol):
    """The class of a family's layers, as far as configurations are concerned."""

    family: ClassVar[str]
    structure: ClassVar[tuple[StructureParameter, ...]]
    fisher_parameter: ClassVar[str | None]

    @classmethod
    def width_multiple(cls, structure: Structure) -> int:
        """Return the number of which every width is made a multiple."""
        ...

    @classmethod
    def build(cls, n_in: int, n_out: int, structure: Structure, product: str | None = None) -> Any:
        """Return a layer between two widths, or raise ShapeError if there is none."""
        ...
