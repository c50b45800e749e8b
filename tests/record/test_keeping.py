"""What is stored of what a call was about: by policy, by the prompt's file, and after a redaction."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import pytest

from promptgraph.domain.call import CallContent, ContentState, LlmCall, NewCall, RecordStatus, ToldCall
from promptgraph.domain.canonical import Json
from promptgraph.domain.content import Levels, parts_of, policy_of
from promptgraph.domain.prompt import Prompt
from promptgraph.record.keeping import Hasher, Keeper
from promptgraph.record.prices import PriceBook
from promptgraph.record.recorder import Recorder
from promptgraph.record.redaction import Redactor
from promptgraph.store import registry
from promptgraph.store.calls import calls_by_id, contents_by_call
from promptgraph.store.database import Database
from tests.record.conftest import now
from tests.record.raw import holds

FULL, HASHED, NONE, _ = ContentState
KEY, OTHER_KEY = "k" * 32, "o" * 32
PERSON = "Mrs. Elvira Stardust"
ABOUT: dict[str, Any] = {
    "variables": {"ticket": PERSON},
    "output": {"to": PERSON},
    "metadata": {"by": PERSON, "run": 7},
}
Makes = Callable[[Keeper], Recorder]


@pytest.fixture
async def makes(db: Database) -> AsyncIterator[Makes]:
    """Makes recorders, and stops them."""
    async with AsyncExitStack() as made:

        def make(keeper: Keeper) -> Recorder:
            recorder = Recorder(db, PriceBook(), now=now, unlinked=True, keeper=keeper)
            made.push_async_callback(recorder.stop)
            return recorder

        yield make


def keeper(text: str, key: str | None = KEY, redactor: Redactor | None = None) -> Keeper:
    return Keeper(policy_of(text), key, redactor)


def new(prompt: Prompt | None = None, **more: Any) -> NewCall:
    id_ = None if prompt is None else prompt.global_id
    return NewCall(model="m", call_id=uuid4(), prompt_id=id_, environment="production", **ABOUT | more)


async def stored(db: Database, call: NewCall) -> tuple[LlmCall, CallContent | None]:
    assert call.call_id is not None
    async with db.read() as session:
        (found,) = await calls_by_id(session, [call.call_id])
        (content,) = await contents_by_call(session, [call.call_id])
    assert found is not None
    return found, content


async def kept(db: Database, recorder: Recorder, call: NewCall) -> tuple[LlmCall, CallContent | None]:
    """The call as it is stored once it is recorded, which is what its caller is told."""
    (result,) = await recorder.record([call])
    assert RecordStatus.RECORDED == result.status
    found = await stored(db, call)
    assert found[0] == result.call
    return found


async def allow(db: Database, prompt: Prompt, levels: Levels) -> None:
    """Have the file of a prompt say this."""
    family = prompt.family
    async with db.write() as session:
        await registry.change_family(
            session,
            family.id,
            name=family.name,
            former_names=(),
            description=None,
            tags=(),
            metadata={},
            record=levels,
            latest_version=2,
        )
        await registry.advance_revision(session)


async def test_full_is_stored_as_it_was_sent(db: Database, makes: Makes) -> None:
    """And is found from below: the control of every search for what should not be there."""
    call, content = await kept(db, makes(keeper("full")), new())
    assert CallContent(call_id=call.id, **ABOUT) == content
    assert FULL == call.content_state
    assert await holds(db, PERSON)


async def test_none_stores_nothing(db: Database, makes: Makes) -> None:
    """Not a row, and not a byte; the call says so."""
    call, content = await kept(db, makes(keeper("none")), new())
    assert (NONE, None) == (call.content_state, content)
    assert Levels(NONE, NONE, NONE) == parts_of(call, content)
    assert not await holds(db, PERSON)


async def test_hashes_tell_equal_values_and_nothing_else(db: Database, makes: Makes) -> None:
    """HMAC-SHA-256 over the canonical JSON of a value, by the server's key, whatever it belongs to."""
    recorder = makes(keeper("hashed"))
    call, content = await kept(db, recorder, new(output=PERSON))
    digest = hmac.new(KEY.encode(), f'"{PERSON}"'.encode(), hashlib.sha256).hexdigest()
    assert content is not None and content.hashes is not None
    assert {"ticket": digest} == content.hashes["variables"]
    assert digest == content.hashes["output"]
    assert {"by", "run"} == content.hashes["metadata"].keys()  # type: ignore[union-attr]  # an object
    assert (HASHED, None, None, {}) == (
        call.content_state,
        content.variables,
        content.output,
        content.metadata,
    )
    assert Levels(HASHED, HASHED, HASHED) == parts_of(call, content)
    assert not await holds(db, PERSON)
    assert await holds(db, digest)


