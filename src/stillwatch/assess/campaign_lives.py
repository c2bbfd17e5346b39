"""Campaigns that live: one name from birth on, and what became of each, window after window.

A pure fold: the lives after a window follow from the lives before it and from what was found at its end. A finding
continues the life whose accounts it shares (`changes`); a life that is found no more keeps what was last known of it,
so that it can return.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from stillwatch.assess.changes import Change, matched
from stillwatch.records import is_accused

Finding = Mapping[str, Any]

KEPT = (
    "campaign_id", "kind", "status", "exchanges", "exchanges_low", "exchanges_high", "tokens", "first_seen",
    "last_seen", "active", "likelihood", "confidence", "capabilities", "bypass", "pathways", "pivots",
)  # fmt: skip
"""What a life keeps of a finding beside its members and its evidence: all that a policy's rules may speak of."""
KEPT_OF_MEMBERS = ("account_id", "probability", "estimate", "role", "core", "exchanges", "automated")
KEPT_OF_EVIDENCE = ("coordinated", "extracting", "concealed", "confirmed_by")

FORGOTTEN = 30
"""Windows without a finding after which a life is not looked for any more."""

Levels = Callable[[int, int], float]
"""The level of the life that comes at a place of the stream (from 1 on) when so many earlier ones have crossed
theirs."""


@dataclass(frozen=True)
class Event:
    """What happened to a campaign in a window. `day` is the window's last, `count` accounts, or exchanges of `leaked`.

    `began`, `joined`, `left`, `merged` (with the other life's name), `split` (from it), `dormant`, `returned`, `gone`,
    `status` (what it is now), `accused` (newly), `cleared` (no longer accused), `pivot` (to a model), `evidence`
    (crossed its level).
    """

    day: str
    what: str
    count: int | None = None
    of: str = ""
    account_ids: tuple[str, ...] = ()
    """Whom it is about: who is newly accused, or no longer."""


@dataclass(frozen=True)
class CampaignLife:
    """A campaign from its birth on.

    `life_id` is the id of the finding that it was born as and never changes; `finding` is what was last found of it,
    `found` whether this window did. `first_accused` is the first window (its last day) at whose end members were
    accused, and `leaked` the extraction exchanges that had been made by then. `log_e` holds ln of each family's
    product of evidence since birth; `level` is what 1/e must fall under, and `crossed` the window in which it did.
    """

    life_id: str
    born: str
    finding: dict[str, Any]
    found: bool
    place: int
    level: float
    pivots: tuple[str, ...] = ()
    first_accused: str = ""
    leaked: int = 0
    log_e: dict[str, float] = field(default_factory=dict)
    log_e_mean: float = 0.0
    crossed: str = ""
    alarmed: bool = False
    """Whether it was ever suspected or for review: then somebody was told of it."""
    missed: int = 0
    """Windows since it was last found."""
    ended: str = ""
    """The life that it went on in after a merger, else empty."""

    @property
    def workers(self) -> frozenset[str]:
        """The accounts that share its work."""
        return frozenset(m["account_id"] for m in self.finding["members"] if m["exchanges"] > 0)


@dataclass(frozen=True)
class Chapter:
    """The lives after one window, in order of birth, what happened in it, by life, and how many were ever born."""

    lives: tuple[CampaignLife, ...]
    events: tuple[tuple[str, Event], ...]
    born: int


def lives_after(
    before: Sequence[CampaignLife], answer: Mapping[str, Any], day: str, born: int, level_of: Levels
) -> Chapter:
    """The lives after a window that ends with `day`, at whose end detection answered `answer`; `born` were before it.

    A life is born when something is told of it: a dismissed finding begins none. One that was not found for `FORGOTTEN`
    windows is forgotten, as is one that went on in another.
    """
    answer = {"campaigns": sorted(answer["campaigns"], key=lambda one: str(one["campaign_id"]))}
    before = [life for life in before if not life.ended and life.missed < FORGOTTEN]
    earlier = {"campaigns": [dict(life.finding) | {"campaign_id": life.life_id} for life in before]}
    told = matched(earlier, answer)
    found = {life.life_id: life.found for life in before}
    findings = {str(one["campaign_id"]): one for one in answer["campaigns"]}
    after = {life.life_id: replace(life, found=False, missed=life.missed + 1) for life in before}
    events: list[tuple[str, Event]] = []
    for change in (one for one in told if one.event in ("continued", "merged")):
        own = change.was[0]
        after[own], happened = _continued(after[own], change, findings[change.campaign_id], day, found[own])
        events += [(own, event) for event in happened]
        for other in change.was[1:]:
            after[other] = replace(after[other], ended=own)
            events.append((other, Event(day, "merged", of=own)))
    crossed = sum(bool(life.crossed) for life in before)
    for change in (one for one in told if one.event in ("new", "split") and one.status[1] != "dismissed"):
        born += 1
        life, happened = _born(change, findings[change.campaign_id], day, after, (born, level_of(born, crossed)))
        after[life.life_id] = life
        events += [(life.life_id, event) for event in happened]
    for life in before:
        if life.found and not after[life.life_id].found and not after[life.life_id].ended:
            events.append((life.life_id, Event(day, "gone")))
    return Chapter(tuple(after.values()), tuple(events), born)


