"""Hits as a policy makes them, for the tests of the ladder."""

from dataclasses import replace
from typing import Any

from stillwatch.records import Hit, Obligation, PolicyRef, Rung
from stillwatch.respond.action import HOUR, Terms

NOW = 1_775_000_000_000_000
DAY = 24 * HOUR
TERMS = Terms(cap=5, appeal_url="https://provider.example/appeals/{action_id}")
RUN = "20260301T000000-000000001-aaaaaa"

OF_RUNG: dict[Rung, tuple[Obligation, ...]] = {
    Rung.OBSERVE: (),
    Rung.LABEL: (),
    Rung.VERIFY: (Obligation("challenge", (("kind", "payment"),)),),
    Rung.LIMIT: (Obligation("rate_limit", (("requests_per_minute", 60),)),),
    Rung.PROTECT: (Obligation("hide_reasoning"), Obligation("strip_logprobs")),
    Rung.FALLBACK: (Obligation("fallback_model", (("to", "small-1"),)),),
    Rung.SUSPEND: (Obligation("hold"),),
}

HIT = Hit(
    account_id="acct_1", campaign_id="C-1", run_id=RUN, rule_id="limit-operators",
    policy=PolicyRef("lab", "1", "0" * 64), rung=Rung.LIMIT, obligations=OF_RUNG[Rung.LIMIT], mode="enforce",
    severity="high", owner="abuse-team", reason="One of 40 accounts that extract chains of thought together.",
    reason_code="terms_of_service", clause="Terms 4.2: no training of rival models", hours=24,
)  # fmt: skip


def hit(rung: Rung = Rung.LIMIT, **given: Any) -> Hit:
    """A hit of a rung with what that rung obliges to."""
    return replace(HIT, **{"rung": rung, "obligations": OF_RUNG[rung], **given})


def run_id(number: int) -> str:
    """The id of a run; a later number is a later run."""
    return f"20260301T{number:06d}-000000001-aaaaaa"
