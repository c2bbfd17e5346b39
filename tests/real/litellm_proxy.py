"""A LiteLLM proxy of `.venv-litellm`, on loopback, that talks to nobody but the peers that it is given."""

import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.real.peers import LOOPBACK

COMMAND = Path(__file__).resolve().parents[2] / ".venv-litellm" / "bin" / "litellm"
START_WITHIN = 120
"""Seconds until the proxy must answer. It imports some 2,000 modules; 5 to 20 are usual."""

POST_EVERY = 4
"""Seconds between two posts of the log. What is logged during a post is lost (`log_queue.clear()` after it)."""

AUTH = '''
from litellm.proxy._types import ProxyException, UserAPIKeyAuth

KEYS = {keys!r}


async def told(request, api_key):
    """The virtual key's owner, as a proxy with a database would look it up."""
    if api_key not in KEYS:
        raise ProxyException(message="no such key", type="auth_error", param="key", code=401)
    return UserAPIKeyAuth(api_key=api_key, **KEYS[api_key])
'''


@dataclass(frozen=True)
class Answer:
    """What a caller got: the HTTP status, the headers with names in lower case, the body's bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Proxy:
    """A running proxy: its address, and its own output so far."""

    url: str
    log: Path

    def ask(self, path: str, body: Any, headers: Mapping[str, str]) -> Answer:
        """Post a body and read the whole answer, a stream too."""
        return self._asked(path, body, headers, -1)

    def leave(self, path: str, body: Any, headers: Mapping[str, str]) -> Answer:
        """Post a body, read the first bytes of the answer, and hang up."""
        return self._asked(path, body, headers, 64)

    def _asked(self, path: str, body: Any, headers: Mapping[str, str], most: int) -> Answer:
        sent = {"content-type": "application/json", **headers}
        request = Request(f"{self.url}{path}", json.dumps(body).encode(), sent)
        try:
            with urlopen(request, timeout=30) as answer:
                return Answer(answer.status, _lower(answer.headers), answer.read(most))
        except HTTPError as error:
            with error:
                return Answer(error.code, _lower(error.headers), error.read())


@contextmanager
def running(
    folder: Path,
    settings: Mapping[str, Any],
    keys: Mapping[str, Mapping[str, str]],
    environment: Mapping[str, str] | None = None,
) -> Iterator[Proxy]:
    """Start a proxy with these settings (its config file, as an object), virtual keys, and more of an environment; end
    it with the context.

    Raises TimeoutError, with the end of the proxy's own output, where it does not answer in time.
    """
    (folder / "keyring.py").write_text(AUTH.format(keys={key: dict(owner) for key, owner in keys.items()}))
    (folder / "config.yaml").write_text(json.dumps(settings))  # JSON is YAML
    port = _free_port()
    log = folder / "proxy.log"
    line = [str(COMMAND), "--config", str(folder / "config.yaml"), "--host", LOOPBACK, "--port", str(port)]
    with log.open("wb") as out:
        child = subprocess.Popen(
            line, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=folder,
            env=_environment(folder) | dict(environment or {}), start_new_session=True,
        )  # fmt: skip
    proxy = Proxy(f"http://{LOOPBACK}:{port}", log)
    try:
        _wait(child, port, log)
        yield proxy
    finally:
        _end(child)


def _environment(folder: Path) -> dict[str, str]:
    """No telemetry, no price list from afar, no way out but loopback, and a home that goes away with the test."""
    nowhere = f"http://{LOOPBACK}:9"
    local = ("MODEL_COST_MAP", "ANTHROPIC_BETA_HEADERS", "BLOG_POSTS", "POLICY_TEMPLATES", "AUTOROUTER_PRESETS")
    return {
        "PATH": os.environ["PATH"], "HOME": str(folder), "LITELLM_MASTER_KEY": f"sk-{secrets.token_hex(32)}",
        "LITELLM_TELEMETRY": "False", **{f"LITELLM_LOCAL_{name}": "True" for name in local}, "NO_DOCS": "True",
        "DISABLE_ADMIN_UI": "True", "STORE_MODEL_IN_DB": "False", "LITELLM_LOG": "ERROR",
        "HTTP_PROXY": nowhere, "HTTPS_PROXY": nowhere, "NO_PROXY": f"{LOOPBACK},localhost",
        "DEFAULT_FLUSH_INTERVAL_SECONDS": str(POST_EVERY),
    }  # fmt: skip


def _free_port() -> int:
    with socket.socket() as held:
        held.bind((LOOPBACK, 0))
        return int(held.getsockname()[1])


def _wait(child: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + START_WITHIN
    while time.monotonic() < until and child.poll() is None:  # it ends by itself where its settings are wrong
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
            connection.request("GET", "/health/liveliness")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.2)
    raise TimeoutError(
        f"the proxy ended, or did not answer within {START_WITHIN} s:\n{log.read_text(errors='replace')[-3000:]}"
    )


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the proxy and what it started: they are a process group of their own."""
    for sent in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, sent)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(10)


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
