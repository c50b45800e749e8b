"""What is asked of the metrics: whose calls, when, and which of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from promptgraph.domain.call_asking import check_count
from promptgraph.domain.window import Window


class OwnerKind(StrEnum):
    """Whose calls are counted."""

    ALL = "ALL"
    PROMPT = "PROMPT"
    FAMILY = "FAMILY"
    AGENT = "AGENT"


@dataclass(frozen=True, slots=True)
class MetricsFilter:
    """Which calls count. A field of None asks nothing, an empty one lets nothing through; prompts are named
    by their families' names, former ones too.

    raises  TooManyRowsError  one lists too much
    """

    prompts: tuple[str, ...] | None = None
    versions: tuple[int, ...] | None = None
    agents: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    providers: tuple[str, ...] | None = None
    environments: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name in self.__slots__:
            check_count(name, getattr(self, name) or ())


EVERY_CALL = MetricsFilter()


class MetricsKey(NamedTuple):
    """One owner's metrics; `owner_id` is the row's id, 0 for ALL."""

    kind: OwnerKind = OwnerKind.ALL
    owner_id: int = 0
    window: Window = Window()
    wanted: MetricsFilter = EVERY_CALL


class Dimension(StrEnum):
    """What groups are told apart by. The value is the column that they are read by."""

    PROMPT = "prompt"
    FAMILY = "family"
    AGENT = "agent"
    MODEL = "model"
    PROVIDER = "provider"
    ENVIRONMENT = "environment"

    @property
    def column(self) -> str:
        """The field of FineCell that holds it."""
        return _COLUMNS.get(self, self.value)


_COLUMNS = {Dimension.PROMPT: "prompt_id", Dimension.FAMILY: "prompt_id", Dimension.AGENT: "agent_id"}
