"""The service as it is served: a process, sockets, slow clients, snapshots that change under load, and its end."""

import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from stillwatch import cli
from stillwatch.records import Obligation, Rung
from stillwatch.service.auth import new_token, read_tokens
from stillwatch.store.decisions import publish
from stillwatch.store.store import Store
from tests.service.helpers import QUESTION, action

HOUR = 3_600_000_000


def now() -> int:
    return time.time_ns() // 1000


def live(account: str, rung: Rung, **more: object) -> object:
    return action(account, rung, starts_at=now() - HOUR, expires_at=now() + HOUR, **more)


def started(folder: Path, port: int, *words: str) -> subprocess.Popen[str]:
    """A service of a store at a port, as the command starts it."""
    code = "import sys; from stillwatch.cli import main; main()"
    line = [sys.executable, "-c", code, "serve", "--store", str(folder), "--port", str(port), *words]
    return subprocess.Popen(line, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


class Served:
    """A running service, and questions to it over real sockets."""

    def __init__(self, folder: Path, key: Path, *words: str) -> None:
        self.store = Store.create(folder, key)
        publish(self.store, [live("suspended", Rung.SUSPEND)], now())  # type: ignore[list-item]
        self.token = new_token(folder, "decide")[1]
        with closing(socket.socket()) as one:
            one.bind(("127.0.0.1", 0))
            self.port = int(one.getsockname()[1])
        self.process = started(folder, self.port, "--delay", "0", *words)
        for _ in range(200):
            with suppress(OSError), closing(self.connect()) as one:
                one.sendall(b"GET /ready HTTP/1.1\r\nhost: x\r\n\r\n")
                if b" 200 " in one.recv(4096)[:20]:
                    return
            time.sleep(0.05)
        raise AssertionError("it does not become ready")

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 5)

    def raw(self, account: str = "suspended") -> bytes:
        body = json.dumps({**QUESTION, "account_id": account}).encode()
        head = f"POST /v1/decisions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {self.token}\r\n"
        return head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body

    def ask(self, one: socket.socket, account: str = "suspended") -> tuple[int, object]:
        one.sendall(self.raw(account))
        said = b""
        while b"\r\n\r\n" not in said or not said.endswith(b"}"):
            part = one.recv(65536)
            assert part, "the connection ended before the answer"
            said += part
        return int(said[9:12]), json.loads(said.partition(b"\r\n\r\n")[2])

    def end(self) -> tuple[str, str]:
        self.process.terminate()
        return self.process.communicate(timeout=20)


@pytest.fixture
def served(tmp_path: Path, key: Path) -> Iterator[Served]:
    one = Served(tmp_path / "store", key, "--json")
    yield one
    if one.process.poll() is None:
        one.end()


@pytest.mark.slow
def test_it_serves_reloads_and_ends(served: Served) -> None:
    with closing(served.connect()) as one:
        assert served.ask(one)[1]["verdict"] == "deny"  # type: ignore[index]
        publish(served.store, [live("other", Rung.LABEL)], now())  # type: ignore[list-item]
        deadline = time.monotonic() + 10
        while served.ask(one)[1]["verdict"] == "deny":  # type: ignore[index]
            assert time.monotonic() < deadline, "the new snapshot is not read"
            time.sleep(0.1)
        assert served.ask(one, "other")[1]["verdict"] == "warn"  # type: ignore[index]
    out, err = served.end()
    assert served.process.returncode == 0, err
    assert json.loads(out)["url"] == f"http://127.0.0.1:{served.port}"
    assert served.token not in out + err and "suspended" not in out + err


@pytest.mark.slow
def test_a_change_of_snapshots_under_load_loses_nothing(served: Served) -> None:
    stop = threading.Event()
    seen: list[tuple[int, str]] = []
    faults: list[BaseException] = []

    def load() -> None:
        try:
            with closing(served.connect()) as one:
                while not stop.is_set():
                    status, said = served.ask(one)
                    seen.append((status, said["verdict"]))  # type: ignore[index]
                    time.sleep(0.002)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for turn in range(4):
        rows = [live("suspended", (Rung.SUSPEND, Rung.LABEL)[turn % 2])] + [
            live(f"a{n}", Rung.LABEL) for n in range(500)
        ]
        publish(served.store, rows, now())  # type: ignore[arg-type]
        time.sleep(1.6)
    stop.set()
    for thread in threads:
        thread.join()
    assert not faults
    assert {status for status, _ in seen} == {200}
    assert {verdict for _, verdict in seen} == {"deny", "warn"}, "both were answered, and nothing else was"


