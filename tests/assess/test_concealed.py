"""Members who are joined by access and look like strangers to each other: when that speaks for concealment."""

import pytest

from stillwatch.assess.concealed import concealed

JOINED = {"linked": 0.8, "top_block": 0.05, "top_payment": 0.04, "top_org": 0.0}


def apart(**facts: float | None) -> float | None:
    """What the looks of strangers say of members who are joined."""
    terms = {term.name: term.value for term in concealed({**JOINED, **facts}, {}).terms}
    return terms.get("made to look unrelated")


def test_who_is_joined_and_looks_like_a_stranger_hides() -> None:
    assert apart() == 1.0
    assert apart(top_block=0.9, top_block_proxied=1.0) == 1.0, "one proxy is no open place"


@pytest.mark.parametrize(
    "facts",
    [
        {"linked": 0.5}, {"top_block": 0.4}, {"top_org": 0.6}, {"top_verified_domain": 0.6}, {"top_payment": 0.3},
        {"payers": 0.2}, {"top_email_domain": 0.9, "email_domain_common": 0.0}, {"at_home": 0.95},
    ],
    ids=["not joined", "one place", "one organisation", "one domain", "one payer", "few payers", "one mail domain",
         "at home"],
)  # fmt: skip
def test_who_is_not_joined_or_openly_together_does_not_hide_it(facts: dict[str, float]) -> None:
    assert apart(**facts) is None


@pytest.mark.parametrize("absent", [["linked"], ["top_block"], ["top_payment", "top_org"]])
def test_without_the_signal_nobody_was_made_to_look_unrelated(absent: list[str]) -> None:
    assert apart(**dict.fromkeys(absent)) is None


def hidden(**facts: float) -> dict[str, float]:
    base = {"proxied": 0.1, "abroad": 0.1}
    score = concealed({"proxied": 1.0, "abroad": 0.6, **facts}, base)
    return {term.name: term.value for term in score.terms}


def test_proxies_hide_nothing_of_whoever_lives_behind_them() -> None:
    """A reseller's customers and those of one proxy network do all that they do from there."""
    campaign, customers = hidden(at_home=0.3), hidden(at_home=1.0)
    assert campaign == hidden() and campaign["proxy networks"] > 0.5
    assert customers.keys().isdisjoint(campaign)
    half = hidden(at_home=0.75)["proxy networks"]
    assert 0 < half < campaign["proxy networks"]
    assert hidden(at_home=1.0, proxied=0.0)["proxy networks"] < 0, "what speaks against it stands"


def test_a_server_that_is_rented_abroad_hides_nothing_twice() -> None:
    """A reseller whose servers stood in another country was suspected for both."""
    both, proxied, abroad = hidden(), hidden(abroad=0.1), hidden(proxied=0.1)
    assert both.keys() & {"proxy networks", "region bypass"} == {"proxy networks"}
    assert both["proxy networks"] == proxied["proxy networks"] > abroad["region bypass"] > 0.5
    against = hidden(proxied=0.0)
    assert against["proxy networks"] < 0 < against["region bypass"], "what speaks against it is told beside"


@pytest.mark.parametrize(("payers", "value"), [(None, None), (0.6, None), (0.4, -0.75), (0.25, -1.5), (0.01, -1.5)])
def test_a_few_cards_for_many_accounts_hide_nothing(payers: float | None, value: float | None) -> None:
    """A reseller of firms paid for 36 accounts with four cards, from servers that it rented abroad."""
    terms = {term.name: term.value for term in concealed({"payers": payers}, {}).terms}
    assert terms.get("few payers") == value


def test_one_ban_among_few_accounts_is_chance() -> None:
    def banned(accounts: float) -> float:
        facts = {"suspended": 0.05, "n_accounts": accounts}
        return {term.name: term.value for term in concealed(facts, {"suspended": 0.03}).terms}["replaced accounts"]

    assert banned(1e6) > 1.4 * banned(20.0) > 0
    assert abs(banned(1e6) - 0.336) < 0.01
    after = [
        concealed({"suspended": 0.2, "after_ban": 0.2, "n_accounts": n}, {"suspended": 0.03}).terms for n in (5, 1e6)
    ]
    assert after[1][0].value > after[0][0].value + 0.4, "one sign-up after one ban among five"


def test_the_rest_of_a_groups_work_is_no_cover_of_a_part() -> None:
    mixed = {"share_of_traffic": 0.2, "mixed": 1.0}
    assert [term.name for term in concealed(mixed, {}).terms] == ["mixture"]
    assert not concealed({**mixed, "asking": 0.2}, {}).terms
