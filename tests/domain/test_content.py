"""What is stored of what calls are about, as settings and files say it."""

from __future__ import annotations

from uuid import UUID

import pytest

from promptgraph.domain.call import CallContent, ContentState, LlmCall
from promptgraph.domain.content import IN_FULL, Levels, parts_of, policy_of, stricter, strictest
from promptgraph.domain.errors import InvalidInputError
from tests.store.stock import NOW

FULL, HASHED, NONE, ERASED = ContentState
ID = UUID(int=1)

SAID = {
    "one word": ("hashed", "production", Levels(HASHED, HASHED, HASHED)),
    "an environment": ("production=none", "production", Levels(NONE, NONE, NONE)),
    "another environment": ("production=none", "staging", IN_FULL),
    "the others": ("production=full,*=none", "staging", Levels(NONE, NONE, NONE)),
    "a part": ("production.output=none", "production", Levels(FULL, NONE, FULL)),
    "a part of the others": ("*.metadata=hashed", "staging", Levels(FULL, FULL, HASHED)),
    "a part before the whole": ("a.output=full, a=none", "a", Levels(NONE, FULL, NONE)),
    "an environment's whole before the others' part": ("*.output=none,a=full", "a", IN_FULL),
    "an environment's part, the rest from the others": ("a.output=full,none", "a", Levels(NONE, FULL, NONE)),
    "a dot in the name": ("eu.west.output=none", "eu.west", Levels(FULL, NONE, FULL)),
}
REFUSED = {
    "no level": ("hash", "'hash' in 'hash' must be full, hashed or none"),
    "no level of an environment": ("a=full,b=ful", "'ful' in 'b=ful' must be full, hashed or none"),
    "nothing": ("", "'' in '' must be full, hashed or none"),
    "a trailing comma": ("full,", "'' in '' must be full, hashed or none"),
    "no part": ("a.ouput=none", "'ouput' in 'a.ouput=none' must be variables, output or metadata"),
    "no environment": ("=none", "'=none' names no environment; * means all that are not named"),
    "a part of no environment": (".output=none", "'.output=none' names no environment"),
    "twice": ("a=none,a=full", "'a' comes twice"),
    "a part twice": ("a.output=none,a.output=full", "'a.output' comes twice"),
}


@pytest.mark.parametrize(("text", "environment", "expected"), SAID.values(), ids=SAID)
def test_the_closest_entry_counts(text: str, environment: str, expected: Levels) -> None:
    """The environment before the others, and there the part before the whole."""
    assert expected == policy_of(text).of(environment)


@pytest.mark.parametrize(("text", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_policy_is_refused(text: str, sentence: str) -> None:
    """Nothing that was meant to keep something out is passed over; the sentence names it."""
    with pytest.raises(InvalidInputError) as refused:
        policy_of(text)
    assert str(refused.value).startswith(sentence)


def test_a_policy_says_what_it_is() -> None:
    """In words, and whether it needs a key."""
    policy = policy_of("production=hashed,production.output=none")
    assert (
        "in production variables hashed, output none, metadata hashed;"
        " elsewhere variables, output and metadata full"
    ) == policy.sentence()
    assert (True, False) == (policy.hashes, policy_of("a=none").hashes)


def test_the_stricter_counts_for_each_part() -> None:
    """Whoever says it; and what may be said of all of a call is the strictest."""
    one, other = Levels(FULL, NONE, HASHED), Levels(HASHED, FULL, HASHED)
    assert Levels(HASHED, NONE, HASHED) == stricter(one, other) == stricter(other, one)
    assert [NONE, HASHED, NONE] == [strictest([FULL, NONE, HASHED]), strictest([HASHED, FULL]), strictest([])]


def test_levels_come_back_from_their_words() -> None:
    """What is not said is in full."""
    levels = Levels(HASHED, FULL, NONE)
    assert {"variables": "hashed", "metadata": "none"} == levels.words()
    assert (levels, IN_FULL) == (Levels.of_words(levels.words()), Levels.of_words({}))


PARTS = {
    "nothing": (NONE, None, Levels(NONE, NONE, NONE)),
    "some": (FULL, CallContent(call_id=ID, output=0), Levels(NONE, FULL, NONE)),
    "hashes": (
        NONE,
        CallContent(call_id=ID, metadata={"a": 1}, hashes={"output": "x"}),
        Levels(NONE, HASHED, FULL),
    ),
    "erased": (ERASED, None, Levels(ERASED, ERASED, ERASED)),
}


@pytest.mark.parametrize(("state", "content", "expected"), PARTS.values(), ids=PARTS)
def test_each_part_of_a_call_has_its_state(
    state: ContentState, content: CallContent | None, expected: Levels
) -> None:
    """By what there is of it."""
    call = LlmCall(ID, "m", NOW, NOW, content_state=state)
    assert expected == parts_of(call, content)
