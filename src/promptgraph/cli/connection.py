"""A connection of a server that stops: it is not cut while a request may be on its way."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LINGER_S = 1.0
"""How long a connection stays open on which nothing is asked any more."""
CLOSING = (b"connection", b"close")


class Connection(HttpToolsProtocol):
    """uvicorn's, but for its end. A client may send a request at the moment at which the server begins to
    stop, and would not know whether it was heard: it is answered, and told that this was the last one.
    """

    def shutdown(self) -> None:
        """Answer what is under way and what comes within LINGER_S, and close."""
        state = self.server_state
        if CLOSING not in state.default_headers:  # those of all answers that begin from now on
            state.default_headers = [*state.default_headers, CLOSING]
        if self.cycle is None or self.cycle.response_complete:
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(LINGER_S, self.timeout_keep_alive_handler)
        else:
            self.cycle.keep_alive = False
