"""From candidates to groups: what a group may claim of what was tested, and where one programme of work ends."""

import numpy as np
import pytest

from stillwatch.linkage.clusters import Candidate
from stillwatch.linkage.groups import NAMED, SAME, Group, _Chosen, _Tested, confirmed_groups
from stillwatch.linkage.incidence import Channel, Incidence, channel
from stillwatch.linkage.membership import Membership
from stillwatch.linkage.search import Found, search
from stillwatch.linkage.templates import Templates, shared_tokens
from stillwatch.records import EXACT_FAMILIES, Family
from tests.linkage.worlds import token_world


@pytest.fixture(scope="module")
def grouped() -> tuple[Incidence, Found, list[Group]]:
    world = token_world(5)
    found = search(world)
    return world, found, confirmed_groups(world, found)


def test_planted_groups_are_found_whole(grouped: tuple[Incidence, Found, list[Group]]) -> None:
    _, _, groups = grouped
    parts = [set(group.certain().tolist()) for group in groups]
    for planted in (set(range(26)), set(range(26, 52))):
        assert max(len(planted & part) / len(planted | part) for part in parts) >= 0.9


def test_a_groups_core_is_a_tested_candidate_and_claims_only_what_was_tested(
    grouped: tuple[Incidence, Found, list[Group]],
) -> None:
    _, found, groups = grouped
    for group in groups:
        same = [at for at, one in enumerate(found.candidates) if one.rows.tolist() == group.core.tolist()]
        discovered = [{family for family in found.discovered if found.discovered[family][at]} for at in same]
        assert any(set(group.twice) <= families for families in discovered)
        certain, core = set(group.certain().tolist()), set(group.core.tolist())
        assert len(certain & core) >= SAME * len(core)
        assert len(certain & core) >= NAMED * len(certain | core)
        for said in group.confirmations:
            tested = [candidate.rows for candidate in found.candidates]
            near = [
                at
                for at, one in enumerate(tested)
                if at in same or len(certain & set(one.tolist())) >= SAME * len(certain | set(one.tolist()))
            ]
            assert any(found.log_e[said.family][at] == said.log_e for at in near)


def content(sets: list[list[int]], n: int = 400) -> Incidence:
    rows = np.array([row for row, tokens in enumerate(sets) for _ in tokens])
    tokens = np.array([token for each in sets for token in each])
    return Incidence(np.arange(n, dtype=np.uint64), np.ones(n, dtype=np.int64), (_channel(rows, tokens, n),), ())


def _channel(rows: "np.ndarray[tuple[int], np.dtype[np.int64]]", tokens: "np.ndarray[tuple[int], np.dtype[np.int64]]",
             n: int) -> Channel:  # fmt: skip
    return channel("exact", (Family.CONTENT,), rows, tokens, n)


def test_two_programmes_that_share_one_public_template_are_two() -> None:
    """Twenty members each with five wordings of their own; half of each also use one template in common."""
    one = [[1, 2, 3, 4, 5] + [99] * (at % 2) for at in range(20)]
    two = [[11, 12, 13, 14, 15] + [99] * (at % 2) for at in range(20)]
    parts = Templates(content(one + two)).programmes(np.arange(40, dtype=np.int32))
    assert [part.tolist() for part in parts] == [list(range(20)), list(range(20, 40))]


