"""Calls that are refused today, though an earlier attempt was stored: prompts come and go, calls stay."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TypeVar

from promptgraph.domain.call import LlmCall, NewCall
from promptgraph.domain.call_hash import TOLD_HASH_SCHEME, hash_scheme, idempotency_hash, is_same
from promptgraph.domain.errors import (
    InvalidInputError,
    NotFoundError,
    PromptgraphError,
    PromptMismatchError,
    TooOldError,
)
from promptgraph.domain.prompt import Prompt
from promptgraph.record.linking import FIELD, parse_prompt_id
from promptgraph.store.call_writes import confirm
from promptgraph.store.calls import calls_by_id
from promptgraph.store.database import Database
from promptgraph.store.prompts import prompts_by_id

K = TypeVar("K")


def is_about_today(error: PromptgraphError) -> bool:
    """Whether the same call may have been right when it was first sent."""
    return isinstance(error, NotFoundError | PromptMismatchError | TooOldError) or error.field == FIELD


async def stored_earlier(db: Database, refused: Mapping[K, NewCall]) -> dict[K, LlmCall]:
    """Those of `refused` that are stored already, as they are stored: the same call, of the version that its
    prompt id named then.

    keys    any; each call passed `check_call`, but for its start
    raises  StoreUnavailableError  the database is out of reach
    cost    three statements where some are stored, one where none is, none where none has an id
    """
    known = {key: call.call_id for key, call in refused.items() if call.call_id is not None}
    if not known:
        return {}
    async with db.read() as session:
        found = dict(zip(known, await calls_by_id(session, list(known.values())), strict=True))
        stored = {key: call for key, call in found.items() if call is not None}
        rows = sorted({call.prompt_id for call in stored.values() if call.prompt_id is not None})
        prompts = dict(zip(rows, await prompts_by_id(session, rows), strict=True)) if rows else {}
    same = {
        key: call
        for key, call in stored.items()
        if _is_same(refused[key], call, prompts.get(call.prompt_id) if call.prompt_id is not None else None)
    }
    if same:
        await db.at_once(partial(confirm, ids=[call.id for call in same.values()]))
    return same


def _is_same(call: NewCall, stored: LlmCall, prompt: Prompt | None) -> bool:
    scheme = hash_scheme(call)
    named = scheme == TOLD_HASH_SCHEME or _may_name(call.prompt_id, prompt)
    return named and is_same(idempotency_hash(call, stored.prompt_id), scheme, stored)


def _may_name(id_: str | None, prompt: Prompt | None) -> bool:
    """Whether an id that names nothing now may have named `prompt`: a name may be gone, a number not."""
    if id_ is None or prompt is None:
        return id_ is None and prompt is None
    try:
        key = parse_prompt_id(id_)
    except InvalidInputError:
        return False
    return key == prompt.id if isinstance(key, int) else key.version == prompt.version
