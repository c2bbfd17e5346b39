"""What an erasure leaves in the files of runs: where names stand, and what findings are called afterwards."""

from typing import Any

import pyarrow as pa

GONE = "erased"
"""What stands where another's row, or a sentence of a run, named the account."""


def times_named(value: Any, names: frozenset[str]) -> int:
    """How often one of the names stands somewhere in a value of JSON."""
    if isinstance(value, dict):
        return sum(times_named(held, names) for held in value.values())
    if isinstance(value, list):
        return sum(times_named(held, names) for held in value)
    return value in names if isinstance(value, str) else 0


def findings_in(answer: Any) -> list[dict[str, Any]]:
    """The findings of a run's file; none where it is no run's."""
    found = answer.get("campaigns") if isinstance(answer, dict) else None
    return found if isinstance(found, list) else []


def current_ids(counted: pa.Table, findings: list[dict[str, Any]], renamed: dict[str, str]) -> dict[str, str]:
    """For each id that a run's list has and its findings have no more, the id that the finding has now.

    What this erase has `renamed` is known. After a kill it is told from what is on disk: one to one, the most alike in
    their accounts first, among the findings that lost one and that the list does not know; `erased` where none is left.
    """
    listed: dict[str, set[str]] = {}
    for name, account in set(zip(counted["campaign_id"].to_pylist(), counted["account_id"].to_pylist(), strict=True)):
        listed.setdefault(name, set()).add(account)
    now = {f["campaign_id"]: {m["account_id"] for m in f["members"]} for f in findings}
    ids = {name: renamed[name] for name in listed if name not in now and renamed.get(name) in now}
    lost = {f["campaign_id"] for f in findings if GONE in f} - listed.keys() - set(ids.values())
    stale = listed.keys() - now.keys() - ids.keys()
    alike = sorted(
        (-len(listed[old] & now[new]) / len(listed[old] | now[new]), old, new)
        for old in stale for new in lost if listed[old] & now[new]
    )  # fmt: skip
    for _, old, new in alike:
        if old not in ids and new not in ids.values():
            ids[old] = new
    return dict.fromkeys(stale, GONE) | ids
