"""Groups whose commands are loaded where they are asked for, so that the others start fast."""

from collections.abc import Iterable, Iterator, MutableMapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from cdbench.cli.help_page import print_help
from cdbench.cli.mistakes import no_such_command


class Commands(MutableMapping[str, Any]):
    """The commands of a group by name, each from a module of its own name.

    Parameters
    ----------
    package : str
        The package of the modules. A module ``list`` holds the function ``list`` or ``list_``, or a
        group of that name.
    names : iterable of str
        Names of the commands, in the order in which the help lists them.
    """

    def __init__(self, package: str, names: Iterable[str]) -> None:
        self._package = package
        self._built: dict[str, Any] = dict.fromkeys(names)

    def __getitem__(self, name: str) -> Any:
        """Return a command, which is loaded if it has not been yet."""
        if self._built[name] is None:
            module = import_module(f"{self._package}.{name}")
            self._built[name] = _built(getattr(module, name, None) or getattr(module, f"{name}_"))
            self._built[name].name = name
        return self._built[name]

    def __setitem__(self, name: str, command: Any) -> None:
        """Put a command in its place."""
        self._built[name] = command

    def __delitem__(self, name: str) -> None:
        """Remove a command."""
        del self._built[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names; nothing is loaded."""
        return iter(self._built)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._built)


def _built(found: Any) -> Any:
    """Return the command of a function, or the group of a ``typer.Typer``."""
    if isinstance(found, typer.Typer):
        return typer.main.get_group(found)
    from cdbench.cli.arguments import ManyValuesCommand
    from cdbench.cli.plugins import with_plugins

    alone = typer.Typer(add_completion=False)
    alone.command(cls=ManyValuesCommand)(with_plugins(found))
    return typer.main.get_command(alone)


class Group(TyperGroup):
    """A group whose commands are in modules of their own; a subclass says which.

    Attributes
    ----------
    package : str
        The package of the modules.
    names : tuple of str
        The commands' names, as for ``Commands``.
    """

    package: str
    names: tuple[str, ...]

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes | {"commands": None})
        self.commands = Commands(self.package, self.names)

    def format_help(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Print the help."""
        print_help(self, ctx)

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]
        """Return the command; of an unknown one, say what was probably meant."""
        word = args[0]
        if word not in self.commands and not word.startswith("-") and not ctx.resilient_parsing:
            root = ctx.find_root()
            known = commands_of(root.command, root.command_path)
            ctx.fail(no_such_command(args, ctx.command_path, known))
        return super().resolve_command(ctx, args)


def commands_of(group: Any, path: str) -> Iterator[str]:
    """Yield all commands of a group, and of the groups in it, as they are typed."""
    for name in group.commands:
        yield f"{path} {name}"
        if isinstance(group.commands[name], TyperGroup):
            yield from commands_of(group.commands[name], f"{path} {name}")
