"""A PostgreSQL of its own on loopback, from Debian's package, with its data in a folder of the test's."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def binaries() -> Path:
    """The newest PostgreSQL's programs; the test is skipped where none are."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not found:
        pytest.skip("no PostgreSQL here (on Debian: apt-get install postgresql)")
    return found[-1].parent


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def server() -> Iterator[str]:
    """A running server: the URL of its database. PostgreSQL refuses root, so root runs it as the user `postgres`."""
    programs, port = binaries(), free_port()
    folder = Path(tempfile.mkdtemp(prefix="stillwatch-pg-"))
    user = pwd.getpwnam("postgres").pw_uid if os.geteuid() == 0 else None
    if user is not None:
        os.chown(folder, user, -1)

    def run(*words: str) -> None:
        subprocess.run([str(programs / words[0]), *words[1:]], user=user, check=True, capture_output=True, cwd=folder)

    run("initdb", "-D", str(folder / "data"), "-U", "watch", "--auth=trust", "--no-sync", "-E", "UTF8")
    words = [str(programs / "postgres"), "-D", str(folder / "data"), "-h", "127.0.0.1", "-p", str(port),
             "-c", f"unix_socket_directories={folder}"]  # fmt: skip
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(words, user=user, stdout=log, stderr=log, cwd=folder)
    try:
        _wait(port)
        yield f"postgresql://watch@127.0.0.1:{port}/postgres"
    finally:
        running.send_signal(signal.SIGINT)  # does not wait for clients
        running.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(port: int) -> None:
    import psycopg

    for _ in range(300):
        try:
            psycopg.connect(f"postgresql://watch@127.0.0.1:{port}/postgres").close()
            return
        except psycopg.OperationalError:
            time.sleep(0.1)
    raise AssertionError("PostgreSQL does not answer")
