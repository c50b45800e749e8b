"""Versions of prompts: by id, by reference, by page, and around other records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Label, Select, Text, distinct, func, literal, select, union_all

from promptgraph.domain.asking import Direction, Page, PageArgs, PromptFilter, PromptOrder, PromptOrderField
from promptgraph.domain.names import MAX_VERSION
from promptgraph.domain.prompt import Prompt
from promptgraph.store.database import Session
from promptgraph.store.families import families_by_name
from promptgraph.store.filters import family_predicates
from promptgraph.store.keys import narrowed, storable
from promptgraph.store.paging import Order, PageKey, Rows, Term, counts_by, page_of, pages_of
from promptgraph.store.records import PROMPT_COLUMNS, F, L, M, P, S, prompt_of
from promptgraph.store.tables import FAMILIES, LABELS, PROMPTS

S_ = TypeVar("S_", bound="Select[*tuple[Any, ...]]")
BRANCHES = 100
NUMBERED, LATEST = "@", ""
"""What a row was asked for by, where it was by no label; no label is written so."""

PROMPTS_ORDERS: Mapping[PromptOrder, Order] = {
    PromptOrder(PromptOrderField.NAME, direction): (
        Term(F.name, "name", direction is Direction.DESC),
        Term(P.version, "version", descending=True),
    )
    for direction in Direction
} | {
    PromptOrder(PromptOrderField.CREATED_AT, direction): (
        Term(P.created_at, "created_at", direction is Direction.DESC),
        Term(P.id, "id", direction is Direction.DESC),
    )
    for direction in Direction
}
"""By name the newest version of each comes first, whatever the direction."""
VERSIONS_ORDER: Order = (Term(P.version, "version", descending=True),)
AGENT_PROMPTS_ORDER: Order = PROMPTS_ORDERS[PromptOrder()]


class PromptRef(NamedTuple):
    """A version by number or by label; with neither the latest. The version wins where both are given."""

    name: str
    version: int | None = None
    label: str | None = None


class NeighbourKey(NamedTuple):
    """The version before (`step` -1) or after (1) a stored one; numbers may be left out between them."""

    family_id: int
    version: int
    step: int


class MomentKey(NamedTuple):
    """What `label` served at an instant."""

    name: str
    label: str
    at: dt.datetime


@cache
def _prompts() -> Rows:
    return select(*PROMPT_COLUMNS).join_from(PROMPTS, FAMILIES, P.family_id == F.id)


async def prompts_by_id(session: Session, ids: Sequence[int]) -> list[Prompt | None]:
    """Prompts in the order of `ids`; None where there is none.

    cost  one statement
    """
    rows = await session.execute(_prompts().where(P.id.in_(storable(ids))))
    found = {row[0]: prompt_of(row) for row in rows}
    return [found.get(id_) for id_ in ids]


async def prompts_by_ref(session: Session, refs: Sequence[PromptRef]) -> list[Prompt | None]:
    """Prompts in the order of `refs`, retired ones too; None where there is none. A former name counts
    where no family has it now.

    cost  one statement; up to three more where a name is nobody's now
    """
    found = await _by_ref(session, refs)
    missing = sorted({ref.name for ref in refs if ref not in found})
    if missing:
        heirs = await families_by_name(session, missing)
        renamed = {
            old: heir.name for old, heir in zip(missing, heirs, strict=True) if heir and heir.name != old
        }
        moved = {ref: ref._replace(name=renamed[ref.name]) for ref in refs if ref.name in renamed}
        again = await _by_ref(session, list(moved.values())) if moved else {}
        found |= {ref: again[now] for ref, now in moved.items() if now in again}
    return [found.get(ref) for ref in refs]


async def _by_ref(session: Session, refs: Sequence[PromptRef]) -> dict[PromptRef, Prompt]:
    """Those of `refs` whose name is a present one, in one statement: a branch for each kind of reference."""
    versions = {(ref.name, ref.version) for ref in refs if ref.version and 0 < ref.version <= MAX_VERSION}
    labels = {(ref.name, ref.label) for ref in refs if ref.version is None and ref.label is not None}
    latest = {ref.name for ref in refs if ref.version is None and ref.label is None}
    branches: list[Rows] = []
    if versions:
        numbered = narrowed(_prompts(), (P.name, P.version), versions)
        branches.append(numbered.add_columns(_asked(NUMBERED)))
    if latest:
        newest = _prompts().where(P.version == F.latest_version)
        branches.append(newest.add_columns(_asked(LATEST)).where(F.name.in_(latest)))
    if labels:
        names, words = zip(*labels, strict=True)
        pointed = _prompts().join(LABELS, (L.family_id == F.id) & (L.prompt_id == P.id))
        pointed = pointed.where(F.name.in_(set(names)), L.label.in_(set(words)))
        branches.append(pointed.add_columns(L.label.label("asked")))
    if not branches:
        return {}
    found: dict[PromptRef, Prompt] = {}
    for row in await session.execute(union_all(*branches)):
        prompt = prompt_of(row)
        found[PromptRef(prompt.name, prompt.version)] = prompt
        if row[-1] != NUMBERED:
            found[PromptRef(prompt.name, label=row[-1] or None)] = prompt
    return {ref: found[key] for ref in refs if (key := _plain(ref)) in found}


def _asked(word: str) -> Label[str]:
    return literal(word, Text).label("asked")


def _plain(ref: PromptRef) -> PromptRef:
    return ref if ref.version is None else ref._replace(label=None)


async def prompts_page(
    session: Session, wanted: PromptFilter, order: PromptOrder, page: PageArgs
) -> Page[Prompt]:
    """A page of the versions that `wanted` lets through: of each name the latest, the labelled, or all.

    cost  one statement; a second one where the page has a cursor
    """
    return await page_of(session, _matching(_prompts(), wanted), PROMPTS_ORDERS[order], page, prompt_of)


async def count_prompts(session: Session, wanted: PromptFilter) -> int:
    """How many versions `wanted` lets through.

    cost  one statement
    """
    stmt = select(func.count()).select_from(PROMPTS).join(FAMILIES, P.family_id == F.id)
    return int((await session.execute(_matching(stmt, wanted))).scalar_one())


def _matching(stmt: S_, wanted: PromptFilter) -> S_:
    stmt = stmt.where(*family_predicates(wanted))
    if wanted.label is not None:
        return stmt.join(LABELS, (L.family_id == F.id) & (L.prompt_id == P.id)).where(L.label == wanted.label)
    return stmt if wanted.all_versions else stmt.where(P.version == F.latest_version)


async def prompts_by_family(session: Session, keys: Sequence[PageKey]) -> list[Page[Prompt]]:
    """A page of versions per family id, newest first, in key order.

    cost  one statement per distinct page; a second one where it has a cursor
    """
    return await pages_of(session, keys, _prompts(), VERSIONS_ORDER, P.family_id, prompt_of)


async def count_prompts_by_family(session: Session, ids: Sequence[int]) -> list[int]:
    """How many versions each family has, in the order of `ids`.

    cost  one statement
    """
    return await counts_by(session, P.family_id, func.count(), ids)


async def neighbours(session: Session, keys: Sequence[NeighbourKey]) -> list[Prompt | None]:
    """The next stored version on one side of each, in key order; None at the end.

    cost  two statements
    """
    other = PROMPTS.alias("other")
    same = other.c.family_id == P.family_id
    before = select(func.max(other.c.version)).where(same, other.c.version < P.version)
    after = select(func.min(other.c.version)).where(same, other.c.version > P.version)
    around = select(P.family_id, P.version, before.scalar_subquery(), after.scalar_subquery())
    columns = (P.family_id, P.version)
    stored = narrowed(around.select_from(PROMPTS), columns, {(key.family_id, key.version) for key in keys})
    next_to: dict[NeighbourKey, tuple[int, int]] = {}
    for family_id, version, lower, higher in await session.execute(stored):
        for step, found in ((-1, lower), (1, higher)):
            if found is not None:
                next_to[NeighbourKey(family_id, version, step)] = (family_id, found)
    rows = await session.execute(
        narrowed(_prompts(), columns, {next_to[key] for key in keys if key in next_to})
    )
    prompts = {(prompt.family.id, prompt.version): prompt for prompt in map(prompt_of, rows)}
    return [prompts.get(next_to.get(key, (0, 0))) for key in keys]


async def prompts_by_agent(session: Session, keys: Sequence[PageKey]) -> list[Page[Prompt]]:
    """A page per agent id of what its assignments resolve to now, each version once, by name.

    cost  one statement per distinct page; a second one where it has a cursor
    """
    ids = storable(key.id for key in keys)
    used = select(S.agent_id, S.prompt_id).where(S.agent_id.in_(ids)).distinct().subquery("used")
    rows = _prompts().join(used, used.c.prompt_id == P.id)
    return await pages_of(session, keys, rows, AGENT_PROMPTS_ORDER, used.c.agent_id, prompt_of)


async def count_prompts_by_agent(session: Session, ids: Sequence[int]) -> list[int]:
    """How many versions the assignments of each agent resolve to now, in the order of `ids`.

    cost  one statement
    """
    return await counts_by(session, S.agent_id, func.count(distinct(S.prompt_id)), ids)


async def prompt_at(session: Session, keys: Sequence[MomentKey]) -> list[Prompt | None]:
    """What each label served at an instant, by when its moves were applied here, in key order.

    cost  two statements per hundred keys, and one for their names; one more where a name is nobody's now
    """
    families = await families_by_name(session, [key.name for key in keys])
    asked = {(family.id, key.label, key.at) for key, family in zip(keys, families, strict=True) if family}
    moves = await _last_moves(session, sorted(asked))
    prompts = await prompts_by_id(session, list(moves.values()))
    found = dict(zip(moves, prompts, strict=True))
    return [
        found.get((family.id, key.label, key.at)) if family else None
        for key, family in zip(keys, families, strict=True)
    ]


async def _last_moves(
    session: Session, asked: Sequence[tuple[int, str, dt.datetime]]
) -> dict[tuple[int, str, dt.datetime], int]:
    """The prompt id that the last move before each instant went to; a removed label is left out."""
    found: dict[tuple[int, str, dt.datetime], int] = {}
    for start in range(0, len(asked), BRANCHES):
        branches = [
            select(literal(start + i).label("asked"), branch.c.to_prompt_id)
            for i, key in enumerate(asked[start : start + BRANCHES])
            for branch in [_last_move(*key).subquery()]
        ]
        for index, prompt_id in await session.execute(union_all(*branches)):
            if prompt_id is not None:
                found[asked[index]] = prompt_id
    return found


def _last_move(family_id: int, label: str, at: dt.datetime) -> Rows:
    newest = (M.moved_at.desc(), M.id.desc())
    return (
        select(M.to_prompt_id)
        .where(M.family_id == family_id, M.label == label, M.moved_at <= at)
        .order_by(*newest)
        .limit(1)
    )
