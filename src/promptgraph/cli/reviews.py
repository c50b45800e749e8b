"""What a branch changes, as people, programs and pull requests read it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from promptgraph.cli.output import line, show
from promptgraph.cli.problems import severity
from promptgraph.domain.canonical import Json, JsonObject
from promptgraph.domain.change import Change, Impact
from promptgraph.domain.text_diff import Part, lines
from promptgraph.domain.tree import FileProblem
from promptgraph.sync.review import Fate, Reach, Review

STYLES = {Impact.MAJOR: "error", Impact.MINOR: "head", Impact.PATCH: "faint", Impact.NONE: "faint"}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#~])")
_MARKS = {Part.ADDED: "+", Part.REMOVED: "-", Part.SAME: " "}


def reviews_json(reviews: Sequence[Review]) -> list[Json]:
    """The stable shape of `check --base REV --json`'s changes."""
    return [_review_json(review) for review in reviews]


def _review_json(review: Review) -> JsonObject:
    return {
        "name": review.name,
        "change": review.fate.value,
        "from": review.was.version if review.was else None,
        "to": review.now.version if review.now else None,
        "impact": review.impact.value,
        "sentences": list(sentences(review)),
        "labels": [{"label": label, "from": old, "to": new} for label, (old, new) in review.moves.items()],
        "agents": [
            {
                "agent": one.agent,
                "role": one.role,
                "selector": one.selector,
                "from": one.before,
                "to": one.after,
            }
            for one in review.reach
        ],
    }


def headline(review: Review) -> str:
    """`support/triage 2 → 3`, or what else became of it."""
    was, now = review.was, review.now
    if was is None or now is None:
        only = now or was
        return f"{review.name} {only.version if only else ''} ({review.fate})"
    versions = f"{was.version} → {now.version}" if was.version != now.version else f"{now.version}"
    return f"{review.name} {versions}" + (f" (was {was.name})" if review.fate is Fate.RENAMED else "")


def sentences(review: Review) -> Iterator[str]:
    """All that is to be known of one prompt's change, a sentence each."""
    if review.now is None:
        users = review.following
        yield "It will be retired" + (f": agents {', '.join(users)} still name it." if users else ".")
    for change in review.changes:
        yield review.sentence(change)
    for label, (old, new) in review.moves.items():
        yield _moved(label, old, new)
    for one in review.reach:
        yield _reached(one)


def _moved(label: str, old: int | None, new: int | None) -> str:
    if new is None:
        return f"Label {label} is removed; it served version {old}."
    if old is None:
        return f"Label {label} is new: version {new}."
    return f"Label {label} moves from version {old} to {new}."


def _reached(one: Reach) -> str:
    use = f"Agent {one.agent} ({one.role}: {one.selector})"
    if one.before == one.after:
        return f"{use} stays at version {one.after}."
    return (
        f"{use} gets version {one.after} instead of {one.before}."
        if one.before
        else f"{use} gets version {one.after}."
    )


def show_reviews(reviews: Sequence[Review]) -> None:
    """Each prompt that changed, how gravely, and what that means."""
    for review in reviews:
        show(f"{headline(review)}  {review.impact.value}", STYLES[review.impact])
        for sentence in sentences(review):
            show(f"  {sentence}")


def workflow_commands(
    problems: Sequence[FileProblem], reviews: Sequence[Review], folder: PurePosixPath
) -> Iterator[str]:
    """Workflow commands that GitHub shows beside the lines of a pull request. `folder` is the prompts folder
    as the repository's root sees it.
    """
    for problem in problems:
        text = " ".join(filter(None, (problem.message, problem.hint)))
        place = problem.place
        yield _command(severity(problem), folder / place.path, place.line, place.column, "promptgraph", text)
    for review in reviews:
        spec = review.now or review.was
        if spec is not None and review.now is not None:
            level = "warning" if review.impact is Impact.MAJOR else "notice"
            title = f"{headline(review)}: {review.impact.value}"
            path = folder / spec.place.path
            yield _command(level, path, spec.place.line, None, title, "\n".join(sentences(review)) or title)


def _command(
    level: str, path: PurePosixPath, row: int | None, column: int | None, title: str, text: str
) -> str:
    facts = {"file": path.as_posix(), "line": row, "col": column, "title": title}
    shown = ",".join(f"{name}={_value(str(value))}" for name, value in facts.items() if value is not None)
    return f"::{level} {shown}::{_data(text)}"


def _data(text: str) -> str:
    """Text as a workflow command carries it: a line end would begin another command."""
    return line(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _value(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def markdown(problems: Sequence[FileProblem], reviews: Sequence[Review], base: str | None) -> Iterator[str]:
    """The report of a pull request, line by line."""
    yield f"## Prompts: what changes since `{_code(base)}`" if base else "## Prompts"
    yield ""
    if not reviews and not problems:
        yield "No prompt changes."
        return
    yield from _problems(problems)
    yield from _summary(reviews)
    for review in reviews:
        yield from _section(review)


def _problems(problems: Sequence[FileProblem]) -> Iterator[str]:
    if problems:
        yield "### To mend"
        yield ""
        for one in problems:
            hint = f" {_escaped(one.hint)}" if one.hint else ""
            yield f"- **{severity(one)}** `{_code(str(one.place))}` {_escaped(one.message)}{hint}"
        yield ""


def _summary(reviews: Sequence[Review]) -> Iterator[str]:
    if reviews:
        yield "| prompt | version | impact | agents that get it |"
        yield "|---|---|---|---|"
        for review in reviews:
            versions = headline(review).removeprefix(review.name).strip()
            agents = ", ".join(review.getting) or "none yet"
            cells = (f"`{_code(review.name)}`", _escaped(versions), review.impact.value, _escaped(agents))
            yield f"| {' | '.join(cells)} |"
        yield ""


def _section(review: Review) -> Iterator[str]:
    yield f"### {_escaped(headline(review))}: {review.impact.value}"
    yield ""
    for sentence in sentences(review):
        yield f"- {_escaped(sentence)}"
    yield ""
    for change in review.changes:
        yield from _words(change)


def _words(change: Change) -> Iterator[str]:
    """The lines of a text that changed, as a diff that a forge colours."""
    if not isinstance(change.before, str) or not isinstance(change.after, str):
        return
    fence = "`" * (max((len(run) for run in re.findall("`+", change.before + change.after)), default=2) + 1)
    fence = max(fence, "```", key=len)
    yield f"<details><summary><code>{_html(change.path)}</code></summary>"
    yield ""
    yield f"{fence}diff"
    for piece in lines(change.before, change.after):
        yield from (f"{_MARKS[piece.part]}{line(text)}" for text in piece.text.splitlines())
    yield fence
    yield ""
    yield "</details>"
    yield ""


def _escaped(text: str) -> str:
    """Text in which Markdown finds no mark-up, and GitHub nobody to call."""
    return _MARKDOWN.sub(r"\\\1", line(text)).replace("@", "@\u200b")


def _code(text: str) -> str:
    """Text between backticks, where a table's bars count all the same."""
    return line(text).replace("`", "'").replace("|", "\\|")


def _html(text: str) -> str:
    return line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def from_root(folder: Path, root: Path) -> PurePosixPath:
    """The folder as its repository sees it."""
    return PurePosixPath(folder.resolve().relative_to(root.resolve()).as_posix())
