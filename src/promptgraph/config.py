"""Settings: environment variables with the prefix PROMPTGRAPH_, or options of the same name. Read by app and
cli alone; every other room is given values.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.hosts import is_loopback
from promptgraph.domain.nearest import near

PREFIX = "PROMPTGRAPH_"
OF_TESTS = frozenset({"TEST_DSN", "PG_BIN", "CHROMIUM"})
"""Variables with our prefix that are no settings: the test suite's own."""
_ADDRESS = re.compile(r"https?://[^\s/?#{}]+([/?#][^\s\x00-\x1f\x7f]*)?")
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


# What a header may carry without quotes or doubts; a line end would begin another header.
_KEY = re.compile(r"[!-~]+")


class Mode(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Unlinked(StrEnum):
    REFUSE = "refuse"
    ACCEPT = "accept"


RULES: Mapping[str, str] = {
    "database_url": "the address of a database",
    "prompts_dir": "a folder",
    "mode": "development or production",
    "host": "a name or an address of this machine",
    "port": "a whole number from 0 to 65535",
    "allow_get": "true or false",
    "trusted_documents": "a file",
    "only_trusted": "true or false",
    "execution_timeout_s": "a number of seconds, above 0 and at most 600",
    "sync_timeout_s": "a number of seconds, above 0 and at most 3600",
    "workers": "a whole number from 1 to 64",
    "fast_path": "on or off",
    "shadow": "a whole number, at least 0",
    "unlinked_calls": "refuse or accept",
    "retention_days": "a whole number from 8 to 36500",
    "trace_url_template": "a web address with {trace_id} in it, of at most 2000 characters",
    "prices_file": "a file",
    "log_level": "debug, info, warning or error",
}
"""What each setting may be, where a value is refused."""


class Settings(BaseSettings):
    """What can be set. Start with `load`, which turns what is wrong into one sentence."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True)

    database_url: str = Field(
        "sqlite:///.promptgraph/promptgraph.db",
        min_length=1,
        description="The database: `sqlite:///FILE` or `postgresql://USER@HOST/NAME`, without a driver.",
    )
    prompts_dir: Path = Field(Path("prompts"), description="The folder of the prompt files.")
    mode: Mode = Field(
        Mode.DEVELOPMENT,
        description="`development` migrates and syncs at start, shows GraphiQL and binds to loopback only;"
        " `production` does none of that.",
    )
    host: str = Field("127.0.0.1", min_length=1, description="The address that the server binds to.")
    port: int = Field(
        8000, ge=0, le=65535, description="The port that the server binds to; 0 picks a free one."
    )
    allowed_hosts: str = Field(
        "",
        description="The names, separated by commas, that requests may address the server by; `*` for any."
        " Default: the loopback names in development mode, any in production.",
    )
    allow_get: bool = Field(
        default=False, description="Whether queries (never mutations) may also come by GET, as URLs."
    )
    trusted_documents: Path | None = Field(
        None,
        description="A JSON file of documents that clients may ask for by id, as graphql-codegen, Relay and"
        " Apollo write it.",
    )
    only_trusted: bool = Field(
        default=False,
        description="Whether no other documents are executed than those of that file; then GraphiQL and"
        " introspection are off, too.",
    )
    execution_timeout_s: float = Field(
        10.0, gt=0, le=600, description="Seconds after which an operation is given up."
    )
    sync_timeout_s: float = Field(
        120.0, gt=0, le=3600, description="Seconds after which a `syncPrompts` mutation is given up."
    )
    workers: int = Field(1, ge=1, le=64, description="How many processes `serve` runs.")
    fast_path: Literal["on", "off"] = Field(
        "on",
        description="Whether operations are compiled once and executed level by level where that is possible;"
        " `off` has strawberry execute them all. The answers are the same.",
    )
    shadow: int = Field(
        0,
        ge=0,
        description="One query in so many is executed both ways, to compare the answers; where they differ,"
        " that is counted and logged. 0: none.",
    )
    unlinked_calls: Unlinked = Field(
        Unlinked.REFUSE,
        description="Whether calls may be recorded that name no prompt: `refuse` or `accept`; those that are"
        " accepted are counted as `unlinkedCalls`.",
    )
    retention_days: int | None = Field(
        None,
        ge=8,
        le=36_500,
        description="How many days calls are kept: older ones are refused (`TOO_OLD`), and `promptgraph"
        " prune` removes those that have become older. Default: for ever.",
    )
    trace_url_template: str | None = Field(
        None,
        max_length=2000,
        description="The web address of a trace, with `{trace_id}` and, if it is needed, `{span_id}` in it."
        " Default: calls have no `traceUrl`.",
    )
    prices_file: Path | None = Field(
        None, description="A JSON file of prices that come before the public list of genai-prices."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least grave messages that the log shows."
    )
    server: str | None = Field(
        None, description="The URL of a server's GraphQL endpoint, for commands that go through one."
    )
    api_key: SecretStr | None = Field(None, description="The key that commands send to the server.")

    @field_validator("trace_url_template")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        rest = (value or "").replace("{trace_id}", "", 1).replace("{span_id}", "", 1)
        if value is not None and (
            "{trace_id}" not in value or not _ADDRESS.fullmatch(value) or "{" in rest or "}" in rest
        ):
            raise ValueError(
                "it must be an http or https address that holds {trace_id} once, and {span_id} at most once,"
                " e.g. https://traces.example/t/{trace_id}"
            )
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @field_validator("api_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _KEY.fullmatch(value.get_secret_value()):
            raise ValueError(
                "a key is made of visible ASCII characters alone. This one is empty or holds a blank, a line"
                " end or another character; it is not shown here"
            )
        return value

    @model_validator(mode="after")
    def _stays_at_home(self) -> Settings:
        if self.mode is Mode.DEVELOPMENT and not is_loopback(self.host):
            raise ValueError(
                f"{PREFIX}HOST is {self.host}, but development mode asks no one for a key and so binds to"
                f" loopback only: use 127.0.0.1, or set {PREFIX}MODE=production."
            )
        return self

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names that requests may address the server by."""
        named = tuple(name.strip() for name in self.allowed_hosts.split(",") if name.strip())
        return named or (LOOPBACK_NAMES if self.mode is Mode.DEVELOPMENT else ("*",))


def unknown_variables(names: Iterable[str]) -> list[str]:
    """A sentence for each variable with our prefix that is no setting, by name."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    allowed = known | {f"{PREFIX}{name}" for name in OF_TESTS}
    strange = sorted(n for n in names if n.upper().startswith(PREFIX) and n.upper() not in allowed)
    return [_stranger(name, known) for name in strange]


def _stranger(name: str, known: Iterable[str]) -> str:
    # by what follows the prefix: with it, any two names are near
    meant = near(name[len(PREFIX) :], [one.removeprefix(PREFIX).lower() for one in known])
    hint = f"; did you mean {PREFIX}{meant.upper()}?" if meant else "."
    return f"{name} is no setting{hint}"


def load(**given: object) -> Settings:
    """The settings: what is `given` comes first (None is not given), then the environment, then defaults.

    raises  InvalidInputError  a value is wrong; the sentence names its variable, `field` the setting
    """
    known = {name: value for name, value in given.items() if value is not None}
    try:
        return Settings(**known)  # type: ignore[arg-type]  # pydantic checks them
    except ValidationError as error:
        raise _sentence(error, known) from None


def _sentence(error: ValidationError, given: Collection[str]) -> InvalidInputError:
    """The first thing wrong, under the name that it came by. Values are left out: they may be secrets."""
    first = error.errors(include_input=False, include_url=False)[0]
    message = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return InvalidInputError(message, field="host")
    name = str(first["loc"][0])
    label = f"--{name.replace('_', '-')}" if name in given else f"{PREFIX}{name.upper()}"
    if first["type"] == "value_error":
        return InvalidInputError(f"{label}: {message}.", field=name)
    return InvalidInputError(f"{label} must be {RULES.get(name, message)}.", field=name)


HEADING = (
    "# Settings",
    "",
    "Environment variables. Options of the same name (`--database-url`, `--port`) come first.",
    "",
    "| variable | default | meaning |",
    "|---|---|---|",
)


def reference() -> str:
    """docs/reference/settings.md: every setting, from the class above."""
    rows = [
        f"| `{PREFIX}{name.upper()}` | {_default(info.default)} | {info.description} |"
        for name, info in Settings.model_fields.items()
    ]
    return "\n".join((*HEADING, *rows, ""))


def _default(value: object) -> str:
    shown = value.value if isinstance(value, StrEnum) else value
    return f"`{shown}`" if shown not in (None, "") else ""
