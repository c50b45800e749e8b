"""What a bound key may record."""

from __future__ import annotations

from typing import Any

import pytest

from promptgraph.domain.call import NewCall, RecordStatus
from promptgraph.domain.errors import ForbiddenError, InvalidInputError
from promptgraph.domain.keys import Bindings
from promptgraph.domain.names import global_id
from promptgraph.record.binding import outside, record_bound
from promptgraph.store.database import Database
from tests.graph.registry import FILES, sync
from tests.recorders import recorder

CALL = NewCall(
    "gpt-5", prompt_id=global_id("Prompt", "support/answer", 1), agent="support-bot", environment="staging"
)


@pytest.mark.parametrize(
    "bindings",
    [
        Bindings(name_prefix="support/"),
        Bindings(agents=frozenset({"support-bot", "other"})),
        Bindings(environments=frozenset({"staging"})),
        Bindings(frozenset({"support-bot"}), frozenset({"staging"}), "support/answer"),
    ],
    ids=["prefix", "agents", "environments", "all"],
)
def test_a_call_within_the_bindings_may_be_recorded(bindings: Bindings) -> None:
    """Each binding that there is must fit."""
    assert outside(CALL, bindings) is None


@pytest.mark.parametrize(
    ("bindings", "change", "field"),
    [
        (Bindings(name_prefix="billing/"), {}, "promptId"),
        (Bindings(name_prefix="Support/"), {}, "promptId"),
        (Bindings(name_prefix="support/"), {"prompt_id": None}, "promptId"),
        (Bindings(name_prefix="support/"), {"prompt_id": "1"}, "promptId"),
        (Bindings(agents=frozenset({"other"})), {}, "agent"),
        (Bindings(agents=frozenset({"other"})), {"agent": None}, "agent"),
        (Bindings(environments=frozenset({"production"})), {}, "environment"),
        (Bindings(frozenset({"support-bot"}), frozenset({"staging"}), "billing/"), {}, "promptId"),
    ],
)
def test_a_call_outside_the_bindings_may_not(bindings: Bindings, change: dict[str, Any], field: str) -> None:
    """By the field that is not the key's, whatever the database holds."""
    flaw = outside(CALL._replace(**change), bindings)
    assert isinstance(flaw, ForbiddenError)
    assert field == flaw.field


def test_what_is_no_id_is_said_so() -> None:
    """A wrong id is wrong with any key."""
    flaw = outside(CALL._replace(prompt_id="no id"), Bindings(name_prefix="support/"))
    assert isinstance(flaw, InvalidInputError)


async def test_rejects_by_the_row_and_holds_up_no_other(db: Database) -> None:
    """Each call gets its own result, in the order sent."""
    await sync(db, FILES)
    calls = [CALL, CALL._replace(environment="production"), CALL]
    found = await record_bound(recorder(db), calls, Bindings(environments=frozenset({"staging"})))
    assert [RecordStatus.RECORDED, RecordStatus.REJECTED, RecordStatus.RECORDED] == [
        each.status for each in found
    ]
    assert isinstance(found[1].error, ForbiddenError)


async def test_does_not_tell_what_there_is(db: Database) -> None:
    """A prompt that exists and one that does not are refused alike outside the bindings."""
    await sync(db, FILES)
    none = CALL._replace(prompt_id=global_id("Prompt", "support/none", 1))
    found = await record_bound(recorder(db), [CALL, none], Bindings(name_prefix="billing/"))
    first, second = (str(each.error) for each in found)
    assert first == second
