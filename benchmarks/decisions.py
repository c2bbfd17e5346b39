"""Latency, throughput and overload of `POST /v1/decisions`: an open loop from a process of its own.

The schedule (Poisson, by a seed) is made before it runs; latency counts from the *intended* moment of each request, so
that a server that stalls is charged for all who waited. The generator is plain sockets and epoll, its own lateness is
told (`late`: sent after the intended moment). Server and generator each have a core; with `--scheduling realtime` (as
deploy/stillwatch.service has it) the worker runs under SCHED_RR 10, the generator under SCHED_FIFO 11, so that its own
delays do not count as the server's. Detection runs beside them at ordinary priority on every core.
"""

import argparse
import json
import os
import platform
import random
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from stillwatch.records import InForce, Obligation, PolicyRef, Rung
from stillwatch.service.auth import new_token
from stillwatch.store.decisions import publish
from stillwatch.store.store import Store

ACCOUNTS = 1_000_000
"""Accounts that ask; a tenth of those in force among them."""

IN_FORCE = 100_000

RATED = 6000
"""Decisions a second that a worker gives: what `stillwatch serve --most` has without being told."""


def requests(token: str, seed: int, count: int, port: int) -> list[bytes]:
    """Requests of accounts of which one in ten has an action in force."""
    chance = random.Random(seed)
    head = f"POST /v1/decisions HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer {token}\r\n".encode()
    out = []
    for number in range(count):
        said = {
            "account_id": f"acct_{chance.randrange(ACCOUNTS)}", "model": "large-2", "operation": "chat",
            "client_ip": "203.0.113.7", "estimated_tokens": 900, "request_id": f"req_{number}",
        }  # fmt: skip
        body = json.dumps(said).encode()
        out.append(head + b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    return out


def generate(plan: dict[str, Any]) -> dict[str, Any]:
    """Run one plan: `rate` a second (0: closed loop, as fast as answers come) for `seconds` over `connections`."""
    pinned(plan["core"], plan["priority"])
    rate, seconds, port = plan["rate"], plan["seconds"], plan["port"]
    said = requests(plan["token"], plan["seed"], 5000, port)
    chance = random.Random(plan["seed"] + 1)
    due: list[float] = []
    at = 0.0
    while rate and at < seconds:
        at += chance.expovariate(rate)
        due.append(at)
    sockets = {}
    for _ in range(plan["connections"]):
        one = socket.create_connection(("127.0.0.1", port))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        one.setblocking(False)
        sockets[one.fileno()] = one
    answer = closed(sockets, said, seconds) if not rate else opened(sockets, said, due, seconds, plan["spin"])
    return answer | {"cpu": time.process_time()}


def closed(sockets: dict[int, socket.socket], said: list[bytes], seconds: float) -> dict[str, Any]:
    poll = select.epoll()
    for fd, one in sockets.items():
        poll.register(fd, select.EPOLLIN)
        one.send(said[fd % len(said)])
    good = other = 0
    start = time.perf_counter()
    while (took := time.perf_counter() - start) < seconds:
        for fd, _ in poll.poll(0.1):
            ok = sockets[fd].recv(65536)[9:12] == b"200"
            good, other = good + ok, other + (not ok)
            sockets[fd].send(said[(good + other) % len(said)])
    return {"good_per_second": good / took, "other_per_second": other / took}


def opened(
    sockets: dict[int, socket.socket], said: list[bytes], due: list[float], seconds: float, spin: bool
) -> dict[str, Any]:
    """Send each request at its moment, or, where no connection is free, as soon as one is; it has waited since."""
    poll = select.epoll()
    for fd in sockets:
        poll.register(fd, select.EPOLLIN)
    free = deque(sockets)
    began: dict[int, tuple[float, float]] = {}
    latency: dict[str, list[float]] = {}
    shed: list[float] = []
    late: list[float] = []
    fds = [poll.fileno()]
    next_one, start = 0, time.perf_counter() + 0.2
    while next_one < len(due) or began:
        now = time.perf_counter() - start
        if now > seconds + 5:
            break
        while next_one < len(due) and due[next_one] <= now and free:
            fd = free.popleft()
            sockets[fd].send(said[next_one % len(said)])
            sent = time.perf_counter() - start
            late.append(sent - due[next_one])
            began[fd] = (due[next_one], sent)
            next_one += 1
        wait = 0.0 if spin else max((due[next_one] if next_one < len(due) and free else now + 0.05) - now, 0.0)
        if wait:  # epoll counts in whole milliseconds, select in microseconds
            select.select(fds, [], [], wait)
        for fd, _ in poll.poll(0):
            data = sockets[fd].recv(65536)
            now = time.perf_counter() - start
            intended, sent = began.pop(fd)
            status = data[9:12].decode() or "closed"
            latency.setdefault(status, []).append(now - intended)
            if status == "503":
                shed.append(now - sent)
            free.append(fd)
    answered = {status: percentiles(values) for status, values in sorted(latency.items())}
    counts = {status: len(values) for status, values in sorted(latency.items())}
    return {
        "asked": len(due), "unsent": len(due) - next_one, "unanswered": len(began), "counts": counts,
        "latency_ms": answered, "shed_after_send_ms": percentiles(shed), "late_ms": percentiles(late),
    }  # fmt: skip


def percentiles(values: list[float]) -> dict[str, float]:
    held = sorted(values)
    if not held:
        return {}
    marks = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
    return {name: round(1000 * held[min(int(mark * len(held)), len(held) - 1)], 3) for name, mark in marks.items()}


def pinned(core: int, priority: int) -> None:
    os.sched_setaffinity(0, {core})
    if priority:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))


