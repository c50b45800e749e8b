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
from sqlalchemy import event
from sqlalchemy.engine import Engine

from promptgraph.app import build
from promptgraph.config import load


def main(home: str, port: str, chance: str, seed: str) -> None:
    moments = random.Random(seed)  # noqa: S311  # a moment, not a secret
    folder = Path(home)
    app = build(load(database_url=f"sqlite:///{folder}/registry.db", prompts_dir=folder / "prompts"))

    def before(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith('INSERT INTO "llm_calls"'):
            connection.info["records"] = True

    def after(connection: Any) -> None:
        if connection.info.pop("records", False) and moments.random() < float(chance):
            connection.connection.dbapi_connection.commit()
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", before)
    event.listen(Engine, "commit", after)
    uvicorn.run(app, port=int(port), log_level="critical")


if __name__ == "__main__":
    main(*sys.argv[1:])
