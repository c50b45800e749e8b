"""Requests by the form of their bodies: programs send the same text again and again, with other variables."""

from __future__ import annotations

import json
from typing import NamedTuple

from promptgraph.domain.canonical import Json
from promptgraph.graph.answer import RequestRefusedError
from promptgraph.graph.remembered import Remembered
from promptgraph.graph.request import Request, asked
from promptgraph.graph.wire import decoded

MIB = 1024 * 1024
ROOM = 4 * MIB
LONGEST = 40 * 1024
"""A longer text around the variables is read anew each time."""
BESIDE = 1024
"""What a form takes beside its bytes."""
TAILS = 8
"""How many forms may begin alike."""
SIGN = b'"variables":'
MARKS = (1, 2)


class Form(NamedTuple):
    """How a body ends behind its variables, and the request that it is but for them; without `tail` it is the
    request.
    """

    tail: bytes | None
    request: Request


class Forms:
    """The forms of bodies that were read lately, by how they begin."""

    def __init__(self, room: int = ROOM) -> None:
        self._known: Remembered[bytes, tuple[Form, ...]] = Remembered(room)

    def __len__(self) -> int:
        return len(self._known)

    @property
    def taken(self) -> int:
        """How much room they take."""
        return self._known.taken

    def read(self, body: bytes) -> Request:
        """The request in a body.

        raises  RequestRefusedError  with what is wrong
        cost    that of its variables, where its form is known
        """
        at = body.find(SIGN)
        start = at + len(SIGN) if at >= 0 else len(body)
        head = body[:start]
        known = self._known.get(head) or ()
        for form in known:
            if (fitted := _fitted(form, body, start)) is not None:
                return fitted
        request = asked(decoded(body))
        found = learnt(body, start, request) if start <= LONGEST else None
        if found is not None:
            forms = (found, *known)[:TAILS]
            self._known.put(head, forms, len(head) + sum(map(_room, forms)))
        return request


def _room(form: Form) -> int:
    return BESIDE + len(form.tail or b"") + 2 * len(form.request.query)


def _fitted(form: Form, body: bytes, start: int) -> Request | None:
    """The request, if the body is of this form and its variables are sound."""
    if form.tail is None:
        return form.request
    end = len(body) - len(form.tail)
    if end < start or not body.endswith(form.tail):
        return None
    try:
        variables = decoded(body[start:end])
    except RequestRefusedError:
        return None
    if not isinstance(variables, dict):
        return None
    known = form.request
    return Request(known.query, variables, known.operation_name, known.document)


def learnt(body: bytes, start: int, request: Request) -> Form | None:
    """The form of a body that stands for `request`; `start` is where its variables seem to begin.

    It is sure of that where other values in their place become the request's variables and nothing else: a
    text that is JSON with one value in it is JSON with any other, too.
    """
    if start == len(body):
        return Form(None, request)
    text = body[start:].decode()
    begin = len(text) - len(text.lstrip(" \t\r\n"))
    _, end = _ANY.raw_decode(text, begin)
    tail = text[end:].encode()
    if len(tail) > LONGEST or not all(_with(body[:start], mark, tail) == mark for mark in MARKS):
        return None
    return Form(tail, Request(request.query, {}, request.operation_name, request.document))


_ANY = json.JSONDecoder()


def _with(head: bytes, mark: int, tail: bytes) -> Json:
    """What the variables are with `mark` in their place."""
    found = decoded(b"%b%d%b" % (head, mark, tail))
    return found.get("variables") if isinstance(found, dict) else None
