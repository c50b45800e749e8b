"""One call, or one score, as it is sent: a row of JSON text, made once and kept as it is for every try."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from typing import Any, NamedTuple, NotRequired, TypeAlias, TypedDict
from uuid import UUID

from promptgraph.client.answers import told_error
from promptgraph.client.prompts import Prompt, Rendered
from promptgraph.domain.call import CallStatus, RecordStatus, RecordWarning
from promptgraph.domain.call_ids import new_call_id
from promptgraph.domain.canonical import Json, JsonObject
from promptgraph.domain.errors import InvalidInputError, PromptgraphError
from promptgraph.domain.nearest import meant

MAX_ROW_BYTES = 1024 * 1024
CONTENTS = ("variables", "output", "metadata")
"""What a call can do without: its link, and its figures, stay."""
Of: TypeAlias = "Prompt | Rendered | str | None"
"""What a call was made with: a prompt, what rendering it gave, or its id; None where the server takes it."""


class Kind(IntEnum):
    """What a row is."""

    CALL = 0
    SCORE = 1


class CallFacts(TypedDict, total=False):
    """What may be said of a call beside prompt and model: LlmCallInput's names. None says nothing."""

    call_id: UUID | str | None
    prompt_hash: str | None
    rendered_hash: str | None
    label: str | None
    agent: str | None
    environment: str | None
    operation: str | None
    provider: str | None
    response_model: str | None
    response_id: str | None
    release: str | None
    attempt: int | None
    status: CallStatus | None
    error_type: str | None
    error_message: str | None
    finish_reasons: Sequence[str] | None
    tool_call_count: int | None
    input_tokens: int | None
    output_tokens: int | None
    cache_read_input_tokens: int | None
    cache_write_input_tokens: int | None
    reasoning_output_tokens: int | None
    cost_usd: Decimal | None
    latency_ms: float | None
    time_to_first_token_ms: float | None
    started_at: dt.datetime | None
    conversation_id: str | None
    user_id: str | None
    trace_id: str | None
    span_id: str | None
    variables: Mapping[str, Json] | None
    output: Any
    metadata: Mapping[str, Json] | None


class ScoreFacts(TypedDict, total=False):
    """What may be said of a score beside call and name: ScoreInput's names. A value, a label, or both."""

    value: float | None
    label: str | None
    comment: str | None
    source: str | None


class Row(NamedTuple):
    """One entry of a mutation's input: `text` is its JSON, in ASCII."""

    kind: Kind
    call_id: UUID
    text: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a call, or of a score. `status` is None for one that is in the outbox, on its way."""

    call_id: UUID
    status: RecordStatus | None = None
    warnings: tuple[RecordWarning, ...] = ()
    error: PromptgraphError | None = None


class CallDraft(TypedDict):
    """A call of `record_many`: as the arguments of `record`."""

    prompt: Of
    model: str
    facts: NotRequired[CallFacts]


def api_names(facts: type[Any]) -> dict[str, str]:
    """The name in the API of each key of a TypedDict."""
    return {name: _camel(name) for name in facts.__annotations__}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


_CALL, _SCORE = api_names(CallFacts), api_names(ScoreFacts)


def call_row(of: Of, model: str, facts: Mapping[str, Any], usual: Mapping[str, str]) -> Row:
    """The row of a call. Sensitive variables are left out; so is all that is None.

    keys    usual: what every call says unless its facts do, by name in the API
    raises  InvalidInputError  a name is unknown, or a value is not JSON
    cost    about 12 µs and what the contents take
    """
    prompt = of.prompt if isinstance(of, Rendered) else of
    sent: dict[str, Any] = {**usual, "model": model}
    if isinstance(prompt, Prompt):
        sent |= prompt.said
    elif prompt is not None:
        sent["promptId"] = prompt
    if isinstance(of, Rendered):
        sent["variables"] = of.variables
    _add(facts, _CALL, sent)
    if isinstance(prompt, Prompt) and prompt.sensitive:
        _strip(prompt.sensitive, sent)
    given = sent.get("callId")
    call_id = new_call_id() if given is None else _id(given)
    sent["callId"] = str(call_id)
    return Row(Kind.CALL, call_id, _text(sent))


def _add(facts: Mapping[str, Any], names: Mapping[str, str], sent: dict[str, Any]) -> None:
    """Put what is known under its name in the API."""
    for name, value in facts.items():
        if value is not None:
            if name not in names:
                raise _unknown(name, names)
            sent[names[name]] = value


def _strip(hidden: frozenset[str], sent: dict[str, Any]) -> None:
    variables = sent.get("variables") or {}
    sent["variables"] = {name: value for name, value in variables.items() if name not in hidden}


def without_contents(row: Row) -> Row:
    """The same call, without what a server may refuse to store."""
    facts = json.loads(row.text)
    return row._replace(text=_encode({name: value for name, value in facts.items() if name not in CONTENTS}))


def score_row(call_id: UUID | str, name: str, facts: Mapping[str, Any]) -> Row:
    """The row of a score.

    raises  InvalidInputError  a name is unknown, or a value is not JSON
    """
    id_ = _id(call_id)
    sent: dict[str, Any] = {"callId": str(id_), "name": name}
    _add(facts, _SCORE, sent)
    return Row(Kind.SCORE, id_, _text(sent))


def _id(given: UUID | str) -> UUID:
    try:
        return given if isinstance(given, UUID) else UUID(given)
    except (ValueError, AttributeError, TypeError) as error:
        raise InvalidInputError(
            f"call_id must be a UUID, not {str(given)[:80]!r}.", field="call_id"
        ) from error


def _unknown(name: str, known: Mapping[str, str]) -> InvalidInputError:
    return InvalidInputError(
        f"There is no {name[:80]!r} here. {meant(name, known) or ''}".strip(), field=name
    )


def _text(sent: dict[str, Any]) -> str:
    try:
        text = _encode(sent)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"This cannot be sent as JSON: {error}", field=_blamed(sent)) from error
    if len(text) > MAX_ROW_BYTES:
        raise InvalidInputError(f"A call may hold at most {MAX_ROW_BYTES} bytes of JSON.", field="output")
    return text


def _blamed(sent: dict[str, Any]) -> str | None:
    """The first value that is not JSON."""
    for name, value in sent.items():
        try:
            _encode(value)
        except (TypeError, ValueError, RecursionError):
            return name
    return None


def _as_json(value: Any) -> Any:
    """What stands in JSON for a value that is none."""
    if isinstance(value, dt.datetime):
        if value.tzinfo is None:
            raise ValueError("a time must name its zone: use datetime.now(UTC).")
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes | bytearray):
        return list(value)
    dump: Callable[..., Any] | None = getattr(value, "model_dump", None)
    if dump is not None:  # a pydantic model, as most providers' answers are
        return dump(mode="json")
    raise TypeError(f"a {type(value).__name__} is not JSON.")


_encode = json.JSONEncoder(
    check_circular=False, allow_nan=False, separators=(",", ":"), default=_as_json
).encode


def recorded_of(told: JsonObject, row: Row) -> Recorded:
    """What an entry of a mutation's `results` says became of a row."""
    error = told.get("error")
    facts: Any = told
    if row.kind is Kind.SCORE:
        status = RecordStatus.REJECTED if error else RecordStatus.RECORDED
        return Recorded(row.call_id, status, (), _error(error))
    warnings = tuple(RecordWarning(w["code"], w["field"], w["message"]) for w in facts["warnings"])
    return Recorded(row.call_id, RecordStatus(facts["status"]), warnings, _error(error))


def _error(told: Json) -> PromptgraphError | None:
    return None if told is None else told_error(told)
