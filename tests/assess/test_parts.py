"""A finding about a part of a group's work: whose part it is, and where its members' work comes from."""

from typing import Any

from stillwatch.assess.lives import Lives
from stillwatch.findings import World, _Known


def test_where_a_member_works_is_judged_by_all_its_shared_work() -> None:
    """One exchange of the part makes no window: twelve of the whole, foreign to the owner's life, do."""
    whole = {"account": 3, "shared": 12, "shared_times": 12, "shared_days": 1.0, "at_home": 0.0, "beyond_usual": -1.0}
    part = {
        "account": 3,
        "entity": 7,
        "shared": 1,
        "shared_times": 1,
        "shared_days": 0.0,
        "at_home": 1.0,
        "of_programme": 0,
        "turned": True,
        "beyond_usual": 1.5,
    }
    known = _Known({}, {0: [whole], ~0: [part]}, {}, {}, Lives([]), World((), 1, "2026-03-01"), {})
    assert known.standing(0) == [whole]
    asked = {"shared": 1, "asks": True, "turned": True, "beyond_usual": 1.5}
    assert known.standing(~0) == [whole | asked], "what it asks is what it asks in the part: the rest is cover"


def test_who_shares_the_programme_in_other_wordings_is_no_customer() -> None:
    whole = {"account": 3, "entity": 7, "shared": 12}
    part: dict[str, Any] = {"account": 3, "entity": 7, "shared": 0, "of_programme": 9}
    part |= {"turned": False, "beyond_usual": None}
    for joined in (set[int](), {7}):
        world, links = World((), 1, "2026-03-01"), {~0: frozenset(joined)}
        known = _Known({}, {0: [whole], ~0: [part]}, {}, {}, Lives([]), world, links)
        assert [(row["shared"], row["asks"]) for row in known.standing(~0)] == [(9, bool(joined))]
