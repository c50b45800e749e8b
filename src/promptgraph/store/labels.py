"""Labels, and the history of their moves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, select

from promptgraph.domain.asking import Page
from promptgraph.domain.registry import LabelMove, PromptLabel
from promptgraph.store.database import Session
from promptgraph.store.keys import storable
from promptgraph.store.paging import Order, PageKey, Rows, Term, counts_by, pages_of
from promptgraph.store.records import LABEL_COLUMNS, MOVE_COLUMNS, F, L, M, P, label_of, move_of
from promptgraph.store.tables import FAMILIES, LABELS, MOVES, PROMPTS

MOVES_ORDER: Order = (Term(M.moved_at, "moved_at", descending=True), Term(M.id, "id", descending=True))


async def labels_by_family(session: Session, ids: Sequence[int]) -> list[list[PromptLabel]]:
    """The labels of each family, by label, in the order of `ids`.

    cost  one statement
    """
    return await _labels_by(session, L.family_id, ids)


async def labels_by_prompt(session: Session, ids: Sequence[int]) -> list[list[PromptLabel]]:
    """The labels that point to each version, by label, in the order of `ids`.

    cost  one statement
    """
    return await _labels_by(session, L.prompt_id, ids)


async def _labels_by(
    session: Session, parent: ColumnElement[int], ids: Sequence[int]
) -> list[list[PromptLabel]]:
    stmt = labels().add_columns(parent.label("parent")).where(parent.in_(storable(ids)))
    found: defaultdict[int, list[PromptLabel]] = defaultdict(list)
    for row in await session.execute(stmt.order_by(L.label)):
        found[row[-1]].append(label_of(row))
    return [found[id_] for id_ in ids]


def labels() -> Rows:
    """Every label, with the name of its family and its version's number."""
    return (
        select(*LABEL_COLUMNS)
        .join_from(LABELS, FAMILIES, L.family_id == F.id)
        .join(PROMPTS, L.prompt_id == P.id)
    )


def _moves() -> Rows:
    return select(*MOVE_COLUMNS).join_from(MOVES, FAMILIES, M.family_id == F.id)


async def moves_by_id(session: Session, ids: Sequence[int]) -> list[LabelMove | None]:
    """Moves in the order of `ids`; None where there is none.

    cost  one statement
    """
    rows = await session.execute(_moves().where(M.id.in_(storable(ids))))
    found = {row[0]: move_of(row) for row in rows}
    return [found.get(id_) for id_ in ids]


async def moves_by_family(session: Session, keys: Sequence[PageKey]) -> list[Page[LabelMove]]:
    """A page of label moves per family id, newest first, in key order.

    cost  one statement per distinct page; a second one where it has a cursor
    """
    return await pages_of(session, keys, _moves(), MOVES_ORDER, M.family_id, move_of)


async def count_moves_by_family(session: Session, ids: Sequence[int]) -> list[int]:
    """How many moves each family has seen, in the order of `ids`.

    cost  one statement
    """
    return await counts_by(session, M.family_id, func.count(), ids)


async def labels_ever(session: Session) -> list[tuple[int, str]]:
    """Every label that was ever set, with its family's id, by both.

    cost  one statement
    """
    rows = await session.execute(select(M.family_id, M.label).distinct().order_by(M.family_id, M.label))
    return [(family_id, label) for family_id, label in rows]
