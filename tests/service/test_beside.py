"""Casework in its own process: one request after the other, and what is told where the process ends."""

import itertools
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from stillwatch.service.app import CONFIG, build
from stillwatch.service.auth import new_token
from stillwatch.service.beside import Beside
from tests.service.helpers import Service, call

PROGRAM = """
import asyncio, os, time
from stillwatch.service.beside import main
async def app(scope, receive, send):
    said = (await receive())["body"]
    if said == b"die": os._exit(3)
    if said == b"fail": raise ValueError("words that quote")
    if said == b"print": print("no answer")
    if said == b"sleep": time.sleep(30)
    began = time.monotonic()
    time.sleep(0.05)
    told = f"{os.getpid()} {began} {time.monotonic()} {scope['stillwatch.token'].person} {said.decode()}"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-a", b"\\xe9")]})
    await send({"type": "http.response.body", "body": told.encode()})
main(lambda: app)
"""
COMMAND = (sys.executable, "-P", "-c", PROGRAM)


def service_beside(service: Service, beside: Beside) -> tuple[Any, str]:
    """The service with casework beside it, and a token of alice's."""
    token = new_token(service.store.folder, "lead", person="alice")[1]
    service.state.look()
    return build(service.state, beside), token


def ask(app: Any, token: str, body: bytes) -> tuple[int, str]:
    status, _, said = call(app, body=body, path="/v1/undo", token=token)
    return status, said.decode()


@pytest.mark.slow
def test_requests_are_answered_one_by_one_and_an_end_is_told_and_mended(service: Service) -> None:
    beside = Beside(COMMAND)
    app, token = service_beside(service, beside)
    answers: list[tuple[int, str]] = []
    threads = [threading.Thread(target=lambda: answers.append(ask(app, token, b"go"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {status for status, _ in answers} == {200}
    rows = sorted((said.split() for _, said in answers), key=lambda row: float(row[1]))
    assert len({row[0] for row in rows}) == 1 and {tuple(row[3:]) for row in rows} == {("alice", "go")}
    assert all(float(one[2]) <= float(after[1]) for one, after in itertools.pairwise(rows))
    assert ask(app, token, b"print")[0] == 200
    status, said = ask(app, token, b"die")
    assert status == 503 and "ended before it answered" in json.loads(said)["error"]["message"]
    status, said = ask(app, token, b"go")
    assert status == 200 and said.split()[0] != rows[0][0]
    process = beside._process
    beside.stop()
    assert process is not None and process.returncode == 0
    assert ask(app, token, b"go")[0] == 503


@pytest.mark.slow
def test_what_takes_too_long_is_ended(service: Service) -> None:
    beside = Beside(COMMAND, 3.0)
    app, token = service_beside(service, beside)
    began = time.monotonic()
    assert ask(app, token, b"sleep")[0] == 503 and time.monotonic() - began < 15
    assert ask(app, token, b"go")[0] == 200
    beside.stop()


@pytest.mark.slow
def test_casework_beside_a_worker_reads_and_acts_as_the_person(
    service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(CONFIG, json.dumps({"store": str(service.store.folder)}))
    beside = Beside()
    app, token = service_beside(service, beside)
    status, _, said = call(app, method="GET", path="/v1/casebook/actions", token=token, query=b"most=5")
    assert status == 200 and json.loads(said)["of"] == 0
    status, _, said = call(
        app, b'{"reason": "x"}', path="/v1/undo", token=token, headers=[(b"content-type", b"application/json")]
    )
    assert status == 400 and json.loads(said)["error"]["code"] == "refused"
    assert call(app, method="GET", path="/v1/state", token=token)[0] == 200
    beside.stop()
