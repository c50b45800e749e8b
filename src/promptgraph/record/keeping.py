"""What is stored of the contents of a call: what policy, prompt file and redaction leave of them."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from promptgraph.domain.call import CallContent, ContentState, NewCall, RecordWarning
from promptgraph.domain.canonical import Json, JsonObject, canonical_json
from promptgraph.domain.content import IN_FULL, PARTS, ContentPolicy, Levels, stricter, strictest
from promptgraph.record.linking import Linked
from promptgraph.record.redaction import ERROR_MESSAGE, LOST, Redactor

log = logging.getLogger("promptgraph.record")

KEY = "key"
"""Under which the hashes of a call say which server key made them."""
KEY_ID_DIGITS = 8
_KEY_ID = b"promptgraph: which key is this"


class Sent(NamedTuple):
    """What a call has that may be stored, under the names of the API: sensitive variables are left out. None:
    it has none; LOST: a redaction failed on it.
    """

    variables: Any
    output: Any
    metadata: Any
    errorMessage: Any  # noqa: N815  # as hooks are told


class Kept(NamedTuple):
    """What is stored of one call's contents, and what its caller is told of it."""

    content: CallContent | None
    state: ContentState
    error_message: str | None
    warnings: tuple[RecordWarning, ...] = ()


Row: TypeAlias = "tuple[NewCall, Linked | None]"


class Hasher:
    """Hashes by a key of the server: equal values have equal hashes, and who lacks the key can try none."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()
        self.key_id = self._digest(_KEY_ID)[:KEY_ID_DIGITS]

    def hashed(self, part: str, value: Json) -> Json:
        """HMAC-SHA-256, hex, over the RFC 8785 form: of the output, and of each value by its name."""
        if part == "output" or not isinstance(value, dict):
            return self._digest(canonical_json(value))
        return {name: self._digest(canonical_json(each)) for name, each in value.items()}

    def _digest(self, message: bytes) -> str:
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()


class Keeper:
    """Decides what is stored. Without a key what should be hashed is not stored at all."""

    def __init__(
        self, policy: ContentPolicy | None = None, key: str | None = None, redactor: Redactor | None = None
    ) -> None:
        self._policy = policy or ContentPolicy()
        self._hasher = Hasher(key) if key is not None else None
        self._redactor = redactor
        self._told = False

    @property
    def lost(self) -> int:
        """How many values were not stored because their redaction failed."""
        return 0 if self._redactor is None else self._redactor.lost

    async def redacted(self, rows: Sequence[Row]) -> list[Sent | None]:
        """For each call what the redaction leaves of what it has; None where there is no redaction.

        cost  nothing without one
        """
        if self._redactor is None:
            return [None] * len(rows)
        sent = [_sent(*row) for row in rows]
        kinds = [list(_shown(each, self._levels(*row))) for each, row in zip(sent, rows, strict=True)]
        asked = [(kind, getattr(each, kind)) for each, few in zip(sent, kinds, strict=True) for kind in few]
        answers = iter(await self._redactor.redacted(asked))
        return [
            each._replace(**{kind: next(answers) for kind in few})
            for each, few in zip(sent, kinds, strict=True)
        ]

    def kept(self, id_: UUID, call: NewCall, link: Linked | None, redacted: Sent | None) -> Kept:
        """What is stored of a call; `redacted` is what the redaction left of it, if there is one.

        cost  next to nothing where all is stored as it was sent
        """
        levels = self._levels(call, link)
        if redacted is None and levels is IN_FULL:
            return _whole(id_, call, link)
        sent = _sent(call, link)
        left = sent if redacted is None else redacted
        states: dict[str, ContentState] = {}
        values: dict[str, Any] = {}
        hashes: JsonObject = {}
        for part, level in zip(PARTS, levels, strict=True):
            if getattr(sent, part) is None:
                continue
            value = getattr(left, part)
            states[part] = ContentState.NONE if value is None or value is LOST else level
            if states[part] is ContentState.FULL:
                values[part] = value
            elif states[part] is ContentState.HASHED and self._hasher is not None:
                hashes |= {KEY: self._hasher.key_id, part: self._hasher.hashed(part, value)}
        changed = tuple(part for part in values if values[part] != getattr(sent, part))
        content = CallContent(call_id=id_, **values, hashes=hashes or None, redacted=changed)
        return Kept(
            content if values or hashes else None,
            strictest(tuple(states.values())),
            None if left.errorMessage is LOST else left.errorMessage,
            tuple(_warning(kind) for kind, value in left._asdict().items() if value is LOST),
        )

    def _levels(self, call: NewCall, link: Linked | None) -> Levels:
        levels = self._policy.of(call.environment)
        if link is not None and link.record is not IN_FULL:
            levels = stricter(levels, link.record)
        if levels is not IN_FULL and self._hasher is None and ContentState.HASHED in levels:
            self._tell_of_no_key()
            return Levels(*(ContentState.NONE if each is ContentState.HASHED else each for each in levels))
        return levels

    def _tell_of_no_key(self) -> None:
        if not self._told:
            self._told = True
            log.warning(
                "A prompt's file asks for hashes of what its calls are about, but PROMPTGRAPH_CONTENT_KEY is"
                " not set: nothing is stored of it."
            )


def _variables(call: NewCall, link: Linked | None) -> JsonObject | None:
    """Those that may be stored."""
    return link.kept(call.variables) if link and call.variables else call.variables


def _sent(call: NewCall, link: Linked | None) -> Sent:
    return Sent(_variables(call, link), call.output, call.metadata or None, call.error_message)


def _shown(sent: Sent, levels: Levels) -> Iterator[str]:
    """What a redaction is shown: what there is, and is stored in any way."""
    for part, level in zip(PARTS, levels, strict=True):
        if getattr(sent, part) not in (None, {}) and level is not ContentState.NONE:
            yield part
    if sent.errorMessage is not None:
        yield ERROR_MESSAGE


def _whole(id_: UUID, call: NewCall, link: Linked | None) -> Kept:
    """All of it as it was sent."""
    variables = _variables(call, link)
    if variables is None and call.output is None and not call.metadata:
        return Kept(None, ContentState.NONE, call.error_message)
    content = CallContent(call_id=id_, variables=variables, output=call.output, metadata=call.metadata)
    return Kept(content, ContentState.FULL, call.error_message)


def _warning(kind: str) -> RecordWarning:
    message = f"The server's redaction failed on {kind}: the call was recorded without it."
    return RecordWarning("NOT_REDACTED", kind, message)
