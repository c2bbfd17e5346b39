"""Alerts as `watch` makes them."""

from typing import Any


def alert(number: int = 1, what: str = "accused", life: str = "C-1", **more: Any) -> dict[str, Any]:
    """An alert, with an id of its number."""
    names = more.pop("account_ids", ["acct-1", "acct-2"] if what in ("accused", "cleared") else [])
    held = {
        "schema": "stillwatch/alert/v1", "alert_id": f"A-{number:012x}", "day": "2026-10-21", "what": what, "of": "",
        "count": len(names) or None, "account_ids": names, "life_id": life, "campaign_id": life, "status": "suspected",
        "accounts": 46, "accused": 34, "exchanges": 316, "log_e": 0.35, "open": False, "run_id": "R-1",
    }  # fmt: skip
    return {**held, **more}
