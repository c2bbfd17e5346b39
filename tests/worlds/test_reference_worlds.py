"""Committed results name the reference scenarios, so these may not change for a seed."""

import pytest

from stillwatch.worlds import world as worlds
from stillwatch.worlds.scenario import SCENARIOS
from tests.worlds.digest import digest

pytestmark = pytest.mark.slow

SEED, SCALE = 5, 0.03
KNOWN = {
    "quiet": "1e57a24c48e9c4b8",
    "open": "6414e1faab833699",
    "mixed": "924654f1d4341429",
    "hard": "c31b4e3082a379dc",
    "contentless": "cf9600746ef50b3f",
    "no-network": "c780253bfe574ac2",
    "no-accounts": "924654f1d4341429",
    "days-only": "325c52d4843034e9",
}
"""Digests of before `wide`, the axes and the disguises came."""


@pytest.mark.parametrize("name", KNOWN)
def test_a_reference_scenario_is_what_it_was(name: str) -> None:
    assert digest(worlds.simulate(name, SEED, SCALE)) == KNOWN[name]


def test_whoever_is_new_is_in_new_scenarios() -> None:
    assert {name for name, scenario in SCENARIOS.items() if scenario.newcomers} == {"wide", "wide-quiet"}