def world(folder: Path) -> str:
    """A store with actions in force, and a token that may ask."""
    key = folder.parent / "key"
    key.touch(0o600)
    key.write_bytes(bytes(range(32)))
    published(Store.create(folder, key), 0)
    return new_token(folder, "decide")[1]


def published(store: Any, turn: int) -> None:
    """Put actions in force: a limit that is never reached for most, and each other rung for some."""
    policy = PolicyRef("benchmark", str(turn), "0" * 64)
    now = time.time_ns() // 1000
    limit = (Obligation("rate_limit", (("requests_per_minute", 10**9), ("tokens_per_minute", 2 * 10**9))),)
    mild = (Rung.LABEL, Rung.OBSERVE, Rung.SUSPEND, Rung.LIMIT, Rung.LIMIT, Rung.LIMIT)
    rows = []
    for n in range(IN_FORCE):
        rung = mild[n % 6]
        rows.append(
            InForce(
                f"A-{n:012x}", f"acct_{n * 10}", f"C-{n % 300:012x}", rung, limit if rung == Rung.LIMIT else (),
                "enforce", "usage_limit", "Requests of this account are limited.", f"https://example.com/a/{n}",
                now - 10**10, now + 10**11, policy,
            )
        )  # fmt: skip
    publish(store, rows, now)


