"""MLflow's client on SQLite: `load_prompt` from its cache and `format`; a span, logged by its threads."""

from __future__ import annotations

import logging
import sqlite3
import sys
from pathlib import Path

import mlflow

from bench.clients.timing import (
    INPUT_TOKENS,
    MESSAGES,
    MODEL,
    NAME,
    OUTPUT,
    OUTPUT_TOKENS,
    PROVIDER,
    VARIABLES,
    Contestant,
    run,
)

USAGE = {
    "input_tokens": INPUT_TOKENS,
    "output_tokens": OUTPUT_TOKENS,
    "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
}


def main(home: Path) -> None:
    logging.disable(logging.WARNING)
    store = home / "mlflow.db"
    mlflow.set_tracking_uri(f"sqlite:///{store}")
    mlflow.set_experiment("bench")
    mlflow.genai.register_prompt(NAME, template=[{"role": role, "content": text} for role, text in MESSAGES])
    mlflow.genai.set_prompt_alias(NAME, "production", 1)
    prompt = mlflow.genai.load_prompt(f"prompts:/{NAME}@production")
    messages = prompt.format(**VARIABLES)

    def call() -> None:
        with mlflow.start_span(name=NAME, span_type="CHAT_MODEL") as one:
            one.set_inputs({"messages": messages})
            one.set_attributes({"mlflow.llm.model": MODEL, "mlflow.llm.provider": PROVIDER})
            one.set_outputs(OUTPUT)
            one.set_attribute("mlflow.chat.tokenUsage", USAGE)

    def stored() -> int:
        with sqlite3.connect(store) as db:
            (found,) = db.execute("SELECT count(*) FROM trace_info").fetchone()
        return int(found)

    run(
        Contestant(
            render=lambda: mlflow.genai.load_prompt(f"prompts:/{NAME}@production").format(**VARIABLES),
            call=call,
            settle=mlflow.flush_trace_async_logging,
            stored=stored,
        )
    )


if __name__ == "__main__":
    if sys.argv[1] == "count":
        with sqlite3.connect(Path(sys.argv[3], "mlflow.db")) as found:
            print(found.execute("SELECT count(*) FROM trace_info").fetchone()[0])
    else:
        main(Path(sys.argv[3]))
