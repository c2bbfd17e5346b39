"""A real Spark: a standalone master and its workers, on loopback, ended with the block. Benchmarks use it too."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WAIT = 60


def free_port() -> int:
    """A port that nobody listened at a moment ago."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@contextmanager
def cluster(folder: Path, workers: int, memory: str = "1g") -> Iterator[str]:
    """The URL of a master with so many workers of one core each. Raises RuntimeError where it does not start."""
    import pyspark

    home = Path(pyspark.__file__).parent
    port, log = free_port(), (folder / "cluster.log").open("wb")
    environment = os.environ | {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_HOME": str(home), "SPARK_NO_DAEMONIZE": "1"}
    url = f"spark://127.0.0.1:{port}"
    run = [str(home / "bin" / "spark-class")]
    deploy = "org.apache.spark.deploy"
    places = ["--host", "127.0.0.1", "--webui-port", "0"]
    commands = [[*run, f"{deploy}.master.Master", *places, "--port", str(port)]]
    each = [*places, "--port", "0", "--cores", "1", "--memory", memory, "--work-dir", str(folder / "work")]
    commands += [[*run, f"{deploy}.worker.Worker", *each, url] for _ in range(workers)]
    processes = [
        subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        for command in commands
    ]
    try:
        _await(folder / "cluster.log", processes, workers)
        yield url
    finally:
        for process in processes:
            process.kill()
            process.wait()
        log.close()


def _await(log: Path, processes: list["subprocess.Popen[bytes]"], workers: int) -> None:
    """Until every worker has registered."""
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        if log.read_bytes().count(b"Successfully registered with master") == workers:
            return
        if any(process.poll() is not None for process in processes):
            break
        time.sleep(0.2)
    raise RuntimeError(f"the cluster did not start:\n{log.read_text('utf-8', 'replace')[-2000:]}")
