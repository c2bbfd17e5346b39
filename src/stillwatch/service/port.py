"""One service an address: the workers of one share a port (SO_REUSEPORT), and so would those of a second, unseen.

Two services at one port answer in turns, each with its own settings and budgets. So before any worker is started the
port is bound once as nobody can share it, and let go. Between that and the workers' own binding names that only one
process can have are held (Linux), so that of services that start at one moment one is left at each address: the
address's own name, and one of the port's PLACES; a service at all of the machine's addresses holds all of these.
The names have the user's number in them, since the system lets only processes of one user share a port. They keep
nobody out: another user can hold them by ill will, and then that is said.
"""

import errno
import ipaddress
import os
import socket
import sys
from typing import Any

PLACES = 16
"""Services at one port of one machine, each at an address of its own."""


ANSWER = 0.5
"""Seconds in which whoever listens takes a connection."""


class NameHeldError(OSError):
    """Another process holds a name of the address, whether it listens or not."""

    def __init__(self, name: str) -> None:
        super().__init__(errno.EADDRINUSE, "another process holds the name of the address")
        self.name = name


class Claim:
    """What keeps other services of ours from an address, until it is closed."""

    def __init__(self) -> None:
        self._held: list[socket.socket] = []

    def close(self) -> None:
        """Let go of it."""
        while self._held:
            self._held.pop().close()

    def name(self, host: str, port: int) -> None:
        """Take the names of an address. Raises NameHeldError where another process has them."""
        self._take(f"{host} {port}")
        places = (f"port {port} place {number}" for number in range(PLACES))
        if is_every(host):
            for place in places:
                self._take(place)
        elif not any(self._has_taken(place) for place in places):
            raise NameHeldError(_full(f"port {port} place 0 to {PLACES - 1}"))

    def _has_taken(self, name: str) -> bool:
        try:
            self._take(name)
        except NameHeldError:
            return False
        return True

    def _take(self, name: str) -> None:
        held = _named(name)
        if held is not None:
            self._held.append(held)


def claim(host: str, port: int) -> Claim:
    """Make sure that nobody listens at an address, and keep other services of ours from it. Where the system has no
    such names, only who listens already is seen.

    Raises NameHeldError where another process holds its name, and OSError (EADDRINUSE) where one listens. Whether the
    address is this machine's, the workers find out.
    """
    held = Claim()
    try:
        held.name(_plain(host), port)
        for family, kind, protocol, _, address in _found(host, port):
            _bind_once(family, kind, protocol, address)
    except OSError:
        held.close()
        raise
    return held


def is_every(host: str) -> bool:
    """Whether a host is all of the machine's addresses: of IPv6 it may be those of IPv4 as well."""
    try:
        return ipaddress.ip_address(_plain(host)).is_unspecified
    except ValueError:
        return host == ""


def answers(host: str, port: int) -> bool:
    """Whether somebody takes connections at an address."""
    try:
        with socket.create_connection((host, port), timeout=ANSWER):
            return True
    except (OSError, UnicodeError):
        return False


def _plain(host: str) -> str:
    """An address as it is written; one of IPv4 that is written as one of IPv6 is the same."""
    try:
        said = ipaddress.ip_address(host)
    except ValueError:
        return host
    return str((said.ipv4_mapped if said.version == 6 else None) or said)


def _found(host: str, port: int) -> list[Any]:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        return []


def _bind_once(family: int, kind: int, protocol: int, address: Any) -> None:
    """Raise OSError where somebody has the address; what else keeps us from it, the workers find out."""
    try:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that are closing hinder nobody
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise


def _named(name: str) -> socket.socket | None:
    """A socket of an abstract name, which the system frees when its last holder ends. Raises NameHeldError where
    another process has it; None where there are none such, or a sandbox forbids them."""
    if sys.platform != "linux":
        return None
    try:
        held = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    except OSError:
        return None
    try:
        held.bind(b"\0" + _full(name).encode("utf-8", "replace"))
    except OSError as error:
        held.close()
        if error.errno == errno.EADDRINUSE:
            raise NameHeldError(_full(name)) from error
        return None
    return held


def _full(name: str) -> str:
    return f"stillwatch serve {os.getuid()} {name}"
