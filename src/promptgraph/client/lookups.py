"""Looking things up: prompts by what is wanted, and agents' assignments."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from promptgraph.client.agents import ASSIGNMENTS, assignments_of
from promptgraph.client.answers import ServerAwayError, answered
from promptgraph.client.cache import Key, Value
from promptgraph.client.patience import Patience
from promptgraph.client.prompts import FRAGMENT, prompt_of
from promptgraph.client.steps import Ask, Work
from promptgraph.domain.canonical import JsonObject

AT_ONCE = 5
"""How many keys one request may ask for: what a server's limits allow, agents too."""
REVISION = "query Revision { serverInfo { revision } }"


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


def looked_up(keys: Sequence[Key], usual: str, patience: Patience) -> Work[list[Looked]]:
    """What the keys stand for, in their order. A prompt that lacks the label `usual` is answered with its
    latest version.

    raises  PromptgraphError  as `answers.data_of`; PromptMismatchError where a content is not understood
    """
    found: list[Looked] = []
    for start in range(0, len(keys), AT_ONCE):
        some = keys[start : start + AT_ONCE]
        data = yield from answered(_request(some, usual), patience)
        try:
            found += [_looked(data, place, key) for place, key in enumerate(some)]
        except (KeyError, TypeError, ValueError) as error:
            raise ServerAwayError("The server's answer makes no sense; try again.") from error
    return found


def _request(keys: Sequence[Key], usual: str) -> Ask:
    declared: list[str] = []
    fields: list[str] = []
    variables: JsonObject = {}
    for place, key in enumerate(keys):
        declared.append(f"$n{place}: String!")
        if isinstance(key, str):
            variables[f"n{place}"] = key
            fields.append(f"a{place}: agent(name: $n{place}) {{ {ASSIGNMENTS} }}")
            continue
        variables |= {f"n{place}": key.name, f"l{place}": key.label, f"v{place}": key.version}
        declared += [f"$l{place}: String", f"$v{place}: Int"]
        fields.append(f"p{place}: prompt(name: $n{place}, label: $l{place}, version: $v{place}) {{ ...P }}")
        if key.label == usual:
            fields.append(f"q{place}: prompt(name: $n{place}) {{ ...P }}")
    document = (
        f"query Look({', '.join(declared)}) {{ serverInfo {{ revision }} {' '.join(fields)} }} {FRAGMENT}"
    )
    return request(document, variables)


def _looked(data: JsonObject, place: int, key: Key) -> Looked:
    at = _revision(data)
    if isinstance(key, str):
        node = _node(data, f"a{place}")
        return Looked(None if node is None else assignments_of(key, node), at)
    if (node := _node(data, f"p{place}")) is not None:
        return Looked(prompt_of(node, key.label), at)
    latest = _node(data, f"q{place}")
    return Looked(None if latest is None else prompt_of(latest), at, latest=True)


def _node(data: JsonObject, name: str) -> JsonObject | None:
    return cast("JsonObject | None", data.get(name))


def _revision(data: JsonObject) -> int:
    try:
        return int(cast("dict[str, Any]", data["serverInfo"])["revision"])
    except (KeyError, TypeError, ValueError) as error:
        raise ServerAwayError("The server's answer makes no sense; try again.") from error
