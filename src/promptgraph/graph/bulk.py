"""How much a request may bring, by what its operation does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from graphql import FieldNode, OperationDefinitionNode, OperationType

MIB = 1024 * 1024
QUERY_BYTES = MIB
"""How large a request may be, but for one that does what `BULKY` names."""


class Bulk(NamedTuple):
    """How much one mutation may take. `slow`: longer than others. `rowwise`: its rows are refused one by
    one, for a text in them too.
    """

    limit: int
    slow: bool = False
    rowwise: bool = False


BULKY: Mapping[str, Bulk] = {
    "syncPrompts": Bulk(64 * MIB, slow=True),
    "recordLlmCall": Bulk(16 * MIB, rowwise=True),
    "recordLlmCalls": Bulk(16 * MIB, rowwise=True),
    "scoreLlmCalls": Bulk(16 * MIB, rowwise=True),
}
"""The mutations whose requests may be large, alone in their operation."""
USUAL = Bulk(QUERY_BYTES)


def bulk_of(operation: OperationDefinitionNode) -> Bulk:
    """How much the operation may take: that of the one mutation of `BULKY` that it does and nothing else."""
    roots = operation.selection_set.selections
    names = {item.name.value if isinstance(item, FieldNode) else "" for item in roots}
    if operation.operation is not OperationType.MUTATION or len(names) != 1:
        return USUAL
    return BULKY.get(names.pop(), USUAL)
