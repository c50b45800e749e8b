"""Who can reach a host, and what names one."""

from __future__ import annotations

import ipaddress
import re

_ORIGIN = re.compile(r"https?://([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine can reach `host`."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def origin_flaw(origin: str) -> str | None:
    """Why this is no origin of pages that may be trusted by name; None if it is one."""
    if origin == "*":
        return "`*` would let the pages of any site ask here: name their origins"
    if not _ORIGIN.fullmatch(origin):
        return (
            "one is no origin: that is a scheme and a host in small letters, with a port if it is not the"
            " usual one, and nothing behind it, e.g. https://app.example"
        )
    return None


def address_flaw(address: str) -> str | None:
    """Why this is no IP address; None if it is one."""
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return "one is no IP address"
    return None
