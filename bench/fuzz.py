"""Generated operations against a server of their own, by schemathesis, for a minute: `make fuzz`.

Exits as schemathesis does: 0 without a finding. `make fuzz ARGS="--seed 7 --max-time 600"` gives it options.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.cli.processes import running

HERE = Path(__file__).parent
PROMPTS = HERE.parent / "prompts"
OPTIONS = (
    "--max-time",
    "60",
    "--phases",
    "fuzzing",
    "--seed",
    "1",
    "--exclude-checks",
    "not_a_server_error,positive_data_acceptance",
)
"""The two checks take every expected failure for a fault: `no_surprise` of the hooks knows them apart."""


def main() -> int:
    """Exit code of schemathesis, whose path is the first word; the rest are options for it."""
    with (
        tempfile.TemporaryDirectory() as home,
        running(Path(home), "demo", "--port", "0", "--prompts-dir", str(PROMPTS)) as (_, wait_for),
    ):
        url = wait_for(" serves http").rpartition(" ")[2].strip()
        variables = {"PROMPTGRAPH_FUZZ_URL": url, "SCHEMATHESIS_HOOKS": "fuzz_hooks", "PYTHONPATH": str(HERE)}
        command = [sys.argv[1], "run", url, *OPTIONS, *sys.argv[2:]]
        return subprocess.call(command, cwd=home, env=os.environ | variables)  # noqa: S603  # our own words


if __name__ == "__main__":
    sys.exit(main())
