"""The settings as they count now, fit to be shown."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass

from promptgraph.cli.output import as_json
from promptgraph.config import PREFIX, Settings

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
