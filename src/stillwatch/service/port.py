"""One service an address: the workers of one share a port (SO_REUSEPORT), and so would those of a second, unseen.

Two services at one port answer in turns, each with its own settings and budgets. So before any worker is started the
port is bound once as nobody can share it, and let go. Between that and the workers' own binding a name that only one
process can have is held (Linux), so that of two that start at one moment one is refused.
"""

import errno
import socket
import sys
from typing import Any


def claim(host: str, port: int) -> socket.socket | None:
    """Make sure that nobody listens at an address. What is answered keeps other services of ours from it until it is
    closed; None where the system has no such names.

    Raises OSError (EADDRINUSE) where somebody does. Whether the address is this machine's, the workers find out.
    """
    held = _named(f"stillwatch serve {host} {port}")
    for family, kind, protocol, _, address in _found(host, port):
        try:
            _bind_once(family, kind, protocol, address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                if held is not None:
                    held.close()
                raise
    return held


def _found(host: str, port: int) -> list[Any]:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        return []


def _bind_once(family: int, kind: int, protocol: int, address: Any) -> None:
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that are closing hinder nobody
        probe.bind(address)


def _named(name: str) -> socket.socket | None:
    """A socket of an abstract name, which the system frees when its last holder ends. Raises OSError where another
    process has it; None where there are none such, or a sandbox forbids them."""
    if sys.platform != "linux":
        return None
    try:
        held = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    except OSError:
        return None
    try:
        held.bind(b"\0" + name.encode("utf-8", "replace"))
    except OSError as error:
        held.close()
        if error.errno == errno.EADDRINUSE:
            raise
        return None
    return held
