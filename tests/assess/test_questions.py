"""The three questions: bounded terms, abstention where a signal is absent, and who is never accused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.assess.alternatives import alternatives, explanation
from stillwatch.assess.concealed import concealed
from stillwatch.assess.coordinated import coordinated
from stillwatch.assess.estimates import of_group
from stillwatch.assess.extracting import extracting
from stillwatch.assess.finding import likelihood, probability, stated, status_of
from stillwatch.assess.member import MemberFacts
from stillwatch.assess.roles import UNSHOWN, Part, parts_in, parts_of, spared, victims_of
from stillwatch.assess.stolen import victim_likeness, victim_probabilities
from stillwatch.records import ACCUSING, Family, Score

SWEEP = {
    "shared": 900, "lean": 1.2, "items": 850, "items_shared": 0.02, "follow_up": 0.0, "answer_words": 220.0,
    "one_source": 60.0, "one_source_accounts": 40.0,
}  # fmt: skip
BASE = {"lean": -1.0, "proxied": 0.08, "abroad": 0.05, "weak_door": 0.1, "suspended": 0.01, "networks": 1.0}
HIDDEN = {"proxied": 0.6, "abroad": 0.5, "weak_door": 0.4, "suspended": 0.1, "after_ban": 0.2, "networks": 4.0}


def yes(question: str) -> Score:
    return Score(question, 3.0)


def test_a_sweep_is_extracting_and_homework_is_not() -> None:
    assert extracting(SWEEP, BASE).log_odds > 0
    homework = SWEEP | {"items": 12, "items_shared": 0.95, "follow_up": 0.3}
    assert extracting(homework, BASE).log_odds < 0


def terms_of(facts: dict[str, object]) -> dict[str, float]:
    return {term.name: term.value for term in extracting(facts, BASE).terms}


def test_one_clients_words_do_not_excuse_what_is_unmistakable() -> None:
    assert "one product" not in terms_of(SWEEP | {"product_share": 1.0})
    assert terms_of(SWEEP | {"product_share": 1.0, "lean": -1.0})["one product"] == -1.5


def test_answers_that_were_taken_up_speak_against_and_unseen_ones_do_not_speak() -> None:
    assert terms_of(SWEEP | {"follow_up": 0.6})["follow-ups"] == -2.5
    assert "follow-ups" not in terms_of(SWEEP | {"follow_up": None})


def test_a_part_of_the_work_pays_for_the_second_look() -> None:
    assert extracting(SWEEP | {"asking": 0.4}, BASE).log_odds == pytest.approx(
        extracting(SWEEP, BASE).log_odds - 0.6931, abs=1e-6
    )


def test_own_data_and_short_answers_are_not_extracting() -> None:
    office = SWEEP | {"lean": -1.8, "one_source": -80.0, "answer_words": 12.0}
    assert extracting(office, BASE).log_odds < -2


def test_a_gateway_that_deals_out_its_customers_work_is_not_extracting() -> None:
    gateway = SWEEP | {"lean": -1.0}
    assert extracting(gateway, BASE).log_odds < 0
    names = {term.name for term in extracting(gateway, BASE).terms if term.value > 0.5}
    assert not names & {"swept once", "source of work"}


def test_a_decimal_of_the_database_is_a_number() -> None:
    short = extracting(SWEEP | {"answer_words": Decimal("12.00")}, BASE)
    assert [term.value for term in short.terms if term.name == "answers"] == [-1.4]


def test_an_address_of_unknown_kind_speaks_for_nobody() -> None:
    unknown = {term.name: term.value for term in concealed({"proxied": 0.0, "classed": 0.0}, BASE).terms}
    known = {term.name: term.value for term in concealed({"proxied": 0.0, "classed": 1.0}, BASE).terms}
    assert "proxy networks" not in unknown
    assert known["proxy networks"] == -0.5


def test_absent_signals_leave_the_prior() -> None:
    assert extracting({}, {}).terms == ()
    assert concealed({}, {}).terms == ()


def test_hidden_access_is_concealed_and_one_office_is_not() -> None:
    assert concealed(HIDDEN, BASE).log_odds > 0
    office = {"top_block": 0.9, "top_block_proxied": 0.0, "top_verified_domain": 1.0, "proxied": 0.0, "networks": 1.0}
    assert concealed(office, BASE).log_odds < -5


def test_client_alone_never_makes_coordination() -> None:
    assert coordinated([(Family.CLIENT, 500.0, True)], None).log_odds < 0
    assert coordinated([(Family.CONTENT, 3.0, False)], None).log_odds == -6.0


@pytest.mark.parametrize(
    ("twice", "agreed", "permitted", "wanted"),
    [
        (("content", "registration"), (), 0.0, "suspected"),
        (("content",), ("content", "infrastructure", "registration"), 0.0, "ambiguous"),
        (("client",), (), 0.0, "ambiguous"),
        (("content", "client"), ("content", "client"), 0.0, "ambiguous"),
        (("content", "client"), ("content", "client", "infrastructure"), 0.0, "suspected"),
        (("content", "client"), ("content", "client", "timing"), 0.0, "ambiguous"),
        (("content", "timing"), ("content", "timing"), 0.0, "ambiguous"),
        (("content", "registration"), (), 0.8, "permitted"),
    ],
)
def test_status_needs_two_families_more_than_a_product_and_no_permission(
    twice: tuple[str, ...], agreed: tuple[str, ...], permitted: float, wanted: str
) -> None:
    assert status_of((yes("a"), yes("b"), yes("c")), twice, frozenset(agreed), [], permitted) == wanted


def test_an_explanation_dismisses_but_hiding_takes_the_free_pass_away() -> None:
    same_items = {"items_shared": 0.9}
    families = frozenset({"content", "registration"})
    assert explanation(alternatives(same_items, -1.0, families)) == "shared benchmark or homework"
    assert explanation(alternatives(same_items, 2.0, families)) == ""


def test_an_organisation_that_accounts_merely_say_does_not_excuse_hiding() -> None:
    families = frozenset({"content", "registration"})
    assert explanation(alternatives({"top_declared_org": 1.0}, -1.0, families)) == "affiliated"
    assert explanation(alternatives({"top_declared_org": 1.0}, 1.0, families)) == ""
    assert explanation(alternatives({"top_org": 1.0}, 1.0, families)) == "affiliated"


def test_one_product_with_many_customers_is_dismissed() -> None:
    others = alternatives({"product_share": 1.0}, 1.0, frozenset({"content", "client"}))
    assert explanation(others) == "same product"


def member(**changes: object) -> MemberFacts:
    facts: dict[str, object] = {
        "account_id": "a", "core": True, "log_odds": 6.0, "registration": 0.5, "access": 2.0, "beyond_client": 2.0,
        "text": 5.0, "company": 0.9,
        "shared": 20, "asks": True, "own": 50, "own_before": 20, "at_home": 0.6, "own_client": 1.0, "among": 0.0,
        "shared_days": 20.0,
        "shared_times": 12, "group_days": 25.0, "days_before": 90.0, "cover": 0.0, "reseller": False,
        "permitted": False,
    }  # fmt: skip
    return MemberFacts(**(facts | changes))  # type: ignore[arg-type]


def part_of(facts: MemberFacts) -> Part:
    return parts_of([facts])[0]


STOLEN = {"at_home": 0.0, "own_client": 0.0, "shared_days": 1.0, "registration": -0.1}


def test_roles_that_name_without_accusing() -> None:
    assert part_of(member()).role == "operator"
    assert part_of(member(**STOLEN)).role == "victim"
    assert part_of(member(shared=0)).role in ("customer", "bystander")
    assert part_of(member(permitted=True)).role == "customer"
    assert part_of(member(reseller=True)).role == "reseller"


def test_text_alone_does_not_accuse() -> None:
    assert part_of(member(access=0.5)).probability < 0.5
    assert part_of(member(access=2.0)).probability >= 0.5


def test_whose_words_a_campaign_copies_is_even_at_most() -> None:
    copied = part_of(member(access=-0.3, beyond_client=-0.1, asks=False))
    assert copied.probability < 0.5 and copied.estimate is not None and copied.estimate <= 0.5
    for more in ({"asks": True}, {"access": 1.2}):
        told = part_of(member(**({"access": -0.3, "beyond_client": -0.1, "asks": False} | more)))
        assert told.probability < 0.5 and told.estimate is not None and told.estimate > 0.5


@pytest.mark.parametrize(("company", "access", "accused"), [(0.34, 1.9, False), (0.71, 1.3, False), (0.34, 4.0, True)])
def test_a_link_by_chance_does_not_accuse_in_a_crowd(company: float, access: float, accused: bool) -> None:
    """Users of a framework's default prompt stood in a campaign that had replayed their conversations; of 23, three
    shared a day or a client with it."""
    assert (part_of(member(company=company, access=access)).probability >= 0.5) is accused
    assert part_of(member(company=None, access=access)).probability >= 0.5


@pytest.mark.parametrize(
    ("registration", "access", "accused"),
    [(1.6, 1.9, False), (2.8, 2.9, False), (4.0, 4.2, True), (1.6, 2.9, True), (0.0, 2.9, True), (5.5, 5.6, True)],
)
def test_a_sign_up_day_alone_does_not_accuse_a_guest_of_an_event(
    registration: float, access: float, accused: bool
) -> None:
    """A student of a hackathon used a judge's prompt that a campaign used as well, and had signed up on one of its
    days."""
    guest = part_of(member(company=0.82, registration=registration, access=access))
    assert (guest.probability >= 0.5) is accused
    assert guest.estimate is not None and guest.estimate > 0.5


def test_an_estimate_accuses_nobody_and_orders_the_named() -> None:
    """Nine of ten members who are named and not accused are operators: .49 is a cap, not what is believed of them."""
    stranger, near = part_of(member(access=0.2)), part_of(member(access=0.9))
    assert stranger.probability < 0.5 and near.probability < 0.5
    assert stranger.estimate is not None and near.estimate is not None and 0.5 < stranger.estimate < near.estimate
    few = part_of(member(company=0.2, access=0.2))
    assert few.estimate is not None and few.estimate < 0.5, "mostly strangers have these wordings"
    sure = part_of(member(access=9.0))
    assert sure.estimate == sure.probability >= 0.5
    assert part_of(member(**STOLEN)).estimate is None, "held for a victim: nothing is said of an operator"
    plain = STOLEN | {"own": 60, "shared_times": 12, "registration": 2.5}
    crowd = [member(**STOLEN | {"registration": 6.0}) for _ in range(20)]
    unlinked = parts_of([*crowd, member(**plain | {"registration": 0.0})])[-1]
    linked = parts_of([*crowd, member(**plain)])[-1]
    assert (unlinked.estimate or 0.0) < 0.25 < (linked.estimate or 0.0)
    assert all(part.estimate is None for part in parts_in("ambiguous", [near]))


def test_who_says_that_it_resells_is_for_review_and_a_contract_explains() -> None:
    scores, twice = (yes("coordinated"), yes("extracting"), yes("concealed")), ("infrastructure", "registration")
    said = alternatives({"resold": 0.0, "said_resold": 0.95}, 3.0, frozenset(twice))
    assert status_of(scores, twice, frozenset(twice), said, 0.0, 0.95) == "ambiguous"
    held = alternatives({"resold": 0.95, "said_resold": 0.95}, 3.0, frozenset(twice))
    assert status_of(scores, twice, frozenset(twice), held, 0.0, 0.95) == "dismissed"
    assert explanation(said) == "" and explanation(held) == "declared reseller"


def test_likelihood_words_hold_their_probability() -> None:
    for held in (0.0, 0.049, 0.05, 0.3, 0.5, 0.56, 0.864, 0.95, 1.0):
        _, low, high = likelihood(held)
        assert low <= held < high or held == high == 1.0
    assert likelihood(0.864)[0] == "very likely"


def test_a_group_is_likelier_than_its_questions_would_be_apart_and_never_certain() -> None:
    at = [0.0, 1e-12, 0.01, 0.3, 0.5, 0.55, 0.8, 0.95, 1.0 - 1e-12, 1.0]
    told = [of_group(product) for product in at]
    assert told == sorted(told) and told[0] > 0.0 and told[-1] < 1.0
    assert all(of_group(product) > product for product in (0.3, 0.5, 0.8, 0.95))
    three = (yes("a"), yes("b"), yes("c"))
    assert stated("group", three) == of_group(probability(three)) and stated("entity", three) == probability(three[:1])


@pytest.mark.parametrize("status", ["ambiguous", "permitted", "dismissed"])
def test_only_a_suspected_finding_accuses(status: str) -> None:
    parts = [Part("a", 0.99, "operator", True, 9), Part("b", 0.99, "victim", False, 9)]
    shown = parts_in(status, parts)
    assert not any(part.role in ACCUSING and part.probability >= 0.5 for part in shown)
    assert shown[1].role == ("victim" if status == "ambiguous" else "customer")
    assert parts_in("suspected", parts) == tuple(parts)


def test_one_product_is_not_suspected_whatever_else_agrees() -> None:
    scores = (yes("coordinated"), yes("extracting"), yes("concealed"))
    assert status_of(scores, ("content", "client"), frozenset(), [], 0.0) != "suspected"
    assert status_of(scores, ("content", "infrastructure"), frozenset(), [], 0.0) == "suspected"


def test_nothing_known_explains_nothing() -> None:
    assert explanation(alternatives({}, 0.0, frozenset({"timing"}))) == ""


def test_popular_wordings_are_no_programme_of_a_group() -> None:
    assert extracting(SWEEP | {"exclusive": 0.04}, BASE).log_odds < extracting(SWEEP, BASE).log_odds - 2.9
    assert extracting(SWEEP | {"exclusive": 0.9}, BASE).log_odds == extracting(SWEEP, BASE).log_odds


def test_prompts_relayed_through_a_customers_own_service_do_not_accuse() -> None:
    relayed = member(at_home=1.0, own_client=1.0, access=1.0, beyond_client=1.0, shared=3, own=60)
    assert part_of(relayed).probability < 0.5
    linked = member(at_home=1.0, own_client=1.0, access=9.0, beyond_client=8.0, shared=3, own=60)
    assert part_of(linked).probability >= 0.5


def test_a_short_window_from_unknown_addresses_does_not_accuse() -> None:
    unseen = part_of(member(at_home=None, shared_days=1.0))
    assert unseen.role not in ACCUSING or unseen.probability < 0.5
    few = part_of(member(at_home=None, shared_days=1.0, shared=1, shared_times=1, registration=0.0))
    assert few.role not in ACCUSING or few.probability < 0.5
    chance = part_of(member(at_home=None, shared_days=1.0, registration=4.0))
    assert chance.role not in ACCUSING or chance.probability < 0.5, "a shared day or issuer happens by chance"
    assert part_of(member(at_home=None, shared_days=1.0, registration=6.0)).probability >= 0.5


def test_where_no_address_is_seen_the_others_tell_how_many_keys_are_stolen() -> None:
    """Of those with a window like that who are seen, hardly any or every one may be a stolen key."""
    short = {"shared_days": 1.0, "registration": -0.1}
    linked = [member(registration=6.0) for _ in range(20)]
    at_home = [member(**short, at_home=0.9) for _ in range(20)]
    assert parts_of([*linked, *at_home, member(**short, at_home=None)])[-1].probability >= 0.75
    stolen = [member(**STOLEN) for _ in range(20)]
    part = parts_of([*linked, *stolen, member(**short, at_home=None)])[-1]
    assert part.role not in ACCUSING or part.probability < 0.5


def test_a_public_tool_links_nobody() -> None:
    """Whoever uses the program that the group uses, and hardly a word or words that others use as well, is not
    accused."""
    assert part_of(member(access=9.0, beyond_client=-0.5, text=0.5)).probability < 0.5
    assert part_of(member(access=3.5, beyond_client=-0.5, text=9.0, company=0.8)).probability < 0.5
    assert part_of(member(access=9.0, beyond_client=-0.5, text=9.0, company=0.8)).probability >= 0.75
    assert part_of(member(access=9.0, beyond_client=4.0, text=0.5, registration=1.0)).probability >= 0.75


def test_a_life_on_cover_is_no_owners_life() -> None:
    assert victim_likeness(member(**STOLEN, cover=1.5)) == victim_likeness(member(**STOLEN)) - 1.5


def test_a_stolen_key_needs_no_sign_up_date() -> None:
    assert part_of(member(**STOLEN, days_before=None, own_before=20)).role == "victim"
    assert part_of(member(**STOLEN, days_before=None, own_before=0)).role == "operator"


def test_what_the_groups_own_accounts_look_like_makes_no_victim() -> None:
    """Where the accounts that registration links work in short foreign windows, an unlinked one that does is theirs."""
    own = [member(**STOLEN | {"registration": 6.0}) for _ in range(20)]
    assert all(high < 0.5 for _, high in victim_probabilities([*own, *(member(**STOLEN) for _ in range(5))]))
    other = [member(registration=6.0) for _ in range(20)]
    low, high = victim_probabilities([*other, *(member(**STOLEN) for _ in range(5))])[-1]
    assert (low, high) == (1 - 1 / 20, 1.0)


def test_one_victim_among_many_unlinked_accounts_is_not_accused() -> None:
    """Few linked accounts cannot rule out that the one that looks so is a victim: named, or at least not accused."""
    linked = [member(registration=6.0) for _ in range(8)]
    unlinked = [member(registration=0.0) for _ in range(30)]
    parts = parts_of([*linked, *unlinked, member(**STOLEN)])
    assert parts[-1].role not in ACCUSING or parts[-1].probability < 0.5
    assert all(part.probability >= 0.5 for part in parts[:-1])


def test_a_victims_every_trait_is_not_accused_for_a_shared_sign_up_day() -> None:
    plain = STOLEN | {"own": 60, "shared_times": 12, "registration": 2.5}
    crowd = [member(**STOLEN | {"registration": 6.0}) for _ in range(20)]
    part = parts_of([*crowd, member(**plain)])[-1]
    assert part.role not in ACCUSING or part.probability < 0.5
    assert parts_of([*crowd, member(**plain | {"registration": 8.0})])[-1].probability >= 0.5


def test_few_times_make_no_window() -> None:
    session = member(**STOLEN, shared=40, shared_times=1)
    assert victim_likeness(session) < victim_likeness(member(**STOLEN, shared=40, shared_times=8))


def test_registration_evidence_takes_from_a_stolen_key() -> None:
    linked = [member(registration=6.0) for _ in range(20)]
    alike = [member(**STOLEN | {"registration": reg}) for reg in (-0.1, 0.5, 1.8)]
    shown = [low for low, _ in victim_probabilities([*linked, *alike])[20:]]
    assert shown == sorted(shown, reverse=True)
    assert shown[0] > 0.9


def test_a_longer_likeness_is_no_smaller_probability() -> None:
    """The chance rate is monotone: an account that looks more like a victim is never less likely one."""
    group = [member(registration=6.0, own=own, **{k: v for k, v in STOLEN.items() if k != "registration"})
             for own in range(2, 40)]  # fmt: skip
    unlinked = [member(own=own, **STOLEN) for own in range(2, 40, 3)]
    shown = victim_probabilities([*group, *unlinked])[len(group) :]
    assert shown == sorted(shown)
    assert all(low <= high for low, high in shown)


def test_an_agreement_that_few_members_bear_is_no_coordination() -> None:
    confirmed = [(Family.INFRASTRUCTURE, 30.0, True), (Family.REGISTRATION, 30.0, True)]
    assert coordinated(confirmed, 0.9).log_odds > 0
    assert coordinated(confirmed, 0.2).log_odds < 0
    every = [*confirmed, (Family.CLIENT, 40.0, True), (Family.TIMING, 30.0, True)]
    assert coordinated(every, 0.5).log_odds < 0, "more families do not make up for half of the members"


def test_one_schools_door_is_no_hiding() -> None:
    school = {"weak_door": 1.0, "top_email_domain": 0.9, "email_domain_common": 0.001, "size_share": 0.01}
    names = [term.name for term in concealed(school, BASE).terms]
    assert "weak doors" not in names
    assert "one mail domain" in names


def test_a_life_led_from_the_groups_own_addresses_is_no_owners_life() -> None:
    assert victim_likeness(member(**STOLEN)) > 5.0
    assert victim_likeness(member(**STOLEN, among=0.3)) < victim_likeness(member(**STOLEN)) - 2.0


def test_a_key_held_for_stolen_in_one_finding_accuses_nobody_in_another() -> None:
    victim = Part("a", 0.9, "victim", True, 20)
    operator = Part("a", 0.9, "operator", False, 4)
    other = Part("b", 0.9, "operator", False, 4)
    assert spared((operator, other), victims_of([victim])) == (Part("a", UNSHOWN, "victim", False, 4), other)
    near = Part("a", 0.49, "victim", False, 4, 0.2)
    assert spared((operator,), victims_of([near])) == (operator,), (
        "who may be one in a campaign of an operator's making"
    )
    beside = Part("a", 0.3, "bystander", False, 0)
    assert spared((beside,), victims_of([victim])) == (beside,), "a key that did none of this campaign's work"


@given(
    log_odds=st.floats(-8.0, 12.0), registration=st.floats(-2.0, 9.0), access=st.floats(-2.0, 12.0),
    beyond_client=st.floats(-2.0, 12.0), text=st.floats(0.0, 12.0),
    company=st.none() | st.floats(0.05, 0.95), shared=st.integers(0, 60),
    asks=st.booleans(), own=st.integers(0, 200), own_before=st.integers(0, 50),
    at_home=st.none() | st.floats(0.0, 1.0), own_client=st.none() | st.floats(0.0, 1.0),
    among=st.none() | st.floats(0.0, 1.0), shared_days=st.floats(0.1, 25.0), shared_times=st.integers(1, 40),
    days_before=st.none() | st.floats(0.0, 400.0), cover=st.floats(-2.0, 2.0),
)  # fmt: skip
def test_who_is_not_accused_is_not_called_an_operator(**facts: object) -> None:
    """Who reads a role and not the probability beside it calls nobody an operator whom the finding does not accuse."""
    crowd = [member(account_id=f"o{n}", registration=6.0) for n in range(4)]
    part = parts_of([*crowd, member(**facts)])[-1]
    assert part.role not in ACCUSING or part.probability >= 0.5
    if part.role == "victim" and part.estimate is not None:
        assert part.estimate < 0.5
    if part.estimate is not None and part.role not in ACCUSING:
        assert part.probability <= UNSHOWN
    for status in ("ambiguous", "permitted", "dismissed"):
        [shown] = parts_in(status, [part])
        assert shown.role not in ACCUSING and shown.estimate is None
        assert shown.role != "bystander" or shown.exchanges == 0, "whoever does the work of an open group is a customer"


def test_who_is_rather_no_operators_may_be_a_stolen_key_and_who_is_rather_one_is_a_bystander() -> None:
    near = {"at_home": 0.0, "own_client": 0.0, "shared_days": 1.0, "own": 60, "shared_times": 12, "registration": 2.2}
    crowd = [member(**near | {"registration": 6.0}) for _ in range(20)]
    held = parts_of([*crowd, member(**near | {"registration": 0.0})])[-1]
    assert (held.role, held.probability) == ("victim", UNSHOWN) and (held.estimate or 1.0) < 0.5
    shown = part_of(member(access=0.9))
    assert (shown.role, shown.probability) == ("bystander", UNSHOWN) and (shown.estimate or 0.0) >= 0.5


def test_a_bare_half_accuses_nobody() -> None:
    assert part_of(member(log_odds=1.0)).probability < 0.5
    assert part_of(member(log_odds=3.0)).probability >= 0.75


def test_what_was_not_logged_rejects_no_explanation() -> None:
    verdicts = {one.verdict for one in alternatives({}, 1.0, frozenset({"registration", "infrastructure"}))}
    assert verdicts == {"unknown"}


def test_three_answers_that_barely_lean_to_yes_are_for_review() -> None:
    """A university of a world that nobody had looked at stood at +10, +0.3 and +0.2: together rather no than yes."""
    twice = ("infrastructure", "registration")
    scores = (Score("coordinated", 10.0), Score("extracting", 0.3), Score("concealed", 0.2))
    assert status_of(scores, twice, frozenset(), [], 0.0) == "ambiguous"
    assert likelihood(probability(scores))[0] == "unlikely"
    scores = (scores[0], Score("extracting", 3.0), Score("concealed", 0.5))
    assert status_of(scores, twice, frozenset(), [], 0.0) == "suspected"


def test_one_burst_in_an_ordinary_life_is_named_and_not_accused() -> None:
    """Beside a group's own accounts that look alike, so that likeness alone says nothing."""
    own = [member(account_id=f"o{n}", registration=9.0, shared=2, own=200, shared_days=0.2) for n in range(30)]
    burst = {"registration": 0.0, "shared": 2, "own": 200, "shared_days": 0.2, "shared_times": 2}
    others = [
        member(account_id="b", **burst),
        member(account_id="c", **(burst | {"cover": 1.5, "registration": 1.0, "access": 3.0})),
        member(account_id="e", **(burst | {"cover": 1.5})),
        member(account_id="d", **(burst | {"shared": 120})),
    ]
    told = {part.account_id: part for part in parts_of([*own, *others])}
    assert told["b"].probability < 0.5 and told["b"].role not in ACCUSING
    assert told["c"].probability >= 0.5, "its other exchanges look like the group's cover"
    assert told["e"].probability < 0.5, "some of that life may be a thief's"
    assert told["d"].probability >= 0.5
    assert all(told[f"o{n}"].probability >= 0.5 for n in range(30)), "a registration that links them"


