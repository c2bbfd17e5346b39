"""A hit as a person makes it by hand."""

from typing import Any

from stillwatch.errors import UsageError
from stillwatch.records import Hit, Obligation, PolicyRef, Rung

HAND = PolicyRef(id="by hand", version="", hash="")


def hit_by_hand(
    answer: dict[str, Any], account: str, rung: str, obligations: list[str], by: str, reason: str, clause: str,
    code: str, hours: int,
) -> Hit:  # fmt: skip
    """The hit that a person proposes of an account. Raises UsageError where a word is none of the ladder's."""
    if rung.upper() not in Rung.__members__:
        raise UsageError("no such rung", found=ascii(rung)[:40], wanted=", ".join(one.name.lower() for one in Rung))
    return Hit(
        account_id=account, campaign_id=_finding_of(answer, account), run_id=answer["run"]["run_id"],
        rule_id="by hand", policy=HAND, rung=Rung[rung.upper()], obligations=tuple(map(_obligation, obligations)),
        mode="enforce", severity="", owner=by, reason=reason, reason_code=code, clause=clause, hours=hours,
    )  # fmt: skip


def _finding_of(answer: dict[str, Any], account: str) -> str:
    """The finding that names the account with the highest probability; empty where none does."""
    named = [
        (member["probability"], finding["campaign_id"])
        for finding in answer["campaigns"]
        for member in finding["members"]
        if member["account_id"] == account and finding["status"] == "suspected"
    ]
    return str(max(named)[1]) if named else ""


def _obligation(text: str) -> Obligation:
    kind, _, rest = text.partition(":")
    settings = [one.partition("=") for one in rest.split(",") if one]
    return Obligation(kind, tuple((name, _value(value)) for name, _, value in sorted(settings)))


def _value(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else text
