"""`promptgraph` as it is, except that after each commit of calls, before anybody is answered, it says
`committed` and waits for a line: whoever runs it may kill it there.
"""

from __future__ import annotations

import sys

from promptgraph.cli.main import main
from promptgraph.record.folder import Folder

_wake = Folder.wake


def _wait(self: Folder) -> None:
    """What the recorder calls between COMMIT and answer; nothing else of the server goes on meanwhile."""
    _wake(self)
    sys.stdout.write("committed\n")
    sys.stdout.flush()
    sys.stdin.readline()


if __name__ == "__main__":
    Folder.wake = _wait  # type: ignore[method-assign]  # the fault that is planted
    main()
