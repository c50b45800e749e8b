"""A server that dies by its own hand, kill -9, after some of its commits of calls and before any answer: the
folder it serves, its port, the chance of each such commit to be the last, a seed.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

import uvicorn

from promptgraph.app import build
from promptgraph.config import load
from promptgraph.store.visits import Lent


def main(home: str, port: str, chance: str, seed: str) -> None:
    moments = random.Random(seed)  # noqa: S311  # a moment, not a secret
    folder = Path(home)
    app = build(load(database_url=f"sqlite:///{folder}/registry.db", prompts_dir=folder / "prompts"))

    speak, records = Lent.exec_driver_sql, False

    def spoken(lent: Lent, statement: str, parameters: Any = None, /) -> Any:
        nonlocal records
        found = speak(lent, statement, parameters)
        records |= statement.startswith('INSERT INTO "llm_calls"')
        if statement == "COMMIT" and records and moments.random() < float(chance):
            os.kill(os.getpid(), signal.SIGKILL)
        records &= statement != "COMMIT"
        return found

    Lent.exec_driver_sql = spoken  # type: ignore[method-assign]  # the fault that is planted
    uvicorn.run(app, port=int(port), log_level="critical")


if __name__ == "__main__":
    main(*sys.argv[1:])