def with_evidence(
    life: CampaignLife, log_e: Mapping[str, float], log_e_mean: float, day: str
) -> tuple[CampaignLife, Event | None]:
    """A life with what has accrued by the end of a window, and the event if it crossed its level in it."""
    crosses = not life.crossed and life.level > 0 and log_e_mean >= -math.log(life.level)
    held = replace(life, log_e=dict(log_e), log_e_mean=log_e_mean, crossed=day if crosses else life.crossed)
    return held, Event(day, "evidence", int(life.finding["exchanges"])) if crosses else None


def _kept(finding: Finding) -> dict[str, Any]:
    members = [{name: m[name] for name in KEPT_OF_MEMBERS if name in m} for m in finding["members"]]
    evidence = finding.get("evidence", {})
    held = {name: evidence[name] for name in KEPT_OF_EVIDENCE if name in evidence}
    if "alternatives" in evidence:
        held["open_explanations"] = sum(one["verdict"] == "possible" for one in evidence["alternatives"])
    return {name: finding[name] for name in KEPT if name in finding} | {"members": members, "evidence": held}


def alarms(finding: Finding) -> bool:
    """Whether somebody is told of a finding of this status."""
    return finding["status"] in ("suspected", "ambiguous")


def accused_in(finding: Finding) -> int:
    """How many accounts a finding accuses."""
    return sum(is_accused(finding["status"], m["role"], m["probability"]) for m in finding["members"])


def _born(
    change: Change, finding: Finding, day: str, taken: Mapping[str, CampaignLife], stands: tuple[int, float]
) -> tuple[CampaignLife, list[Event]]:
    life_id, number = change.campaign_id, 2
    while life_id in taken:
        life_id, number = f"{change.campaign_id}-{number}", number + 1
    models = tuple(sorted(str(one["model"]) for one in finding.get("pivots", [])))
    accused = accused_in(finding)
    life = CampaignLife(
        life_id, day, _kept(finding), True, *stands, models,
        day if accused else "", int(finding["exchanges"]) if accused else 0, alarmed=alarms(finding),
    )  # fmt: skip
    begun = "split" if change.event == "split" else "began"
    events = [Event(day, begun, len(life.workers), change.of), Event(day, "status", of=str(finding["status"]))]
    events += [Event(day, "pivot", of=model) for model in models]
    return life, events + ([Event(day, "accused", accused, account_ids=change.newly_accused)] if accused else [])


def _continued(
    life: CampaignLife, change: Change, finding: Finding, day: str, was_found: bool
) -> tuple[CampaignLife, list[Event]]:
    """A life that is found, and what changed of it; `was_found`: in the window before, too."""
    events: list[Event] = []
    for what, names in (("joined", change.joined), ("left", change.left)):
        if names:
            events.append(Event(day, what, len(names)))
    if change.status[0] != change.status[1]:
        events.append(Event(day, "status", of=str(change.status[1])))
    if change.activity or not was_found:
        events.append(Event(day, change.activity or "returned"))
    for what, names in (("accused", change.newly_accused), ("cleared", change.no_longer_accused)):
        if names:
            events.append(Event(day, what, len(names), account_ids=names))
    models = tuple(sorted(str(one["model"]) for one in finding.get("pivots", [])))
    events += [Event(day, "pivot", of=model) for model in models if model not in life.pivots]
    accuses = accused_in(finding) > 0
    held = replace(
        life, finding=_kept(finding), found=True, missed=0, alarmed=life.alarmed or alarms(finding),
        pivots=tuple(sorted({*life.pivots, *models})),
        first_accused=life.first_accused or (day if accuses else ""),
        leaked=life.leaked or (int(finding["exchanges"]) if accuses else 0),
    )  # fmt: skip
    return held, events
