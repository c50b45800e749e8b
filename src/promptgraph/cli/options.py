"""Options that several commands share, made from the settings themselves, and the settings in force."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Concatenate, ParamSpec, TypeVar

import click

from promptgraph.cli.output import as_json
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


# From the first colon after the user to the last @; and whatever stands behind a ?.
_PASSWORD = re.compile(r"(?<=://)([^/?@:]*):.*@")

_QUERY = re.compile(r"\?.+")


@dataclass(frozen=True, slots=True)
class InForce:
    """A setting as it counts now, secrets masked, and where it comes from."""

    name: str
    value: str | None
    source: str


def settings_in_force(settings: Settings, given: Collection[str]) -> list[InForce]:
    """Every setting, with its value as `doctor` may show it; `given` are those that came as options."""
    return [
        InForce(name, masked(getattr(settings, name)), _source(name, given))
        for name in type(settings).model_fields
    ]


def _source(name: str, given: Collection[str]) -> str:
    variable = f"{PREFIX}{name.upper()}"
    if name in given:
        return "option"
    return variable if os.environ.get(variable) else "default"


def masked(value: object) -> str | None:
    """A setting's value without secrets: keys are stars, an address loses its password."""
    if value is None:
        return None
    text = str(value) if hasattr(value, "get_secret_value") else str(as_json(value))
    return _QUERY.sub("?***", _PASSWORD.sub(r"\1:***@", text)) if "://" in text else text
