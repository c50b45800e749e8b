"""Which scores may be stored."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.score import NewScore, check_score

SOUND: dict[str, dict[str, Any]] = {
    "a value": {"value": -1e9},
    "nought": {"value": 0},
    "a label": {"label": "good"},
    "all": {"value": 0.5, "label": "so so", "comment": "two\nlines", "source": "human review"},
}
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "neither value nor label": ({"comment": "well"}, "value"),
    "NaN": ({"value": float("nan")}, "value"),
    "infinite": ({"value": float("-inf")}, "value"),
    "too great": ({"value": 1.1e9}, "value"),
    "true": ({"value": True}, "value"),
    "no name": ({"name": "", "value": 1}, "name"),
    "a long name": ({"name": "x" * 65, "value": 1}, "name"),
    "a name of two lines": ({"name": "a\nb", "value": 1}, "name"),
    "blank source": ({"source": " ", "value": 1}, "source"),
    "a surrogate": ({"label": "\ud800"}, "label"),
    "NUL": ({"value": 1, "comment": "\x00"}, "comment"),
    "a long comment": ({"value": 1, "comment": "x" * 4097}, "comment"),
}


def score(**values: Any) -> NewScore:
    facts: dict[str, Any] = {"call_id": UUID(int=1), "name": "quality"}
    return NewScore(**facts | values)


@pytest.mark.parametrize("values", SOUND.values(), ids=SOUND)
def test_accepts(values: dict[str, Any]) -> None:
    """A value, a label, or both."""
    check_score(score(**values))


@pytest.mark.parametrize(("values", "field"), BAD.values(), ids=BAD)
def test_refuses(values: dict[str, Any], field: str) -> None:
    """The sentence begins with what is wrong, or says what is missing."""
    with pytest.raises(InvalidInputError) as caught:
        check_score(score(**values))
    assert field == caught.value.field
