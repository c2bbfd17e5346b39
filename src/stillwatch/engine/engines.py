"""The engines, written out: one machine, or a cluster that is named."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from stillwatch.engine.base import Engine
from stillwatch.engine.duckdb import DuckEngine


@dataclass(frozen=True)
class Cluster:
    """A Spark master, and what its session is started with.

    `scratch` is a folder, path or URL, that the driver and every worker reach under the same name; None takes one in
    the store, which they must all reach anyway.
    """

    master: str
    scratch: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)


def engine_for(cluster: Cluster | None, rows: int, scratch: Path) -> AbstractContextManager[Engine]:
    """DuckDB in this process for so many exchanges, or the cluster, in `scratch` if it is told no other folder. Raises
    UsageError where there is none."""
    if cluster is None:
        return DuckEngine(rows)
    from stillwatch.engine.spark import SparkEngine  # noqa: PLC0415  (an extra, and slow to import)

    return SparkEngine(cluster.master, cluster.scratch or str(scratch.resolve()), cluster.settings)
