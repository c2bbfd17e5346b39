"""Operators do what their docstrings say: coerce in many languages, pass items on, imitate, and pay for it."""

from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pytest

from stillwatch.worlds import calendar
from stillwatch.worlds import world as worlds
from stillwatch.worlds.axes import changed
from stillwatch.worlds.corpus import Corpus, lexicon, load
from stillwatch.worlds.operators.coercion import COERCE, Coercion
from stillwatch.worlds.operators.costs import bill
from stillwatch.worlds.operators.pipeline import STAGES, Stage
from stillwatch.worlds.operators.reasoning import Reasoning
from stillwatch.worlds.operators.wording import Manner
from stillwatch.worlds.plan import LOOK_ALIKE, OPERATOR
from stillwatch.worlds.scenario import SCENARIOS, named
from stillwatch.worlds.voices import Voice, bank
from stillwatch.worlds.world import World

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def texts() -> Corpus:
    return load()


@pytest.fixture(scope="module")
def wide() -> World:
    return worlds.simulate("wide", 7, 0.06)


def disguised(name: str) -> World:
    settings = ["campaigns=1", "size=30", "exchanges=120", "cover=.3", f"imitate={name}"]
    return worlds.simulate(changed(named("mixed"), settings), 7, 0.03)


def extraction(world: World, *columns: str) -> list[np.ndarray]:
    plan = world.draft.plan
    rows = plan.column("campaign") >= 0
    return [plan.column(name)[rows] for name in columns]


def test_traces_are_coerced_in_at_least_five_languages(texts: Corpus) -> None:
    assert len({row["language"] for row in lexicon("operators")["coerce"]}) >= 5
    script = Coercion(texts, 3, Manner())
    said = [script.write(item, 0).messages[0].content for item in range(300)]
    used = {place for place, wording in enumerate(COERCE) for text in said if wording.clauses[0][0] in text}
    assert len(used) == len(COERCE)
    assert all("<inner>" in script.write(item, 0).output.words for item in range(20))


def test_stages_speak_of_one_item(texts: Corpus) -> None:
    build, retrace, accept = (Stage(texts, 3, Manner(0.5), stage) for stage in STAGES)
    for item in range(40):
        problem = build.write(item, 0).output.words
        trace = retrace.write(item, 0)
        assert problem in trace.messages[0].content
        assert problem in accept.write(item, 0).messages[0].content
        assert accept.write(item, 0).output.words.endswith("}")
    assert build.write(1, 0).output != build.write(2, 0).output


def test_an_item_passes_its_stages_on_other_accounts_and_later_days() -> None:
    scenario = changed(named("wide"), ["exchanges=80"])
    world = worlds.simulate(scenario, 7, 0.1)
    number = [row["campaign"] for row in world.campaigns].index("umber")
    plan, scripts = world.draft.plan, world.draft.tables.scripts
    steps: dict[int, dict[str, tuple[int, int]]] = defaultdict(dict)
    for row in np.flatnonzero(plan.column("campaign") == number).tolist():
        capability = scripts[plan.script[row]].capability
        assert capability not in steps[plan.item[row]], "an item passes a stage once"
        steps[plan.item[row]][capability] = (plan.account[row], plan.at[row])
    whole = [[found[name] for name in STAGES.values()] for found in steps.values() if len(found) == len(STAGES)]
    assert len(whole) > 20
    for passed in whole:
        for (account, at), (next_account, later) in pairwise(passed):
            assert account != next_account
            assert later - at >= calendar.DAY
    assert all(next(iter(STAGES.values())) in found for found in steps.values())


def test_an_account_has_a_wording_of_its_own(texts: Corpus) -> None:
    plain, own = Reasoning(texts, 3, Manner()), [Reasoning(texts, 3, Manner(own=seed)) for seed in range(30)]
    first = {script.write(1, 0).messages[0].content for script in own}
    assert len(first) > 10
    assert own[0].write(1, 0) == Reasoning(texts, 3, Manner(own=0)).write(1, 0)
    assert plain.write(1, 0).messages[0].content not in first or len(first) > 1


def test_own_data_is_the_same_instruction_over_words_of_ones_own(texts: Corpus) -> None:
    voices = [Voice(bank(texts), seed) for seed in (1, 2)]
    text = "Alexandra bought 12 notebooks for the chemistry department of her university."
    recast = [voice.recast(text) for voice in voices]
    assert recast[0] != recast[1] != text
    assert recast == [voice.recast(text) for voice in voices]


def test_the_affiliated_declare_one_organisation_and_use_its_office() -> None:
    world = disguised("affiliated")
    members = [account for account in world.draft.accounts if account.kind == OPERATOR]
    assert len({(a.row["org_id"], a.row["verified_domain"], a.row["email_domain"]) for a in members}) == 1
    assert all(a.row["email"].endswith(a.row["verified_domain"]) for a in members)
    kinds = Counter(world.draft.corpus.blocks[block].kind for block in extraction(world, "block")[0].tolist())
    assert 0.55 < kinds["office"] / kinds.total() < 0.85
    assert world.campaigns[0]["cost"]["offices"] == 1


