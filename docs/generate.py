"""Writes what is generated: schema.graphql, schema/, docs/reference/, and types of the TypeScript client."""

from __future__ import annotations

from inspect import getdoc
from pathlib import Path

import typescript

from promptgraph import config
from promptgraph.cli import reference
from promptgraph.cli.exports import exported
from promptgraph.domain.errors import PromptgraphError
from promptgraph.graph import reference as graphql

ROOT = Path(__file__).parents[1]


def errors() -> str:
    """docs/reference/errors.md: every code, from the classes."""
    lines = [
        "# Errors",
        "",
        "A query reports an expected failure in `errors` with `extensions.code`; a mutation in its",
        "payload's `errors`; the command line as a sentence and an exit code. Where the same again may",
        "succeed, `retryable` is true, in `extensions` or in the payload. What nobody expected has the",
        "code `INTERNAL` and a number under which the server's log says more.",
        "",
        "| code | class | means | try again |",
        "|---|---|---|---|",
    ]
    for kind in classes(PromptgraphError):
        words = " ".join((getdoc(kind) or "").split())
        again = "yes" if kind.retryable else "no"
        lines.append(f"| `{kind.code}` | `{kind.__name__}` | {words} | {again} |")
    return "\n".join([*lines, ""])


def classes(kind: type[PromptgraphError]) -> list[type[PromptgraphError]]:
    """`kind` and all below it that stand in the tree of domain.errors."""
    below = [each for each in kind.__subclasses__() if each.__module__ == PromptgraphError.__module__]
    return [kind, *(each for child in below for each in classes(child))]


def pages() -> dict[str, str]:
    """Every generated file, by its path."""
    sdl = Path("schema.graphql")
    exports = exported(sdl)
    return {
        **{path.as_posix(): text for path, text in exports.items()},
        "clients/typescript/src/api.ts": typescript.api(exports[sdl]),
        "docs/reference/cli.md": reference.reference(),
        "docs/reference/settings.md": config.reference(),
        "docs/reference/errors.md": errors(),
        "docs/reference/graphql.md": graphql.reference(),
    }


def main() -> None:
    for path, text in pages().items():
        target = ROOT / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
