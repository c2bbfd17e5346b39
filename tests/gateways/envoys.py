"""Envoy's half of external authorization over gRPC, written apart from the gateway: requests made, answers read.

Field numbers: envoy/service/auth/v3/{external_auth,attribute_context}.proto, envoy/config/core/v3/{base,address}.proto,
google/rpc/status.proto, google/protobuf/struct.proto.
"""

import struct
from dataclasses import dataclass, field
from typing import Any

METHOD = "/envoy.service.auth.v3.Authorization/Check"


def length(value: int) -> bytes:
    """A number in seven-bit groups, the last without its high bit."""
    groups = [value >> shift & 0x7F for shift in range(0, max(value.bit_length(), 1), 7)]
    return bytes([group | 0x80 for group in groups[:-1]] + groups[-1:])


def put(place: int, value: bytes | str | int) -> bytes:
    """A field."""
    if isinstance(value, int):
        return length(place << 3) + length(value)
    raw = value.encode() if isinstance(value, str) else value
    return length(place << 3 | 2) + length(len(raw)) + raw


def entry(key: str, value: str) -> bytes:
    """An entry of a map, or a HeaderValue."""
    return put(1, key) + put(2, value)


def check_request(
    path: str, headers: dict[str, str], body: bytes = b"", source: str = "198.51.100.4", *,
    raw_headers: bool = False, raw_body: bool = False, extensions: dict[str, str] | None = None,
) -> bytes:  # fmt: skip
    """A CheckRequest as Envoy sends it."""
    if raw_headers:
        values = b"".join(put(1, put(1, name) + put(3, value)) for name, value in headers.items())
        told = put(13, values)
    else:
        told = b"".join(put(3, entry(name, value)) for name, value in headers.items())
    http = put(1, headers.get("x-request-id", "e-1")) + put(2, "POST") + told + put(4, path) + put(5, "model.example")
    http += put(6, "https") + put(9, len(body)) + put(10, "HTTP/1.1") + put(12 if raw_body else 11, body)
    peer = put(1, put(1, put(2, source) + put(3, 40_000)))
    request = put(1, put(1, 1_790_000_000) + put(2, 5)) + put(2, http)
    more = b"".join(put(10, entry(name, value)) for name, value in (extensions or {}).items())
    return put(1, put(1, peer) + put(4, request) + more)


@dataclass
class Checked:
    """A CheckResponse as Envoy reads it."""

    code: int = 0
    ok: bool = False
    status: int = 0
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    response_headers: dict[str, str] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)


def split(raw: bytes) -> list[tuple[int, Any]]:
    """The fields of a message in order; numbers as numbers, doubles as doubles, the rest as bytes."""
    out, place = [], 0

    def number() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = raw[place]
            place += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while place < len(raw):
        tag = number()
        if tag & 7 == 0:
            out.append((tag >> 3, number()))
        elif tag & 7 == 1:
            out.append((tag >> 3, struct.unpack("<d", raw[place : place + 8])[0]))
            place += 8
        else:
            assert tag & 7 == 2
            size = number()
            out.append((tag >> 3, raw[place : place + size]))
            place += size
    return out


def _header(raw: bytes) -> tuple[str, str]:
    """A HeaderValueOption, which must overwrite."""
    held = dict(split(raw))
    assert held[2] == b"", "append must be there, and false"
    pair = dict(split(held[1]))
    return pair[1].decode(), pair[2].decode()


def _struct(raw: bytes) -> dict[str, Any]:
    pairs = [dict(split(one)) for _, one in split(raw)]
    return {pair[1].decode(): _value(pair[2]) for pair in pairs}


def _value(raw: bytes) -> Any:
    ((kind, held),) = split(raw)
    if kind == 6:
        return [_value(one) for _, one in split(held)]
    return held.decode() if kind == 3 else bool(held) if kind == 4 else _struct(held) if kind == 5 else held


def read(raw: bytes) -> Checked:
    """Read a CheckResponse."""
    out = Checked()
    for place, held in split(raw):
        if place == 1:
            out.code = dict(split(held)).get(1, 0)
        elif place == 4:
            out.metadata = _struct(held)
        elif place == 3:
            out.ok = True
            for inner, value in split(held):
                if inner == 5:
                    out.removed.append(value.decode())
                else:
                    ({2: out.headers, 6: out.response_headers}[inner]).update([_header(value)])
        elif place == 2:
            for inner, value in split(held):
                if inner == 1:
                    out.status = dict(split(value))[1]
                elif inner == 2:
                    out.headers.update([_header(value)])
                else:
                    out.body = value.decode()
    return out
