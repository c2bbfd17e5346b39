"""What became of each campaign between two runs: births, growth, merges, splits, ends, and who is newly accused.

A pure function of two answers (`campaigns --json`). Findings have other ids in other runs, since an id is a hash of the
tested core; so they are matched by the accounts that share their work. Nothing is remembered beside the runs: the same
two answers give the same changes, whatever lay between them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stillwatch.records import is_accused

Finding = Mapping[str, Any]
Answer = Mapping[str, Any]

SAME = 0.5
"""Share of the smaller of two findings' accounts that stand in the other, from which one continues the other."""

EVENTS = ("new", "merged", "split", "continued", "gone")


@dataclass(frozen=True)
class Change:
    """One finding of the later run beside what it continues, or one of the earlier run that nothing continues.

    `was` holds ids of the earlier run, the one with most accounts in common first; `of` the earlier finding that it
    split off from. `status` and `exchanges` are (before, now), None where there is none.
    """

    campaign_id: str
    event: str
    was: tuple[str, ...]
    of: str
    status: tuple[str | None, str | None]
    exchanges: tuple[int | None, int | None]
    joined: tuple[str, ...]
    left: tuple[str, ...]
    newly_accused: tuple[str, ...]
    no_longer_accused: tuple[str, ...]
    activity: str
    """`dormant` where it was active at the end of the earlier period and is not at the later one's, `returned` where
    it is the other way round, else empty."""


def changes(earlier: Answer, later: Answer) -> list[Change]:
    """Every finding that is told in either run (not dismissed), in the order of EVENTS, then of the later run.

    A dismissed finding counts as what it is: a suspected one that is dismissed now has continued, with that status.
    """
    return [change for change in matched(earlier, later) if set(change.status) - {"dismissed", None}]


def matched(earlier: Answer, later: Answer) -> list[Change]:
    """The same of every finding, whatever its status."""
    before, now = list(earlier["campaigns"]), list(later["campaigns"])
    shared = _shared(before, now)
    heirs, parents_of = _by(shared, 0), _by(shared, 1)
    heir = {at: _most(heirs.get(at, [])) for at in range(len(before))}
    out = []
    for place, new in enumerate(now):
        parents = [-at for _, at in sorted(parents_of.get(place, []), reverse=True)]
        own = [before[at] for at in parents if heir[at] == place]
        split_off = before[parents[0]]["campaign_id"] if parents and not own else ""
        out.append(_told(new, own, split_off))
    out += [_gone(old) for at, old in enumerate(before) if heir[at] is None]
    return sorted(out, key=lambda change: EVENTS.index(change.event))


def _shared(before: Sequence[Finding], now: Sequence[Finding]) -> dict[tuple[int, int], int]:
    """Accounts that two findings share, by their places, where they are one programme's."""
    old, new = [_workers(one) for one in before], [_workers(one) for one in now]
    held_by: dict[str, list[int]] = {}
    for place, accounts in enumerate(new):
        for account in accounts:
            held_by.setdefault(account, []).append(place)
    common = Counter((at, place) for at, accounts in enumerate(old) for a in accounts for place in held_by.get(a, ()))
    return {
        (at, place): count
        for (at, place), count in sorted(common.items())
        if before[at]["kind"] == now[place]["kind"] and count >= SAME * min(len(old[at]), len(new[place]))
    }


def _workers(finding: Finding) -> frozenset[str]:
    return frozenset(m["account_id"] for m in finding["members"] if m["exchanges"] > 0)


def _accused(finding: Finding) -> frozenset[str]:
    status = finding["status"]
    return frozenset(m["account_id"] for m in finding["members"] if is_accused(status, m["role"], m["probability"]))


def _most(found: Sequence[tuple[int, int]]) -> int | None:
    """The place with most accounts in common, the first of equals."""
    return -max(found)[1] if found else None


def _by(shared: Mapping[tuple[int, int], int], side: int) -> dict[int, list[tuple[int, int]]]:
    """By the place on one side, accounts in common and the negative place on the other."""
    out: dict[int, list[tuple[int, int]]] = {}
    for places, count in shared.items():
        out.setdefault(places[side], []).append((count, -places[1 - side]))
    return out


def _told(new: Finding, own: Sequence[Finding], split_off: str) -> Change:
    """A later finding with the earlier ones whose heir it is, and what it split off from where it is nobody's."""
    event = "merged" if len(own) > 1 else "continued" if own else "split" if split_off else "new"
    workers, accused = _workers(new), _accused(new)
    had = frozenset().union(*map(_workers, own))
    charged = frozenset().union(*map(_accused, own))
    before = own[0] if own else None
    return Change(
        campaign_id=new["campaign_id"], event=event, was=tuple(old["campaign_id"] for old in own), of=split_off,
        status=(before["status"] if before else None, new["status"]),
        exchanges=(sum(int(old["exchanges"]) for old in own) if own else None, int(new["exchanges"])),
        joined=tuple(sorted(workers - had)), left=tuple(sorted(had - workers)),
        newly_accused=tuple(sorted(accused - charged)), no_longer_accused=tuple(sorted(charged - accused)),
        activity=_activity(any(old["active"] for old in own), bool(new["active"])) if own else "",
    )  # fmt: skip


def _gone(old: Finding) -> Change:
    return Change(
        campaign_id="", event="gone", was=(old["campaign_id"],), of="", status=(old["status"], None),
        exchanges=(int(old["exchanges"]), None), joined=(), left=tuple(sorted(_workers(old))),
        newly_accused=(), no_longer_accused=tuple(sorted(_accused(old))), activity="",
    )  # fmt: skip


def _activity(before: bool, now: bool) -> str:
    return "" if before == now else "returned" if now else "dormant"
