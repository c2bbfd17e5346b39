"""Whether the key of an account that shares a group's work was stolen: then its owner is a victim, or may be.

A thief's work comes in a short window through egress foreign to the owner's life, begins after that life did, and
leaves the registration unlinked. Weights and limits are set by hand.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence

from stillwatch.assess.member import MemberFacts
from stillwatch.assess.terms import clipped, ramp

TENURE_DAYS = 5.0
"""Age of an account before its window of shared work: a key must be issued before it is stolen."""

FOREIGN = 0.1
UNLINKED = 2.0
"""Nats of registration evidence under which an account is not linked by its registration."""

PLAIN = 5.5
COINCIDENCE = 5.0
"""Nats of likeness, of seven, that show a victim's every trait; and nats of registration evidence that a shared day or
issuer gives by chance, as a shared card does not."""

BURST_DAYS, BURST_SHARE, BURST_OF_LIFE = 1.0, 0.15, 0.5
"""Days in which all of a member's shared work falls, and its share of the account's own, under which the member is
named, not accused; and that share where the registration says nothing of the account."""

WEEK_DAYS, SURPRISE = 7.0, 2.0
AMONG, UNREGISTERED = 0.1, 0.5
"""Days within which a key is likely to be found out, and nats of surprise that all shared work falls into a window so
short; share of an account's own exchanges through the group's exits, and nats of registration evidence, up to which
neither says anything of the account. What else links it, a thief would have left behind."""

ALIKE = 2.5
"""Nats under which nobody looks like a victim."""

UNDECIDED = 0.2
"""Probability of a stolen key, by the high estimate, from which an account is named, not accused."""

LEAST_GROUP_DAYS = 7.0
"""A group that worked for less than a week is not long enough for a short window to mean much."""

LINKED = 3.0
"""Nats of access evidence (infrastructure, registration, client) from which an account is linked by more than its
prompts. Timing is none: who sends prompts through another's service chooses when."""


def may_be_stolen(member: MemberFacts, high: float) -> bool:
    """Whether an account may be a stolen key: by the high estimate of `victim_probabilities`, or by one picture."""
    if high >= UNDECIDED or _plain(member):
        return True
    return _is_one_burst(member) or _is_one_week(member) or _is_a_little_from_elsewhere(member)


def _plain(member: MemberFacts) -> bool:
    """A victim's picture in nearly every trait, and no link of registration beyond what a shared day or issuer gives by
    chance: not accused, however many of the group's own accounts look alike."""
    return member.registration <= COINCIDENCE and victim_likeness(member) >= PLAIN


def _is_one_burst(member: MemberFacts) -> bool:
    """A little work of the group within a day of an account's longer life, and no link of registration beyond chance:
    so little shows no operator, whoever else of the group looks like that. Where the registration says nothing at all,
    a life twice as large as the work is enough, and what it looks like does not count: where a thief asks in words that
    the group does not share, some of that life is his."""
    if member.shared_days >= BURST_DAYS:
        return False
    if member.registration <= UNREGISTERED:
        return member.shared < BURST_OF_LIFE * member.own
    return member.shared < BURST_SHARE * member.own and member.registration <= COINCIDENCE and member.cover < 0.75


def _is_a_little_from_elsewhere(member: MemberFacts) -> bool:
    """A little work beside a large life, from where that life never was, of an account that no registration links and
    whose life is not led from the group's exits."""
    little = member.shared < BURST_SHARE * member.own and member.registration <= UNREGISTERED
    elsewhere = member.at_home is not None and member.at_home <= FOREIGN
    return little and elsewhere and (member.among or 0.0) < AMONG


def _is_one_week(member: MemberFacts) -> bool:
    """All shared work within a week of a longer programme, and nothing that links the account but where that work came
    from: whoever holds its key leaves the same."""
    brief = member.shared_days <= WEEK_DAYS and _surprise(member) >= SURPRISE
    elsewhere = member.registration <= UNREGISTERED and (member.among or 0.0) < AMONG
    return brief and elsewhere and member.beyond_client >= LINKED


def victim_probabilities(members: Sequence[MemberFacts]) -> list[tuple[float, float]]:
    """How likely each account of one group is a stolen key rather than an operator's: a low and a high estimate.

    Where the account's own addresses are seen, by its likeness beside the group's own accounts; where not, by how many
    of those who are seen with a window like that are stolen keys. If nobody is seen, whoever may be one is held for it.
    """
    found = _beyond_chance(members)
    seen = sorted(
        (_window(member), high)
        for member, (_, high) in zip(members, found, strict=True)
        if _has_a_window(member) and member.at_home is not None
    )
    windows = [window for window, _ in seen]
    for place, member in enumerate(members):
        if _has_a_window(member) and member.at_home is None:
            alike = [high for _, high in seen[bisect_left(windows, _window(member)) :]]
            share = (sum(alike) + 1.0) / (len(alike) + 1.0)
            found[place] = (min(found[place][0], share), share)
    return found


