"""A Typer command whose list options take several values, and which reads ``cdbench.toml``.

Typer's options take a fixed number of values, so ``--B 1 3 4`` is rewritten to
``--B 1 --B 3 --B 4`` before parsing. All words up to the next option belong to the list, so a
positional argument must come before it, as in ``cdbench sweep table1 --B 1 3 4``, or after ``--``.
The name of a sweep is always the first word, because it is needed to look up the file's values.
"""

import re
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand

from cdbench.cli.echo import complain
from cdbench.cli.help_page import print_help
from cdbench.cli.mistakes import extra_words, no_encoding, no_such_option, options_of
from cdbench.cli.plugins import load_plugins, name_plugins
from cdbench.cli.settings import Settings, load_settings
from cdbench.config.run_config import KNOBS
from cdbench.errors import ConfigurationError

ENVIRONMENT_PREFIX = "CDBENCH_"

WITHOUT_SETTINGS = ("doctor", "init")
"""Commands that work beside a ``cdbench.toml`` that cannot be obeyed; doctor says why."""

WORDS_ARE_READ = "cdbench.words_are_read"
"""Where a context keeps that the words before the one that the shell completes are read."""
OPTIONAL = {"--sweep": "latest"}
"""Options that may be typed without a value, and which one they then have."""

_NUMBER = re.compile(r"-(\d+\.?\d*|\.\d+)(e[+-]?\d+)?(\.\.-?\d+)?|-(inf|nan)", re.IGNORECASE)


class ManyValuesCommand(TyperCommand):
    """A command whose options of list type take any number of values: ``--B 1 3 4``.

    Options of whole numbers also take ranges, as in ``--seeds 0..29``; their parser returns a list
    for each word, and these are joined here. Values that neither the command line nor the
    environment gives are taken from ``cdbench.toml``.
    """

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Load plug-ins, repeat the list options, look up ``cdbench.toml``, and parse.

        Raises
        ------
        ConfigurationError
            If a plug-in, ``cdbench.toml`` or a range is invalid.
        """
        if ctx.resilient_parsing:  # the shell completes a word
            with suppress(typer.TyperException):  # of a list that has no value yet
                args = self._expand(ctx, args)
            rest = super().parse_args(ctx, args)
            ctx.meta[WORDS_ARE_READ] = True
            return rest
        # Honour --help anywhere; after some options it would otherwise be taken as their value.
        words = _split_tail(args)[0]
        if asks_for_help := any(word in ctx.help_option_names for word in words):
            words = [word for word in words if word not in ctx.help_option_names]
        load_plugins(words, _is_value)
        if asks_for_help:
            name_plugins(self.params)
            return super().parse_args(ctx, ctx.help_option_names[:1])
        # The name comes first, so it is known before the options are parsed.
        sweep = args[0] if args and not args[0].startswith("-") else None
        settings = self._settings()
        if self.name == "sweep" and sweep is not None and sweep.replace(",", "").isdigit():
            ctx.fail(
                f"{sweep!r} comes before any option, where the name of a sweep may stand; numbers "
                f"come behind their option, as in cdbench sweep --B {' '.join(args[:2])}"
            )
        ctx.default_map = self._file_defaults(settings, sweep)
        if self.name == "compare" and any(word.split("=")[0] == "--study" for word in words):
            ctx.default_map = {k: v for k, v in ctx.default_map.items() if k == "db"}
        rest = self._parsed(ctx, args)
        for name, values in ctx.params.items():
            if isinstance(values, list | tuple) and values and isinstance(values[0], list):
                ctx.params[name] = list(chain.from_iterable(values))
        if self.name == "sweep":
            self._check_name_was_first(ctx, sweep)
        _say_what_is_taken(ctx, settings)
        return rest

    def get_params(self, ctx: typer.Context) -> list[Any]:  # type: ignore[override]
        """Return the parameters, with what the shell completes."""
        params = super().get_params(ctx)
        if WORDS_ARE_READ in ctx.meta:
            from cdbench.cli.completion import with_values

            return with_values(params, ctx)
        return params

    def format_help(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Print the help."""
        print_help(self, ctx)

    def _parsed(self, ctx: typer.Context, args: list[str]) -> list[str]:
        """Parse; for an unknown option or too many values, say what was probably meant."""
        typed = list(args)
        # The next option would otherwise be taken as the value, and its own value as one too many.
        if _lacks_value("--encode", typed) and "--encode" in options_of(ctx):
            ctx.fail(no_encoding(ctx.command_path))
        try:
            return super().parse_args(ctx, self._expand(ctx, args))
        except typer.TyperException as error:
            option = getattr(error, "option_name", None)
            if option is not None and hasattr(error, "possibilities"):
                ctx.fail(no_such_option(option, ctx.command_path, options_of(ctx)))
            if "unexpected extra argument" in error.format_message():
                single = [option for option in options_of(ctx) if option.startswith("--")]
                extra = error.format_message().rpartition("(")[2].rstrip(")").split()
                alone = all(param.param_type_name == "option" for param in self.params)
                line = extra_words(typed, extra, ctx.command_path, single, alone)
                if line is not None:
                    ctx.fail(line)
            raise

    def _check_name_was_first(self, ctx: typer.Context, sweep: str | None) -> None:
        """Refuse a name that came later, because its sweep has not been looked up."""
        for param in self.params:
            value = ctx.params.get(str(param.name))
            if param.param_type_name == "argument" and value not in (None, sweep):
                ctx.fail(f"The name of a sweep comes first, as in {ctx.command_path} {value} --B 1")

    def _settings(self) -> Settings:
        """Return the contents of ``cdbench.toml``, as far as the command needs them."""
        try:
            return load_settings(working_folder())
        except ConfigurationError:
            if self.name in WITHOUT_SETTINGS:
                return Settings()
            raise

    def _file_defaults(self, settings: Settings, sweep: str | None) -> dict[str, Any]:
        command = self.name or ""
        values = settings.default_map(command, sweep if command == "sweep" else None)
        # A knob's name may also be a filter, as in `list --layer`. Filters have no environment
        # variable, and defaults for training are not meant for them.
        foreign = {
            str(param.name)
            for param in self.params
            if not str(param.envvar or "").startswith(ENVIRONMENT_PREFIX)
        }
        return {
            name: value
            for name, value in values.items()
            if not (name in foreign and (name in KNOBS or name == "seeds"))
        }

    def _expand(self, ctx: typer.Context, args: list[str]) -> list[str]:
        lists = {
            option
            for param in self.params
            if getattr(param, "multiple", False)
            for option in param.opts
        }
        options, tail = _split_tail(args)
        return expand_lists(_completed(options, options_of(ctx)), lists, ctx) + tail


