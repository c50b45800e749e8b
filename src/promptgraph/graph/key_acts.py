"""API keys in the graph: who has one, and the mutations that give and take them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from promptgraph.domain.errors import PromptgraphError
from promptgraph.domain.keys import ApiKey, Bindings, NewApiKey, Scope
from promptgraph.graph.field import input_shape, words
from promptgraph.graph.inputs import described, short
from promptgraph.graph.loaders import Context, Info
from promptgraph.store.api_keys import CreatedKey, all_keys, create_key, revoke_key


@input_shape()
class CreateApiKeyInput:
    """A key to make."""

    name: str = described("What people know it by; several keys may have the same.")
    scopes: list[Scope] = described("What it may do.")
    agents: list[str] | None = described("It records calls of these agents alone, and reads them.", None)
    environments: list[str] | None = described("It records calls in these environments alone.", None)
    name_prefix: str | None = described(
        "It records calls of, and reads, prompts alone whose name begins with this.", None
    )
    expires_at: dt.datetime | None = described("From this moment on it opens nothing.", None)


@input_shape()
class RevokeApiKeyInput:
    """A key to take back."""

    public_id: str = described("The key's publicId.")


@dataclass(frozen=True, slots=True)
class KeyChanged:
    """What became of a key; `secret` is the whole key, where it was made just now."""

    key: ApiKey | None = None
    secret: str | None = None
    error: PromptgraphError | None = None


async def api_keys(info: Info) -> list[ApiKey]:
    """Every key, the newest first, revoked ones too. Nobody can look up a key's secret."""
    async with info.context.db.read() as session:
        return await all_keys(session)


async def create_api_key(info: Info, input: Annotated[CreateApiKeyInput, words("The key.")]) -> KeyChanged:
    """Make a key. Its secret is in this answer, and nowhere else ever."""
    made, error = await info.context.settle(_create(info.context, input))
    return KeyChanged(*made) if made else KeyChanged(error=error)


async def _create(context: Context, given: CreateApiKeyInput) -> CreatedKey:
    bindings = Bindings(_names(given.agents), _names(given.environments), given.name_prefix)
    wanted = NewApiKey(given.name, frozenset(given.scopes), bindings, given.expires_at)
    async with context.db.write() as session:
        return await create_key(session, wanted, context.now())


async def revoke_api_key(info: Info, input: Annotated[RevokeApiKeyInput, words("The key.")]) -> KeyChanged:
    """Take a key back, for ever: it opens nothing from a few seconds later on, in every process."""
    key, error = await info.context.settle(_revoke(info.context, input))
    return KeyChanged(key, error=error)


async def _revoke(context: Context, given: RevokeApiKeyInput) -> ApiKey:
    public_id = short(given.public_id, "publicId")
    async with context.db.write() as session:
        return await revoke_key(session, public_id, context.now())


def scopes_in_order(root: ApiKey) -> list[Scope]:
    """What the key may do, in the order of the schema."""
    return [scope for scope in Scope if scope in root.scopes]


def _names(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)
