"""Which versions are new, which families change, which retire."""

from __future__ import annotations

from promptgraph.domain.diff import changes_between, impact_of
from promptgraph.domain.inventory import StoredVersion
from promptgraph.domain.prompt import PromptFamily
from promptgraph.domain.registry import SyncAction, SyncStep
from promptgraph.domain.tree import PromptSpec
from promptgraph.sync.changes import (
    AddPrompt,
    ChangeFamily,
    MakeFirm,
    Part,
    Planned,
    ReplaceDraft,
    RetireFamily,
    SetLatest,
)
from promptgraph.sync.scope import Scope

MAX_SENTENCES = 3


def plan_prompts(scope: Scope) -> Part:
    """The prompts' part of a plan: by name, then what retires."""
    planned: list[Planned] = []
    for name, spec in sorted(scope.newest.items()):
        if conflict := _name_conflict(scope, spec):
            planned.append(conflict)
            continue
        planned += _family(scope, spec)
        planned += [_version(scope, one) for one in scope.specs[name]]
    planned += _retiring(scope)
    return Part(tuple(planned))


def _conflict(spec: PromptSpec, sentence: str) -> Planned:
    return Planned(
        SyncStep(
            action=SyncAction.CONFLICT,
            kind="prompt",
            name=spec.name,
            version=spec.version,
            sentence=sentence,
            path=spec.place.path,
        )
    )


def _name_conflict(scope: Scope, spec: PromptSpec) -> Planned | None:
    family = scope.families.get(spec.name)
    taken = scope.stored.former_names.get(spec.name)
    if family is None and taken is not None and taken not in scope.continued:
        return _conflict(
            spec,
            f"{spec.name} is a former name of {taken}. Choose another name or, to rename {taken} back,"
            f" add `formerly: [{taken}]`.",
        )
    if family is None:
        return None
    if family.source != scope.origin.source:
        return _conflict(
            spec,
            f"{spec.name} belongs to the source {family.source!r}; this sync is {scope.origin.source!r}."
            " Sync it from there, or choose another name.",
        )
    merged = [n for n in spec.formerly if n in scope.stored.families and n != family.name]
    if merged:
        return _conflict(
            spec,
            f"{spec.name} and {merged[0]} are both in the registry, so one cannot become the other;"
            f" remove {merged[0]} from `formerly`.",
        )
    return None


def _family(scope: Scope, spec: PromptSpec) -> list[Planned]:
    family = scope.families.get(spec.name)
    if family is None:
        return []
    wanted = _facts(spec)
    stored = (family.description, family.tags, family.metadata, family.record)
    renamed = family.name != spec.name
    forgotten = set(spec.formerly) - {family.name, *family.former_names}
    was = f" It was {family.name}." if renamed else ""
    if family.retired_at is not None:
        step = _step(SyncAction.RESTORE, spec, f"Its file is back.{was}", kind="family")
    elif renamed:
        step = _step(SyncAction.UPDATE, spec, f"Renamed.{was}", kind="family")
    elif wanted != stored or forgotten:
        step = _step(SyncAction.UPDATE, spec, "Description, tags, metadata or record changed.", kind="family")
    else:
        return []
    return [Planned(step, ChangeFamily(family, spec))]


def _facts(spec: PromptSpec) -> tuple[object, ...]:
    return (spec.description, spec.tags, spec.metadata, spec.record)


def _step(action: SyncAction, spec: PromptSpec, sentence: str, *, kind: str = "prompt") -> SyncStep:
    version = spec.version if kind == "prompt" else None
    return SyncStep(
        action=action,
        kind=kind,
        name=spec.name,
        version=version,
        sentence=sentence,
        path=spec.place.path,
    )


def _version(scope: Scope, spec: PromptSpec) -> Planned:
    family = scope.families.get(spec.name)
    stored = scope.version(spec.name, spec.version)
    if stored is not None and stored.content_hash != spec.digest:
        return _other_content(scope, spec, stored)
    if family is not None and not spec.kept and spec.version < scope.firm.get(family.id, 0):
        return _conflict(
            spec,
            f"Version {spec.version} is older than version {scope.firm[family.id]}, the latest stored."
            f" To publish this text under a new number, run: promptgraph bump {spec.name}",
        )
    if stored is None:
        return _new_version(scope, spec, family)
    if stored.draft and not scope.draft:
        step = _step(SyncAction.UPDATE, spec, f"Version {spec.version} is no longer a draft.")
        return Planned(step, MakeFirm(stored.id, spec))
    if family is not None and not spec.kept and spec.version != family.latest_version:
        sentence = f"Version {spec.version} is the latest again, instead of {family.latest_version}."
        return Planned(_step(SyncAction.UPDATE, spec, sentence), SetLatest(family, spec.version))
    return Planned(_step(SyncAction.UNCHANGED, spec, "Unchanged."))


def _new_version(scope: Scope, spec: PromptSpec, family: PromptFamily | None) -> Planned:
    before = scope.contents.get(family.name) if family is not None and not spec.kept else None
    noun = "draft" if scope.draft else "version"
    sentence, impact = f"New {noun} {spec.version}." if family else "New prompt.", None
    if before is not None:
        changes = changes_between(before, spec.content)
        impact = impact_of(changes)
        shown = [change.sentence for change in changes[:MAX_SENTENCES]]
        more = len(changes) - len(shown)
        sentence = " ".join([sentence, *shown, *([f"And {more} more."] if more else [])])
    step = SyncStep(
        action=SyncAction.ADD,
        kind="prompt",
        name=spec.name,
        version=spec.version,
        sentence=sentence,
        impact=impact,
        path=spec.place.path,
    )
    return Planned(step, AddPrompt(spec, scope.newest[spec.name], scope.draft))


def _other_content(scope: Scope, spec: PromptSpec, stored: StoredVersion) -> Planned:
    if stored.draft and scope.draft:
        step = _step(SyncAction.UPDATE, spec, f"Draft {spec.version} replaced.")
        return Planned(step, ReplaceDraft(stored.id, spec))
    if stored.draft:
        return _conflict(
            spec,
            f"Version {spec.version} is stored as a draft with other content."
            " To replace the draft, run: promptgraph sync --draft"
            f" — to leave it, run: promptgraph bump {spec.name}",
        )
    cause = "its text or a partial it includes" if spec.partials else "its text"
    return _conflict(
        spec,
        f"Version {spec.version} is already stored with other content ({cause} changed)."
        f" run: promptgraph bump {spec.name}",
    )


def _retiring(scope: Scope) -> list[Planned]:
    gone = [
        family
        for family in scope.stored.families.values()
        if family.source == scope.origin.source
        and family.retired_at is None
        and family.name not in scope.continued
    ]
    return [
        Planned(
            SyncStep(
                action=SyncAction.RETIRE,
                kind="family",
                name=family.name,
                sentence="Its file is gone; its versions and calls stay.",
            ),
            RetireFamily(family),
        )
        for family in sorted(gone, key=lambda f: f.name)
    ]
