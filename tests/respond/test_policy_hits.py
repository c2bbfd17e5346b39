"""Whom rules hit, what no policy can get round, and what several rules come to."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.assess.finding import LIKELIHOOD
from stillwatch.records import AUTOMATIC_CEILING, Obligation, Rung, is_accused
from stillwatch.respond import catalogue
from stillwatch.respond.cel import compiled
from stillwatch.respond.facts import Facts, Known, facts_of
from stillwatch.respond.hits import NEW_KEY, bar, ceiling, hits_of, is_proposal, judged
from stillwatch.respond.policy import Policy, Rule
from stillwatch.tables import PURPOSES
from tests.respond.policies import NOW, facts, finding, loaded, member, rule

STATUSES = ("suspected", "ambiguous", "permitted", "dismissed", "other", None)
ROLES = (*catalogue.ROLES, "boss", None)
PROBABILITIES = (0.0, 0.49, 0.5, 1.0, float("nan"), True, "0.9", None, 10**400)


def anything(rung: Rung, obligations: tuple[Obligation, ...] = (), mode: str = "enforce") -> Policy:
    """A policy that bends every rule of the house: it was not read from a file, and its condition is always true."""
    base = loaded(rule())
    changed = replace(base.rules[0], when=compiled("true"), rung=rung, obligations=obligations, mode=mode)
    return replace(base, rules=(changed,))


def test_lists_that_are_written_twice_are_one() -> None:
    assert tuple(word for word, _, _ in LIKELIHOOD) == catalogue.WORDS
    assert catalogue.PURPOSES == PURPOSES


def everybody() -> dict[str, list[Facts]]:
    """An account in a finding of its own for every status, role and probability."""
    return facts(*(
        finding(member(f"{place}", role=role, probability=probability), status=status, campaign_id=f"C-{place}")
        for place, (status, role, probability) in enumerate(product(STATUSES, ROLES, PROBABILITIES))
    ))  # fmt: skip


def test_no_policy_gets_round_what_the_finding_allows() -> None:
    """Every status, role and probability, with obligations of all kinds, under a rule that is true of everybody."""
    asked = [(), (NEW_KEY,), (NEW_KEY, Obligation("hold")), (Obligation("challenge", (("kind", "identity"),)),)]
    who, told = list(product(STATUSES, ROLES, PROBABILITIES)), everybody()
    hit = 0
    for rung, obligations in product(Rung, asked):
        for one in hits_of(anything(rung, obligations), told, NOW):
            hit += 1
            status, role, probability = who[int(one.account_id)]
            assert status in ("suspected", "ambiguous", "permitted")
            accused = status == "suspected" and role in ("operator", "provider") and probability in (0.5, 1.0)
            if rung >= Rung.LIMIT:
                assert accused and probability is not True
            if status != "suspected" or role in ("customer", "bystander", "reseller", "boss", None):
                assert rung <= Rung.LABEL
            if role == "victim":
                assert rung <= Rung.LABEL or (rung == Rung.VERIFY and one.obligations == (NEW_KEY,))
    assert hit > 0


def test_who_is_not_accused_is_barred_and_told() -> None:
    said = judged(
        anything(Rung.LIMIT), facts(finding(member("a"), member("b", "customer"), member("c", "victim"))), NOW
    )
    assert [hit.account_id for hit in said.hits] == ["a"]
    assert [(one.account_id, one.why) for one in said.abstained] == [("b", "barred"), ("c", "barred")]


@pytest.mark.parametrize(
    ("role", "estimate", "status", "top"),
    [
        ("bystander", 0.5, "suspected", Rung.VERIFY), ("bystander", 0.4999, "suspected", Rung.LABEL),
        ("bystander", None, "suspected", Rung.LABEL), ("bystander", True, "suspected", Rung.LABEL),
        ("bystander", 0.99, "ambiguous", Rung.LABEL), ("victim", 0.1, "suspected", Rung.VERIFY),
        ("operator", None, "suspected", Rung.LABEL),
    ],
)  # fmt: skip
def test_who_is_not_accused_is_asked_who_stands_behind_it_only_where_it_is_rather_the_operators_own(
    role: str, estimate: Any, status: str, top: Rung
) -> None:
    [told] = facts(finding(member("a", role, 0.49, estimate=estimate), status=status))["a"]
    assert ceiling(told) == top
    identity = Obligation("challenge", (("kind", "identity"),))
    assert bool(bar(Rung.VERIFY, (identity,), told)) is (top < Rung.VERIFY or role == "victim")


def test_facts_that_somebody_made_up_do_not_accuse() -> None:
    """The ceiling asks status, role and accusation together, and a value of another type is none."""
    true = Facts("a", "C", "r", {"finding.status": "suspected", "member.accused": True, "member.role": "operator"})
    assert ceiling(true) == Rung.SUSPEND
    for name in true.values:
        assert ceiling(replace(true, values={k: v for k, v in true.values.items() if k != name})) < Rung.LIMIT
    for changed in ({"member.accused": 1}, {"member.role": "customer"}, {"finding.status": "ambiguous"}):
        assert ceiling(replace(true, values={**true.values, **changed})) < Rung.LIMIT
        assert bar(Rung.LIMIT, (), replace(true, values={**true.values, **changed}))


def test_nothing_above_the_automatic_ceiling_is_ever_automatic() -> None:
    for rung, mode in product(Rung, ("shadow", "enforce")):
        (hit,) = hits_of(anything(rung, mode=mode), facts(finding(member())), NOW)
        assert is_proposal(hit) == (rung > AUTOMATIC_CEILING)


def test_a_hit_carries_all_that_an_action_needs() -> None:
    held = loaded(rule(severity="high", owner="Ann"))
    (hit,) = hits_of(held, facts(finding(member())), NOW)
    assert (hit.account_id, hit.campaign_id, hit.run_id, hit.rule_id, hit.policy) == ("a", "C-1", "run", "r", held.ref)
    assert (hit.rung, hit.mode, hit.severity, hit.owner, hit.reason, hit.hours) == (
        Rung.LABEL, "shadow", "high", "Ann", "Because.", 24,
    )  # fmt: skip
    assert (hit.reason_code, hit.clause) == ("usage_review", "use: Output is not for training.")


def test_a_rule_that_expires_is_dead_from_that_day_on() -> None:
    held = loaded(rule(expires="2026-11-01"))
    end = datetime(2026, 11, 1, tzinfo=UTC)
    assert hits_of(held, facts(finding(member())), end - timedelta(seconds=1))
    assert not hits_of(held, facts(finding(member())), end)
    berlin = (end - timedelta(hours=1)).astimezone(tz=__import__("datetime").timezone(timedelta(hours=2)))
    assert hits_of(held, facts(finding(member())), berlin), "days are of UTC"


def test_an_account_in_several_findings_is_judged_once_for_each() -> None:
    one, other = finding(member()), finding(member(role="customer"), campaign_id="C-2")
    said = judged(anything(Rung.LIMIT), facts(other, one), NOW)
    assert [(hit.account_id, hit.campaign_id) for hit in said.hits] == [("a", "C-1")]
    assert [one.campaign_id for one in said.abstained] == ["C-2"]


def test_an_unknown_that_decides_makes_the_rule_abstain() -> None:
    held = loaded(rule(when="account.tier == 'free' || account.verified", tests=None))
    (told,) = judged(held, facts(finding(member())), NOW).abstained
    assert (told.why, told.because) == ("unknown", ("account.tier", "account.verified"))
    known = Known(NOW, {"a": {"account_id": "a", "tier": "free"}}, {"tier"})
    assert len(hits_of(held, facts(finding(member()), known=known), NOW)) == 1


def test_the_order_of_anything_changes_no_byte() -> None:
    members = [member("b"), member("a"), member("\x00c"), member("é")]
    held = loaded(rule(id="z"), rule(id="a", when="member.probability > 0.1", tests=None))
    said = {
        repr(judged(held, facts(*found), NOW))
        for order in permutations(members)
        for found in permutations([finding(*order), finding(*sorted(order, key=repr)[:2], campaign_id="C-0")])
    }
    assert len(said) == 1
    assert [hit.rule_id for hit in hits_of(held, facts(finding(member())), NOW)] == ["z", "a"], "the file's order"


# ---------------------------------------------------------------------------------------------------------- the facts


def values(*findings: dict[str, Any], known: Known | None = None, account: str = "a") -> dict[str, Any]:
    (one,) = facts(*findings, known=known)[account]
    return dict(one.values)


def test_each_fact_of_the_catalogue_can_be_known() -> None:
    row = {"account_id": "a", "org_id": "o", "verified_domain": "x.com", "created_at": NOW - timedelta(days=9, hours=5),
           "suspended_at": None, "tier": "free", "programme": "research", "phone_country": "FR",
           "billing_country": "FR", "verified_country": "FR", "reseller_of": "y"}  # fmt: skip
    known = Known(NOW, {"a": row}, frozenset(row), {"a": ["resale"]})
    told = values(
        finding(
            member(estimate=0.7, automated=True),
            bypass={"outside_billing_country": 0.5, "hosting": 0.0, "proxies": 0.0},
        ),
        known=known,
    )
    assert told.keys() == catalogue.FACTS.keys()
    assert told["account.age_days"] == 9 and told["finding.days"] == 11 and told["finding.silent_days"] == 2
    assert told["finding.families"] == 1 and told["finding.open_explanations"] == 1 and told["finding.traces"] == 0.6
    assert told["member.share"] == 0.1 and told["member.accused"] is True and told["account.countries_agree"] is True


def test_what_was_not_logged_is_unknown_and_never_false() -> None:
    told = values(finding(member(), tokens=0, pathways={"unknown": 1.0}))
    for name in (
        "account.tier",
        "account.verified",
        "account.suspended",
        "finding.tokens",
        "finding.pathways",
        "finding.proxies",
    ):
        assert name not in told
    assert told["account.permissions"] == () and told["account.permitted"] is False
    row: dict[str, Any] = {"account_id": "a", "billing_country": "FR"}
    told = values(finding(member()), known=Known(NOW, {"a": row}, {"billing_country"}))
    assert (
        not {"account.verified", "account.in_programme", "account.countries_agree", "account.organisation"}
        & told.keys()
    )
    told = values(finding(member()), known=Known(NOW, {"a": row}, {"billing_country", "programme", "verified_domain"}))
    assert (
        told["account.verified"] is False and told["account.in_programme"] is False and "account.programme" not in told
    )


def test_dismissed_findings_are_judged_of_nobody() -> None:
    assert facts(finding(member(), status="dismissed")) == {}


@pytest.mark.parametrize(
    ("probability", "accused"), [(0.5, True), (0.49, False), (float("nan"), False), (True, False), ("1", False)]
)
def test_who_is_accused(probability: Any, accused: bool) -> None:
    assert is_accused("suspected", "operator", probability) is accused


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
KEYS = sorted({*finding().keys(), *finding()["evidence"].keys()} - {"members", "status"})


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(st.sampled_from(KEYS), JSON, max_size=6),
    st.dictionaries(st.sampled_from(sorted(member())), JSON, max_size=4),
)
def test_no_answer_however_odd_stops_a_decision(odd: dict[str, Any], of_member: dict[str, Any]) -> None:
    told = finding(member(), {**member(), **of_member}, **odd)
    said = facts_of([json.loads(json.dumps(told))], Known(NOW), "r")
    for rung in Rung:
        for one in hits_of(anything(rung), said, NOW):
            assert one.rung <= ceiling(next(f for f in said[one.account_id] if f.campaign_id == one.campaign_id))


def test_a_rule_is_a_rule() -> None:
    assert isinstance(loaded(rule()).rules[0], Rule)


# ------------------------------------------------------------------------------------------ permitted, and beyond


def beyond(*names: str, **changed: Any) -> dict[str, Any]:
    """A finding about what exceeds a permission."""
    members = [member(name, "customer", 0.2) for name in names]
    return finding(*members, **{"campaign_id": "X-1", "kind": "excess", "status": "ambiguous", **changed})


HELD = Known(NOW, permissions={"a": ["distillation"], "b": ["distillation"]})
UNPERMITTED = loaded(rule(when="'!account.permitted'", tests=None))
BY_KIND = loaded(rule(when="finding.kind == 'excess'", tests=None))
OVERRAN = loaded(rule(when="account.overran && member.accused", tests=None))


def test_what_exceeds_a_cap_is_not_permitted_and_what_the_cap_covers_is() -> None:
    within = finding(member("a", "customer", 0.2), kind="entity", status="permitted", campaign_id="S-1")
    told = facts(beyond("a"), within, known=HELD)["a"]
    assert {one.campaign_id: one.values["account.permitted"] for one in told} == {"S-1": True, "X-1": False}
    assert all(one.values["account.permissions"] == ("distillation",) and one.values["account.overran"] for one in told)
    assert [hit.campaign_id for hit in hits_of(UNPERMITTED, {"a": told}, NOW)] == ["X-1"]
    assert [hit.campaign_id for hit in hits_of(BY_KIND, {"a": told}, NOW)] == ["X-1"]


def test_a_permission_that_was_overrun_is_no_shield_in_a_suspected_group_and_one_that_was_not_is() -> None:
    group = finding(member("a"), member("b"), member("c"))
    told = facts(group, beyond("a"), known=HELD)
    assert {hit.account_id for hit in hits_of(UNPERMITTED, told, NOW) if hit.campaign_id == "C-1"} == {"a", "c"}
    assert [hit.account_id for hit in hits_of(OVERRAN, told, NOW)] == ["a"]
    alone = facts(group, known=HELD)
    assert {hit.account_id for hit in hits_of(UNPERMITTED, alone, NOW)} == {"c"}


def test_an_excess_that_was_explained_or_is_no_finding_takes_no_permission_away() -> None:
    for other in (beyond("a", status="dismissed"), beyond("a", kind="entity"), beyond("a", members=[{}, 3])):
        (one,) = (one for one in facts(finding(member("a")), other, known=HELD)["a"] if one.campaign_id == "C-1")
        assert one.values["account.permitted"] is True and one.values["account.overran"] is False


@pytest.mark.parametrize("status", ["ambiguous", "suspected", "permitted"])
def test_nobody_is_more_than_labelled_for_an_excess(status: str) -> None:
    """Also where a finding of that kind says by mistake that it is suspected, with operators in it."""
    told = facts(finding(member(), kind="excess", status=status))
    for rung, obligations in product(Rung, ((), (NEW_KEY,))):
        hits = hits_of(anything(rung, obligations), told, NOW)
        assert len(hits) == (rung <= Rung.LABEL)