def test_same_items_are_asked_by_two_accounts() -> None:
    world = disguised("same-items")
    items, accounts = extraction(world, "item", "account")
    askers = defaultdict(list)
    for item, account in zip(items.tolist(), accounts.tolist(), strict=True):
        askers[item].append(account)
    counts = Counter(len(found) for found in askers.values())
    assert set(counts) == {1, 2} and counts[2] > counts[1]
    assert all(len(set(found)) == len(found) for found in askers.values())
    assert world.campaigns[0]["cost"]["repeats"] == counts[2]


def test_product_template_and_reseller_show_in_what_is_asked_and_declared() -> None:
    product = disguised("product")
    plan = product.draft.plan
    rows = np.flatnonzero(plan.column("campaign") >= 0)
    words = [product.draft.tables.scripts[plan.script[r]].write(plan.item[r], 0) for r in rows[:50].tolist()]
    assert len({said.system for said in words}) == 1
    names = Counter(product.draft.tables.clients.items[plan.client[r]].product.name for r in rows.tolist())
    assert names.most_common(1)[0][1] > 0.6 * len(rows)
    framed = disguised("template").draft
    row = int(np.flatnonzero(framed.plan.column("campaign") >= 0)[0])
    said = framed.tables.scripts[framed.plan.script[row]].write(framed.plan.item[row], 0).messages[0].content
    assert any(frame.split("{document}")[0][:20] in said for frame in lexicon("processes")["frameworks"])
    resold = disguised("reseller")
    assert {a.row.get("reseller_of") is not None for a in resold.draft.accounts if a.kind == OPERATOR} == {True}
    (users, owners) = extraction(resold, "end_user", "account")
    own = np.isin(owners, [a.number for a in resold.draft.accounts if a.kind == OPERATOR])
    assert (users[own] >= 0).all()


def test_a_leaked_instruction_is_posted_by_honest_people() -> None:
    world = disguised("viral")
    posters = [account for account in world.draft.accounts if account.cohort == "leaked_prompt"]
    assert len(posters) == world.campaigns[0]["cost"]["leaked_to"] == 30
    assert {account.kind for account in posters} == {LOOK_ALIKE}
    plan, numbers = world.draft.plan, {account.number for account in posters}
    leaked = {plan.script[r] for r in range(len(plan)) if plan.account[r] in numbers and plan.item[r] >= 1 << 20}
    assert leaked == set(np.unique(extraction(world, "script")[0]).tolist())


def test_people_of_a_region_not_served_slip_out_there(wide: World) -> None:
    blocks = wide.draft.corpus.blocks
    number = [row["campaign"] for row in wide.campaigns].index("sable")
    plan = wide.draft.plan
    rows = plan.column("campaign") == number
    home = [blocks[block].country == "CN" for block in plan.column("block")[rows].tolist()]
    assert 0 < np.mean(home) < 0.25


def test_wide_holds_everybody(wide: World) -> None:
    rows = wide.cohorts()
    cohorts = {row["cohort"] for row in rows}
    assert cohorts >= {"tutor", "moderation_vendor", "newsroom", "studio", "prompt_sport", "leaked_prompt"}
    assert len(wide.campaigns) == 10
    assert {row["imitates"] for row in wide.campaigns} == {
        "none", "affiliated", "same-items", "template", "own-data", "product", "reseller", "viral",
    }  # fmt: skip
    aims = {name for row in wide.campaigns for name in row["capabilities"]}
    assert aims >= {"trace_coercion", "sensitive_rewrite", "rubric_grading", "preference_pairs", "tool_use"}
    held = worlds.simulate("wide", 7, 0.3).cohorts()
    accounts = {kind: sum(row["accounts"] for row in held if row["kind"] == kind) for kind in ("look_alike", OPERATOR)}
    assert accounts["look_alike"] > 1.5 * accounts[OPERATOR]
    assert max(row["accounts"] for row in held if row["kind"] == OPERATOR) > 0.05 * sum(r["accounts"] for r in held)


def test_the_honest_of_wide_are_those_of_wide_quiet(wide: World) -> None:
    quiet = worlds.simulate("wide-quiet", 7, 0.06)
    assert not quiet.campaigns and {a.kind for a in quiet.draft.accounts} == {"legit", "look_alike"}
    np.testing.assert_array_equal(quiet.draft.plan.column("at"), wide.draft.plan.column("at")[: quiet.exchanges])


def test_most_scenarios_with_everybody_could_hold_nobody_who_hides() -> None:
    assert not SCENARIOS["quiet"].campaigns and not SCENARIOS["wide-quiet"].campaigns


def test_a_bill_adds_up_and_every_price_has_a_source(wide: World) -> None:
    prices = lexicon("prices")
    assert all(row["source"] and row["unit"] and row["dollars"] > 0 for row in prices.values())
    for row in wide.campaigns:
        dollars = dict(row["cost"]["dollars"])
        total, each = dollars.pop("total"), dollars.pop("each_extraction")
        assert total == pytest.approx(sum(dollars.values()), abs=0.02)
        assert each == pytest.approx(total / row["extraction_exchanges"], rel=0.01)
        assert set(dollars) == set(prices)
    assert bill({"accounts": 10, "extraction": 0})["total"] == 5.0
