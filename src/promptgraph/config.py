"""Settings: environment variables with the prefix PROMPTGRAPH_, or options of the same name. Read by app and
cli alone; every other room is given values.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from promptgraph.domain.content import policy_of
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.hosts import address_flaw, is_loopback, origin_flaw
from promptgraph.domain.nearest import near

PREFIX = "PROMPTGRAPH_"
FIGURES_DIR = f"{PREFIX}FIGURES_DIR"
"""Where `serve` has its processes put their figures together."""
NO_SETTINGS = frozenset({FIGURES_DIR, *(f"{PREFIX}{name}" for name in ("TEST_DSN", "PG_BIN", "CHROMIUM"))})
"""Variables with our prefix that are no settings: that one, and the test suite's own."""
_ADDRESS = re.compile(r"https?://[^\s/?#{}]+([/?#][^\s\x00-\x1f\x7f]*)?")
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


_FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
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
    "replica_url": "the address of a standby of the database",
    "replica_lag_s": "a number of seconds, from 1 to 3600",
    "pool_size": "a whole number from 3 to 1000",
    "pool_timeout_s": "a number of seconds, above 0 and at most 60",
    "content_key": "at least 32 characters",
    "trace_url_template": "a web address with {trace_id} in it, of at most 2000 characters",
    "prices_file": "a file",
    "log_level": "debug, info, warning or error",
    "log_format": "text or json",
    "max_concurrency": "a whole number from 1 to 100000",
    "body_timeout_s": "a number of seconds, above 0 and at most 600",
    "tracing": "off or otel",
    "proxy_user_header": "the name of a header: letters, digits and hyphens",
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
    replica_url: str | None = Field(
        None,
        min_length=1,
        description="A standby of the PostgreSQL, which answers queries while it is new enough; never"
        " mutations, nor requests that name a least revision. Default: none.",
    )
    replica_lag_s: float = Field(
        5.0, ge=1, le=3600, description="How many seconds old the standby's answers may be."
    )
    pool_size: int = Field(
        15,
        ge=3,
        le=1000,
        description="How many connections each process makes at most to a PostgreSQL, and as many to a"
        " standby; a third of them is for queries that come all the time.",
    )
    pool_timeout_s: float = Field(
        2.0, gt=0, le=60, description="Seconds that a free one of these connections is waited for."
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
    content: str = Field(
        "full",
        description="What is stored of calls' variables, output and metadata: `full`, `hashed` or `none`; by"
        " environment and part with commas between, e.g. `production=hashed,production.output=none,*=full`.",
    )
    content_key: SecretStr | None = Field(
        None,
        min_length=32,
        validate_default=True,
        description="The key of the hashes, at least 32 characters; needed where anything is `hashed`.",
    )
    redact: str | None = Field(
        None,
        description="A Python function, `module:function`, that is given variables, output, metadata and"
        " error messages before they are stored, and says what may be.",
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
    log_format: Literal["text", "json"] = Field(
        "text",
        description="How the log is written: `text`, or `json`, an object a line, one for each request, too.",
    )
    tracing: Literal["off", "otel"] = Field(
        "off",
        description="`otel`: requests and visits to the database become spans of OpenTelemetry, which its own"
        " variables (`OTEL_EXPORTER_OTLP_ENDPOINT` …) send somewhere; needs `promptgraph[otel]`.",
    )
    cors_origins: str = Field(
        "",
        description="The origins, separated by commas, whose pages may ask here from a browser, each as"
        " `https://app.example`.",
    )
    max_concurrency: int = Field(
        1000,
        ge=1,
        le=100_000,
        description="How many requests of a process may be under way; one more gets 503 with `Retry-After`.",
    )
    body_timeout_s: float = Field(
        30.0, gt=0, le=600, description="Seconds that a client has for sending a body before it gets 408."
    )
    trusted_proxy: str = Field(
        "",
        description="The addresses, separated by commas, of the proxy in front: it says by `X-Forwarded-For`"
        " who asks. Nobody else's word counts.",
    )
    proxy_user_header: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9-]{1,64}$",
        description="The header in which that proxy says which user is logged in, such as `X-Forwarded-User`:"
        " such a user may read without a key, and the log names who it is.",
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

    @field_validator("content")
    @classmethod
    def _is_a_policy(cls, value: str) -> str:
        try:
            policy_of(value)
        except InvalidInputError as error:
            raise ValueError(str(error)) from error
        return value

    @field_validator("content_key")
    @classmethod
    def _is_there(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None and policy_of(info.data.get("content", "full")).hashes:
            raise ValueError(
                f"it is missing, and {PREFIX}CONTENT asks for hashes: set at least 32 characters"
            )
        return value

    @field_validator("redact")
    @classmethod
    def _names_a_function(cls, value: str | None) -> str | None:
        if value is not None and not _FUNCTION.fullmatch(value):
            raise ValueError("it must name a module and a function in it, e.g. my_company.privacy:redact")
        return value

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, value: str) -> str:
        for flaw in filter(None, map(origin_flaw, listed(value))):
            raise ValueError(flaw)
        return value

    @field_validator("trusted_proxy")
    @classmethod
    def _are_addresses(cls, value: str) -> str:
        for flaw in filter(None, map(address_flaw, listed(value))):
            raise ValueError(flaw)
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
        return listed(self.allowed_hosts) or (LOOPBACK_NAMES if self.mode is Mode.DEVELOPMENT else ("*",))


def listed(value: str) -> tuple[str, ...]:
    """What a setting lists with commas between."""
    return tuple(each.strip() for each in value.split(",") if each.strip())


def unknown_variables(names: Iterable[str]) -> list[str]:
    """A sentence for each variable with our prefix that is no setting, by name."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    allowed = known | NO_SETTINGS
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
