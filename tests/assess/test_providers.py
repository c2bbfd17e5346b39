"""Which pools of accused accounts are a network provider's: what speaks for it, and where it abstains."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.assess.providers import Carried, customers, provider, purposes

POOL = frozenset(range(40))
ASKS, ORDINARY = 3.0, -1.0


def wording(accounts: Mapping[int, int], capability: str = "", beyond: float | None = ORDINARY, outside: int = 0,
            hours: int | None = None) -> Carried:  # fmt: skip
    """A wording; each of its accounts asks it in as many hours as exchanges, where nothing else is said."""
    return Carried(accounts, capability, beyond, outside, {a: hours or n for a, n in accounts.items()})


def programme(capability: str, each: int = 20) -> Carried:
    """Work of an operator, dealt out over the whole pool."""
    return wording(dict.fromkeys(sorted(POOL), each), capability, ASKS)


def customer(first: int, accounts: int = 6, each: int = 10, **more: int) -> Carried:
    """An ordinary customer in a few accounts."""
    return wording({(first + n) % len(POOL): each for n in range(accounts)}, **more)


NETWORK = [programme("cot_elicitation"), programme("rubric_grading"), *(customer(7 * n) for n in range(5))]


def says(work: list[Carried], **more: bool) -> float:
    return provider(work, POOL, named={}, **more).log_odds


def test_two_operators_among_ordinary_customers_are_a_providers() -> None:
    score = provider(NETWORK, POOL, named={})
    assert score.log_odds > 1.0
    assert [term.name for term in score.terms] == ["unrelated purposes", "customers", "carriers"]
    assert len(customers(NETWORK, POOL)) == 5


@pytest.mark.parametrize("work", [
    [],
    [programme("cot_elicitation")],
    [programme("rubric_grading"), programme("preference_pairs")],
    [programme("cot_elicitation"), programme("rubric_grading")],
    [programme("cot_elicitation"), *(customer(7 * n) for n in range(5))],
    [programme("cot_elicitation"), programme("rubric_grading"), *(customer(7 * n, outside=3) for n in range(5))],
    [programme("cot_elicitation"), programme("rubric_grading"), *(customer(0, 40, 20) for _ in range(5))],
    [programme("cot_elicitation"), programme("rubric_grading"), *(customer(7 * n, 2) for n in range(5))],
], ids=["nothing", "one purpose", "two aims of one operator", "no customer", "one purpose with customers",
        "cover that is copied", "cover that is dealt out", "customers of two accounts"])  # fmt: skip
def test_who_is_not_shown_to_be_one_stays_an_operator(work: list[Carried]) -> None:
    assert says(work) < 0.0


def test_without_text_and_in_one_pipeline_it_abstains() -> None:
    blind = [Carried(one.accounts, one.capability, None, one.outside, one.hours) for one in NETWORK]
    assert says(blind) < 0.0
    assert says(NETWORK, handed_on=True) < says(NETWORK) - 3.0


def test_customers_of_alike_accounts_are_one_and_three_are_enough() -> None:
    again = [*NETWORK, *(customer(7 * n) for n in range(5))]
    assert len(customers(again, POOL)) == 5 and says(again) == says(NETWORK)
    more = [*NETWORK, *(customer(3 + 8 * n) for n in range(4))]
    assert says(more) == pytest.approx(says(NETWORK), abs=1.0)


def test_names_in_a_field_make_no_provider() -> None:
    work = [programme("cot_elicitation"), programme("rubric_grading")]
    assert provider(work, POOL, named=dict.fromkeys(POOL, 99)).log_odds < 0.0


@settings(max_examples=60, deadline=None)
@given(st.permutations(NETWORK))
def test_the_order_of_wordings_changes_nothing(work: list[Carried]) -> None:
    assert provider(work, POOL, named={}) == provider(NETWORK, POOL, named={})


def test_purposes_are_shares_of_what_the_pool_asks() -> None:
    assert purposes(NETWORK, POOL) == {"judging": 0.5, "reasoning": 0.5}
    elsewhere = wording({100: 1000}, "data_synthesis", ASKS)
    assert purposes([*NETWORK, elsewhere], POOL) == {"judging": 0.5, "reasoning": 0.5}