def _beyond_chance(members: Sequence[MemberFacts]) -> list[tuple[float, float]]:
    """A low and a high estimate of how likely each account is a stolen key, by its likeness to one.

    The members whose registration links them are the group's own, and show how often its own accounts look like a
    victim by chance (`victim_likeness`). Among the unlinked ones, the share that looks so beyond that rate are victims.
    The low estimate counts one more of the group's own accounts than was seen, the high one none. Where no registration
    links anybody, whoever looks like a victim is held for one.
    """
    likeness = [victim_likeness(member) for member in members]
    linked = sorted(value for value, member in zip(likeness, members, strict=True) if member.registration > UNLINKED)
    others = sorted(value for value, member in zip(likeness, members, strict=True) if member.registration <= UNLINKED)
    beyond: dict[float, tuple[float, float]] = {}
    low = high = 0.0
    for place, value in enumerate(others):
        if value >= ALIKE and value not in beyond:
            own = len(linked) - bisect_left(linked, value)
            odds = len(others) / (len(others) - place) / max(len(linked), 1)
            low = max(low, 1.0 - (own + 1 if linked else 0) * odds)
            high = max(high, 1.0 - own * odds)
            beyond[value] = (low, high)
    out: list[tuple[float, float]] = []
    for value, member in zip(likeness, members, strict=True):
        found = (0.0, 0.0) if member.registration > UNLINKED else beyond.get(value, (0.0, 0.0))
        out.append((_less(found[0], member.registration), _less(found[1], member.registration)))
    return out


def _has_a_window(member: MemberFacts) -> bool:
    """A life of its own, a window that is not spread over the group's time, and no link of registration beyond
    chance."""
    unlinked = member.registration <= COINCIDENCE and victim_likeness(member) > -math.inf
    return unlinked and member.own > 0 and _window(member) >= 0.0


def _less(probability: float, registration: float) -> float:
    """The same after registration evidence in nats that speaks for the group: a victim's says nothing."""
    kept = probability * math.exp(-max(registration, 0.0))
    return kept / (kept + 1.0 - probability) if probability < 1.0 else probability


def victim_likeness(member: MemberFacts) -> float:
    """How much an account's shared work looks like a thief's beside its owner's life, in nats; weights are set by hand.

    A thief's window is short and comes from elsewhere, and the owner lives on. Few times make a short window by
    chance, so the window speaks by how unlikely it is that so many fall into it. Where the logs hold no life of the
    account's own, or no addresses, nothing can be foreign to it.
    """
    old = member.own_before > 0 if member.days_before is None else member.days_before >= TENURE_DAYS
    if not old:
        return -math.inf
    return _window(member) + (_life(member) if member.own > 0 and member.at_home is not None else 0.0)


def _life(member: MemberFacts) -> float:
    """What the account's own exchanges say: how many, whether the shared ones come from their blocks and client,
    whether they come themselves from the group's blocks, as an operator's cover does and an owner's life does not, and
    whether they look like the group's cover."""
    home, client = member.at_home or 0.0, member.own_client
    value = 1.5 * ramp(member.own, 5, 20) if member.own >= member.shared else 0.5 * ramp(member.own, 0, 5)
    value += 1.5 * ramp(home, 0.5, FOREIGN) - 3.0 * ramp(home, 0.6, 1.0)
    value -= 2.5 * ramp(member.among or 0.0, 0.03, 0.2) + member.cover
    return value if client is None else value + ramp(client, 0.5, 0.0) - 0.3 * ramp(client, 0.5, 1.0)


def _window(member: MemberFacts) -> float:
    """What the shortness of the shared work's window says."""
    part = _part_of_group(member)
    return clipped(_surprise(member), 0.0, 3.0) * ramp(member.shared_days, 7.0, 3.0) - 3.0 * ramp(part, 0.25, 0.5)


def _surprise(member: MemberFacts) -> float:
    """-ln of a bound of the probability that so many uniform times of the group's duration fall into a window so
    short."""
    times = max(member.shared_times, 1)
    return -math.log(times) - (times - 1) * math.log(min(_part_of_group(member), 1.0))


def _part_of_group(member: MemberFacts) -> float:
    return max(member.shared_days, 0.5) / max(member.group_days, LEAST_GROUP_DAYS)
