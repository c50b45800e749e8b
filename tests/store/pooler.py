"""A pooler in transaction mode, reduced to what matters: each transaction gets another connection."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

SSL, CANCEL = 80877103, 80877102
KNOWN = frozenset({"user", "database", "client_encoding", "application_name", "timezone", "datestyle"})
"""What PgBouncer lets a client say at its start."""
IDLE = b"I"


def message(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return kind + struct.pack("!i", len(body) + 4) + body


async def next_message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Its kind, and all of it."""
    head = await reader.readexactly(5)
    return head[:1], head + await reader.readexactly(struct.unpack("!i", head[1:])[0] - 4)


@dataclass
class Backend:
    """A connection to the server, and what it said at its start."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    told: list[bytes]


@dataclass
class Pooler:
    """`lenient`: it ignores what it does not know of a start, as PgBouncer may be told to. `turns`: how many
    transactions there were.
    """

    server: tuple[str, int]
    lenient: bool = False
    turns: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A client, from its start to its end."""
        backends: list[Backend] = []
        try:
            said = await self._start(reader, writer)
            if said is None:
                return
            backends = [await self._backend(said) for _ in range(2)]
            writer.write(b"".join(backends[0].told))
            await self._relay(reader, writer, backends)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            for each in (writer, *(backend.writer for backend in backends)):
                each.close()

    async def _start(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> dict[str, str] | None:
        """What the client says at its start; None where that is all."""
        while True:
            size, code = struct.unpack("!ii", await reader.readexactly(8))
            rest = await reader.readexactly(size - 8)
            if code == CANCEL:
                return None
            if code != SSL:
                break
            writer.write(b"N")
        words = [word.decode() for word in rest.split(b"\0")]
        said = {name.lower(): value for name, value in zip(words[::2], words[1::2], strict=False) if name}
        strange = sorted(said.keys() - KNOWN)
        if strange and not self.lenient:
            text = f"unsupported startup parameter: {strange[0]}"
            fields = {"S": "FATAL", "V": "FATAL", "C": "08P01", "M": text}
            writer.write(message(b"E", *(f"{key}{value}\0".encode() for key, value in fields.items()), b"\0"))
            return None
        return {name: value for name, value in said.items() if name in KNOWN}

    async def _backend(self, said: dict[str, str]) -> Backend:
        reader, writer = await asyncio.open_connection(*self.server)
        body = b"".join(f"{name}\0{value}\0".encode() for name, value in said.items()) + b"\0"
        writer.write(struct.pack("!ii", len(body) + 8, 3 << 16) + body)
        told, kind = [], b""
        while kind != b"Z":
            kind, all_of_it = await next_message(reader)
            told.append(all_of_it)
        return Backend(reader, writer, told)

    async def _relay(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, backends: list[Backend]
    ) -> None:
        """Both ways, until the client goes. A backend is the client's until its transaction ends."""
        at = 0

        async def answers(mine: Backend) -> None:
            nonlocal at
            while True:
                kind, all_of_it = await next_message(mine.reader)
                if kind == b"Z" and all_of_it[5:] == IDLE:
                    self.turns += 1
                    at = self.turns % len(backends)
                writer.write(all_of_it)

        pumps = [asyncio.create_task(answers(backend)) for backend in backends]
        try:
            while True:
                kind, all_of_it = await next_message(reader)
                backends[at].writer.write(all_of_it)
                if kind == b"X":
                    return
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)


@asynccontextmanager
async def pooler(host: str, port: int, *, lenient: bool = False) -> AsyncIterator[tuple[Pooler, int]]:
    """One in front of a server, and the port that it listens on."""
    made = Pooler((host, port), lenient)
    running: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.add(asyncio.create_task(made.serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield made, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await server.wait_closed()
