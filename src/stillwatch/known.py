"""What was known of accounts, permissions and releases at a time."""

from datetime import datetime

from stillwatch.engine.base import Engine


def forget_later(engine: Engine, until: datetime) -> None:
    """The small tables as they were at a time."""
    for name, sql in small_then(until).items():
        engine.register(name, engine.arrow(sql))


def small_then(until: datetime) -> dict[str, str]:
    """The small tables as queries for what was known of them at a time."""
    then = f"make_timestamptz({micros(until)})"
    suspended = f"CASE WHEN suspended_at < {then} THEN suspended_at END AS suspended_at"
    return {
        "accounts": f"SELECT * REPLACE ({suspended}) FROM accounts WHERE coalesce(created_at < {then}, TRUE)",
        "permissions": f"SELECT * FROM permissions WHERE coalesce(starts_at < {then}, TRUE)",
        "releases": f"SELECT * FROM releases WHERE released_at < {then}",
    }


def micros(at: datetime) -> int:
    """Microseconds since 1970 of a whole second."""
    return round(at.timestamp()) * 1_000_000
