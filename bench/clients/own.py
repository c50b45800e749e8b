"""promptgraph's client: `render` from the cache, `with llm_call(...)` with the recorder in the background."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.clients.timing import (
    INPUT_TOKENS,
    MESSAGES,
    MODEL,
    NAME,
    OUTPUT,
    OUTPUT_TOKENS,
    PROVIDER,
    TICKET,
    Contestant,
    run,
)
from promptgraph.client.bundle import Bundle, Bundled, bundle_text
from promptgraph.client.client import Client
from promptgraph.client.outbox import Outbox
from promptgraph.domain.prompt import Message, MessageRole, PromptContent


def content() -> PromptContent:
    """The prompt, with a schema of its variables."""
    return PromptContent(
        messages=tuple(Message(MessageRole(role), text) for role, text in MESSAGES),
        model=MODEL,
        input_schema={
            "type": "object",
            "required": ["ticket"],
            "properties": {"ticket": {"type": "string"}, "tone": {"type": "string"}},
        },
        input_default={"tone": "neutral"},
    )


def main(sink: str, home: Path) -> None:
    bundle = home / "prompts.lock.json"
    found = content()
    prompts = (Bundled(NAME, 1, found.digest(), found, ("production",), latest=True),)
    bundle.write_text(bundle_text(Bundle(prompts)))
    outbox = home / "outbox.db"
    client = Client(sink, recorder="background", outbox=outbox, bundle=bundle, ttl=3600)
    rendered = client.render(NAME, ticket=TICKET)

    def call() -> None:
        with client.llm_call(rendered, model=MODEL, provider=PROVIDER) as one:
            one.finish(output=OUTPUT, input_tokens=INPUT_TOKENS, output_tokens=OUTPUT_TOKENS)

    def stored() -> int:
        status = Outbox(outbox).status()
        return status.delivered + status.waiting

    if sys.argv[1] == "count":
        print(stored())
        return
    run(
        Contestant(
            render=lambda: client.render(NAME, ticket=TICKET),
            call=call,
            settle=lambda: client.flush(30),
            stored=stored,
        )
    )
    client.close()


if __name__ == "__main__":
    main(sys.argv[2], Path(sys.argv[3]))