def test_paraphrases_of_one_programme_stay_together() -> None:
    """A large part with the main wording, and small ones with wordings of their own and one sentence of the main one
    in every other member."""
    main = [[1, 2, 3, 4] for _ in range(24)]
    small = [[20 + at // 4, 30 + at // 4] + [4] * (at % 2) for at in range(24)]
    parts = Templates(content(main + small)).programmes(np.arange(48, dtype=np.int32))
    assert len(parts[0]) >= 40


def test_wordings_that_a_sister_programme_uses_too_are_still_a_groups_own() -> None:
    """Paraphrases that one sentence joins, which a third of their group's members, in another programme, use as well:
    they are one programme beside the group that they are a part of, and fall apart without it."""
    main = [[1, 2, 3, 4] for _ in range(24)]
    small = [[20 + at // 4, 30 + at // 4] + [4] * (at % 2) for at in range(24)]
    sister = [[4, 50, 51, 52] for _ in range(24)]
    templates, rows = Templates(content(main + small + sister)), np.arange(72, dtype=np.int32)
    assert len(templates.programmes(rows[:48], rows)[0]) >= 40
    assert len(templates.programmes(rows[:48])[0]) == 24


def test_a_small_tested_core_stands_for_a_group() -> None:
    """Sixteen of a hundred were tested together and discovered; of ninety others' core hardly one is a member."""
    world = content([[1]] * 100)
    rows = np.arange(16, dtype=np.int32)
    tested = Candidate(rows, frozenset(EXACT_FAMILIES) - {Family.CONTENT})
    log_e, discovered = {Family.CONTENT: np.array([30.0])}, {Family.CONTENT: np.array([True])}
    found = Found((tested,), log_e, discovered, {Family.CONTENT: 1}, (Family.CONTENT,), Templates(world))
    part = np.arange(100, dtype=np.int32)
    members = Membership(part, np.ones(100), np.ones((100, 1)), (Family.CONTENT,))
    group = _Tested(world.n, found).group(part, members)
    assert group is not None and group.core.tolist() == rows.tolist()
    assert _Tested(world.n, found).group(np.arange(10, 400, dtype=np.int32), members) is None


def test_wordings_that_others_use_join_nothing() -> None:
    """Two offices' templates, and a closing phrase that both and a fifth of everybody else use."""
    one = [[1, 2, 3, 99] for _ in range(15)]
    two = [[11, 12, 13, 99] for _ in range(15)]
    others = [[99] if at % 5 == 0 else [200 + at] for at in range(300)]
    parts = Templates(content(one + two + others)).programmes(np.arange(30, dtype=np.int32))
    assert [len(part) for part in parts] == [15, 15]


def test_a_wording_is_a_groups_own_where_hardly_anybody_outside_uses_it() -> None:
    world = content([[1]] * 20 + [[1]] * 2 + [[2]] * 20 + [[3]] * 60)
    shown = {s.token: s.exclusive for s in shared_tokens(world, np.arange(20, dtype=np.int32), Family.CONTENT)}
    assert shown == {0: False}
    shown = {s.token: s.exclusive for s in shared_tokens(world, np.arange(22, dtype=np.int32), Family.CONTENT)}
    assert shown == {0: True}


def test_kin_are_no_outsiders_who_use_a_groups_words() -> None:
    """Of thirty holders twenty are asked about: the others are outsiders, or kin."""
    world, rows = token_world(1, groups=(30,)), np.arange(20, dtype=np.int32)
    own = {s.token for s in shared_tokens(world, np.arange(30, dtype=np.int32), Family.CONTENT) if s.exclusive}
    apart = {s.token: s for s in shared_tokens(world, rows, Family.CONTENT)}
    joined = {s.token: s for s in shared_tokens(world, rows, Family.CONTENT, np.arange(20, 30, dtype=np.int32))}
    assert own and own <= joined.keys()
    assert not any(apart[token].exclusive for token in own & apart.keys())
    assert all(joined[token].exclusive for token in own)
    assert all(joined[token].inside == apart[token].inside for token in apart.keys() & joined.keys())


def test_members_are_linked_by_access_and_not_by_their_client() -> None:
    families = (Family.CONTENT, Family.CLIENT, Family.INFRASTRUCTURE, Family.REGISTRATION)
    ratios = np.array([[9.0, 9.0, 0.0, 0.0]] * 3 + [[9.0, 0.0, 4.0, 0.0]] + [[9.0, 9.0, -4.0, -9.0]])
    members = Membership(np.arange(5, dtype=np.int32), ratios.sum(axis=1), ratios, families)
    assert members.linked() == pytest.approx(0.2)
    assert Membership(np.zeros(0, np.int32), np.zeros(0), np.zeros((0, 4)), families).linked() is None


def test_who_only_shares_a_sign_up_with_a_group_has_no_home_there() -> None:
    """Thirty signed up together; five more share the sign-up, and the words too little to belong."""
    world, rows = token_world(1, groups=(30,)), np.arange(30, dtype=np.int32)
    held = {family: np.array([90.0]) for family in (Family.CONTENT, Family.REGISTRATION)}
    said = {family: np.array([True]) for family in held}
    core = Candidate(rows, frozenset({Family.CONTENT, Family.REGISTRATION}))
    chosen = _Chosen(world, Found((core,), held, said, dict.fromkeys(held, 1), EXACT_FAMILIES, Templates(world)))
    families = (Family.CONTENT, Family.REGISTRATION)
    ratios = np.array([[9.0, 9.0]] * 30 + [[-9.0, 9.0]] * 5)
    chosen.offer(Membership(np.arange(35, dtype=np.int32), ratios.sum(axis=1), ratios, families), rows)
    assert [group.certain().tolist() for group in chosen.groups] == [list(range(30))]
    assert np.flatnonzero(chosen.home).tolist() == list(range(30))


def test_wordings_that_make_no_two_members_alike_split_nothing() -> None:
    """Each wording in three of 27 members, each two of them sharing one: all cosines are under the least."""
    points = [(a, b, c) for a in range(3) for b in range(3) for c in range(3)]
    lines = {
        frozenset((p, q, tuple(-(x + y) % 3 for x, y in zip(p, q, strict=True))))
        for p in points
        for q in points
        if p < q
    }
    sets = [[token for token, line in enumerate(lines) if point in line] for point in points]
    parts = Templates(content(sets)).parts(np.arange(27, dtype=np.int32))
    assert [len(part) for part in parts] == [1] * 27
