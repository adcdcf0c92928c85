"""The application: its commands, its help and its global options."""

from typing import Annotated, Any

import typer

import cdbench
from cdbench.cli import INTERRUPTED
from cdbench.cli.front_page import SUMMARIES, front_page
from cdbench.cli.groups import Group


class _Commands(Group):
    package, names = "cdbench.cli", tuple(SUMMARIES)

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Treat a leading ``help``, as in ``cdbench help db info``, as ``--help`` at the end."""
        if args[:1] == ["help"]:
            args = [*args[1:], "--help"]
        return super().parse_args(ctx, args)

    def format_help(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Show the front page, however the help was asked for."""
        typer.echo(front_page(), nl=False)

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Report that a command was interrupted; Typer would end without a message."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            from cdbench.cli.echo import complain

            complain(str(error) or "interrupted")
            return INTERRUPTED


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"cdbench {cdbench.__version__}")
        raise typer.Exit


@app.callback(help="Run, keep and judge the claims made for CDLinear (arXiv 2605.08171).")
def _root(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Take what stands before a command; the application's help is the front page."""
