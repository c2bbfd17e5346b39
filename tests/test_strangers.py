"""Who shares a group's wordings and nothing else is left out of it, and makes no wording another's."""

import numpy as np

from stillwatch.gather import apart, company, group_tables, left_out
from stillwatch.linkage.groups import Group
from stillwatch.linkage.incidence import Incidence, channel
from stillwatch.linkage.membership import Membership
from stillwatch.records import Family

OWN, POPULAR = 1, 2
LINKED, STRANGERS, OTHERS = 12, 10, 178
MANY, ONCE = 20, 1


def case(wording: int, *, core: slice = slice(0, LINKED), linked: int = LINKED) -> tuple[Incidence, Group]:
    """Twelve members with a wording of their own, three of whom show a popular one too; ten strangers with one wording,
    no access in common; and everyone else."""
    n = LINKED + STRANGERS + OTHERS
    held = [(row, OWN) for row in range(LINKED)] + [(row, POPULAR) for row in range(3)]
    held += [(row, wording) for row in range(LINKED, LINKED + STRANGERS)]
    held += [(row, 10 + row % 40) for row in range(LINKED + STRANGERS, n)]
    rows, tokens = np.array(held).T
    world = Incidence(
        np.arange(n).astype(np.uint64),
        np.ones(n, dtype=np.int64),
        (channel("exact", (Family.CONTENT,), rows, tokens, n),),
        ((np.zeros(n, dtype=np.int32),),),
    )
    members = np.arange(LINKED + STRANGERS, dtype=np.int32)
    ratios = np.column_stack([np.full(len(members), 5.0), np.where(members < linked, 6.0, -0.4)])
    found = Membership(members, ratios.sum(axis=1), ratios, (Family.CONTENT, Family.INFRASTRUCTURE))
    return world, Group(members[core], (), (), (), found)


def sent(often: int) -> dict[int, int]:
    return {row: MANY if row < LINKED else often for row in range(LINKED + STRANGERS)}


def rows_of(world: Incidence, group: Group, often: int) -> tuple[list[int], list[int]]:
    out = apart(world, group, sent(often))
    return out.posters.tolist(), out.crowd.tolist()


EVERY_STRANGER = list(range(LINKED, LINKED + STRANGERS))


def test_who_posted_the_groups_prompt_once_is_no_member() -> None:
    world, group = case(OWN)
    assert rows_of(world, group, ONCE) == (EVERY_STRANGER, [])
    out = apart(world, group, sent(ONCE))
    tables = group_tables(world, [group], [out])
    assert tables.member["entity"].to_pylist() == list(range(LINKED))
    assert all(tables.token["exclusive"].to_pylist()), "whoever tries a prompt does not make it everybody's"
    assert left_out(group, out.posters).certain().tolist() == list(range(LINKED))


def test_a_crowd_with_a_wording_of_its_own_is_no_part_of_the_group() -> None:
    world, group = case(POPULAR)
    assert rows_of(world, group, MANY) == ([], EVERY_STRANGER)
    shown = group_tables(world, [group], [apart(world, group, sent(MANY))]).token
    said = dict(zip(shown["token"].to_pylist(), shown["exclusive"].to_pylist(), strict=True))
    assert said == {OWN: True}, "the crowd's wording is not the group's"


def test_a_member_that_works_in_the_groups_words_stays_whatever_links_it() -> None:
    world, group = case(OWN)
    assert rows_of(world, group, MANY) == ([], [])


def test_nobody_is_left_out_where_what_is_left_is_not_what_was_tested() -> None:
    world, group = case(POPULAR, core=slice(LINKED - 2, LINKED + STRANGERS))
    assert rows_of(world, group, MANY) == ([], [])
    world, group = case(OWN, linked=3)
    assert rows_of(world, group, ONCE)[1] == []


def test_company_is_of_the_others_and_of_few_exchanges_of_those_with_few() -> None:
    world, group = case(OWN)
    known = company(world, group, sent(MANY))
    assert known[0] == (LINKED - 1 + 0.5) / (LINKED + STRANGERS - 1 + 1)
    assert known[LINKED] == (LINKED + 0.5) / (LINKED + STRANGERS - 1 + 1)
    assert company(world, group, sent(ONCE))[LINKED] == 0.5 / STRANGERS
