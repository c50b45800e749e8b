"""The event loop of a server."""

from __future__ import annotations

import uvloop

ROOM = 15_500
"""Places for values. CPython keeps the frames of calls in pieces of 16 KiB, and asks the system for another
whenever a call crosses the end of one: 8 µs instead of 0.03, each time, at a depth that nobody knows. A frame
that may need as much as this gets a piece of 256 KiB, and leaves half of it to all that is called within.
"""


class Loop(uvloop.Loop):
    """uvloop's, with room for the calls within."""

    def run_forever(self) -> None:
        """Run until it is stopped."""
        super().run_forever()

    run_forever.__code__ = run_forever.__code__.replace(co_stacksize=ROOM)
