"""Options that several commands share. Those of settings are made from the settings themselves."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Concatenate, ParamSpec, TypeVar

import click

from promptgraph.config import PREFIX, Settings, load

P = ParamSpec("P")
R = TypeVar("R")

GIVEN = "promptgraph.given"
"""Where the context remembers which settings came as options."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of words and tables.")


def with_settings(
    *names: str, fixed: Mapping[str, object] = MappingProxyType({})
) -> Callable[[Callable[Concatenate[Settings, P], R]], Callable[..., R]]:
    """A command that takes these settings as options of the same names, and all settings as its first
    argument; an option wins over the environment, what is `fixed` over both.
    """

    def decorate(command: Callable[Concatenate[Settings, P], R]) -> Callable[..., R]:
        @functools.wraps(command)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
            given = {name: kwargs.pop(name) for name in names}
            click.get_current_context().meta[GIVEN] = {name for name in given if given[name] is not None}
            return command(load(**given, **fixed), *args, **kwargs)

        with_options: Callable[..., R] = wrapped
        for name in reversed(names):
            with_options = setting_option(name)(with_options)
        return with_options

    return decorate


def setting_option(name: str) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """The option of one setting; what it means and its variable stand in the help."""
    description = (Settings.model_fields[name].description or "").replace("`", "")
    flag = "--" + name.replace("_", "-")
    text = f"{description} [env: {PREFIX}{name.upper()}]"
    return click.option(flag, name, metavar=name.rpartition("_")[2].upper(), help=text)
