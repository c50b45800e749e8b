"""Who is installed to be measured beside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import peers


def test_every_version_is_pinned() -> None:
    """The lock says which packages of npm, and no host; what is measured of PyPI has its number."""
    lock = json.loads((peers.GRAPHILE / "package-lock.json").read_text())
    wanted = json.loads((peers.GRAPHILE / "package.json").read_text())["dependencies"]
    packages = lock["packages"]
    assert wanted == {name: packages[f"node_modules/{name}"]["version"] for name in wanted}
    assert not [name for name, each in packages.items() if "resolved" in each]
    assert all("==" in peers.PINS[name][0] for name in peers.PINS)


@pytest.mark.parametrize("name", peers.NAMES)
def test_what_is_missing_says_how_to_get_it(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Not there at all, or by another pin."""
    monkeypatch.setattr(peers, "HERE", tmp_path)
    wanted = peers.postgraphile if name == peers.POSTGRAPHILE else lambda: peers.python(name)
    for _ in range(2):
        assert not peers.is_installed(name)
        with pytest.raises(peers.NoPeerError, match=f"{name} is not installed; run: make bench-peers"):
            wanted()
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "pins").write_text("another")
