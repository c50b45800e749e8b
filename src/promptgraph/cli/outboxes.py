"""Outboxes on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from promptgraph.client.address import Server
from promptgraph.client.courier import Delivered, deliver_batch
from promptgraph.client.http import Shell
from promptgraph.client.outbox import Outbox
from promptgraph.config import Settings
from promptgraph.domain.errors import InvalidInputError


@contextmanager
def opened(path: Path) -> Iterator[Outbox]:
    """The outbox of a file.

    raises  InvalidInputError  there is no such file: to ask is not to make
    """
    if not path.is_file():
        raise InvalidInputError(f"There is no outbox {path}: name it with --outbox.", field="outbox")
    outbox = Outbox(path)
    try:
        yield outbox
    finally:
        outbox.close()


def delivered(outbox: Outbox, settings: Settings, *, retry_refused: bool) -> Delivered:
    """What became of all rows that no other process is sending.

    raises  InvalidInputError      no server is named
            StoreUnavailableError  it takes none now; what is left stays in the outbox
    """
    if not settings.server:
        raise InvalidInputError("Name the server: --server, or PROMPTGRAPH_SERVER.", field="server")
    key = settings.api_key.get_secret_value() if settings.api_key else None
    shell = Shell(Server.at(settings.server, key))
    if retry_refused:
        outbox.retry_refused()
    total = Delivered()
    try:
        while (one := deliver_batch(outbox, shell, late=retry_refused)) is not None and one != Delivered():
            total = replace(
                total,
                recorded=total.recorded + one.recorded,
                duplicates=total.duplicates + one.duplicates,
                refused=total.refused + one.refused,
            )
    finally:
        shell.close()
    return total
