"""What a key may do, and which keys there may be."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.keys import ANYONE, NOBODY, UNBOUND, ApiKey, Bindings, Caller, NewApiKey, Scope

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
BOUND = Bindings(name_prefix="support/")
READ = frozenset({Scope.READ})


def test_anyone_may_all_and_nobody_nothing() -> None:
    """The two callers without a key."""
    assert (frozenset(Scope), True) == (ANYONE.free, ANYONE.reads_freely)
    assert (frozenset(), False) == (NOBODY.scopes, NOBODY.reads_freely)


@pytest.mark.parametrize(
    "bindings",
    [BOUND, Bindings(agents=frozenset({"a"})), Bindings(environments=frozenset({"e"}))],
    ids=["prefix", "agents", "environments"],
)
def test_who_is_bound_may_nothing_freely(bindings: Bindings) -> None:
    """Whatever it is bound to."""
    caller = Caller("id", "name", READ, bindings)
    assert (frozenset(), False) == (caller.free, caller.reads_freely)
    assert Caller("id", "name", READ).reads_freely


def test_a_bound_row_gives_no_more_than_what_can_be_bound() -> None:
    """Not even where somebody wrote the row by hand."""
    key = ApiKey("id", "name", frozenset(Scope), BOUND, NOW)
    assert {Scope.READ, Scope.RECORD} == key.caller.scopes
    assert frozenset(Scope) == ApiKey("id", "name", frozenset(Scope), UNBOUND, NOW).caller.scopes


@pytest.mark.parametrize(
    ("facts", "active"),
    [
        ({}, True),
        ({"expires_at": NOW + HOUR}, True),
        ({"expires_at": NOW}, False),
        ({"revoked_at": NOW - HOUR}, False),
        ({"revoked_at": NOW + HOUR}, False),
    ],
    ids=["for ever", "expires later", "expires now", "revoked", "revoked by a clock that is ahead"],
)
def test_a_key_is_active_until_it_expires_or_is_revoked(facts: Any, *, active: bool) -> None:
    """At the very moment of its end it is over."""
    assert active == ApiKey("id", "name", READ, UNBOUND, NOW, **facts).is_active(NOW)


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"scopes": frozenset()}, "scopes"),
        ({"bindings": Bindings(agents=frozenset())}, "agents"),
        ({"bindings": Bindings(agents=frozenset({""}))}, "agents"),
        ({"bindings": Bindings(environments=frozenset(map(str, range(101))))}, "environments"),
        ({"bindings": Bindings(name_prefix="")}, "namePrefix"),
        ({"bindings": BOUND, "scopes": frozenset({Scope.SYNC})}, "scopes"),
        ({"bindings": BOUND, "scopes": frozenset(Scope)}, "scopes"),
    ],
    ids=str,
)
def test_says_what_is_no_key(facts: dict[str, Any], field: str) -> None:
    """Each is refused by the field that is wrong."""
    with pytest.raises(InvalidInputError) as caught:
        NewApiKey(**{"name": "ci", "scopes": READ} | facts)
    assert field == caught.value.field
