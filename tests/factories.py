"""Small makers of what tests start from."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from promptgraph.domain.canonical import Json


def write_tree(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """`root`, with these files written below it; folders are made as needed."""
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


def prompt_yaml(version: int = 1, content: str = "Hi {{ name }}", **more: Json) -> str:
    """A prompt file with one user message; what `content` prints is declared as required text, unless
    `input` is among `more`, the file's further keys. A key given as None is left out.
    """
    names = sorted(set(re.findall(r"\{\{-?\s*([A-Za-z_]\w*)", content)))
    schema: Json = {
        "type": "object",
        "required": [*names],
        "properties": {n: {"type": "string"} for n in names},
    }
    keys: dict[str, Json] = {"version": version}
    keys |= {"input": {"schema": schema}} if names else {}
    keys["messages"] = [{"role": "user", "content": content}]
    keys |= more
    lines = [
        f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in keys.items() if value is not None
    ]
    return "\n".join(lines) + "\n"
