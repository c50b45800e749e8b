"""An agent that records numbered calls: says each number once `record` has returned, until it is killed.

`keyed` calls have the ids that their numbers make, so that one whose word was cut off is the same call in the
next life. Of `keyless` ones the ids are taken off on the way: the control, which must double.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any
from uuid import UUID

import httpx

from promptgraph.client.client import Client
from promptgraph.client.outbox import Outbox

PAUSE_S = 0.01
LEASE_S = 2.0
BATCH = 20


class Keyless(httpx.HTTPTransport):
    """Takes the ids off all calls."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body: Any = json.loads(request.read())
        for row in body["variables"].get("input", ()):
            row.pop("callId")
        bare = json.dumps(body).encode()
        headers = {**request.headers, "content-length": str(len(bare))}
        return super().handle_request(httpx.Request("POST", request.url, headers=headers, content=bare))


def client(how: str, url: str, outbox: str) -> Client:
    made = Client(url, recorder="background", outbox=outbox, transport=None if how == "keyed" else Keyless())
    courier = made._core.courier  # noqa: SLF001  # short leases and small batches: many commits
    assert courier is not None
    courier.outbox = Outbox(courier.outbox.path, lease_s=LEASE_S, batch_rows=BATCH)
    return made


def main(how: str, url: str, outbox: str, prompt: str, numbers: str) -> None:
    mine = client(how, url, outbox)
    first, last = map(int, numbers.split("-"))
    for number in range(first, last):
        mine.record(prompt, model="m", call_id=UUID(int=number), input_tokens=number)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        time.sleep(PAUSE_S)
    mine.close(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
