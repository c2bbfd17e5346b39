"""The store as it was at a time: what detection would have answered then, on what was known by then."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from stillwatch.detection import answer_of
from stillwatch.engine.base import Engine
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.known import forget_later
from stillwatch.store.store import Store


@contextmanager
def engine_then(store: Store, until: datetime) -> Iterator[Engine]:
    """An engine that holds what was known at a time: later exchanges, accounts, suspensions, permissions and releases
    are not there, nor what was learnt of an account later."""
    with DuckEngine(store.rows(None, until)) as engine:
        store.register(engine, None, until, known_by=until)
        forget_later(engine, until)
        yield engine


def answer_then(store: Store, until: datetime) -> dict[str, Any]:
    """What detection answers on what was known at a time. Nothing is written into the store."""
    with engine_then(store, until) as engine:
        run, findings = answer_of(engine, None, lambda _: None)
    return {"run": run, "campaigns": findings}
