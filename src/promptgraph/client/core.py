"""What the two clients share: what they know, how they look things up, and what they say of a call."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypedDict
from uuid import UUID

from promptgraph.client.address import Server
from promptgraph.client.agents import Assignments
from promptgraph.client.bundle import Bundle, read_bundle
from promptgraph.client.cache import Cache, Key, Value
from promptgraph.client.calls import CallDraft, Of, Recorded, Row, call_row, score_row
from promptgraph.client.courier import Courier, Flushed
from promptgraph.client.http import TIMEOUT_S, Shell
from promptgraph.client.lookups import Looked, looked_up, revision
from promptgraph.client.outbox import Outbox
from promptgraph.client.patience import Patience
from promptgraph.client.prompts import Prompt, Wanted, wanted
from promptgraph.client.sending import ONCE, sent
from promptgraph.client.steps import Work
from promptgraph.domain.errors import (
    InvalidInputError,
    NotFoundError,
    PromptgraphError,
    StoreUnavailableError,
)
from promptgraph.domain.names import checked_label

log = logging.getLogger("promptgraph.client")

Recorder: TypeAlias = Literal["direct", "background"]
SERVER_VARIABLE, KEY_VARIABLE = "PROMPTGRAPH_SERVER", "PROMPTGRAPH_API_KEY"
DEFAULT_SERVER = "http://127.0.0.1:8000"
DEFAULT_OUTBOX = Path(".promptgraph/outbox.db")


class Options(TypedDict, total=False):
    """How a client works; all of it may be left out.

    api_key      the key to the server; PROMPTGRAPH_API_KEY
    recorder     `direct`: a call is at the server when `record` returns; `background`: in the outbox
    outbox       the file of the outbox; .promptgraph/outbox.db
    ttl          how many seconds a prompt is served before it is looked up again, behind the scenes; 60
    bundle       the file that `promptgraph lock` made, for when the server is away
    label        what is served where nothing else is asked for; `production`
    agent, environment, release   what every call says unless it says otherwise
    live         drop what is kept the moment that the registry changes; needs a connection that stays open
    timeout      how many seconds an answer is waited for; 10
    """

    api_key: str | None
    recorder: Recorder
    outbox: Path | str | None
    ttl: float
    bundle: Path | str | None
    label: str
    agent: str | None
    environment: str | None
    release: str | None
    live: bool
    timeout: float


_KNOWN = Options.__annotations__.keys()


class Core:
    """The state of a client, and its work as steps for a shell.

    raises  InvalidInputError  an option is wrong, or the bundle cannot be read
    """

    def __init__(
        self, server: str | None, options: Options, deliver: Callable[[], Shell] | None = None
    ) -> None:
        if unknown := options.keys() - _KNOWN:
            raise InvalidInputError(f"A client has no option {min(unknown)!r}.", field=min(unknown))
        key = options.get("api_key") or os.environ.get(KEY_VARIABLE) or None
        self.server = Server.at(server or os.environ.get(SERVER_VARIABLE) or DEFAULT_SERVER, key)
        self.timeout_s = options.get("timeout", TIMEOUT_S)
        self.label = checked_label(options.get("label", "production"))
        self.live = options.get("live", False)
        self.cache = Cache(options.get("ttl", 60.0))
        bundle = options.get("bundle")
        self.bundle = Bundle() if bundle is None else read_bundle(Path(bundle))
        self.patience = Patience()
        self.courier = self._courier(options, deliver)
        names = {"agent": options.get("agent"), "environment": options.get("environment")}
        names["release"] = options.get("release")
        self._usual = {name: value for name, value in names.items() if value is not None}
        self._told: set[str] = set()

    def _courier(self, options: Options, deliver: Callable[[], Shell] | None) -> Courier | None:
        recorder = options.get("recorder", "direct")
        if recorder not in ("direct", "background"):
            raise InvalidInputError("recorder must be 'direct' or 'background'.", field="recorder")
        if recorder == "direct":
            return None
        outbox = Outbox(Path(options.get("outbox") or DEFAULT_OUTBOX))
        return Courier(outbox, deliver or (lambda: Shell(self.server, None, self.timeout_s)))

    # ---- looking up

    def key(self, name: str, label: str | None, version: int | None) -> Wanted:
        """What is asked for; the usual label where nothing is said."""
        return wanted(name, self.label if label is None and version is None else label, version)

    def found(self, key: Key) -> Work[Value]:
        """What a key stands for, looked up now.

        raises  NotFoundError          there is no such thing
                StoreUnavailableError  the server is away, and neither memory nor bundle has it
        """
        instead = self.cache.last_known(key) or self.bundle.find(key, self.label)
        try:
            looked = yield from looked_up(key, self.label, ONCE if instead else self.patience)
        except StoreUnavailableError as error:
            if instead is None:
                raise
            where = "the bundle" if getattr(instead, "origin", None) == "bundle" else "what was served before"
            self._warn(f"away {key}", f"{_words(key)} comes from {where}: {error}")
            self.cache.put(key, instead, -1)
            return instead
        return self._kept(key, looked)

    def _kept(self, key: Key, looked: Looked) -> Value:
        if looked.value is None:
            self.cache.entries.pop(key, None)
            raise NotFoundError(f"There is no {_words(key)} at {self.server.url}.", field="name")
        if looked.latest and not isinstance(key, str):
            name = key.name
            self._warn(
                f"latest {name}", f"{name} has no label {self.label}: the latest version is used instead."
            )
        self.cache.put(key, looked.value, looked.revision)
        return looked.value

    def refreshed(self) -> Work[None]:
        """Look again at what is no longer fresh; where the registry is the same, one question is enough."""
        failed = True
        try:
            stale = self.cache.stale()
            changed = self.cache.confirm(stale, (yield from revision(ONCE)))
            for key in changed:
                try:
                    self._kept(key, (yield from looked_up(key, self.label, ONCE)))
                except NotFoundError as error:
                    log.warning("%s", error)
            failed = False
        except PromptgraphError as error:
            self._warn("refresh", f"Prompts could not be refreshed; those known are served: {error}")
        finally:
            self.cache.release_refresh(failed=failed)

    def _warn(self, about: str, sentence: str) -> None:
        """Say it once."""
        if about not in self._told:
            self._told.add(about)
            log.warning("%s", sentence)

    # ---- recording

    def call(self, of: Of, model: str, facts: Mapping[str, Any]) -> Row:
        """The row of a call. Into the outbox go no variables of a prompt that is known by id alone: which of
        them are sensitive cannot be told.
        """
        if isinstance(of, str) and self.courier is not None and facts.get("variables"):
            known = next((p for p in self._prompts() if p.id == of), None)
            if known is None:
                self._warn(
                    f"variables {of}", "Variables are left out of calls whose prompt is given by id alone."
                )
                facts = {**facts, "variables": None}
            return call_row(of if known is None else known, model, facts, self._usual)
        return call_row(of, model, facts, self._usual)

    def _prompts(self) -> list[Prompt]:
        values = [entry.value for entry in list(self.cache.entries.values())]
        prompts = [value for value in values if isinstance(value, Prompt)]
        sets = [value for value in values if isinstance(value, Assignments)]
        return prompts + [each.prompt for one in sets for each in one.assigned if each.prompt is not None]

    def calls(self, drafts: Sequence[CallDraft]) -> list[Row]:
        return [self.call(draft["prompt"], draft["model"], draft.get("facts", {})) for draft in drafts]

    def score(self, call_id: UUID | str, name: str, facts: Mapping[str, Any]) -> Row:
        return score_row(call_id, name, facts)

    def kept(self, row: Row) -> Recorded | None:
        """The row in the outbox, on its way; None if it is for the caller to send."""
        if self.courier is None:
            return None
        self.courier.outbox.put(row)
        self.courier.wake()
        return Recorded(row.call_id)

    def kept_each(self, rows: Sequence[Row]) -> list[Recorded]:
        """The rows in the outbox; those that it does not take have an error."""
        made = []
        for row in rows:
            try:
                made.append(self.kept(row) or Recorded(row.call_id))
            except StoreUnavailableError as error:
                made.append(Recorded(row.call_id, error=error))
        return made

    def recorded(self, rows: Sequence[Row]) -> Work[list[Recorded]]:
        """What the server says of rows of one kind, however many. What fails once something is stored is an
        error of the rest.

        raises  PromptgraphError  it refuses the first request as a whole
        """
        made: list[Recorded] = []
        for start in range(0, len(rows), ROWS_AT_ONCE):
            try:
                made += yield from sent(rows[start : start + ROWS_AT_ONCE], self.patience)
            except PromptgraphError as error:
                if not made:
                    raise
                return [*made, *(Recorded(row.call_id, error=error) for row in rows[start:])]
        return made

    def flush(self, timeout_s: float) -> Flushed:
        """Nothing waits where every call is sent at once."""
        return Flushed(0, 0) if self.courier is None else self.courier.flush(timeout_s)

    def close(self, timeout_s: float) -> None:
        if self.courier is not None:
            self.courier.close(timeout_s)


ROWS_AT_ONCE = 500


def settled(recorded: Recorded) -> Recorded:
    """`recorded`, if the row is stored or on its way.

    raises  PromptgraphError  the server refused it
    """
    if recorded.error is not None:
        raise recorded.error
    return recorded


def _words(key: Key) -> str:
    return f"agent {key}" if isinstance(key, str) else f"prompt {key.words}"
