"""Who waits for the same thing as somebody who was given up, gets it."""

from __future__ import annotations

import pytest

from promptgraph.graph.fast.deopt import DeoptError
from promptgraph.store.database import Database
from tests.graph.both import fast
from tests.graph.registry import answer

QUERY = """{
  one: agents { nodes { assignments { role } prompts(first: 1000) { nodes { id } } } }
  two: prompts { nodes { family { labels { label } versions(first: 1000) { nodes { id } } } } }
  other: promptFamilies { nodes { name labels { label } } }
  same: agents { nodes { name assignments { role prompt { name } } } }
}"""


async def test_an_error_beside_takes_nothing_away(stocked: Database) -> None:
    """What is refused ends its own part of the answer; what others asked the same loader for still comes."""
    found = (await answer(stocked, QUERY)).payload
    assert {("first",)} == {(error["extensions"]["field"],) for error in found["errors"]}
    assert "message" in found["errors"][0]


async def test_an_error_beside_leaves_the_run(stocked: Database) -> None:
    """To the standard executor, and as nothing else."""
    for _ in range(20):
        with pytest.raises(DeoptError):
            await fast(stocked, QUERY)
