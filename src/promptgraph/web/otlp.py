"""OTLP over HTTP: the door for traces. What exporters of OpenTelemetry send is read, its calls are recorded,
and the answer is in the form of the request.

source  the OTLP specification 1.9, "OTLP/HTTP"
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from google.rpc.code_pb2 import Code
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from promptgraph.domain.errors import StoreUnavailableError
from promptgraph.domain.keys import RECORDING, Bindings, Caller
from promptgraph.domain.visit import CURRENT
from promptgraph.graph.answer import RequestRefusedError
from promptgraph.record.span import Span
from promptgraph.record.traces import Taken
from promptgraph.web import otlp_json, otlp_protobuf
from promptgraph.web.bearer import key_of
from promptgraph.web.body import BODY_SECONDS, TURN_SECONDS, DisconnectedError, read_body
from promptgraph.web.gate import TOO_MANY, UNAUTHORIZED, Gate
from promptgraph.web.http import announced
from promptgraph.web.media import JSON, codings_of, media_of
from promptgraph.web.pages import SECURITY_HEADERS
from promptgraph.web.refusal import HttpRefusedError
from promptgraph.web.response import EXPLANATIONS, UNAVAILABLE
from promptgraph.web.watch import TRACES, Watch, gone

TRACES_PATH = "/v1/traces"
PROTOBUF = "application/x-protobuf"
MAX_BYTES = 16 * 1024 * 1024
"""A body, as it is sent and as it is once it is inflated."""
START_BYTES = 1024 * 1024
"""So much of a compressed body is inflated before it needs the turn of a large one."""
CROWDED = "Other large requests are under way; try again."
FORBIDDEN = 403
NOT_RECORDING = "This key lacks a scope that this needs: record."
LATE = "The database was too slow; send the spans again, which harms none that are stored."

CODES: Mapping[int, int] = {
    400: Code.INVALID_ARGUMENT,
    UNAUTHORIZED: Code.UNAUTHENTICATED,
    FORBIDDEN: Code.PERMISSION_DENIED,
    405: Code.UNIMPLEMENTED,
    408: Code.DEADLINE_EXCEEDED,
    413: Code.RESOURCE_EXHAUSTED,
    415: Code.INVALID_ARGUMENT,
    TOO_MANY: Code.RESOURCE_EXHAUSTED,
    UNAVAILABLE: Code.UNAVAILABLE,
}
"""By HTTP status the code that a Status has."""

CODINGS: Mapping[str, int] = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
"""What exporters compress with, and zlib's word for it."""


class Form(NamedTuple):
    """A way to write messages."""

    spans: Callable[[bytes], list[Span]]
    written: Callable[[Message], bytes]


FORMS: Mapping[str, Form] = {
    PROTOBUF: Form(otlp_protobuf.spans_of, lambda message: message.SerializeToString()),
    JSON: Form(otlp_json.spans_of, lambda message: MessageToJson(message, indent=None).encode()),
}
"""By media type."""


@dataclass(frozen=True, slots=True)
class TracesDoor:
    """What answers at TRACES_PATH. `gate` lets callers in; `record` is `Traces.record`; `bulky`: whoever
    holds one of these may have a large request; `watch`: what is known of requests.

    units  seconds: after which recording is given up; body_s: seconds that a client has for sending a body
    """

    gate: Gate
    record: Callable[[Sequence[Span], Bindings], Awaitable[Taken]]
    bulky: asyncio.Semaphore
    seconds: float
    watch: Watch = field(default_factory=Watch)
    body_s: float = BODY_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        media = JSON
        CURRENT.get().operation = TRACES
        try:
            self.watch.check()
            media = _form(scope)
            caller = await self._recording(scope)
            spans = await self._spans(media, scope, receive)
            async with asyncio.timeout(self.seconds):
                taken = await self.record(spans, caller.bindings)
            answer = _answer(200, media, _response(taken))
        except HttpRefusedError as error:
            answer = _refusal(error, media)
        except RequestRefusedError as error:
            answer = _refusal(HttpRefusedError(400, str(error)), media)
        except StoreUnavailableError as error:
            answer = _refusal(HttpRefusedError(UNAVAILABLE, str(error)), media)
        except TimeoutError:
            answer = _refusal(HttpRefusedError(UNAVAILABLE, LATE), media)
        except DisconnectedError:
            gone()
            return
        await answer(scope, receive, send)

    async def _recording(self, scope: Scope) -> Caller:
        """Who sends, and may record.

        raises  HttpRefusedError  401, 403, 429
        """
        caller = await self.gate.caller(key_of(scope), scope)
        CURRENT.get().key = caller.public_id
        if not caller.scopes >= RECORDING:
            raise HttpRefusedError(FORBIDDEN, NOT_RECORDING)
        return caller

    async def _spans(self, media: str, scope: Scope, receive: Receive) -> list[Span]:
        coding = _coding(Headers(scope=scope))
        async with AsyncExitStack() as held:
            turn = _Turn(partial(held.enter_async_context, self.bulky))
            body = await read_body(receive, announced(scope), turn, most=MAX_BYTES, seconds=self.body_s)
            if coding is not None:
                body = await _inflated(body, CODINGS[coding], turn)
            return await asyncio.to_thread(FORMS[media].spans, body)


