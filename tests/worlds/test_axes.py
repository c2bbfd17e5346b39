"""Axes of evasion: what can be set, what is refused and in which words, and that setting one does what it says."""

import re
from pathlib import Path

import numpy as np
import pytest

from stillwatch.errors import UsageError
from stillwatch.worlds import world as worlds
from stillwatch.worlds.axes import AXES, changed
from stillwatch.worlds.plan import OPERATOR
from stillwatch.worlds.scenario import DISGUISES, SCENARIOS, named
from stillwatch.worlds.world import World

pytestmark = pytest.mark.slow

SEED, SCALE = 6, 0.03


def world(*settings: str) -> World:
    return worlds.simulate(changed(named("mixed"), settings), SEED, SCALE)


def test_without_settings_a_scenario_is_itself() -> None:
    assert all(changed(scenario, ()) is scenario for scenario in SCENARIOS.values())


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("covr=.5", ["no such axis", "covr=.5", "cover", "paraphrase"]),
        ("cover", ["cannot be read", "cover=.95"]),
        ("cover=.99", ["cover", "found: .99", "a number from 0 to 0.98"]),
        ("cover=nan", ["found: nan"]),
        ("cover=much", ["found: much"]),
        ("size=19", ["a whole number from 20 to 25,000"]),
        ("size=30.5", ["found: 30.5"]),
        ("exchanges=1", ["from 20 to 2,000"]),
        ("imitate=church", ["found: church", *DISGUISES]),
        ("provider=both", ["own, shared"]),
    ],
)
def test_what_cannot_be_set_is_refused_in_words(setting: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as refused:
        changed(named("mixed"), [setting])
    assert not [word for word in words if word not in str(refused.value)]


def test_an_axis_is_set_once_and_only_where_somebody_hides() -> None:
    with pytest.raises(UsageError, match="twice"):
        changed(named("mixed"), ["cover=.1", "cover=.2"])
    with pytest.raises(UsageError, match="nobody hides"):
        changed(named("wide-quiet"), ["cover=.1"])


def test_size_and_exchanges_are_exact_and_a_mean() -> None:
    plain, made = world("campaigns=1"), world("campaigns=1", "size=40", "exchanges=200", "banned=0", "cover=.5")
    assert [row["campaign"] for row in plain.campaigns] == ["copper"]
    (row,) = made.campaigns
    assert row["accounts"] == 40 and row["cost"]["replaced"] == 0
    each = (row["extraction_exchanges"] + row["cost"]["cover"]) / 40
    assert 90 < each < 400
    assert 0.35 < row["extraction_exchanges"] / (40 * each) < 0.65


def test_rotation_jitter_and_paraphrase_reach_the_plan() -> None:
    calm = world("campaigns=1", "size=30", "exchanges=300", "cover=0", "rotation=0", "aloof=0", "jitter=0")
    wild = world("campaigns=1", "size=30", "exchanges=300", "cover=0", "rotation=1", "aloof=1", "paraphrase=1")
    places = [_networks(made) for made in (calm, wild)]
    assert places[1] > 2 * places[0]
    assert wild.campaigns[0]["cost"]["paraphrases"] == wild.campaigns[0]["extraction_exchanges"]
    hours = [np.unique(_of_campaign(made, "at") // 3_600_000_000).size for made in (calm, wild)]
    assert hours[1] > 1.5 * hours[0]


def test_a_shared_provider_has_the_exits_of_its_honest_customers() -> None:
    shared, own = world("provider=shared"), world("provider=own")
    assert {row["provider"] for row in shared.campaigns} == {"lattice"}
    assert all(row["provider"] == row["campaign"] for row in own.campaigns)


def test_wordings_of_their_own_are_counted() -> None:
    (row,) = world("campaigns=1", "size=40", "own-wording=1", "paraphrase=0").campaigns
    assert row["cost"]["wordings"] == row["accounts"]
    assert row["cost"]["dollars"]["wordings"] > 0


@pytest.mark.parametrize("name", DISGUISES)
def test_every_disguise_can_be_put_on(name: str) -> None:
    made = world("campaigns=2", "size=20", f"imitate={name}")
    assert {row["imitates"] for row in made.campaigns} == {name}
    assert sum(account.kind == OPERATOR for account in made.draft.accounts) >= 40


def test_every_axis_and_disguise_is_documented() -> None:
    words = (Path(__file__).parents[2] / "docs" / "simulate.md").read_text()
    missing = [name for name in (*AXES, *DISGUISES, *SCENARIOS) if f"`{name}`" not in words]
    assert not missing
    assert re.search(r"--set cover=", words)


def _of_campaign(made: World, column: str) -> np.ndarray:
    plan = made.draft.plan
    return plan.column(column)[plan.column("campaign") >= 0]


def _networks(made: World) -> int:
    return np.unique(_of_campaign(made, "block")).size
