"""Whoever listens at an address keeps it: a second service is told before it begins."""

import errno
import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from stillwatch.cli.serve import _address, _claimed
from stillwatch.errors import StillwatchError, UsageError
from stillwatch.service.port import Claim, NameHeldError, claim


def free_port() -> int:
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def listening(host: str, port: int) -> socket.socket:
    """A socket as workers share it."""
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    one.bind((host, port))
    one.listen()
    return one


def refused(host: str, port: int) -> bool:
    try:
        held = claim(host, port)
    except OSError as error:
        assert error.errno == errno.EADDRINUSE
        return True
    held.close()
    return False


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])
def test_who_listens_is_seen_though_the_port_can_be_shared(host: str) -> None:
    port = free_port()
    assert not refused(host, port)
    with closing(listening("127.0.0.1", port)):
        assert refused(host, port)
        assert not refused("127.0.0.1", free_port()), "another port is free"
    assert not refused(host, port), "and free again at once"


@pytest.mark.skipif(sys.platform != "linux", reason="abstract names are Linux's")
def test_of_two_that_start_at_one_moment_one_is_refused() -> None:
    port = free_port()
    first = claim("127.0.0.1", port)
    assert refused("127.0.0.1", port)
    first.close()
    assert not refused("127.0.0.1", port)


@pytest.mark.skipif(sys.platform != "linux", reason="abstract names are Linux's")
@pytest.mark.parametrize("every", ["0.0.0.0", "::"])
def test_nobody_starts_at_all_addresses_and_at_one_of_them_at_one_moment(every: str) -> None:
    """Before either listens: the system would let both share the port."""
    port, other = free_port(), free_port()
    with closing(claim("127.0.0.1", port)), closing(claim(every, other)):
        assert refused(every, port) and refused("127.0.0.1", other)
        with closing(claim("127.0.0.2", port)):
            assert not refused("127.0.0.3", port), "addresses of their own disturb nobody"
    assert not refused(every, port) and not refused("127.0.0.1", other)


@pytest.mark.skipif(sys.platform != "linux", reason="abstract names are Linux's")
@pytest.mark.parametrize(("one", "same"), [("127.0.0.1", "::ffff:127.0.0.1"), ("0.0.0.0", "::ffff:0.0.0.0")])
def test_an_address_that_is_written_in_two_ways_is_one(one: str, same: str) -> None:
    for first, second in ((one, same), (same, one)):
        port = free_port()
        with closing(claim(first, port)):
            assert refused(second, port)
    with closing(claim("::ffff:0.0.0.0", port)):
        assert refused("127.0.0.7", port), "it is all addresses"


@pytest.mark.skipif(sys.platform != "linux", reason="abstract names are Linux's")
def test_another_users_names_keep_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    port, mine = free_port(), os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: mine + 1)
    theirs = claim("0.0.0.0", port)
    monkeypatch.undo()
    with closing(theirs):
        assert not refused("127.0.0.1", port) and not refused("0.0.0.0", port)


@pytest.mark.skipif(sys.platform != "linux", reason="abstract names are Linux's")
def test_that_a_name_is_held_is_told_apart_from_listening() -> None:
    port = free_port()
    with closing(claim("127.0.0.1", port)):
        with pytest.raises(NameHeldError):
            claim("127.0.0.1", port)
        with pytest.raises(StillwatchError, match=rf"holds the name(?s:.)*@stillwatch serve {os.getuid()} 127.0.0.1"):
            _claimed("127.0.0.1", port, "there")
        with closing(listening("127.0.0.1", port)), pytest.raises(StillwatchError, match="another process does"):
            _claimed("127.0.0.1", port, "there")


@pytest.mark.skipif(sys.platform != "linux", reason="abstract names are Linux's")
def test_of_many_that_start_at_one_moment_no_two_share_a_port() -> None:
    port, hosts = free_port(), ["0.0.0.0", "127.0.0.1", "127.0.0.2", "::"]
    for _ in range(30):
        with ThreadPoolExecutor(8) as pool:
            held = [one for one in pool.map(lambda host: (host, tried(host, port)), hosts * 2) if one[1]]
        names = [host for host, _ in held]
        assert names and len(set(names)) == len(names)
        assert not {"0.0.0.0", "::"} & set(names) or len(names) == 1, names
        for _, one in held:
            one.close()  # type: ignore[union-attr]


def tried(host: str, port: int) -> Claim | None:
    try:
        return claim(host, port)
    except OSError:
        return None


def test_an_address_that_is_not_ours_is_left_to_the_workers_to_tell() -> None:
    for host in ("192.0.2.1", "a..b", "\ud800", "::1"):
        assert not refused(host, free_port())


def test_connections_that_are_closing_keep_nobody_from_starting_again() -> None:
    port = free_port()
    server = socket.create_server(("127.0.0.1", port))
    with closing(socket.create_connection(("127.0.0.1", port))) as one:
        (accepted, _) = server.accept()
        accepted.close()  # the server's side waits for late packets, for a minute
        one.recv(1)
    server.close()
    assert not refused("127.0.0.1", port)


def test_a_host_by_its_name_is_its_address() -> None:
    assert _address("localhost") in ("127.0.0.1", "::1") and _address("127.0.0.1") == "127.0.0.1"
    for wrong in ("no such host.invalid", "\ud800", "a" * 300):
        with pytest.raises(UsageError, match="--host"):
            _address(wrong)
