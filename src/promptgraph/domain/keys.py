"""API keys: what one may do, what it is bound to, and who asks with it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.names import global_id
from promptgraph.domain.text import is_line

MAX_NAME, MAX_BOUND, MAX_BOUND_NAME = 100, 100, 128


class Scope(StrEnum):
    """What a key may do. None holds another: a key has those that it was given."""

    READ = "READ"
    RECORD = "RECORD"
    SYNC = "SYNC"
    ADMIN = "ADMIN"


EVERY_SCOPE = frozenset(Scope)
READING, RECORDING = frozenset({Scope.READ}), frozenset({Scope.RECORD})
BINDABLE = READING | RECORDING
"""What a key that is bound may have: the others are about the whole registry."""


@dataclass(frozen=True, slots=True)
class Bindings:
    """What a key is bound to: these agents, these environments, prompts whose name begins so. None: to none
    in particular.
    """

    agents: frozenset[str] | None = None
    environments: frozenset[str] | None = None
    name_prefix: str | None = None


UNBOUND = Bindings()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the key's public id and name, and what it may do. `free`: what it may do without a binding;
    `reads_freely`: whether reading is of that.
    """

    public_id: str | None
    name: str
    scopes: frozenset[Scope]
    bindings: Bindings = UNBOUND
    free: frozenset[Scope] = field(init=False, repr=False, compare=False)
    reads_freely: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        free = self.scopes if self.bindings == UNBOUND else frozenset[Scope]()
        object.__setattr__(self, "free", free)
        object.__setattr__(self, "reads_freely", Scope.READ in free)


ANYONE = Caller(None, "anyone", EVERY_SCOPE)
"""Who asks where no key is needed: in development mode."""
NOBODY = Caller(None, "nobody", frozenset())
"""Who asks without a right to anything."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept, but for the hash of its secret."""

    public_id: str
    name: str
    scopes: frozenset[Scope]
    bindings: Bindings
    created_at: dt.datetime
    expires_at: dt.datetime | None = None
    revoked_at: dt.datetime | None = None
    last_used_at: dt.datetime | None = None

    @property
    def global_id(self) -> str:
        return global_id("ApiKey", self.public_id)

    @property
    def caller(self) -> Caller:
        """Who asks with it. One that is bound can do no more than BINDABLE, whatever its row says."""
        scopes = self.scopes if self.bindings == UNBOUND else self.scopes & BINDABLE
        return Caller(self.public_id, self.name, scopes, self.bindings)

    def is_active(self, at: dt.datetime) -> bool:
        """Whether it opens anything at that moment."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


class KeptKey(NamedTuple):
    """A key, and the hash of its secret."""

    key: ApiKey
    secret_hash: str


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key that is wanted.

    raises  InvalidInputError  it has no name or no scope, is bound to nothing or to what is no name, has a
            scope that cannot be bound
    """

    name: str
    scopes: frozenset[Scope]
    bindings: Bindings = UNBOUND
    expires_at: dt.datetime | None = None

    def __post_init__(self) -> None:
        if not is_line(self.name, MAX_NAME):
            raise InvalidInputError(f"A key has a name of 1 to {MAX_NAME} characters.", field="name")
        if not self.scopes:
            words = ", ".join(scope.lower() for scope in Scope)
            raise InvalidInputError(f"Say what the key may do: {words}.", field="scopes")
        bindings = self.bindings
        _check_bound(bindings.agents, "agents")
        _check_bound(bindings.environments, "environments")
        if bindings.name_prefix is not None and not is_line(bindings.name_prefix, MAX_BOUND_NAME):
            raise InvalidInputError("The prefix of names must not be empty.", field="namePrefix")
        if bindings != UNBOUND and (unbound := self.scopes - BINDABLE):
            words = ", ".join(sorted(scope.lower() for scope in unbound))
            raise InvalidInputError(
                f"A key that is bound may read and record, no more: make another one for {words}.",
                field="scopes",
            )


def _check_bound(names: frozenset[str] | None, field_: str) -> None:
    """Nothing, for names that a key may be bound to.

    raises  InvalidInputError  there are none, too many, or one is no name
    """
    if names is None:
        return
    if not 1 <= len(names) <= MAX_BOUND or not all(is_line(name, MAX_BOUND_NAME) for name in names):
        raise InvalidInputError(
            f"A key is bound to 1 to {MAX_BOUND} {field_}, each named by 1 to {MAX_BOUND_NAME} characters;"
            " leave them out for any.",
            field=field_,
        )