@pytest.mark.slow
def test_two_hundred_slow_connections_hurt_nobody_and_are_closed(served: Served) -> None:
    raw = served.raw()
    slow = [served.connect() for _ in range(200)]
    for number, one in enumerate(slow):
        one.sendall(raw[: 20 if number % 2 else len(raw) - 10])  # in the headers, and in the body
    with closing(served.connect()) as honest:
        answers = [served.ask(honest)[0] for _ in range(300)]
        assert answers == [200] * 300
        closed = 0
        deadline = time.monotonic() + 20
        waiting = dict.fromkeys(slow)
        while waiting and time.monotonic() < deadline:
            for one in list(waiting):
                one.setblocking(False)
                with suppress(BlockingIOError):
                    try:
                        said = one.recv(65536)
                    except ConnectionResetError:
                        said = b""
                    if not said or b" 408 " in said[:20]:
                        closed += 1
                        del waiting[one]
            assert served.ask(honest)[0] == 200
            time.sleep(0.2)
    assert closed == 200
    for one in slow:
        one.close()


@pytest.mark.slow
def test_garbage_on_the_socket_ends_that_connection_alone(served: Served) -> None:
    for garbage in (
        b"\0" * 100,
        b"GET\r\n\r\n",
        b"POST /v1/decisions HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01" * 50,
        b"A" * 100_000,
    ):
        with closing(served.connect()) as one, suppress(OSError):
            one.sendall(garbage)
            one.settimeout(0.3)
            one.recv(4096)
    with closing(served.connect()) as one:
        one.sendall(served.raw().replace(b"content-length: ", b"transfer-encoding: chunked\r\nx-length: ", 1))
    with closing(served.connect()) as one:
        assert served.ask(one)[0] == 200


@pytest.mark.slow
def test_a_worker_that_is_killed_ends_the_service_so_that_it_is_started_again(served: Served) -> None:
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(served.process.pid)], capture_output=True, text=True, check=True
    )
    worker = max(int(word) for word in listed.stdout.split())
    os.kill(worker, signal.SIGKILL)
    assert served.process.wait(10) != 0


@pytest.mark.slow
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_second_service_at_one_port_is_refused_and_the_first_goes_on(served: Served, host: str) -> None:
    other = started(served.store.folder, served.port, "--host", host, "--json")
    out, err = other.communicate(timeout=30)
    assert other.returncode == 1 and not out
    assert "another process does" in err and f"{host}:{served.port}" in err and "--port" in err
    with closing(served.connect()) as one:
        assert served.ask(one)[0] == 200
    closing_ones = [served.connect() for _ in range(3)]
    for one in closing_ones:
        one.sendall(b"GET\r\n\r\n")  # the service closes these, and the system remembers them for a minute
        with suppress(OSError):
            one.recv(4096)
    served.end()
    again = started(served.store.folder, served.port, "--workers", "2")
    try:
        for _ in range(200):
            assert again.poll() is None, again.communicate()[1]
            with suppress(OSError), closing(served.connect()) as one:
                one.sendall(b"GET /ready HTTP/1.1\r\nhost: x\r\n\r\n")
                if b" 200 " in one.recv(4096)[:20]:
                    break
            time.sleep(0.05)
        else:
            raise AssertionError("a service that is alone does not start where one has ended")
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(again.pid)], capture_output=True, text=True, check=True
        )
        assert len(listed.stdout.split()) >= 2, "its workers share the port"
    finally:
        again.terminate()
        again.communicate(timeout=20)
    for one in closing_ones:
        one.close()


@pytest.mark.slow
@pytest.mark.parametrize("hosts", [("127.0.0.1",) * 3, ("0.0.0.0", "127.0.0.1", "0.0.0.0")])
def test_of_services_that_start_at_one_moment_one_is_left(served: Served, hosts: tuple[str, ...]) -> None:
    served.end()
    several = [started(served.store.folder, served.port, "--host", host) for host in hosts]
    deadline = time.monotonic() + 30
    while sum(one.poll() is None for one in several) > 1:
        assert time.monotonic() < deadline, "more than one goes on"
        time.sleep(0.1)
    (left,) = [one for one in several if one.poll() is None]
    assert {one.poll() for one in several if one is not left} == {1}
    for _ in range(200):
        with suppress(OSError), closing(served.connect()) as one:
            one.sendall(b"GET /ready HTTP/1.1\r\nhost: x\r\n\r\n")
            if b" 200 " in one.recv(4096)[:20]:
                break
        time.sleep(0.05)
    else:
        raise AssertionError("the one that is left does not answer")
    left.terminate()
    left.communicate(timeout=20)


