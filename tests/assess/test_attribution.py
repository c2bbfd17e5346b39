"""Who operates a campaign: what the ratios are bounded by, and what framing cannot do."""

import math
import random
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.assess.attribution import (
    EVEN,
    FAMILIES_NEEDED,
    GRADES,
    KINDS,
    MOST,
    NAMED_PRIOR,
    SPEAKS,
    Counted,
    Hypothesis,
    channel_of,
    cluster_of,
    hypotheses,
    log_e,
    log_ratio,
    most_of,
    use_of,
    word_of,
)
from stillwatch.assess.finding import LIKELIHOOD

ID = "C-c5bfddc26945"
DEAR = ("verified_domain", "address")
CHEAP = tuple(name for name, kind in KINDS.items() if kind.planted >= 0.3)


def count(kind: str, accused: int = 50, others: int = 0, **given: object) -> Counted:
    """All of fifty accused accounts carry it, and none of a thousand others."""
    made = Counted("X", kind, f"source of {kind}", "B", False, accused, 50, others, 1000)
    return replace(made, **given)  # type: ignore[arg-type]


def judged(*counts: Counted, names: tuple[str, ...] = ("X",)) -> Hypothesis:
    return next(one for one in hypotheses(ID, names, counts) if one.name == "X")


def all_words(found: list[Hypothesis]) -> dict[str, str]:
    return {one.name: one.likelihood[0] for one in found}


def test_without_a_dossier_it_is_an_operator_cluster() -> None:
    (only,) = hypotheses(ID, [], [])
    assert (only.name, only.probability, only.confidence) == ("U-c5bfdd", 1.0, "low")
    assert cluster_of("E-") == "U-unknown" and not only.can_be_signed


def test_two_dear_families_of_two_sources_reach_likely_and_can_be_signed() -> None:
    x = judged(*map(count, DEAR))
    assert x.likelihood[0] in ("likely", "very likely")
    assert (x.speak, x.can_be_signed, x.confidence) == (("infrastructure", "registration"), True, "moderate")
    assert judged(*(count(kind, source="one") for kind in DEAR)).probability < x.probability


