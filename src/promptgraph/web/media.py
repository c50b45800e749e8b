"""Media types: which body is taken, and which form of answer a client prefers."""

from __future__ import annotations

from typing import NamedTuple

from starlette.datastructures import Headers

from promptgraph.web.refusal import HttpRefusedError

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"
EVENTS = "text/event-stream"

OFFERED = (JSON, GRAPHQL)
"""What an API answer may be; the first wins where the client does not care."""


class Range(NamedTuple):
    """One entry of an Accept header."""

    media: str
    quality: float

    def covers(self, media: str) -> bool:
        return self.media in (media, "*/*", media.partition("/")[0] + "/*")


def ranges(accept: str) -> list[Range]:
    """The entries of an Accept header; those that cannot be read are left out."""
    return [found for entry in accept.split(",") if (found := _range(entry)) is not None]


def _range(entry: str) -> Range | None:
    media, *parameters = (part.strip().lower() for part in entry.split(";"))
    quality = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip('" ') not in ("utf-8", "utf8"):
            quality = 0.0
        elif name.strip() == "q":
            try:
                quality = float(value)
            except ValueError:
                return None
    return Range(media, quality) if "/" in media and 0 <= quality <= 1 else None


def quality_of(media: str, accepted: list[Range]) -> float:
    """How much a client wants `media`: the most precise entry decides; 0 is not at all."""
    fitting = [entry for entry in accepted if entry.covers(media)]
    return min(fitting, key=lambda entry: entry.media.count("*")).quality if fitting else 0.0


def negotiated(accept: str) -> str:
    """The form of an API answer: what is named comes before what a wildcard lets in. Events must be named.

    raises  HttpRefusedError  406, the client takes neither form
    """
    accepted = ranges(accept)
    if not accepted:
        return JSON
    named = {entry.media for entry in accepted}
    offered = (*OFFERED, EVENTS) if EVENTS in named else OFFERED
    best = max(offered, key=lambda media: (quality_of(media, accepted), media in named))
    if quality_of(best, accepted) == 0:
        raise HttpRefusedError(
            406, f"Answers are {GRAPHQL} or {JSON}, or {EVENTS}; the Accept header takes none of them."
        )
    return best


def takes_events(accept: str) -> bool:
    """Whether an answer may be a stream of events: only where they are named, for most clients take `*/*`."""
    return any(entry.media == EVENTS and entry.quality > 0 for entry in ranges(accept))


def wants_page(accept: str) -> bool:
    """Whether a person with a browser asks: HTML is named and nothing of ours is wanted more."""
    accepted = ranges(accept)
    html = quality_of(HTML, [entry for entry in accepted if entry.media == HTML])
    return html > 0 and html >= max(
        (entry.quality for entry in accepted if entry.media in OFFERED), default=0.0
    )


def media_of(content_type: str) -> str:
    """The media type of a body, in lower case and whole: what is compared with it, no other site can send.

    raises  HttpRefusedError  415, it is text in another form than UTF-8
    """
    media, *parameters = (part.strip() for part in content_type.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip('" ').lower() not in ("utf-8", "utf8"):
            raise HttpRefusedError(415, "A body must be UTF-8.")
    return media.lower()


def codings_of(headers: Headers) -> str:
    """How a body is compressed, in lower case, on its way too; empty where it is as it was."""
    codings = [*headers.getlist("content-encoding"), *headers.getlist("transfer-encoding")]
    return ", ".join(coding.strip().lower() for coding in codings if coding.lower() not in ("chunked", ""))


def check_json(content_type: str, content_encoding: str) -> None:
    """Nothing, for a body that is plain JSON.

    raises  HttpRefusedError  415
    """
    if media_of(content_type) != JSON:
        raise HttpRefusedError(415, f"A body must be sent as {JSON}.")
    if content_encoding.strip().lower() not in ("", "identity"):
        raise HttpRefusedError(415, "A body must not be compressed.", {"Accept-Encoding": "identity"})
