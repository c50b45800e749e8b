"""What a resolver is told of its place in the operation: a stand-in for strawberry's info."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any

from graphql import FieldNode, FragmentDefinitionNode
from graphql.pyutils import Path
from strawberry.types.nodes import Selection, convert_selections

from promptgraph.graph.fast.selection import Truth
from promptgraph.graph.loaders import Context


@dataclass(frozen=True)
class Spot:
    """Where a field stands in the answer, but for the indices of lists, and what is selected there."""

    path: Path
    nodes: Sequence[FieldNode]
    fragments: Mapping[str, FragmentDefinitionNode]
    truth: Truth

    @cached_property
    def selected_fields(self) -> list[Selection]:
        """What lookahead reads."""
        raw: Any = SimpleNamespace(fragments=self.fragments, variable_values=self.truth)
        return convert_selections(raw, self.nodes)


class Asking:
    """As much of an info as this project's resolvers use."""

    __slots__ = ("_spot", "context")

    def __init__(self, context: Context, spot: Spot) -> None:
        self.context = context
        self._spot = spot

    @property
    def path(self) -> Path:
        return self._spot.path

    @property
    def selected_fields(self) -> list[Selection]:
        return self._spot.selected_fields