def test_another_key_makes_other_hashes_and_says_so() -> None:
    """Hashes are compared only where their key is the same; nothing of the key is told."""
    one, other = Hasher(KEY), Hasher(OTHER_KEY)
    assert one.hashed("output", "x") != other.hashed("output", "x")
    assert one.key_id != other.key_id
    assert one.key_id not in KEY and 8 == len(one.key_id)
    assert one.hashed("output", {"b": 1, "a": 2}) == one.hashed("output", {"a": 2, "b": 1})


TICKET: dict[str, Any] = {"ticket": "x"}


@pytest.mark.parametrize(
    ("text", "variables", "is_kept"),
    [
        ("full", TICKET, True),
        ("none", TICKET, False),
        ("none", None, True),
        ("full", {**TICKET, "card": "1"}, False),
        ("hashed", TICKET, False),
    ],
    ids=["in full", "none", "no variables", "a sensitive one", "hashed"],
)
async def test_the_hash_of_what_was_sent_stays_only_beside_what_made_it(
    db: Database, makes: Makes, prompt: Prompt, text: str, variables: dict[str, Any] | None, *, is_kept: bool
) -> None:
    """Anybody could try values against it, and without them it is of no use."""
    call = new(prompt, variables=variables, rendered_hash="ab" * 32)
    found, _ = await kept(db, makes(keeper(text)), call)
    assert is_kept == (found.rendered_hash is not None)


MIXED = {
    "one part": ("production.output=none", {}, NONE, Levels(FULL, NONE, FULL)),
    "one hashed": ("production.variables=hashed", {}, HASHED, Levels(HASHED, FULL, FULL)),
    "another environment": ("staging=none", {}, FULL, Levels(FULL, FULL, FULL)),
    "a part that it has not": ("*.output=none", {"output": None}, FULL, Levels(FULL, NONE, FULL)),
    "nothing sent": (
        "hashed",
        {"variables": None, "output": None, "metadata": {}},
        NONE,
        Levels(NONE, NONE, NONE),
    ),
    "empty variables": (
        "hashed",
        {"variables": {}, "output": None, "metadata": {}},
        HASHED,
        Levels(HASHED, NONE, NONE),
    ),
}


@pytest.mark.parametrize(("text", "more", "state", "parts"), MIXED.values(), ids=MIXED)
async def test_each_part_is_kept_by_its_own_level(
    db: Database, makes: Makes, text: str, more: dict[str, Any], state: ContentState, parts: Levels
) -> None:
    """The call's state is that of the part of which least is stored, of those that it has."""
    call, content = await kept(db, makes(keeper(text)), new(**more))
    assert (state, parts) == (call.content_state, parts_of(call, content))


async def test_the_stricter_of_setting_and_file_counts(db: Database, makes: Makes, prompt: Prompt) -> None:
    """Neither can loosen what the other says; a call without a prompt follows the setting alone."""
    await allow(db, prompt, Levels(NONE, FULL, HASHED))
    recorder = makes(keeper("production.output=hashed"))
    call, content = await kept(db, recorder, new(prompt))
    assert Levels(NONE, HASHED, HASHED) == parts_of(call, content)
    call, content = await kept(db, recorder, new())
    assert Levels(FULL, HASHED, FULL) == parts_of(call, content)


