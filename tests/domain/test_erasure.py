"""Which calls are to be erased: named in one way, for a reason."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from promptgraph.domain.erasure import Erasure
from promptgraph.domain.errors import InvalidInputError, TooManyRowsError

ONE = (UUID(int=1),)
REFUSED: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "no way": ({}, InvalidInputError, "callIds"),
    "two ways": ({"user_id": "u", "conversation_id": "c"}, InvalidInputError, "callIds"),
    "no reason": ({"user_id": "u", "reason": " "}, InvalidInputError, "reason"),
    "no user": ({"user_id": ""}, InvalidInputError, "userId"),
    "no id": ({"call_ids": ()}, TooManyRowsError, "callIds"),
    "too many ids": ({"call_ids": ONE * 1001}, TooManyRowsError, "callIds"),
}


@pytest.mark.parametrize(("given", "kind", "field"), REFUSED.values(), ids=REFUSED)
def test_calls_are_named_in_exactly_one_way(given: dict[str, Any], kind: type[Exception], field: str) -> None:
    """Nothing is taken for everything; the field to blame is named."""
    with pytest.raises(kind) as refused:
        Erasure(**{"reason": "asked", **given})
    assert field == getattr(refused.value, "field", None)


def test_an_erasure_says_how_its_calls_are_named() -> None:
    """But not which: that is not written down."""
    ways = [{"call_ids": ONE}, {"user_id": "u"}, {"conversation_id": "c"}]
    found = [Erasure(reason="asked", **way).way for way in ways]  # type: ignore[arg-type]  # one way each
    assert ["callIds", "userId", "conversationId"] == found
