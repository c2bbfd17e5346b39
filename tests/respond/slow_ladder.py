"""The rules of the ladder once more, written from the text of docs/respond.md and not from the code: a list of what
happened, and questions to it. It has no states; each answer reads the whole list."""

from dataclasses import dataclass, field
from typing import Any

from stillwatch.records import Hit, Rung

H = 3_600_000_000


@dataclass
class Slow:
    """One action's past: (time, what, facts), the proposal first."""

    hit: Hit
    by: str
    person: bool
    left: int | None
    radius: int
    cap: int
    now: int
    past: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.past.append((self.now, "propose", {"run": self.hit.run_id, "radius": self.radius}))

    def times(self, what: str) -> list[int]:
        return [at for at, name, _ in self.past if name == what]

    def facts(self, what: str, key: str) -> list[Any]:
        return [facts[key] for _, name, facts in self.past if name == what]

    def time(self, now: int) -> int:
        return max(now, *(at for at, _, _ in self.past))

    @property
    def shadow(self) -> bool:
        return self.hit.mode == "shadow"

    @property
    def harsh(self) -> bool:
        low = any(n == "requests_per_minute" and int(v) < 10 for o in self.hit.obligations for n, v in o.settings)
        return self.hit.rung in (Rung.PROTECT, Rung.FALLBACK, Rung.SUSPEND) or low

    def needs(self) -> int:
        if self.shadow:
            return 0
        most = max(self.facts("propose", "radius") + self.facts("approve", "radius"))
        if most > self.cap and self.hit.rung not in (Rung.OBSERVE, Rung.LABEL):
            return 2
        spent = self.left is not None and self.left == 0
        return 1 if self.by or self.person or spent or self.harsh else 0

    def asked(self) -> list[str]:
        """What the customer has to do, in the order of the obligations."""
        kinds = [str(v) for o in self.hit.obligations if o.type == "challenge" for _, v in o.settings]
        if self.hit.rung == Rung.VERIFY and not kinds:
            return ["rotate_key" if self.hit.reason_code == "key_security" else "identity"]
        return kinds

    def asked_still(self) -> list[str]:
        return [kind for kind in self.asked() if kind not in self.facts("pass", "kind")]

    def appeal_waits(self) -> bool:
        return bool(self.times("appeal")) and not self.times("reject") and not self.times("uphold")

    def ended(self) -> str:
        if self.times("uphold"):
            return "lapsed"
        if self.hit.rung == Rung.VERIFY and not self.asked_still():
            return "passed"
        for name, word in (
            ("decline", "declined"), ("undo", "undone"), ("expire", "expired"), ("overdue", "lapsed"),
        ):  # fmt: skip
            if self.times(name):
                return word
        return ""

    def state(self) -> str:
        return self.ended() or ("shadow" if self.shadow else "in_force" if self.times("begin") else "proposed")

    def hours(self) -> int:
        """For how long it holds from its beginning; a rule's own has at most what is left of a week."""
        at_first = Slow(self.hit, self.by, self.person, self.left, self.radius, self.cap, self.now)
        most = 168 if self.left is None else self.left
        return min(self.hit.hours, most) if at_first.needs() == 0 else self.hit.hours

    def automatic(self) -> bool:
        return not self.facts("approve", "by")

    def expiry(self) -> int:
        """When it ends by itself."""
        if self.shadow:
            return self.times("propose")[0] + self.hit.hours * H
        if not self.times("begin"):
            again = [at for at, what, facts in self.past if what == "again" and not facts["approved"]]
            return max(self.times("propose") + again) + 336 * H
        begun = self.times("begin")[0]
        end = begun + self.hours() * H
        if not self.automatic():
            return end
        bound = self.times("propose")[0] + (168 if self.left is None else min(168, self.left)) * H
        end = min(end, bound)
        for at, what, facts in self.past:
            if what == "again" and at >= begun and facts["after_begin"] and not facts["appealed"]:
                end = max(end, min(at + min(facts["hours"], 168) * H, bound))
        return end

    def due(self) -> int | None:
        """When an open appeal has waited too long."""
        if not self.times("appeal") or self.times("reject") or self.ended():
            return None
        return self.times("appeal")[0] + (72 if self.automatic() else 168) * H

    def over(self, at: int) -> str:
        if self.ended():
            return ""
        due, end = self.due(), self.expiry()
        if due is not None and at >= due and due <= end:
            return "overdue"
        return "expire" if at >= end else ""

    def may(self, what: str, now: int, facts: dict[str, Any]) -> bool:
        """Whether something may happen."""
        at, state = self.time(now), self.state()
        people = [*self.facts("approve", "by"), *([self.by] if self.by else [])]
        open_still, other = not self.over(at), facts.get("by") not in people
        taker = [one for one in self.facts("appeal", "taken_by") if one]
        waits = self.appeal_waits() and (state == "passed" or (state == "in_force" and open_still))
        enough = len(set(self.facts("approve", "by"))) >= self.needs()
        rules = {
            "approve": state == "proposed" and open_still and other,
            "begin": state == "proposed" and open_still and enough,
            "decline": state == "proposed",
            "again": state in ("proposed", "in_force", "shadow") and open_still
            and facts.get("run", "") > max(self.facts("propose", "run") + self.facts("again", "run")),
            "expire": self.over(at) == "expire",
            "overdue": self.over(at) == "overdue",
            "undo": state in ("in_force", "shadow"),
            "pass": state == "in_force" and open_still and facts.get("kind") in self.asked_still(),
            "appeal": state == "in_force" and open_still and not self.times("appeal"),
            "uphold": waits and other and facts.get("by") not in taker,
            "reject": waits and other and facts.get("by") not in taker,
        }  # fmt: skip
        return rules[what]

    def do(self, what: str, now: int, facts: dict[str, Any]) -> None:
        facts = facts | {
            "after_begin": bool(self.times("begin")),
            "appealed": self.due() is not None,
            "approved": bool(self.times("approve")),
        }
        self.past.append((self.time(now), what, facts))
