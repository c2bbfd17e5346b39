"""`stillwatch serve`: answer gateways, and make the tokens by which they ask."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stillwatch.cli.options import AppealUrl, CasebookUrl, KeyFile

if TYPE_CHECKING:
    from stillwatch.errors import StillwatchError
    from stillwatch.service.port import Claim

PORT = 8400
BACKPRESSURE = 8192
"""Connections that a worker holds open at once: slow ones must not fill it before they are closed."""

HEADER_MS = 5000
"""Milliseconds in which a connection must have sent its headers."""


def serve(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[token new|list|end [ID]]",
            help="token new: make a token of --role and print it, once. token list: the tokens. token end ID: end one.",
        ),
    ] = None,
    store: Annotated[Path, typer.Option(help="The store's folder.")] = ...,  # type: ignore[assignment]
    host: Annotated[
        str, typer.Option(help="The address to listen at; without TLS keep to this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen at.", min=1, max=65535)] = PORT,
    workers: Annotated[
        int,
        typer.Option(
            help="Processes that answer; each has its share of every rate, and all count together what runs at once.",
            min=1,
            max=64,
        ),
    ] = 1,
    delay: Annotated[
        int, typer.Option(help="Seconds over which the beginnings of actions are spread.", min=0, max=86_400)
    ] = 900,
    ttl: Annotated[int, typer.Option(help="Seconds for which a gateway may keep an answer.", min=0, max=300)] = 30,
    most: Annotated[
        int, typer.Option(help="Decisions a second of one worker; beyond it 503, at once.", min=1, max=1_000_000)
    ] = 6000,
    realtime: Annotated[
        bool, typer.Option("--realtime", help="Run under real-time scheduling (Linux), as the shipped unit does.")
    ] = False,
    certificate: Annotated[Path | None, typer.Option(help="A certificate (PEM), for TLS.")] = None,
    certificate_key: Annotated[Path | None, typer.Option(help="The certificate's key (PEM, PKCS #8).")] = None,
    role: Annotated[
        str,
        typer.Option(
            help="token new: decide (gateways), verify (who checks step-ups), viewer, analyst, lead, admin, ingest."
        ),
    ] = "",
    note: Annotated[str, typer.Option(help="token new: whose it is.")] = "",
    person: Annotated[
        str, typer.Option(help="token new: who acts by it (analyst, lead, admin, verify), as the audit trail has it.")
    ] = "",
    kind: Annotated[
        list[str] | None,
        typer.Option(
            help="token new --role verify: what it checks, once or several times: payment, identity, organisation, "
            "rotate_key."
        ),
    ] = None,
    key_file: KeyFile = None,
    casebook: CasebookUrl = None,
    appeal_url: AppealUrl = "",
    json: Annotated[bool, typer.Option("--json", help="Print the tokens, or where it listens, as JSON.")] = False,
) -> None:
    """Answer `POST /v1/decisions` from the actions in force, until it is ended by Ctrl-C or SIGTERM.

    The answer to a gateway says what to do with one request: `allow`, `warn`, `modify`, `deny` or `escalate`, with
    obligations, for `ttl_s` seconds. Nobody is let in without a token of the role that a route wants: make one with
    `stillwatch serve token new --role decide --store STORE`. A token is printed once; the store keeps its hash.

    What people and rules put into the casebook is told to gateways within some seconds; an action that has expired, or
    whose appeal nobody answered, ends on time without it. The
    figures of latency in docs/serve.md hold under the scheduling of deploy/stillwatch.service, and nothing is promised
    without it. A pseudonymous store needs its key here. What is proposed over HTTP has the appeal address that is given
    here, and no other.
    """
    from stillwatch.cli.acts import check_casebook
    from stillwatch.cli.output import say
    from stillwatch.errors import UsageError
    from stillwatch.respond.address import appeal_address
    from stillwatch.store.manifest import read_manifest

    read_manifest(store)
    if words:
        _token(words, store, role, note, person, kind or [], json)
        return
    if role or note or person or kind:
        raise UsageError(
            "--role, --note, --person and --kind are of `token new`",
            next_step="stillwatch serve token new --role decide",
        )
    if (certificate is None) != (certificate_key is None):
        raise UsageError("TLS needs both", wanted="--certificate and --certificate-key")
    if certificate is None and not _is_loopback(host):
        say(f"no TLS at {host}: whoever sees the network sees tokens and accounts; give --certificate")
    check_casebook(store, casebook)
    _say_what_lacks(store)
    config = {
        "store": str(store.resolve()),
        "delay": delay,
        "ttl": ttl,
        "workers": workers,
        "most": most,
        "realtime": realtime,
    }
    if key_file:
        config["key_file"] = str(key_file.resolve())
    if casebook:
        config["casebook"] = casebook
    if appeal_url:
        config["appeal_url"] = appeal_address(appeal_url)
    _run(config, casebook, host, port, certificate, certificate_key, json)


def _is_loopback(host: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _say_what_lacks(store: Path) -> None:
    from stillwatch.cli.output import say, typed
    from stillwatch.service.auth import read_tokens
    from stillwatch.store.decisions import folder_of, stamp

    if not read_tokens(store):
        say(
            "no token yet, so nobody is let in: "
            + typed("serve", "token", "new", "--role", "decide", "--store", str(store))
        )
    if stamp(folder_of(store)) is None:
        say("no actions are published yet: every decision is `allow`")


def _run(
    config: dict[str, Any], casebook: str | None, host: str, port: int, cert: Path | None, cert_key: Path | None,
    json: bool,
) -> None:  # fmt: skip
    import json as text
    import os
    from contextlib import closing

    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels
    from granian.server import Server

    from stillwatch.cli.output import emit_json, say
    from stillwatch.service.app import CONFIG
    from stillwatch.service.leases import table_of
    from stillwatch.service.publisher import Publisher
    from stillwatch.service.state import State

    State.of(config).load()  # a damaged store or a lost key is told here, before any port is open
    address = _address(host)
    where = f"{'https' if cert else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
    held = _claimed(address, port, where)
    server = Server(
        "stillwatch.service.app:application", address=address, port=port, interface=Interfaces.ASGI, factory=True,
        workers=config["workers"], http=HTTPModes.http1, websockets=False, backlog=2048, backpressure=BACKPRESSURE,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_MS, max_buffer_size=65536), log_access=False,
        log_level=LogLevels.warning, ssl_cert=cert, ssl_key=cert_key, workers_kill_timeout=5,
    )  # fmt: skip
    publisher = Publisher(Path(config["store"]), casebook)
    with closing(held), table_of(config["workers"]) as shared:
        os.environ[CONFIG] = text.dumps(config | ({"leases": str(shared)} if shared else {}))
        if json:
            emit_json({"schema": "stillwatch/serve/v1", "url": where, "workers": config["workers"], "pid": os.getpid()})
        say(f"listening at {where}, {config['workers']} worker(s)")
        try:
            publisher.prepare()
            publisher.start()
            server.serve()
        except OSError as error:
            raise _cannot_listen(error, where) from error


def _address(host: str) -> str:
    """A host's address, by its name where it is one; of several the first. Raises UsageError for a name of nothing."""
    import socket

    from stillwatch.errors import UsageError

    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][4][0])
    except (OSError, UnicodeError, IndexError) as error:
        raise UsageError("--host is no address of this machine", found=ascii(host)[:80], wanted="127.0.0.1") from error


