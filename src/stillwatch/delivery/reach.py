"""Connections to where a sink is: to no address that it may not have, and never for longer than said.

A name is looked up once, every address of it is checked, and the connection goes to the address that was checked: no
second look-up can lead elsewhere. Addresses that are not of the public Internet are refused unless the sink is
`private`.
"""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Protocol

NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
UNICAST = IPv6Network("2000::/3")
"""All of IPv6 that is given out for the public Internet (RFC 4291)."""

MOST_ADDRESSES = 8
"""Addresses of one name that are tried: each may cost the whole time."""


class HasAuthority(Protocol):
    """A sink that may name a file with certificates of its own authority."""

    @property
    def ca_file(self) -> str:
        """The file's path, or nothing."""


def context_of(sink: HasAuthority) -> ssl.SSLContext:
    """What a sink's certificate is checked with: the system's authorities, or the sink's own. Raises OSError."""
    return ssl.create_default_context(cafile=sink.ca_file or None)


class Refused(Exception):
    """A sink did not take an alert. `hopeless` where trying again would change nothing; `outage` where the sink takes
    nothing at the moment; `after` seconds it asked to be left alone for."""

    def __init__(self, why: str, *, hopeless: bool = False, outage: bool = False, after: float = 0.0) -> None:
        self.why = why
        self.hopeless = hopeless
        self.outage = outage
        self.after = after
        super().__init__(why)


def is_public(address: str) -> bool:
    """Whether an address is of the public Internet, also where it is wrapped in one of IPv6."""
    one = ip_address(address.partition("%")[0])
    if isinstance(one, IPv6Address):
        is_nat = any(one in net for net in NAT64)
        wrapped = [one.ipv4_mapped, one.sixtofour, *(one.teredo or ())]
        if is_nat:
            wrapped.append(IPv4Address(int(one) & 0xFFFFFFFF))
        if any(held is not None and not held.is_global for held in wrapped):
            return False
        if one not in UNICAST and not is_nat and one.ipv4_mapped is None:
            return False
    return one.is_global and not one.is_multicast


def connected(host: str, port: int, seconds: float, *, private: bool) -> socket.socket:
    """A connection to the first address of a host that answers. Raises Refused."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Refused("the host is not known", outage=True) from error
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    if not private and not all(map(is_public, addresses)):
        raise Refused("the host is not on the public Internet, and private = true is not said", outage=True)
    for address in addresses[:MOST_ADDRESSES]:
        with contextlib.suppress(OSError):
            return socket.create_connection((address, port), seconds)
    raise Refused("no connection", outage=True)


def secured(held: socket.socket, context: ssl.SSLContext, host: str, seconds: float) -> ssl.SSLSocket:
    """TLS over a connection; a handshake that drips ends after so many seconds. Raises OSError."""
    wrapped = context.wrap_socket(held, server_hostname=host, do_handshake_on_connect=False)
    try:
        with within(lambda: wrapped, seconds):
            wrapped.do_handshake()
    except BaseException:
        wrapped.close()
        raise
    return wrapped


@contextmanager
def within(held: Callable[[], socket.socket | None], seconds: float) -> Iterator[None]:
    """End the connection that there is then from outside after so many seconds, however slowly it drips."""

    def end() -> None:
        with contextlib.suppress(OSError):
            if (open_now := held()) is not None:
                open_now.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
