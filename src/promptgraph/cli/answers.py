"""The answer of the syncPrompts mutation as the records that a sync of the database gives."""

from __future__ import annotations

import datetime as dt
from typing import Any, TypeVar

from promptgraph.client.answers import told_error
from promptgraph.domain.diff import Impact
from promptgraph.domain.errors import InvalidInputError, PromptFilesError
from promptgraph.domain.registry import SyncAction, SyncOrigin, SyncRun, SyncStep
from promptgraph.domain.tree import FileProblem, Place
from promptgraph.sync.apply import Outcome

T = TypeVar("T")


class NotAnAnswer(Exception):  # noqa: N818  # never leaves the command line; remote.py words it
    """What came back has not the shape of a GraphQL answer to the mutation."""


def outcome_of(answer: object) -> Outcome:
    """The outcome that a decoded answer tells.

    raises  PromptgraphError  the request as a whole was refused · NotAnAnswer
    """
    body = _typed(answer, dict)
    errors = _typed(body.get("errors") or [], list)
    if errors:
        raise told_error(_typed(errors[0], dict))
    payload = _typed(_typed(body.get("data"), dict).get("syncPrompts"), dict)
    try:
        return _outcome(payload)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotAnAnswer(str(error)) from error


def _outcome(payload: dict[str, Any]) -> Outcome:
    problems = tuple(_problem(one) for one in payload["problems"])
    errors = payload["errors"]
    refused = told_error(errors[0]) if errors else None
    if isinstance(refused, InvalidInputError) and problems:
        refused = PromptFilesError(str(refused))
    return Outcome(tuple(_step(one) for one in payload["plan"]), problems, _run(payload["run"]), refused)


def _step(step: dict[str, Any]) -> SyncStep:
    return SyncStep(
        action=SyncAction(step["action"]),
        kind=_typed(step["kind"], str),
        name=_typed(step["name"], str),
        version=step["version"],
        sentence=_typed(step["sentence"], str),
        impact=Impact(step["impact"]) if step["impact"] else None,
        path=step["path"],
    )


def _problem(problem: dict[str, Any]) -> FileProblem:
    place = Place(_typed(problem["path"], str), problem["line"], problem["column"])
    return FileProblem(place, _typed(problem["message"], str), problem["hint"], bool(problem["warning"]))


def _run(run: dict[str, Any] | None) -> SyncRun | None:
    if run is None:
        return None
    return SyncRun(
        id=0,
        origin=SyncOrigin(source=_typed(run["source"], str), commit_sha=run["commitSha"]),
        started_at=dt.datetime.fromisoformat(run["startedAt"]),
        finished_at=dt.datetime.fromisoformat(run["finishedAt"]),
        added=_typed(run["added"], int),
        moved=_typed(run["moved"], int),
        retired=_typed(run["retired"], int),
        unchanged=_typed(run["unchanged"], int),
    )


def _typed(value: object, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise NotAnAnswer(f"{type(value).__name__} where {kind.__name__} was expected")
    return value
