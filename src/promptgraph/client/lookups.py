"""Looking things up: prompts by what is wanted, and agents' assignments."""

from __future__ import annotations

import json
from typing import Any, NamedTuple, cast

from promptgraph.client.agents import assignments_of
from promptgraph.client.answers import ServerAwayError, answered
from promptgraph.client.cache import Key, Value
from promptgraph.client.documents import AGENT, PROMPT, REVISION
from promptgraph.client.patience import Patience
from promptgraph.client.prompts import prompt_of
from promptgraph.client.steps import Ask, Work
from promptgraph.domain.canonical import JsonObject


class Looked(NamedTuple):
    """What was found, None for nothing, and at which revision of the registry. `latest`: the label is
    missing, and this is the latest version instead.
    """

    value: Value | None
    revision: int
    latest: bool = False


def request(document: str, variables: JsonObject) -> Ask:
    return Ask(json.dumps({"query": document, "variables": variables}).encode())


def revision(patience: Patience) -> Work[int]:
    """The revision of the registry: it grows with every change."""
    data = yield from answered(request(REVISION, {}), patience)
    return _revision(data)


def looked_up(key: Key, usual: str, patience: Patience) -> Work[Looked]:
    """What a key stands for. A prompt that lacks the label `usual` is answered with its latest version.

    raises  PromptgraphError  as `answers.data_of`; PromptMismatchError where a content is not understood
    """
    data = yield from answered(_request(key, usual), patience)
    try:
        return _looked(data, key)
    except (KeyError, TypeError, ValueError) as error:
        raise ServerAwayError("The server's answer makes no sense; try again.") from error


def _request(key: Key, usual: str) -> Ask:
    if isinstance(key, str):
        return request(AGENT, {"name": key})
    or_latest = key.label == usual
    return request(PROMPT, {**key._asdict(), "orLatest": or_latest})


def _looked(data: JsonObject, key: Key) -> Looked:
    at = _revision(data)
    if isinstance(key, str):
        node = _node(data, "agent")
        return Looked(None if node is None else assignments_of(key, node), at)
    if (node := _node(data, "prompt")) is not None:
        return Looked(prompt_of(node, key.label), at)
    latest = _node(data, "latest")
    return Looked(None if latest is None else prompt_of(latest), at, latest=True)


def _node(data: JsonObject, name: str) -> JsonObject | None:
    return cast("JsonObject | None", data.get(name))


def _revision(data: JsonObject) -> int:
    try:
        return int(cast("dict[str, Any]", data["serverInfo"])["revision"])
    except (KeyError, TypeError, ValueError) as error:
        raise ServerAwayError("The server's answer makes no sense; try again.") from error