def working_folder() -> Path:
    """Return the working folder, or raise ConfigurationError if it was deleted.

    Every command first looks for its settings there, so none goes on without it.
    """
    try:
        return Path.cwd()
    except OSError as error:
        raise ConfigurationError(
            f"the working folder is no longer there, or cannot be read ({error.strerror}); cd to "
            "one that is"
        ) from None


def _say_what_is_taken(ctx: typer.Context, settings: Settings) -> None:
    """Say which settings came from ``cdbench.toml``, if any, and where that file is.

    The user did not name the file, so without this message nobody would think of it.
    """
    taken = ["plugins"] if settings.plugins else []
    for name in ctx.default_map or ():
        source = ctx.get_parameter_source(name)
        if source is not None and source.name == "DEFAULT_MAP":
            taken.append("database" if name == "db" else name)
    if taken:
        complain(f"from {settings.path}: {', '.join(taken)}")


def expand_lists(args: list[str], lists: set[str], ctx: typer.Context) -> list[str]:
    """Repeat each list option before each of its values.

    Parameters
    ----------
    args : list of str
        Words of the command line, up to ``--``.
    lists : set of str
        The list options as they are typed.
    ctx : Context
        The context that raises usage errors.

    Raises
    ------
    BadParameter
        If a list option has no value.
    """
    expanded: list[str] = []
    position = 0
    while position < len(args):
        option, equals, first = args[position].partition("=")
        position += 1
        if option not in lists:
            expanded.append(args[position - 1])
            continue
        values = [first] if equals else []
        while position < len(args) and _is_value(args[position]):
            values.append(args[position])
            position += 1
        if not values:
            _fail_without_value(option, ctx)
        for value in values:
            expanded += [option, value]
    return expanded


def _split_tail(args: list[str]) -> tuple[list[str], list[str]]:
    """Return the words before ``--``, and the rest from ``--`` on."""
    end = args.index("--") if "--" in args else len(args)
    return args[:end], args[end:]


def _is_value(word: str) -> bool:
    return not word.startswith("-") or word == "-" or _NUMBER.fullmatch(word) is not None


def _completed(args: list[str], known: list[str]) -> list[str]:
    """Return the words with a value behind each option that needs none."""
    completed: list[str] = []
    for place, word in enumerate(args, 1):
        completed.append(word)
        lacks = word in OPTIONAL and not any(map(_is_value, args[place : place + 1]))
        completed += [OPTIONAL[word]] if lacks and word in known else []
    return completed


def _lacks_value(option: str, args: list[str]) -> bool:
    words = _split_tail(args)[0]
    return any(
        word == option and not any(map(_is_value, words[place : place + 1]))
        for place, word in enumerate(words, 1)
    )


def _fail_without_value(option: str, ctx: typer.Context) -> None:
    example = "1 3 4" if option == "--B" else "VALUE VALUE"
    ctx.fail(f"Option '{option}' requires at least one value, as in {option} {example}")