def _claimed(host: str, port: int, where: str) -> "Claim":
    """Keep the address for this service. Raises StillwatchError where another one listens there."""
    from stillwatch.errors import StillwatchError
    from stillwatch.service.port import NameHeldError, answers, claim

    try:
        return claim(host, port)
    except OSError as error:
        if isinstance(error, NameHeldError) and not answers(host, port):
            raise StillwatchError(
                "cannot listen: another process holds the name of this address, and nobody listens there", where=where,
                found=f"@{error.name} (of /proc/net/unix)", wanted="a port of its own for each service",
                next_step="if no other service of this user is starting, find who holds the name; or another --port",
            ) from error  # fmt: skip
        raise _cannot_listen(error, where) from error


def _cannot_listen(error: OSError, where: str) -> "StillwatchError":
    import errno

    from stillwatch.errors import StillwatchError

    if error.errno == errno.EADDRINUSE:
        return StillwatchError(
            "cannot listen: another process does", where=where, wanted="a port of its own for each service",
            next_step="end the other one, or give another --port",
        )  # fmt: skip
    return StillwatchError(f"cannot listen ({error.strerror})", where=where, next_step="give another --host or --port")


def _token(words: list[str], store: Path, role: str, note: str, person: str, kinds: list[str], json: bool) -> None:
    from stillwatch.errors import UsageError
    from stillwatch.service.auth import end_token, new_token, read_tokens

    if words[:2] == ["token", "new"] and len(words) == 2:
        token, said = new_token(store, role, note, person, kinds)
        _print_new(token, said, json)
    elif words == ["token", "list"]:
        _print_tokens(read_tokens(store), json)
    elif words[:2] == ["token", "end"] and len(words) == 3:
        end_token(store, words[2])
        _print_tokens(read_tokens(store), json)
    else:
        raise UsageError(
            "not what `serve` knows", found=" ".join(words), wanted="nothing, token new, token list or token end ID"
        )


def _print_new(token: Any, said: str, json: bool) -> None:
    from stillwatch.cli.output import emit_json, say

    if json:
        emit_json({"schema": "stillwatch/token/v1", "id": token.id, "role": token.role, "token": said})
        return
    print(said)
    say(f"token {token.id} of the role {token.role}: it is not shown again")


def _print_tokens(tokens: Any, json: bool) -> None:
    from stillwatch.cli.output import emit_json, table

    rows = [
        {
            "id": one.id, "role": one.role, "created_at": one.created_at, "note": one.note, "person": one.person,
            "kinds": list(one.kinds),
        }
        for one in tokens
    ]  # fmt: skip
    if json:
        emit_json({"schema": "stillwatch/tokens/v1", "tokens": rows})
        return
    table(
        ["id", "role", "made", "note", "person", "kinds"],
        [[*list(row.values())[:-1], ", ".join(row["kinds"])] for row in rows],
    )