def test_a_little_work_from_elsewhere_in_a_large_life_is_a_stolen_keys() -> None:
    """Two exchanges three days apart beside 433 of an owner's were accused, as the group's own accounts look alike."""
    own = [member(account_id=f"o{n}", registration=9.0, shared=2, own=200, shared_days=3.0) for n in range(30)]
    little = {"registration": 0.0, "shared": 2, "own": 433, "at_home": 0.0, "shared_days": 3.3, "shared_times": 2}
    held = parts_of([*own, member(**little)])[-1]
    assert held.role not in ACCUSING and held.probability < 0.5
    for more in ({"shared": 80}, {"at_home": 0.5}, {"among": 0.4}, {"registration": 6.0}):
        assert parts_of([*own, member(**(little | more))])[-1].role == "operator", more


def test_who_shares_a_networks_exits_and_few_words_is_its_customer() -> None:
    customer = {"registration": -0.1, "access": 8.9, "beyond_client": 8.9, "text": 0.8, "company": 0.5}
    held = part_of(member(**customer))
    assert (held.role, held.probability, held.estimate) == ("bystander", UNSHOWN, None), "nothing was fitted on these"
    for more in ({"registration": 5.0}, {"text": 9.0}, {"text": 0.0, "company": None}):
        assert part_of(member(**(customer | more))).role == "operator", more


