"""How many nats speak for an innocent explanation: the terms that rest on its facts, and no number of its own."""

import pytest

from stillwatch.assess.alternatives import WEIGHED_BY, Alternative, alternatives, log_ratio
from stillwatch.assess.concealed import concealed
from stillwatch.assess.coordinated import coordinated
from stillwatch.assess.extracting import extracting
from stillwatch.records import Family, Score, Term

BASE = {"lean": 0.0, "proxied": 0.1, "abroad": 0.1, "weak_door": 0.1, "suspended": 0.0, "networks": 1.0}


def terms(**values: float) -> tuple[Score, ...]:
    """A score of terms by their names, with `_` for a space."""
    return (Score("any", 0.0, tuple(Term("any", name.replace("_", " "), v, "") for name, v in values.items())),)


def ratio(name: str, verdict: str = "possible", **values: float) -> float | None:
    return log_ratio(Alternative(name, "", "", verdict), terms(**values))


def test_it_is_less_the_sum_of_the_terms_that_rest_on_its_facts() -> None:
    assert ratio("affiliated", one_stable_place=-3.5, proxy_networks=0.5, purpose=4.0) == 3.0
    assert ratio("common template, own data", source_of_work=1.5) == -1.5
    assert ratio("shared benchmark or homework", same_items=-2.0, swept_once=0.0) == 2.0


def test_it_is_null_where_nothing_was_logged_and_nought_where_what_was_logged_says_nothing() -> None:
    assert ratio("affiliated", "unknown", purpose=1.0) is None
    assert ratio("affiliated", "rejected", purpose=1.0) == 0.0
    assert ratio("declared reseller", "explains", purpose=1.0) is None
    assert ratio("permission", "rejected") is None


def test_agreement_that_few_bear_counts_for_nothing_and_no_further() -> None:
    agree = {"infrastructure_agrees": 8.0, "registration_agrees": 8.0}
    assert ratio("viral prompt", **agree) == -16.0
    assert ratio("viral prompt", **agree, borne_by_few=-6.0) == -10.0
    assert ratio("viral prompt", **agree, borne_by_few=-30.0, own_wordings=-3.0) == 3.0


def test_every_name_that_it_weighs_is_one_of_the_questions_terms() -> None:
    facts: dict[str, float | str | None] = {
        "lean": 1.0, "items": 500.0, "items_shared": 0.9, "shared": 500.0, "one_source": 9.0,
        "one_source_accounts": 9.0,
        "exclusive": 0.1, "product_share": 0.9, "proxied": 0.9, "linked": 0.9, "top_block": 0.5, "top_payment": 0.0,
        "payers": 0.1,
        "top_verified_domain": 0.7, "top_org": 0.7, "top_email_domain": 0.8, "email_domain_common": 0.0,
    }  # fmt: skip
    swept = facts | {"items_shared": 0.0, "top_block": 0.05, "top_verified_domain": 0.0, "top_org": 0.0}
    swept |= {"top_email_domain": 0.0, "payers": 0.9}
    agreed = coordinated([(family, 9.0, True) for family in Family], 1.0)
    scores = [agreed, *(s for f in (facts, swept) for s in (extracting(f, BASE), concealed(f, BASE)))]
    made = {term.name for score in scores for term in score.terms}
    assert {name for names in WEIGHED_BY.values() for name in names} <= made


@pytest.mark.parametrize("hidden", [-1.0, 2.0])
def test_every_explanation_is_weighed_or_is_a_contract(hidden: float) -> None:
    names = {one.name for one in alternatives({}, hidden, frozenset())}
    assert names - set(WEIGHED_BY) == {"declared reseller"} and set(WEIGHED_BY) <= names