@contextmanager
def served(folder: Path, port: int, core: int, realtime: bool, most: int = RATED) -> Iterator[subprocess.Popen[bytes]]:
    """The service, under the scheduling that is measured."""
    code = "import sys; from stillwatch.cli import main; sys.argv[0] = 'stillwatch'; main()"
    line = [sys.executable, "-c", code, "serve", "--store", str(folder), "--port", str(port), "--most", str(most)]
    rank = ["--realtime"] if realtime else []
    process = subprocess.Popen(["taskset", "-c", str(core), *line, *rank], start_new_session=True)
    try:
        for _ in range(200):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2) as one:
                one.sendall(b"GET /ready HTTP/1.1\r\nhost: x\r\n\r\n")
                if b" 200 " in one.recv(4096)[:20]:
                    break
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def detecting(folder: Path) -> Iterator[Path]:
    """`stillwatch detect` on a simulated world, again and again, on every core at ordinary priority. A line of the
    file is a detection that ended well."""
    store, logs = folder / "detected", folder / "logs"
    call = [sys.executable, "-c", "import sys; from stillwatch.cli import main; main()"]
    for words in (
        ["simulate", "--out", str(logs), "--truth", str(folder / "truth"), "--scale", "0.4", "--seed", "1"],
        ["ingest", str(logs), "--store", str(store), "--key-file", str(folder / "key")],
    ):
        subprocess.run([*call, *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    done = folder / "detections"
    line = shlex.join([*call, "detect", "--store", str(store)])
    busy = subprocess.Popen(
        ["sh", "-c", f"while :; do {line} >/dev/null 2>&1 && echo >> {done}; done"], start_new_session=True
    )
    try:
        yield done
    finally:
        os.killpg(busy.pid, signal.SIGKILL)
        busy.wait()


def run(plan: dict[str, Any]) -> dict[str, Any]:
    line = [sys.executable, __file__, "--generate", json.dumps(plan)]
    done = subprocess.run(line, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generate", help="one plan as JSON (what this script calls itself with)")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=1000.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--port", type=int, default=18400)
    parser.add_argument("--cores", type=int, nargs=2, default=(1, 0), help="of the server, of the generator")
    parser.add_argument("--scheduling", choices=("realtime", "other"), default="realtime")
    parser.add_argument("--only", nargs="*", default=[], help="quiet, detecting, most, overload, swap")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    if asked.generate:
        print(json.dumps(generate(json.loads(asked.generate))))
        return
    realtime = asked.scheduling == "realtime"
    out: list[dict[str, Any]] = []

    def told(name: str, answer: dict[str, Any], **more: Any) -> None:
        load = [round(one, 2) for one in os.getloadavg()]
        line = {
            "name": name, "seed": asked.seed, "scheduling": asked.scheduling, **more, **answer, "loadavg": load,
            "machine": f"{platform.machine()}, {os.cpu_count()} cores", "python": platform.python_version(),
        }  # fmt: skip
        out.append(line)
        print(json.dumps(line), flush=True)

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        token = world(folder / "store")
        plan = {
            "token": token, "port": asked.port, "seed": asked.seed, "core": asked.cores[1], "spin": False,
            "priority": 11 if realtime else 0, "rate": asked.rate, "seconds": asked.seconds, "connections": 64,
        }  # fmt: skip

        def wanted(name: str) -> bool:
            return not asked.only or name in asked.only

        with served(folder / "store", asked.port, asked.cores[0], realtime):
            run(plan | {"seconds": 3.0})
            if wanted("quiet"):
                told("quiet", run(plan), rate=asked.rate, seconds=asked.seconds)
            if wanted("detecting"):
                with detecting(folder) as done:
                    answer = run(plan)
                    ended = len(done.read_text()) if done.exists() else 0
                told("detecting", answer, rate=asked.rate, seconds=asked.seconds, detections=ended)
            if wanted("swap"):
                told("swap", swapping(folder / "store", plan), rate=asked.rate, seconds=20.0)
            for rate, connections in ((RATED, 64), (2 * RATED, 64), (2 * RATED, 256)):
                if wanted("overload"):
                    answer = run(plan | {"rate": rate, "seconds": 10.0, "connections": connections})
                    share = answer["counts"].get("200", 0) / 10.0 / RATED
                    told(
                        "overload",
                        answer,
                        rate=rate,
                        rated=RATED,
                        goodput_of_rated=round(share, 3),
                        connections=connections,
                    )
        if wanted("most"):
            with served(folder / "store", asked.port, asked.cores[0], realtime, 10**6):
                run(plan | {"seconds": 3.0})
                told("most", run(plan | {"rate": 0, "seconds": 10.0}), connections=64)
                told("five thousand", run(plan | {"rate": 5000.0, "seconds": 10.0}), rate=5000.0)
    if asked.out:
        asked.out.write_text("".join(json.dumps(line) + "\n" for line in out))


def swapping(store: Path, plan: dict[str, Any]) -> dict[str, Any]:
    """The same load while another process publishes a new snapshot of all actions every two seconds or so."""
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); import decisions; from pathlib import Path;"
        "from stillwatch.store.store import Store\n"
        "turn = 0\nwhile True:\n    turn += 1\n    decisions.published(Store.open(Path(sys.argv[2])), turn)\n"
        "    print(turn, flush=True)\n    time.sleep(1)"
    )
    line = [sys.executable, "-c", code, str(Path(__file__).parent), str(store)]
    other = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    try:
        answer = run(plan | {"seconds": 20.0})
    finally:
        other.kill()
    swaps = len((other.communicate()[0] or "").split())
    return answer | {"swaps": swaps}


if __name__ == "__main__":
    main()