ONE_WEEK = {"registration": 0.2, "access": 9.0, "beyond_client": 6.0, "shared_days": 6.0, "at_home": 0.6}


@pytest.mark.parametrize(
    ("changes", "accused"),
    [
        ({}, False),
        ({"shared_days": 12.0}, True),
        ({"shared_times": 2}, True),
        ({"group_days": 8.0}, True),
        ({"registration": 1.0}, True),
        ({"among": 0.2}, True),
    ],
    ids=["one week", "two weeks", "twice", "a short programme", "a sign-up links it", "a life by the group's exits"],
)
def test_who_works_a_week_and_whom_nothing_else_links_is_named_and_not_accused(
    changes: dict[str, float], accused: bool
) -> None:
    part = part_of(member(**(ONE_WEEK | changes)))
    assert (part.role == "operator") is accused
    assert (part.probability >= 0.75) is accused


def test_who_shares_only_other_wordings_of_the_programme_is_named_and_not_accused() -> None:
    """Anybody can copy an honest company's prompts into a campaign."""
    part = part_of(member(registration=9.0, asks=False))
    assert part.role == "bystander" and part.probability < 0.5
    assert part_of(member(registration=9.0)).probability >= 0.75


@pytest.mark.parametrize(("extracting", "status"), [(3.5, "ambiguous"), (1.0, "dismissed"), (-1.0, "dismissed")])
def test_one_name_does_not_explain_who_unmistakably_asks_for_training_material(extracting: float, status: str) -> None:
    scores, twice = (yes("coordinated"), Score("extracting", extracting), yes("concealed")), ("client", "registration")
    others = alternatives({"top_verified_domain": 1.0}, 1.0, frozenset(twice))
    assert explanation(others) == "affiliated"
    assert status_of(scores, twice, frozenset(), others, 0.0) == status