def test_nothing_makes_a_name_almost_certain() -> None:
    x = judged(*(count(kind, grade="A") for kind in DEAR))
    assert (x.probability, x.likelihood[0]) == (MOST, "very likely") and "not calibrated" in x.held[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("grade", GRADES)
def test_one_family_alone_never_goes_beyond_roughly_even(kind: str, grade: str) -> None:
    same = [count(name, grade=grade, source=name) for name, held in KINDS.items() if held.family == KINDS[kind].family]
    for counts in ([count(kind, grade=grade)], same):
        x = judged(*counts)
        assert x.probability <= EVEN and not x.can_be_signed


def test_what_is_cheap_to_plant_stays_at_roughly_even_in_all_families_together() -> None:
    for grade in GRADES:
        x = judged(*(count(kind, grade=grade) for kind in CHEAP))
        assert x.probability <= EVEN and x.speak == () and not x.can_be_signed


def test_one_dear_family_and_everything_cheap_stays_at_roughly_even() -> None:
    for dear in (kind for kind in KINDS if kind not in CHEAP):
        x = judged(count(dear, grade="A"), *(count(kind, grade="A") for kind in CHEAP))
        assert x.probability <= EVEN and len(x.speak) == 1 and x.held


def test_a_network_that_anybody_rents_is_cheap() -> None:
    assert log_ratio(count("address", rented=0.5)) < SPEAKS <= log_ratio(count("address"))


def test_what_a_third_of_everybody_carries_says_nothing() -> None:
    assert log_ratio(count("verified_domain", accused=15, others=300)) <= 0.0
    assert log_ratio(count("verified_domain", accused=50, others=300)) < SPEAKS
    assert not judged(*(count(kind, others=300) for kind in DEAR)).can_be_signed


def test_more_accounts_of_one_choice_say_no_more() -> None:
    few, many = (count("verified_domain", accused=n, of_accused=n) for n in (10, 5000))
    assert log_e(many) > 10 * log_e(few)
    assert log_ratio(many) == pytest.approx(log_ratio(few), abs=0.02)


def test_a_part_of_the_accounts_says_less_than_all_of_them() -> None:
    values = [log_ratio(count("verified_domain", accused=n)) for n in (2, 10, 25, 40, 50)]
    assert values == sorted(values) and values[0] < SPEAKS


def test_two_accounts_speak_for_nobody() -> None:
    counts = [count(kind, accused=2, of_accused=2) for kind in DEAR]
    assert judged(*counts).speak == () and judged(*counts).probability <= EVEN


def test_confidence_is_of_the_ground_and_not_of_what_it_says() -> None:
    third = count("signup_address", source="a third", grade="A")
    assert judged(*map(count, DEAR), third).confidence == "high"
    assert judged(*map(count, DEAR), replace(third, source="source of address")).confidence == "moderate"
    assert (
        judged(*(count(kind, accused=10, of_accused=10) for kind in (*DEAR, "signup_address"))).confidence == "moderate"
    )
    assert judged(*(count(kind, grade="C") for kind in (*DEAR, "signup_address"))).confidence == "low"
    assert judged(third, count("address", source="another")).confidence == "low"


def test_what_was_not_logged_abstains_and_what_is_absent_speaks_against() -> None:
    blind = count("verified_domain", accused=0, of_accused=0)
    assert channel_of(blind).log_ratio is None
    x = judged(blind)
    assert (x.said[0].log_ratio, x.log_ratio, x.probability) == (None, 0.0, NAMED_PRIOR)
    for others in (0, 1, 300):
        absent = judged(count("verified_domain", accused=0, others=others))
        assert -0.7 < absent.log_ratio < -0.1 and absent.probability < NAMED_PRIOR


def test_sources_bound_what_is_said_and_partners_are_one() -> None:
    for grade, right in GRADES.items():
        x = judged(*(count(kind, source="one", grade=grade) for kind in DEAR))
        assert x.log_ratio <= -math.log(1.0 - right) + 1e-9
    partners = [count(kind, partner=True, source=f"p{n}", grade="C") for n, kind in enumerate(KINDS)]
    x = judged(*partners)
    assert x.log_ratio <= -math.log(1.0 - GRADES["C"]) + 1e-9
    assert x.speak == () and [one.family for one in x.said] == ["partners"] and x.probability <= EVEN


def test_bad_sources_sign_nothing() -> None:
    for grade in "DEF":
        assert not judged(*(count(kind, grade=grade) for kind in DEAR)).can_be_signed


def test_a_sighting_without_a_name_weighs_in_nothing() -> None:
    named = list(map(count, DEAR))
    seen = count("address", organisation="", partner=True)
    assert hypotheses(ID, ["X"], [*named, seen]) == hypotheses(ID, ["X"], named)


def test_many_names_share_the_prior_and_two_of_one_house_do_not_both_win() -> None:
    alone = judged(*map(count, DEAR))
    among = judged(*map(count, DEAR), names=("X", *(f"N{n}" for n in range(50))))
    assert among.prior == NAMED_PRIOR / 51 and among.probability < alone.probability
    twin = [replace(count(kind), organisation="Y") for kind in DEAR]
    found = all_words(hypotheses(ID, ["X", "Y"], [*map(count, DEAR), *twin]))
    assert set(found.values()) <= {"roughly even", "unlikely", "very unlikely", "almost no chance"}


counted = st.builds(
    lambda n, k, n0, k0, kind, grade, source, partner, name, rented: Counted(
        name, kind, source, grade, partner, min(k, n), n, min(k0, n0), n0, rented
    ),
    st.integers(0, 40), st.integers(0, 40), st.integers(0, 300), st.integers(0, 300), st.sampled_from(sorted(KINDS)),
    st.sampled_from(sorted(GRADES)), st.sampled_from("abc"), st.booleans(), st.sampled_from(("X", "Y", "")),
    st.sampled_from((0.0, 0.5, 1.0)),
)  # fmt: skip


@given(st.lists(counted, max_size=8), st.randoms())
def test_order_changes_nothing_and_probabilities_are_one(counts: list[Counted], rng: random.Random) -> None:
    unique = list({(c.organisation, c.kind, c.source, c.partner): c for c in counts}.values())
    mixed = rng.sample(unique, len(unique))
    found = hypotheses(ID, ["X", "Y"], unique)
    assert hypotheses(ID, ["Y", "X"], mixed) == found
    assert sum(one.probability for one in found) == pytest.approx(1.0)
    for one in found[1:]:
        assert 0.0 <= one.probability < 0.95
        assert one.probability <= EVEN or len(one.speak) >= FAMILIES_NEEDED
        assert one.likelihood in LIKELIHOOD
    if found[0].is_cluster:
        assert found[0].log_ratio == 0.0


@given(counted.filter(lambda c: c.of_accused > 0 and c.of_others > 0))
def test_a_ratio_stays_within_what_use_and_planting_allow(one: Counted) -> None:
    assert math.log(1.0 - use_of(one)) - 0.05 <= log_ratio(one) <= most_of(one) + 1e-9


@given(st.integers(1, 12), st.integers(1, 40), st.data())
def test_if_accounts_were_exchanged_ratios_are_one_or_less_on_average(n: int, n0: int, data: st.DataObject) -> None:
    """Every number of carriers among the accused with its exact chance: e-values are 1 on average, ratios at most."""
    carry = data.draw(st.integers(0, n + n0))
    kind, grade = data.draw(st.sampled_from(sorted(KINDS))), data.draw(st.sampled_from(sorted(GRADES)))
    mean_e = mean = 0.0
    for k in range(max(0, carry - n0), min(n, carry) + 1):
        chance = math.comb(carry, k) * math.comb(n + n0 - carry, n - k) / math.comb(n + n0, n)
        one = Counted("X", kind, "a", grade, False, k, n, carry - k, n0)
        mean_e += chance * math.exp(log_e(one))
        mean += chance * math.exp(log_ratio(one))
    assert mean_e == pytest.approx(1.0, abs=1e-9)
    assert mean <= 1.0 + 1e-9


def test_the_e_value_is_that_of_exchanging_accounts_by_hand() -> None:
    """Slow reference: every choice of three accused among seven accounts, two of which carry the indicator."""
    values = [log_e(Counted("X", "asn", "a", "A", False, k, 3, 2 - k, 4)) for k in range(3)]
    chosen = [sum(account < 2 for account in some) for some in combinations(range(7), 3)]
    assert np.mean([math.exp(values[k]) for k in chosen]) == pytest.approx(1.0)
    assert values == sorted(values)


def test_words_are_those_of_the_standard() -> None:
    assert [word_of(p)[0] for p in (0.0, 0.05, 0.3, 0.5, 0.55, 0.8, 0.95, 1.0)] == [
        "almost no chance", "very unlikely", "unlikely", "roughly even", "likely", "very likely", "almost certain",
        "almost certain",
    ]  # fmt: skip
