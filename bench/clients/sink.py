"""A server on the loopback that takes what clients send, serves Langfuse its prompt, and counts: GET /count.

python bench/clients/sink.py        prints its port
"""

from __future__ import annotations

import gzip
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench.clients.timing import MESSAGES, NAME

SPAN = re.compile(rb"langfuse\.observation\.type")
CHAT = [{"type": "chatmessage", "role": role, "content": content} for role, content in MESSAGES]
PROMPT = {"name": NAME, "version": 1, "type": "chat", "labels": ["production"], "tags": [], "config": {}}


class Sink(BaseHTTPRequestHandler):
    """Counts calls: rows of recordLlmCalls, and Langfuse's observations in OTLP. Our prompts it has not."""

    protocol_version = "HTTP/1.1"
    calls = 0

    def do_GET(self) -> None:
        answers = {"/count": Sink.calls, "/reset": 0}
        if self.path == "/reset":
            Sink.calls = 0
        self._answer(answers.get(self.path, {**PROMPT, "prompt": CHAT}))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if Path(self.path).name != "graphql":
            Sink.calls += len(SPAN.findall(body))
            return self._answer({})
        rows = json.loads(body)["variables"].get("input")
        if rows is None:
            return self._answer({}, status=503)
        Sink.calls += len(rows)
        result = {"status": "RECORDED", "warnings": [], "error": None}
        return self._answer({"data": {"recordLlmCalls": {"results": [result] * len(rows)}}})

    def _answer(self, found: object, status: int = 200) -> None:
        body = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