async def test_a_file_that_wants_hashes_of_a_server_without_key_gets_nothing(
    db: Database, makes: Makes, prompt: Prompt, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is stored rather than too much; the log says why, once."""
    await allow(db, prompt, Levels(HASHED, HASHED, HASHED))
    recorder = makes(keeper("full", None))
    for _ in range(2):
        call, content = await kept(db, recorder, new(prompt))
        assert (NONE, None) == (call.content_state, content)
    assert 1 == caplog.text.count("PROMPTGRAPH_CONTENT_KEY is not set")


async def test_a_changed_file_counts_from_the_next_look_at_the_registry(
    db: Database, makes: Makes, prompt: Prompt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that is remembered is looked up again once the registry has changed."""
    monkeypatch.setattr("promptgraph.record.linking.FRESH_SECONDS", 0.0)
    recorder = makes(keeper("full"))
    call, _ = await kept(db, recorder, new(prompt))
    assert FULL == call.content_state
    await allow(db, prompt, Levels(NONE, NONE, NONE))
    call, _ = await kept(db, recorder, new(prompt))
    assert NONE == call.content_state


@pytest.mark.parametrize(("before", "after"), [("full", "none"), ("none", "full"), ("hashed", "full")])
async def test_a_retry_is_a_duplicate_whatever_the_policy_has_become(
    db: Database, makes: Makes, before: str, after: str
) -> None:
    """What makes calls the same is what was sent; and a retry brings nothing in and takes nothing away."""
    call = new()
    first = await kept(db, makes(keeper(before)), call)
    (again,) = await makes(keeper(after, OTHER_KEY)).record([call])
    assert RecordStatus.DUPLICATE == again.status
    assert first == await stored(db, call)


async def test_a_call_that_a_span_tells_of_is_kept_by_the_same_policy(db: Database, makes: Makes) -> None:
    """There is one way in."""
    call = ToldCall(model="m", call_id=uuid4(), environment="production", **ABOUT)
    found, content = await kept(db, makes(keeper("none")), call)
    assert (NONE, None) == (found.content_state, content)
    assert not await holds(db, PERSON)


# ---------------------------------------------------------------- redaction


def without_names(kind: str, value: Any) -> object:
    """A hook that knows one name."""
    if isinstance(value, str):
        return value.replace(PERSON, "[name]")
    return None if kind == "metadata" else {key: without_names(kind, item) for key, item in value.items()}


def failing(kind: str, value: Json) -> object:
    """A hook that fails on everything."""
    raise RuntimeError(f"{kind} {value}")


async def test_what_a_redaction_leaves_is_stored(db: Database, makes: Makes) -> None:
    """Of parts and of error messages; the call says which it changed, and a part that it drops is NONE."""
    recorder = makes(keeper("full", redactor=Redactor(without_names, seconds=60.0)))
    call, content = await kept(db, recorder, new(error_message=f"No {PERSON}"))
    assert content is not None
    assert ({"ticket": "[name]"}, {"to": "[name]"}) == (content.variables, content.output)
    assert ("variables", "output") == content.redacted
    assert ("No [name]", NONE) == (call.error_message, call.content_state)
    assert Levels(FULL, FULL, NONE) == parts_of(call, content)
    assert not await holds(db, PERSON)
    assert 0 == recorder.lost_parts


async def test_hashes_are_made_of_what_a_redaction_leaves(db: Database, makes: Makes) -> None:
    """What was taken out cannot be tried against a hash, either."""
    recorder = makes(keeper("hashed", redactor=Redactor(without_names, seconds=60.0)))
    _, content = await kept(db, recorder, new(output=PERSON))
    assert content is not None and content.hashes is not None
    assert Hasher(KEY).hashed("output", "[name]") == content.hashes["output"]


async def test_a_redaction_that_fails_stores_nothing(db: Database, makes: Makes) -> None:
    """The call is kept without; its caller is told, and it is counted. A retry is a duplicate."""
    recorder = makes(keeper("full", redactor=Redactor(failing, seconds=60.0)))
    call = new(error_message=PERSON)
    (result,) = await recorder.record([call])
    assert ["variables", "output", "metadata", "errorMessage"] == [each.field for each in result.warnings]
    assert {"NOT_REDACTED"} == {each.code for each in result.warnings}
    found, content = await stored(db, call)
    assert (NONE, None, None) == (found.content_state, found.error_message, content)
    assert 4 == recorder.lost_parts
    assert not await holds(db, PERSON)
    (again,) = await recorder.record([call])
    assert RecordStatus.DUPLICATE == again.status


async def test_a_redaction_is_shown_only_what_may_be_stored(
    db: Database, makes: Makes, prompt: Prompt
) -> None:
    """No sensitive variable, nothing that is not stored anyway, and no call that is refused."""
    shown: list[tuple[str, Json]] = []

    def watching(kind: str, value: Json) -> object:
        shown.append((kind, value))
        return value

    recorder = makes(keeper("production.output=none", redactor=Redactor(watching, seconds=60.0)))
    sensitive = {"ticket": "x", "card": "4929"}
    await kept(db, recorder, new(prompt, variables=sensitive, metadata={}))
    await recorder.record([new(prompt)._replace(prompt_id="nonsense"), new(prompt)._replace(attempt=-1)])
    assert [("variables", {"ticket": "x"})] == shown
