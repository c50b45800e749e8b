"""The mutations that are compiled: those that record, whose rows come by the thousand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphql import VariableNode

from promptgraph.domain.canonical import Json
from promptgraph.graph.call_decoding import CallDecoder
from promptgraph.graph.fast.arguments import Arguments
from promptgraph.graph.fast.deopt import DeoptError, Reason
from promptgraph.graph.fast.selection import Selected
from promptgraph.graph.fast.variables import Values
from promptgraph.graph.schema import Schema

Decode = Callable[[CallDecoder, Json], Any]

INPUT = "input"
RECORDING: Mapping[str, Decode | None] = {
    "recordLlmCall": CallDecoder.call,
    "recordLlmCalls": CallDecoder.calls,
    "scoreLlmCalls": None,
}
"""The mutations by name, and what reads their input where it is a variable."""


def decoded(schema: Schema, selected: Selected) -> tuple[Arguments, str] | None:
    """The arguments of a mutation whose input is read in one step, and the variable that holds it; None where
    the usual coercion is to read it.
    """
    decode = RECORDING[selected.name]
    values = {each.name.value: each.value for each in selected.nodes[0].arguments or ()}
    value = values.get(INPUT)
    if decode is None or not isinstance(value, VariableNode):
        return None
    return _decoding(decode, CallDecoder(schema.core), value.name.value), value.name.value


def _decoding(decode: Decode, decoder: CallDecoder, variable: str) -> Arguments:
    def read(values: Values) -> Mapping[str, Any]:
        found = decode(decoder, values.sent.get(variable))
        if found is None:
            raise DeoptError(Reason.VARIABLES)
        return {INPUT: found}

    return Arguments(None, read)
