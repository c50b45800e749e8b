"""Which calls a reader's filter lets through: a table of predicates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, func, select, true, union

from promptgraph.domain.call import micros
from promptgraph.domain.call_asking import LlmCallFilter
from promptgraph.store.call_tables import C
from promptgraph.store.keys import json_texts
from promptgraph.store.records import A, F, P
from promptgraph.store.tables import FAMILIES

Conditions = list[ColumnElement[bool]]


def version_conditions(wanted: LlmCallFilter) -> Conditions:
    """What `wanted` asks of the version that a call names, in columns of `prompts`."""
    names = [] if wanted.prompts is None else [P.family_id.in_(_families(wanted.prompts))]
    numbers = [] if wanted.versions is None else [P.version.in_(wanted.versions)]
    return [*names, *numbers]


def _families(names: Sequence[str]) -> CompoundSelect[tuple[int]]:
    """The families of these names. As everywhere, a former name counts where no family has it now, and of
    several that had it for the first of them.
    """
    present = select(F.name).where(F.name.in_(names)).correlate(None)
    items = json_texts(F.former_names).table_valued("value")
    former = items.c.value
    heirs = select(func.min(F.id)).select_from(FAMILIES.join(items, true()))
    heirs = heirs.where(former.in_(names), former.not_in(present)).group_by(former).correlate(None)
    return union(select(F.id).where(F.name.in_(names)).correlate(None), heirs)


def agent_conditions(wanted: LlmCallFilter) -> Conditions:
    """What `wanted` asks of the agent that a call names, in columns of `agents`."""
    return [] if wanted.agents is None else [A.name.in_(wanted.agents)]


def call_conditions(wanted: LlmCallFilter) -> Conditions:
    """All that `wanted` asks, in columns of `llm_calls`."""
    conditions = [
        predicate(value)
        for name, predicate in PREDICATES.items()
        if (value := getattr(wanted, name)) is not None
    ]
    since, until = wanted.window.since, wanted.window.until
    conditions += [] if since is None else [C.started_at >= since]
    conditions += [] if until is None else [C.started_at < until]
    for column, id_, asked in (
        (C.prompt_id, P.id, version_conditions(wanted)),
        (C.agent_id, A.id, agent_conditions(wanted)),
    ):
        if asked:
            conditions.append(column.in_(select(id_).where(*asked).correlate(None)))
    return conditions


PREDICATES: Mapping[str, Callable[[Any], ColumnElement[bool]]] = {
    "models": C.model.in_,
    "providers": C.provider.in_,
    "environments": C.environment.in_,
    "statuses": lambda statuses: C.status.in_([status.value for status in statuses]),
    "error_types": C.error_type.in_,
    "conversation_id": lambda text: C.conversation_id == text,
    "user_id": lambda text: C.user_id == text,
    "trace_id": lambda text: C.trace_id == text,
    "min_latency_ms": lambda latency: C.latency_us >= micros(latency),
    "call_ids": C.id.in_,
}
"""By field of LlmCallFilter that is a column of the call itself."""
