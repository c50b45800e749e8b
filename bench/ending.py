"""How a run of the bench ends when it is told to, by Ctrl-C or SIGTERM: as at the end of the program, servers
and folders first.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType

TOLD = (signal.SIGINT, signal.SIGTERM)


def end_in_order() -> None:
    """From now on the first of these signals leaves every `with` of this process; others wait for that."""
    for number in TOLD:
        signal.signal(number, _end)


def _end(number: int, _frame: FrameType | None) -> None:
    for each in TOLD:  # `timeout` tells a process, and then its group: a second one is close behind
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)
