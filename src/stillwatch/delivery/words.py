"""An alert in words, for people who were not there: plain, on one line, and harmless for what shows it."""

from typing import Any

TOLD = {
    "began": "seen for the first time", "split": "parts from {of}", "status": "is now {of}", "test": "a test",
    "accused": "{count} newly accused", "cleared": "{count} no longer accused", "returned": "works again",
    "pivot": "moved to {of}", "evidence": "its accounts go on being alike in what is new", "merged": "goes on in {of}",
    "gone": "is found no more", "withdrawn": "alert {of} holds no more",
}  # fmt: skip
KINDS = {"C": "linked group", "E": "single customer", "X": "use beyond a permission"}
"""What the first letter of a finding's name says that it is about."""

ALLEGATION = "An alert is an allegation with evidence, not a verdict; it suspends nobody."


def plain(value: object, most: int = 200) -> str:
    """A value on one line without anything that a terminal, a mail reader or a page obeys."""
    text = str(value)
    cut = text if len(text) <= most else text[: most - 1] + "…"
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in cut)


def called(alert: dict[str, Any]) -> str:
    """What an alert is about, in words."""
    if alert["status"] == "suspected":
        return "suspected campaign"
    kind = KINDS.get(alert["campaign_id"][:1], "linked group")
    return f"{kind} for review" if alert["status"] == "ambiguous" else kind


def sentence(alert: dict[str, Any]) -> str:
    """An alert as one sentence."""
    said = {"of": plain(alert["of"]), "count": f"{alert['count'] or 0} account(s)"}
    told = TOLD.get(alert["what"], plain(alert["what"])).format(**said)
    open_day = ", the day is not over" if alert["open"] else ""
    open_day += "; LATE: what came after it may have been told already" if alert.get("late") else ""
    so_far = (
        f"{alert['accounts']} account(s), {alert['accused']} of them accused, {alert['exchanges']} exchange(s) by then"
    )
    return f"{plain(alert['day'])} {plain(alert['campaign_id'])} ({called(alert)}): {told}; {so_far}{open_day}"