def posted(served: Served, path: str, body: dict[str, object]) -> tuple[int, dict[str, object]]:
    """Status and answer of a request on a connection of its own."""
    text = json.dumps(body).encode()
    with closing(served.connect()) as one:
        head = f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {served.token}\r\nconnection: close\r\n"
        one.sendall(head.encode() + b"content-length: %d\r\n\r\n" % len(text) + text)
        said = b"".join(iter(lambda: one.recv(65536), b""))
    return int(said[9:12]), json.loads(said.partition(b"\r\n\r\n")[2])


@pytest.mark.slow
def test_two_workers_count_together_what_runs_at_once(tmp_path: Path, key: Path) -> None:
    """Each question and each end goes to whichever worker the system picks."""
    before = set(_tables())
    served = Served(tmp_path / "store", key, "--json", "--workers", "2")
    try:
        obliged = (Obligation("rate_limit", (("concurrency", 3),)),)
        publish(served.store, [live("many", Rung.LIMIT, obligations=obliged)], now())  # type: ignore[list-item]
        asked = {**QUESTION, "account_id": "many", "reports_end": True}
        while posted(served, "/v1/decisions", {**asked, "request_id": "first"})[1]["verdict"] != "modify":
            time.sleep(0.1)
        time.sleep(2.5)  # both workers have read it
        assert posted(served, "/v1/decisions/end", {"account_id": "many", "request_id": "first"})[0] == 200
        for turn in range(12):
            verdicts = [
                posted(served, "/v1/decisions", {**asked, "request_id": f"{turn} {n}"})[1]["verdict"] for n in range(8)
            ]
            assert verdicts == ["modify"] * 3 + ["deny"] * 5, f"turn {turn}"
            for n in range(3):
                posted(served, "/v1/decisions/end", {"account_id": "many", "request_id": f"{turn} {n}"})
        tables = set(_tables()) - before
        assert bool(tables) == (multiprocessing.get_start_method() != "fork"), "forked workers' table has no name"
    finally:
        served.end()
    assert served.process.returncode == 0 and not tables & set(_tables()), "and gone when it has ended"


def _tables() -> Iterator[Path]:
    for folder in {Path("/dev/shm"), Path(tempfile.gettempdir())}:
        if folder.is_dir():
            yield from folder.glob("stillwatch-leases-*")


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = cli.run(["serve", *words])
    out, err = capsys.readouterr()
    return code, out, err


def test_tokens_are_made_listed_and_ended(tmp_path: Path, key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = str(Store.create(tmp_path / "s", key).folder)
    code, out, err = run(capsys, "token", "new", "--role", "decide", "--note", "edge 1", "--store", store)
    assert code == 0 and out.startswith("sw_decide_") and out.strip() not in err
    code, out, _ = run(capsys, "token", "new", "--role", "viewer", "--store", store, "--json")
    made = json.loads(out)
    assert code == 0 and made["role"] == "viewer"
    code, out, _ = run(capsys, "token", "list", "--store", store)
    assert code == 0 and "edge 1" in out and made["token"] not in out
    code, out, _ = run(capsys, "token", "end", made["id"], "--store", store, "--json")
    assert code == 0 and [one["role"] for one in json.loads(out)["tokens"]] == ["decide"]
    assert len(read_tokens(Path(store))) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["token"],
        ["token", "new"],
        ["token", "new", "--role", "king"],
        ["token", "new", "--role", "decide", "--note", "a\x1b[2J"],
        ["token", "end", "nobody"],
        ["token", "list", "more"],
        ["start"],
        ["--role", "decide"],
        ["--certificate", "x.pem"],
        ["--port", "0"],
    ],
)
def test_wrong_words_are_told(tmp_path: Path, key: Path, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    store = str(Store.create(tmp_path / "s", key).folder)
    code, out, err = run(capsys, *words, "--store", store)
    assert code == 2 and not out and err and "\x1b" not in err


def test_a_store_that_is_none_is_told_before_a_port_is_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "--store", str(tmp_path / "nothing"))
    assert code == 1 and "nothing" in err


def test_the_shipped_unit_asks_for_what_the_worker_sets() -> None:
    from stillwatch.service.realtime import PRIORITY

    unit = (Path(__file__).resolve().parents[2] / "deploy" / "stillwatch.service").read_text()
    assert f"LimitRTPRIO={PRIORITY}\n" in unit and "--realtime" in unit and "\nRestrictRealtime" not in unit
