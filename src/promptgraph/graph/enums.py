"""The enums of the schema: those of the domain, with words for clients."""

from __future__ import annotations

from enum import StrEnum

from promptgraph.domain.asking import Direction, PromptOrderField
from promptgraph.domain.bins import Bin
from promptgraph.domain.call import CallStatus, ContentState, CostSource, RecordStatus
from promptgraph.domain.diff import ChangeKind, Impact
from promptgraph.domain.keys import Scope
from promptgraph.domain.metrics import GroupOrder
from promptgraph.domain.metrics_key import Dimension
from promptgraph.domain.prompt import MessageRole
from promptgraph.domain.registry import SyncAction
from promptgraph.graph.field import enum_shape


class ErrorCode(StrEnum):
    """The codes of expected failures: each class of domain.errors has one, some are for what is to come."""

    NOT_FOUND = "NOT_FOUND"
    INVALID_INPUT = "INVALID_INPUT"
    TOO_MANY_ROWS = "TOO_MANY_ROWS"
    TOO_OLD = "TOO_OLD"
    PROMPT_MISMATCH = "PROMPT_MISMATCH"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    SYNC_CONFLICT = "SYNC_CONFLICT"
    SYNC_OUTDATED = "SYNC_OUTDATED"
    MANAGED_BY_FILE = "MANAGED_BY_FILE"
    FORBIDDEN = "FORBIDDEN"
    EVENTS_MISSED = "EVENTS_MISSED"
    UNAVAILABLE = "UNAVAILABLE"


enum_shape(
    ErrorCode,
    "ErrorCode",
    "What kind of failure an error is.",
    {
        "NOT_FOUND": "Nothing has this id or name.",
        "INVALID_INPUT": "A value is wrong; the message says which and why.",
        "TOO_MANY_ROWS": "More than one request may ask for.",
        "TOO_OLD": "It lies before what is still kept.",
        "PROMPT_MISMATCH": "The content that was rendered is not what this version holds.",
        "IDEMPOTENCY_CONFLICT": "This id was used before, for other content.",
        "SYNC_CONFLICT": "Stored content would be overwritten; nothing was.",
        "SYNC_OUTDATED": "A newer tree of this source was applied already.",
        "MANAGED_BY_FILE": "A file in git decides this: change it there.",
        "FORBIDDEN": "Not allowed here, or not with this key.",
        "EVENTS_MISSED": "A subscription ends that has missed events: subscribe again.",
        "UNAVAILABLE": "The database is out of reach, or time was up: try again. Or figures are damaged.",
    },
)
enum_shape(
    Scope,
    "Scope",
    "What a key may do. None holds another.",
    {
        "READ": "Ask and follow: prompts, agents, calls, metrics.",
        "RECORD": "Record calls and score them; to see what is stored takes READ.",
        "SYNC": "Change the registry: sync files, move labels, assign prompts.",
        "ADMIN": "Make and revoke keys, erase what calls were about, override labels that git owns.",
    },
)
enum_shape(
    MessageRole,
    "MessageRole",
    "Who speaks a message.",
    {
        "SYSTEM": "The application, to the model.",
        "DEVELOPER": "The application's developer, to the model.",
        "USER": "The person, or whoever stands in for one.",
        "ASSISTANT": "The model.",
        "TOOL": "A tool that the model called.",
    },
)
enum_shape(
    Impact,
    "DiffImpact",
    "What a change asks of callers.",
    {
        "NONE": "Nothing changed.",
        "PATCH": "No reader could tell the difference.",
        "MINOR": "Behaviour may differ; callers go on as they are.",
        "MAJOR": "Callers break: a new required variable, a removed one, a changed type.",
    },
)
enum_shape(
    ChangeKind,
    "ChangeKind",
    "What happened at a place of a prompt's content.",
    {
        "ADDED": "There is something where nothing was.",
        "REMOVED": "There is nothing where something was.",
        "CHANGED": "There is something else.",
    },
)
enum_shape(
    SyncAction,
    "SyncAction",
    "What a step of a sync does.",
    {
        "ADD": "Stores what is new.",
        "UPDATE": "Changes what is no content: descriptions, tags, metadata, assignments, a draft.",
        "MOVE_LABEL": "Points a label at another version, sets it or takes it away.",
        "RETIRE": "Keeps what the files no longer have, and leaves it out of lists.",
        "RESTORE": "Brings back what was retired.",
        "UNCHANGED": "Finds stored what the file says.",
        "CONFLICT": "Refuses: stored content would be overwritten. The sentence says what to do.",
    },
)
enum_shape(
    Direction,
    "Direction",
    "Which end of an order comes first.",
    {"ASC": "The smallest or oldest first.", "DESC": "The greatest or newest first."},
)
enum_shape(
    PromptOrderField,
    "PromptOrderField",
    "What prompts are put in order by.",
    {"NAME": "The name, by its bytes.", "CREATED_AT": "When the version came to this registry."},
)
enum_shape(
    CallStatus,
    "CallStatus",
    "How a call ended.",
    {"OK": "With an answer.", "ERROR": "With an error, or without an answer."},
)
enum_shape(
    CostSource,
    "CostSource",
    "Who says what a call cost.",
    {"REPORTED": "Its caller.", "COMPUTED": "A price list, from the tokens."},
)
enum_shape(
    ContentState,
    "ContentState",
    "What is stored of a call's variables, output and metadata.",
    {
        "FULL": "Everything, but for variables marked as sensitive.",
        "HASHED": "Hashes only.",
        "NONE": "Nothing: none was sent, or it is not kept.",
        "ERASED": "Nothing any more: it was erased.",
    },
)
enum_shape(
    RecordStatus,
    "RecordStatus",
    "What became of a row.",
    {
        "RECORDED": "It is stored, since this request.",
        "DUPLICATE": "It was stored before, as it is; nothing changed.",
        "REJECTED": "It is not stored; `error` says why.",
    },
)
enum_shape(
    Bin,
    "TimeBin",
    "How long a step of a series is.",
    {
        "HOUR": "An hour of the zone's clocks.",
        "DAY": "A day of the zone: 23 or 25 hours when its clocks shift.",
        "WEEK": "Seven days, from Monday.",
        "MONTH": "A month of the calendar.",
    },
)
enum_shape(
    Dimension,
    "CallDimension",
    "What groups of calls are told apart by.",
    {
        "PROMPT": "The version of a prompt; keys are `name@version`.",
        "FAMILY": "The prompt, whatever its version; keys are names.",
        "AGENT": "The agent; keys are names.",
        "MODEL": "The model that was asked for.",
        "PROVIDER": "Who serves the model.",
        "ENVIRONMENT": "Where the call ran.",
    },
)
enum_shape(
    GroupOrder,
    "GroupOrder",
    "What groups are put in order by, the greatest first.",
    {
        "CALLS": "How many calls.",
        "ERRORS": "How many errors.",
        "COST": "What they cost.",
        "P95": "The latency that 95 % did not exceed.",
    },
)
