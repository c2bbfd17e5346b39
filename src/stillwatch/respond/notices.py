"""What a customer is told of an action: what happens, until when, what to do, how to appeal. Never how it was found.

The words follow from rung, obligations and the coarse reason code alone: no score, no rule, no campaign, so that two
customers with the same rung and code read the same, and nobody can steer by it. Ids are attacker-written and are shown
with letters that no page, terminal or table obeys.
"""

import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from stillwatch.records import InForce, Obligation, Rung
from stillwatch.respond.action import Action, Outcome, State, touches
from stillwatch.respond.challenges import left_of, obligations_left

WHY = {
    "usage_review": "Usage of your account is being reviewed.",
    "verification_needed": "We need to confirm who uses your account.",
    "usage_limit": "Usage of your account went beyond what it is meant for.",
    "terms_of_service": "Usage of your account appears to conflict with our terms of service.",
    "key_security": "An API key of your account may be used by somebody else.",
}
"""What each reason code says to the customer."""

WHAT = {
    Rung.OBSERVE: "",
    Rung.LABEL: "",
    Rung.VERIFY: "We ask for a verification before requests go on as usual.",
    Rung.LIMIT: "Requests of your account are limited.",
    Rung.PROTECT: "Answers to your account leave out reasoning details and log-probabilities.",
    Rung.FALLBACK: "Requests of your account are answered by another model than the one that you asked for.",
    Rung.SUSPEND: "Requests of your account are not answered.",
}
"""What each rung means for the customer; nothing where nothing is done to the account."""

CHALLENGE = {
    "payment": "Please confirm your payment method.",
    "identity": "Please confirm your identity.",
    "organisation": "Please confirm your organisation: tell us who uses the account and for what.",
    "rotate_key": "Please replace your API keys; until then requests with the present keys may be held.",
}

DO = {
    "usage_review": "Do you serve customers of your own? If so, tell us; nothing else follows from that.",
    "verification_needed": "Requests go on as usual once that is done.",
    "usage_limit": "You can go on within the limit.",
    "terms_of_service": "If your usage is permitted, by a contract or a programme, name it in an appeal.",
    "key_security": "Replace your API keys and look where they are kept. You are not accused of anything.",
}
"""What the customer can do, by reason code."""

LONGEST_ID = 80


@dataclass(frozen=True)
class Notice:
    """What a customer is told, part by part; `text` is all of it."""

    action_id: str
    account: str
    reason_code: str
    what: str
    why: str
    until: str
    to_do: str
    appeal: str

    @property
    def text(self) -> str:
        """The parts as one text; empty where nothing is done to the account."""
        return " ".join(filter(None, (self.what, self.why, self.until, self.to_do, self.appeal))) if self.what else ""

    def as_dict(self) -> dict[str, str]:
        """The parts and the text by name."""
        return {**asdict(self), "text": self.text}


def inert(text: str, most: int = LONGEST_ID) -> str:
    """An id with letters, digits and . _ : @ + - alone; all others, and what a table reads as a formula, as escapes."""
    shown = "".join(_inert(letter) for letter in text[:most])
    if shown[:1] in ("=", "+", "-", "@"):
        shown = f"\\x{ord(shown[0]):02x}{shown[1:]}"
    return shown + ("..." if len(text) > most else "")


def _inert(letter: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9._:@+-]", letter):
        return letter
    point = ord(letter)
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def notice_of(action: Action) -> Notice:
    """What the customer is told of an action while it is in force; empty parts where it touches nobody."""
    hit = action.hit
    told = touches(hit) and action.state == State.IN_FORCE
    if not told:
        return Notice(action.action_id, inert(hit.account_id), hit.reason_code, "", "", "", "", "")
    return Notice(
        action_id=action.action_id, account=inert(hit.account_id), reason_code=hit.reason_code, what=WHAT[hit.rung],
        why=WHY[hit.reason_code], until=f"This ends on {_day(action.expires_at)}.", to_do=_to_do(action),
        appeal=f"You can appeal at {_one_line(appeal_url(action))}; quote {action.action_id}. "
        f"Where nobody answers an appeal in time, this ends.",
    )  # fmt: skip


def _to_do(action: Action) -> str:
    left = left_of(action)
    asked = [CHALLENGE[kind] for kind in CHALLENGE if kind in left]
    return " ".join([*asked, *_limits(action.hit.obligations), DO[action.hit.reason_code]])


def _limits(obligations: tuple[Obligation, ...]) -> list[str]:
    """The model that answers instead is named: a fallback is visible. Numbers of limits are the API's to tell."""
    models = sorted(str(dict(one.settings)["to"]) for one in obligations if one.type == "fallback_model")
    return [f"The model that answers is {inert(model)}." for model in models]


def _day(at: int) -> str:
    return datetime.fromtimestamp(at // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def appeal_url(action: Action) -> str:
    """Where to appeal against an action; `{action_id}` in the policy's address becomes its id."""
    return action.terms.appeal_url.replace("{action_id}", action.action_id)


def in_force_of(action: Action) -> InForce:
    """The action as the decision path reads it. An action in shadow has the mode `shadow`, and no notice. While an
    appeal waits it ends when the appeal is due: nobody has to note that for it to end."""
    hit, appeal = action.hit, action.appeal
    waits = appeal is not None and appeal.outcome == Outcome.OPEN
    ends = min(action.expires_at, appeal.due_at) if appeal is not None and waits else action.expires_at
    return InForce(
        action_id=action.action_id, account_id=hit.account_id, group=hit.campaign_id, rung=hit.rung,
        obligations=obligations_left(action), mode=hit.mode, reason_code=hit.reason_code, notice=notice_of(action).text,
        appeal_url=appeal_url(action), starts_at=action.starts_at or action.proposed_at, expires_at=ends,
        policy=hit.policy,
    )  # fmt: skip