class _Turn:
    """Waits once for what is given, however often it is awaited.

    raises  HttpRefusedError  503, it was not there in time
    """

    def __init__(self, wait: Callable[[], Awaitable[object]]) -> None:
        self._wait = wait
        self._is_here = False

    async def __call__(self) -> None:
        if self._is_here:
            return
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await self._wait()
        except TimeoutError:
            raise HttpRefusedError(UNAVAILABLE, CROWDED) from None
        self._is_here = True


def _form(scope: Scope) -> str:
    """The media type of a request, which is that of its answer.

    raises  HttpRefusedError  405, 415
    """
    if scope["method"] != "POST":
        raise HttpRefusedError(405, "Use POST.")
    media = media_of(", ".join(Headers(scope=scope).getlist("content-type")))
    if media not in FORMS:
        raise HttpRefusedError(415, f"A body must be sent as {' or '.join(FORMS)}.")
    return media


def _coding(headers: Headers) -> str | None:
    """How a body is compressed.

    raises  HttpRefusedError  415
    """
    coding = codings_of(headers)
    if coding in ("", "identity"):
        return None
    if coding not in CODINGS:
        names = ", ".join(CODINGS)
        raise HttpRefusedError(415, f"A body may be compressed by {names}.", {"Accept-Encoding": names})
    return coding


async def _inflated(body: bytes, bits: int, large: Callable[[], Awaitable[object]]) -> bytes:
    """A compressed body as it was.

    keys    large: awaited before more than START_BYTES are made of it
    raises  HttpRefusedError  400 it is damaged or goes on behind its end; 413 too large
    """
    inflater = zlib.decompressobj(bits)
    try:
        made = inflater.decompress(body, START_BYTES)
        if inflater.unconsumed_tail and not inflater.eof:
            await large()
            more = MAX_BYTES + 1 - len(made)
            made += await asyncio.to_thread(inflater.decompress, inflater.unconsumed_tail, more)
    except zlib.error as error:
        raise HttpRefusedError(400, "The body is damaged: it cannot be inflated.") from error
    if len(made) > MAX_BYTES:
        raise HttpRefusedError(413, f"The body is larger than {MAX_BYTES:,} bytes once it is inflated.")
    if not inflater.eof or inflater.unused_data:
        raise HttpRefusedError(400, "The body is damaged: it ends too early, or goes on behind its end.")
    return made


def _response(taken: Taken) -> ExportTraceServiceResponse:
    if not taken.rejected:
        return ExportTraceServiceResponse()
    partial_success = ExportTracePartialSuccess(
        rejected_spans=taken.rejected, error_message=_encodable(taken.message)
    )
    return ExportTraceServiceResponse(partial_success=partial_success)


def _refusal(error: HttpRefusedError, media: str) -> Response:
    status = Status(code=CODES[error.status], message=_encodable(str(error)))
    return _answer(error.status, media, status, {**EXPLANATIONS.get(error.status, {}), **error.headers})


def _encodable(text: str) -> str:
    """What UTF-8 cannot write, quoted from a refused value, is replaced."""
    return text.encode("utf-8", "replace").decode()


def _answer(status: int, media: str, message: Message, headers: Mapping[str, str] | None = None) -> Response:
    own = {"Cache-Control": "no-store", **SECURITY_HEADERS, **(headers or {})}
    return Response(FORMS[media].written(message), status, own, media_type=media)
