"""Labels as they stand, and every move they made."""

from __future__ import annotations

import datetime as dt

from promptgraph.domain.asking import PageArgs
from promptgraph.domain.registry import LabelMove, PromptLabel
from promptgraph.store import registry
from promptgraph.store.database import Database
from promptgraph.store.labels import (
    MOVES_ORDER,
    count_moves_by_family,
    labels_by_family,
    labels_by_prompt,
    moves_by_family,
    moves_by_id,
)
from promptgraph.store.paging import PageKey, position_of
from tests.conftest import Statements
from tests.store.stock import NOW, SOURCE, point, stock

DAY = dt.timedelta(days=1)


async def test_a_label_comes_back_whole(db: Database) -> None:
    """All that was written is read again, with the name and the version it points to."""
    async with db.write() as session:
        family = await stock(session, "a", (1, 2))
        await registry.put_label(
            session,
            family_id=family.id,
            label="production",
            prompt_id=family.prompts[2],
            managed_by_file=True,
            overridden=True,
            file_version=1,
            at=NOW,
        )
        [[found]] = await labels_by_family(session, [family.id])
    assert found == PromptLabel(
        id=1,
        family_id=family.id,
        name="a",
        label="production",
        prompt_id=family.prompts[2],
        version=2,
        managed_by_file=True,
        overridden=True,
        file_version=1,
        moved_at=NOW,
    )


async def test_labels_are_sorted_under_their_owners(db: Database, statements: Statements) -> None:
    """Those of each family and of each version, by label, in one statement each."""
    async with db.write() as session:
        a, b = await stock(session, "a", (1, 2)), await stock(session, "b", (1,))
        for label in ("staging", "production", "qa"):
            await point(session, a, label, 1)
        await point(session, a, "canary", 2)
        await point(session, b, "production", 1)
    async with db.read() as session:
        with statements.counted(1):
            by_family = await labels_by_family(session, [b.id, 99, a.id, b.id])
        with statements.counted(1):
            by_prompt = await labels_by_prompt(session, [a.prompts[2], a.prompts[1], 99])
    words = [[f"{label.name} {label.label}" for label in labels] for labels in by_family]
    of_a = ["a canary", "a production", "a qa", "a staging"]
    assert [["b production"], [], of_a, ["b production"]] == words
    pointing = [[label.label for label in labels] for labels in by_prompt]
    assert [["canary"], ["production", "qa", "staging"], []] == pointing


async def test_putting_a_label_again_is_a_move_only_elsewhere(db: Database) -> None:
    """A label keeps its row and its instant while it stays where it is."""
    async with db.write() as session:
        family = await stock(session, "a", (1, 2))
        for version, at in ((1, NOW), (1, NOW + DAY), (2, NOW + 2 * DAY)):
            await point(session, family, "production", version, at=at)
            [[found]] = await labels_by_family(session, [family.id])
            expected = NOW if version == 1 else NOW + 2 * DAY
            assert (1, version, expected) == (found.id, found.version, found.moved_at)
        await registry.drop_label(session, found.id)
        assert [[]] == await labels_by_family(session, [family.id])


async def test_history_is_newest_first(db: Database, statements: Statements) -> None:
    """Moves of one instant stand in the order they were made; a page per family in one statement."""
    async with db.write() as session:
        a, b = await stock(session, "a", (1, 2)), await stock(session, "b", (1,))
        moves = [
            await point(session, a, "production", 1, at=NOW),
            await point(session, a, "production", 2, at=NOW + DAY),
            await point(session, a, "staging", 2, at=NOW + DAY),
            await point(session, a, "production", None, at=NOW + 2 * DAY),
        ]
        other = await point(session, b, "production", 1, at=NOW)
    async with db.read() as session:
        with statements.counted(1):
            pages = await moves_by_family(session, [PageKey(id_, PageArgs(3)) for id_ in (a.id, b.id, 99)])
        with statements.counted(1):
            assert [1, 4, 0] == await count_moves_by_family(session, [b.id, a.id, 99])
        after = position_of(MOVES_ORDER, pages[0].items[-1])
        [rest] = await moves_by_family(session, [PageKey(a.id, PageArgs(3, after=after))])
        with statements.counted(1):
            found = await moves_by_id(session, [other, 99, moves[3], 2**80])
    assert [moves[:0:-1], [other], []] == [[move.id for move in page.items] for page in pages]
    assert ([moves[0]], True, False) == ([m.id for m in rest.items], rest.has_previous, rest.has_next)
    assert [other, None, moves[3], None] == [move.id if move else None for move in found]
    removed = found[2]
    assert removed is not None and (a.prompts[2], None) == (removed.from_prompt_id, removed.to_prompt_id)


async def test_a_move_comes_back_whole(db: Database) -> None:
    """Who, when, why and from which commit."""
    async with db.write() as session:
        family = await stock(session, "a", (1, 2))
        id_ = await registry.add_move(
            session,
            family_id=family.id,
            label="production",
            from_prompt_id=family.prompts[1],
            to_prompt_id=family.prompts[2],
            at=NOW,
            moved_by="Ann",
            reason="It is better.",
            source=SOURCE,
        )
        [found] = await moves_by_id(session, [id_])
    assert found == LabelMove(
        id=id_,
        family_id=family.id,
        name="a",
        label="production",
        from_prompt_id=family.prompts[1],
        to_prompt_id=family.prompts[2],
        moved_at=NOW,
        moved_by="Ann",
        reason="It is better.",
        source=SOURCE,
    )
