"""The partials of a tree: each checked by itself, so that what is wrong in one is said once, where it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from promptgraph.domain.errors import TemplateError
from promptgraph.files.layout import PARTIALS
from promptgraph.files.node import Finding
from promptgraph.template.partials import check_partial, inline

_LINE_END = re.compile("\r\n?")


@dataclass(frozen=True, slots=True)
class Partials:
    """What templates may include. A broken partial is known, empty, and in `findings`."""

    texts: Mapping[str, str]
    broken: frozenset[str]
    findings: Mapping[str, Finding]


def checked_partials(texts: Mapping[str, str], broken: frozenset[str]) -> Partials:
    """Partials by name, the `broken` ones known by name alone."""
    known = {name: _LINE_END.sub("\n", text) for name, text in texts.items()}
    empty = dict.fromkeys([*known, *broken], "")
    findings = {name: found for name, text in known.items() if (found := _own_fault(text, empty))}
    sound = empty | {name: text for name, text in known.items() if name not in findings}
    findings |= {name: found for name in known if sound[name] and (found := _joint_fault(name, sound))}
    return Partials(
        {name: "" if name in findings else text for name, text in sound.items()},
        broken | findings.keys(),
        findings,
    )


def _own_fault(text: str, empty: Mapping[str, str]) -> Finding | None:
    """What is wrong with a partial's own text, whatever it includes."""
    try:
        check_partial(text, empty)
    except TemplateError as error:
        return Finding(str(error), line=error.line)
    return None


def _joint_fault(name: str, texts: Mapping[str, str]) -> Finding | None:
    """What is wrong with a partial once all that it includes is in place: a circle, its depth, its size."""
    try:
        check_partial(texts[name], texts)
        inline(f'{{% include "{name}" %}}', texts)
    except TemplateError as error:
        own = re.match(rf"In the partial {re.escape(name)}, line (\d+): ", str(error))
        return (
            Finding(str(error)[own.end() :], line=int(own[1]))
            if own
            else Finding(str(error), line=error.line)
        )
    return None


def path_of(name: str) -> str:
    """The file of a partial."""
    return PARTIALS + name
