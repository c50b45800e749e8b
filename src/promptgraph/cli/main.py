"""The way in: what holds before any command is known, and at whatever moment it is stopped."""

from __future__ import annotations

import signal
import sys
from importlib import import_module

STOPPED = 130


def main() -> None:
    """The entry point of the installed command. What takes time is imported where Ctrl-C is quiet already."""
    try:
        import_module("promptgraph.cli.surface").enter("promptgraph.cli.program:promptgraph")
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.exit(STOPPED)


if __name__ == "__main__":
    main()
