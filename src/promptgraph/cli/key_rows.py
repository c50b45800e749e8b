"""API keys as the terminal shows them, and how long a new one is to last."""

from __future__ import annotations

import datetime as dt
import re

from promptgraph.cli.output import instant
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.keys import ApiKey, Bindings, Scope

COLUMNS = ("public id", "name", "scopes", "bound to", "created", "last used", "state")
MOST_DAYS = 3_650

_LIFETIME = re.compile("([0-9]{1,6})([hd])", re.ASCII)
_UNITS = {"h": dt.timedelta(hours=1), "d": dt.timedelta(days=1)}


def lifetime(text: str) -> dt.timedelta:
    """How long a key lasts, as it is written: `90d`, `12h`.

    raises  InvalidInputError  it is no such time, none at all, or too long
    """
    found = _LIFETIME.fullmatch(text)
    if found is None:
        raise InvalidInputError(f"{text!r} is no time: write 90d or 12h.", field="expires-in")
    span = int(found[1]) * _UNITS[found[2]]
    if not dt.timedelta() < span <= dt.timedelta(days=MOST_DAYS):
        raise InvalidInputError(f"A key lasts from 1h to {MOST_DAYS}d, or for ever.", field="expires-in")
    return span


def row(key: ApiKey, now: dt.datetime) -> tuple[str, ...]:
    """A key under COLUMNS."""
    used = "never" if key.last_used_at is None else instant(key.last_used_at)
    scopes = " ".join(scope.lower() for scope in Scope if scope in key.scopes)
    return (
        *(key.public_id, key.name, scopes, _bound(key.bindings)),
        *(instant(key.created_at), used, _state(key, now)),
    )


def plain(key: ApiKey) -> dict[str, object]:
    """A key as JSON has it."""
    bindings = key.bindings
    return {
        "publicId": key.public_id,
        "name": key.name,
        "scopes": [scope for scope in Scope if scope in key.scopes],
        "agents": _sorted(bindings.agents),
        "environments": _sorted(bindings.environments),
        "namePrefix": bindings.name_prefix,
        "createdAt": key.created_at,
        "expiresAt": key.expires_at,
        "revokedAt": key.revoked_at,
        "lastUsedAt": key.last_used_at,
    }


def _sorted(names: frozenset[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)


def _bound(bindings: Bindings) -> str:
    facts = {
        "prompts": [] if bindings.name_prefix is None else [f"{bindings.name_prefix}*"],
        "agents": sorted(bindings.agents or ()),
        "environments": sorted(bindings.environments or ()),
    }
    return "; ".join(f"{what} {', '.join(names)}" for what, names in facts.items() if names)


def _state(key: ApiKey, now: dt.datetime) -> str:
    if key.revoked_at is not None:
        return f"revoked {instant(key.revoked_at)}"
    if key.expires_at is None:
        return "active"
    return f"{'active until' if key.is_active(now) else 'expired'} {instant(key.expires_at)}"
