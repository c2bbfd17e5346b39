"""One decision: what a gateway does with one request, from the actions in force. Pure: clocks and state are passed in.

observe → allow · label → warn · verify → escalate · limit, protect, fallback → modify · suspend → deny. The highest
rung names the verdict; what every action obliges to holds together, the stricter number of two. Who asks for reasons
gets a coarse code and the notice, never a score, a campaign or a rule. An action that is watched for (observe) answers
as if there were none; one in shadow too, but for its mode, and goes to the decision log.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stillwatch.records import InForce, Obligation, PolicyRef, Rung
from stillwatch.respond.budgets import Budgets
from stillwatch.respond.challenges import URGENT, asked_by

VERDICTS = {
    Rung.OBSERVE: "allow",
    Rung.LABEL: "warn",
    Rung.VERIFY: "escalate",
    Rung.LIMIT: "modify",
    Rung.PROTECT: "modify",
    Rung.FALLBACK: "modify",
    Rung.SUSPEND: "deny",
}

SECOND = 1_000_000
"""Times of actions are microseconds since 1970."""

_STOPS = ("hold", "challenge")
"""Obligations under which a request is not answered."""

_LIMITS = ("requests_per_minute", "tokens_per_minute", "concurrency", "max_tokens")


@dataclass(frozen=True)
class Ask:
    """Who asks for what. `lease` names the request where the gateway will say when it ends."""

    account_id: str
    request_id: str
    tokens: int = 0
    lease: str = ""


@dataclass(frozen=True)
class Timing:
    """When actions begin to be felt and how long an answer may be kept: seconds, spread by a keyed hash.

    An action begins up to `delay` after its start (at most a quarter of its time), another time for each, so that
    nobody can tell which of his requests was seen; `ttl` varies by a quarter.
    """

    secret: bytes = b""
    delay: int = 900
    ttl: int = 30


@dataclass(frozen=True)
class Decision:
    """What is answered. `retry_after_s` is set where a budget is used up, `ends_s` where an action spoke: seconds until
    the first of them ends; `counted` where a budget counted the request."""

    decision_id: str
    verdict: str
    action: str
    obligations: tuple[Obligation, ...]
    reason_codes: tuple[str, ...]
    policy: PolicyRef | None
    mode: str
    ttl_s: int
    notice: str = ""
    appeal_url: str = ""
    retry_after_s: int = 0
    ends_s: int | None = None
    counted: bool = False


@dataclass(frozen=True)
class Ruling:
    """A decision, and what the log keeps beside it: the actions that spoke, and those in shadow that would have."""

    decision: Decision
    enforced: tuple[InForce, ...] = ()
    shadow: tuple[InForce, ...] = ()


def decide(ask: Ask, held: Sequence[InForce], now: int, timing: Timing, budgets: Budgets, clock: float) -> Ruling:
    """The decision about one request at `now` (microseconds); `clock` is monotonic seconds, for the budgets."""
    number = spread(timing.secret, "decision", ask.account_id, ask.request_id, str(now))
    name, ttl = f"D-{number:016x}", _ttl(timing, number)
    if not held:
        return Ruling(Decision(name, "allow", "none", (), (), None, "enforce", ttl))
    standing = [one for one in held if begins(one, timing) <= now < one.expires_at]
    shadow = tuple(one for one in standing if one.mode != "enforce")
    spoken = sorted((one for one in standing if one.mode == "enforce"), key=lambda one: (-one.rung, one.action_id))
    until = min((one.expires_at for one in standing), default=now + ttl * SECOND)
    ttl = max(min(ttl, (until - now) // SECOND), 0)
    if not spoken or spoken[0].rung == Rung.OBSERVE:
        mode = "shadow" if shadow and not spoken else "enforce"
        return Ruling(Decision(name, "allow", "none", (), (), None, mode, ttl), tuple(spoken), shadow)
    return Ruling(_of(name, ttl, spoken, ask, now, budgets, clock), tuple(spoken), shadow)


def _of(
    name: str, ttl: int, spoken: list[InForce], ask: Ask, now: int, budgets: Budgets, clock: float
) -> Decision:  # fmt: skip
    """The words are those of the action that stops the request, where one does, else of the highest. What is stopped
    anyhow is charged to nobody."""
    first = spoken[0]
    verdict = VERDICTS[first.rung]
    if first.rung == Rung.SUSPEND:  # milder actions say nothing beside it: a limit would read as "try again"
        spoken = [one for one in spoken if one.rung == Rung.SUSPEND]
    obligations = merged(_obliged(one) for one in spoken)
    stops = next((one for one in spoken if any(o.type in _STOPS for o in _obliged(one))), None)
    wait, counted, spent = (0.0, False, first) if stops else _charge(spoken, ask, budgets, clock)
    spoke = stops or (spent if wait else first)
    codes = [one.reason_code for one in ([spoke] if wait else [spoke, *spoken]) if one.rung > Rung.OBSERVE]
    return Decision(
        name, "deny" if wait else verdict, first.rung.name.lower(), obligations, tuple(dict.fromkeys(codes)),
        spoke.policy, "enforce", 0 if counted else ttl, spoke.notice, spoke.appeal_url,
        -int(-wait // 1) if wait else 0, (min(one.expires_at for one in spoken) - now) // SECOND, counted,
    )  # fmt: skip


def _obliged(one: InForce) -> tuple[Obligation, ...]:
    """What an action obliges to; a step-up and a suspension that name nothing still mean something."""
    types = {obligation.type for obligation in one.obligations}
    if one.rung == Rung.SUSPEND and "hold" not in types:
        return (*one.obligations, Obligation("hold"))
    if one.rung == Rung.VERIFY and "challenge" not in types:
        kinds = asked_by(one.rung, one.obligations, one.reason_code)
        return (*one.obligations, *(Obligation("challenge", (("kind", kind),)) for kind in kinds))
    return one.obligations


def merged(several: Iterable[tuple[Obligation, ...]]) -> tuple[Obligation, ...]:
    """One obligation a type, sorted: the smaller of two numbers, the first of two words."""
    held: dict[str, dict[str, int | str]] = {}
    for obligations in several:
        for one in obligations:
            settings = held.setdefault(one.type, {})
            for name, value in one.settings:
                before = settings.get(name)
                smaller = name in _LIMITS and isinstance(before, int) and isinstance(value, int) and value < before
                if before is None or smaller:
                    settings[name] = value
    return tuple(Obligation(type, tuple(sorted(held[type].items()))) for type in sorted(held))


def _charge(spoken: list[InForce], ask: Ask, budgets: Budgets, clock: float) -> tuple[float, bool, InForce]:
    """The seconds to wait for the budgets, whether any counted this request, and the action whose budget is used up.

    Whose actions name a group share the group's budget. A request is charged once to each budget, by the strictest of
    the limits that draw on it; the action that sets one of them speaks. Of several budgets the first that is used up
    speaks; those before it are charged all the same, but the request, which does not run, is not counted among those
    that do. A member of a group is known by the action, however a request names the account.
    """
    wanted: dict[str, tuple[InForce, dict[str, int]]] = {}
    for one in spoken:
        for name, value in _numbers(one):
            speaks, held = wanted.get(budget_of(one), (one, {}))
            if value < held.get(name, value + 1):
                wanted[budget_of(one)] = (one if held else speaks, held | {name: value})
    charged: list[str] = []
    for budget, (speaks, numbers) in wanted.items():
        wait = budgets.take(budget, numbers, ask.tokens, clock, ask.lease, speaks.action_id)
        if wait > 0:
            for before in charged:
                budgets.end(before, ask.lease)
            return wait, True, speaks
        charged.append(budget)
    return 0.0, bool(wanted), spoken[0]


def _numbers(one: InForce) -> list[tuple[str, int]]:
    """The limits of rates that an action sets."""
    limits = [pair for o in one.obligations if o.type == "rate_limit" for pair in o.settings]
    return [(name, value) for name, value in limits if isinstance(value, int)]


def budget_of(one: InForce) -> str:
    """Whose budget an action draws on: its group's, or its own."""
    return f"g:{one.group}" if one.group else f"a:{one.action_id}"


def begins(one: InForce, timing: Timing) -> int:
    """When an action begins to be felt, in microseconds: its start and its delay. What protects a customer at once."""
    if one.rung == Rung.OBSERVE or one.reason_code == URGENT or timing.delay <= 0:
        return one.starts_at
    longest = min(timing.delay * SECOND, max(one.expires_at - one.starts_at, 0) // 4)
    return one.starts_at + spread(timing.secret, "delay", one.action_id) % (longest + 1)


def _ttl(timing: Timing, number: int) -> int:
    quarter = timing.ttl // 4
    return timing.ttl - quarter + number % (2 * quarter + 1) if quarter else timing.ttl


def spread(secret: bytes, *words: str) -> int:
    """64 bits of a keyed hash of some words."""
    said = "\0".join(words).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(said, digest_size=8, key=secret).digest())
