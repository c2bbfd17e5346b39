"""Envoy's external authorization over gRPC: `envoy.service.auth.v3.Authorization/Check` (extra `grpc`).

    stillwatch-envoy-grpc --listen 127.0.0.1:9191

Field numbers are those of envoy/service/auth/v3/external_auth.proto and attribute_context.proto; a test's client, which
speaks the protocol without this module, holds them too.
"""

import argparse
import asyncio
from typing import Any

import grpc

from stillwatch_gateway.envoy import Authorizer, Checked, Told, authorizer, client_address
from stillwatch_gateway.obligations import Refusal
from stillwatch_gateway.protobuf import Malformed, fields, inner, nested, number, pairs, structure, text, words

SERVICE = "envoy.service.auth.v3.Authorization"
MOST_MESSAGE = 32 << 20
PERMISSION_DENIED, RESOURCE_EXHAUSTED, UNAVAILABLE = 7, 8, 14
CODES = {429: RESOURCE_EXHAUSTED, 503: UNAVAILABLE}
CLOSED = "stillwatch_fail_closed"
"""A route's `context_extensions` under this name, set to `true`, close it while nobody answers."""


def checked(raw: bytes) -> Checked:
    """The request in a CheckRequest. Raises Malformed."""
    attributes = inner(fields(raw), 1)
    http = inner(inner(attributes, 4), 2)
    headers = pairs(http, 3)
    for one in inner(http, 13).get(1, []):  # header_map, where Envoy encodes raw headers
        entry = fields(one) if isinstance(one, bytes) else {}
        name = text(entry, 1).lower()
        value = text(entry, 3) or text(entry, 2)
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    source = text(inner(inner(inner(attributes, 1), 1), 1), 2)
    raw_body = http.get(12, http.get(11, [b""]))[-1]
    return Checked(
        text(http, 4), headers, raw_body if isinstance(raw_body, bytes) else b"", client_address(headers) or source,
        text(http, 1), pairs(attributes, 10).get(CLOSED) == "true",
    )  # fmt: skip


def _option(name: str, value: str) -> bytes:
    """A HeaderValueOption that overwrites: `append` is there, and false."""
    return nested(1, words(1, name) + words(2, value)) + nested(2, b"")


def answered(told: Told) -> bytes:
    """A CheckResponse."""
    metadata = nested(4, structure(told.metadata))
    if (refusal := told.ruling.refusal) is not None:
        status = number(1, CODES.get(refusal.status, PERMISSION_DENIED)) + words(2, refusal.message)
        return nested(1, status) + nested(2, _denied(refusal)) + metadata
    options = [nested(2, _option(name, value)) for name, value in told.upstream.items()]
    options += [words(5, name) for name in told.dropped]
    options += [nested(6, _option(name, value)) for name, value in told.ruling.headers.items()]
    return nested(1, b"") + nested(3, b"".join(options)) + metadata


def _denied(refusal: Refusal) -> bytes:
    headers = {**refusal.headers, "content-type": "application/json"}
    options = [nested(2, _option(name, value)) for name, value in headers.items()]
    return nested(1, number(1, refusal.status)) + b"".join(options) + words(3, refusal.encoded().decode("ascii"))


def handler(held: Authorizer) -> Any:
    """The service, to be added to a `grpc.aio` server."""

    async def check(raw: bytes, context: Any) -> bytes:
        try:
            request = checked(raw)
        except Malformed:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no CheckRequest")
            raise
        return answered(await held.check(request))

    return grpc.method_handlers_generic_handler(SERVICE, {"Check": grpc.unary_unary_rpc_method_handler(check)})


async def started(held: Authorizer, listen: str) -> tuple[Any, int]:
    """A server that listens, and its port."""
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", MOST_MESSAGE), ("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((handler(held),))
    port = server.add_insecure_port(listen)
    await server.start()
    return server, port


async def _serve(listen: str) -> None:
    server, _ = await started(authorizer(), listen)
    await server.wait_for_termination()


def main() -> None:
    """Serve until it is stopped. Settings come from the environment."""
    parser = argparse.ArgumentParser(description="Envoy's external authorization over gRPC, by Stillwatch's decisions.")
    parser.add_argument("--listen", default="127.0.0.1:9191", help="host:port, or unix:/path; without TLS")
    asyncio.run(_serve(parser.parse_args().listen))


if __name__ == "__main__":
    main()
