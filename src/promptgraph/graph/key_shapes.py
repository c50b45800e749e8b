"""The types about API keys."""

from __future__ import annotations

import datetime as dt

import strawberry

from promptgraph.domain.keys import Scope
from promptgraph.graph import acts, key_acts
from promptgraph.graph.field import attribute, computed, resolved, shape
from promptgraph.graph.payloads import MutationError


@shape
class ApiKey:
    """A key to this server, without its secret."""

    id: strawberry.ID = attribute("Opaque.", of="global_id")
    public_id: str = attribute("What it is known by, in logs too; it opens nothing.")
    name: str = attribute("What people know it by.")
    scopes: list[Scope] = computed("What it may do.", key_acts.scopes_in_order)
    created_at: dt.datetime = attribute("When it was made.")
    expires_at: dt.datetime | None = attribute("From when on it opens nothing; null for never.")
    revoked_at: dt.datetime | None = attribute("When it was taken back; null if it was not.")
    last_used_at: dt.datetime | None = attribute(
        "When it was used last, to the minute; null if it never was."
    )


@shape
class CreateApiKeyPayload:
    """What became of the key."""

    key: ApiKey | None = attribute("The key; null if it was refused.")
    secret: str | None = attribute("The whole key, as it is sent: it is shown this once.")
    errors: list[MutationError] = resolved(acts.errors)


@shape
class RevokeApiKeyPayload:
    """What became of the key."""

    key: ApiKey | None = attribute("The key, as it is now.")
    errors: list[MutationError] = resolved(acts.errors)
