"""What a call costs its caller: `with llm_call(...)` with the background recorder, `render` from the cache.

    python bench/client.py [CALLS]

No server is needed: the prompt comes from a bundle, and what is in the outbox waits. It is measured once the
recorder's thread has settled down to wait, too: it shares the interpreter's lock with its callers.
"""

from __future__ import annotations

import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from promptgraph.client.bundle import Bundle, Bundled, bundle_text
from promptgraph.client.client import Client
from promptgraph.client.prompts import Rendered
from promptgraph.domain.prompt import Message, MessageRole, PromptContent

NOWHERE = "http://127.0.0.1:9"
TICKET = "My card was declined twice and I do not know why. Please help me, I have a flight to catch. " * 3
SETTLED_S = 5.0
GOALS = {"with llm_call(...)": 50.0, "render": 30.0}


def content() -> PromptContent:
    """A prompt of two messages, as support desks have it."""
    return PromptContent(
        messages=(
            Message(MessageRole.SYSTEM, "You route support tickets. Be {{ tone }}.\nPick one queue."),
            Message(MessageRole.USER, "{{ ticket }}"),
        ),
        model="m",
        input_schema={
            "type": "object",
            "required": ["ticket"],
            "properties": {"ticket": {"type": "string"}, "tone": {"type": "string"}},
        },
        input_default={"tone": "neutral"},
    )


def timed(work: Callable[[], object], times: int) -> list[float]:
    """Microseconds of each run, sorted."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1e6)
    return sorted(took)


def call(client: Client, rendered: Rendered) -> None:
    with client.llm_call(rendered, model="m", provider="openai") as one:
        one.finish(output="billing", input_tokens=120, output_tokens=8)


def main(times: int) -> None:
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder, "bundle.json")
        two = content()
        bundle.write_text(
            bundle_text(Bundle((Bundled("triage", 1, two.digest(), two, ("production",), latest=True),)))
        )
        client = Client(
            NOWHERE, recorder="background", outbox=Path(folder, "outbox.db"), bundle=bundle, ttl=3600
        )
        rendered = client.render("triage", ticket=TICKET)
        works: dict[str, Callable[[], object]] = {
            "with llm_call(...)": lambda: call(client, rendered),
            "render": lambda: client.render("triage", ticket=TICKET),
        }
        print(f"{'':20} {'median':>8} {'p10':>8} {'p99':>9}  goal   (µs, {times} times)")
        timed(works["with llm_call(...)"], 200)
        time.sleep(SETTLED_S)
        for name, work in works.items():
            timed(work, 200)
            took = timed(work, times)
            tenth, last = took[times // 10], took[times * 99 // 100]
            print(f"{name:20} {statistics.median(took):8.1f} {tenth:8.1f} {last:9.1f}  {GOALS[name]:.0f}")
        client.close(0)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000)
