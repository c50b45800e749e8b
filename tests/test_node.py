"""The npm folders: exact versions, and nothing that ties them to one registry."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.children import ROOT

LOCKS = sorted(
    lock for room in ("clients", "examples", "tests") for lock in ROOT.glob(f"{room}/*/package-lock.json")
)
EXACT = re.compile(r"\d+\.\d+\.\d+")
over_locks = pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.parent.relative_to(ROOT)))


@over_locks
def test_a_lock_names_no_registry(lock: Path) -> None:
    """Packages come from whichever registry npm is set to, checked by their hashes."""
    packages = json.loads(lock.read_text())["packages"]
    installed = {path: package for path, package in packages.items() if path}
    assert installed
    assert [] == [path for path, package in installed.items() if "resolved" in package]
    assert [] == [path for path, package in installed.items() if "integrity" not in package]


@over_locks
def test_a_package_is_pinned_to_one_version(lock: Path) -> None:
    """package.json names exact versions: an upgrade is a change that somebody reads."""
    manifest = json.loads((lock.parent / "package.json").read_text())
    wanted = manifest.get("dependencies", {}) | manifest.get("devDependencies", {})
    assert wanted
    assert [] == [name for name, version in wanted.items() if not EXACT.fullmatch(version)]
