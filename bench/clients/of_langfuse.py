"""Langfuse's client: `get_prompt` from its cache and `compile`; a generation, sent by its exporter."""

from __future__ import annotations

import json
import sys
from urllib.request import urlopen

from langfuse import Langfuse

from bench.clients.timing import (
    INPUT_TOKENS,
    MODEL,
    NAME,
    OUTPUT,
    OUTPUT_TOKENS,
    VARIABLES,
    Contestant,
    run,
)


def main(sink: str) -> None:
    client = Langfuse(public_key="pk-lf-1", secret_key="sk-lf-1", base_url=sink)  # noqa: S106  # the sink takes any
    prompt = client.get_prompt(NAME, label="production", type="chat")
    messages = prompt.compile(**VARIABLES)

    def call() -> None:
        with client.start_as_current_observation(
            as_type="generation", name=NAME, model=MODEL, prompt=prompt, input=messages
        ) as one:
            one.update(output=OUTPUT, usage_details={"input": INPUT_TOKENS, "output": OUTPUT_TOKENS})

    def stored() -> int:
        with urlopen(f"{sink}/count") as answer:  # noqa: S310  # the sink
            return int(json.load(answer))

    run(
        Contestant(
            render=lambda: client.get_prompt(NAME, label="production", type="chat").compile(**VARIABLES),
            call=call,
            settle=client.flush,
            stored=stored,
        )
    )


if __name__ == "__main__":
    main(sys.argv[2])
