"""What buys the second question off, and who hides behind an organisation's name: whole worlds, rewritten by their
operators."""

import importlib
import json
from pathlib import Path
from types import ModuleType

import pytest

from stillwatch.worlds import world as worlds

SEED, SCALE = 9, 0.25
COUNTS = ("recall", "false_accounts", "operators_in_review")
FOUND, SEEN = 0.7, 0.85
"""Shares of the members found without an attack that must be found with it, and be found or stand in review."""


@pytest.fixture(scope="module")
def attacks(root: Path) -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root / "benchmarks"))
        return importlib.import_module("attacks")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("attacked")
    worlds.write(worlds.simulate("mixed", SEED, SCALE), folder / "logs", folder / "truth")
    return folder


def found(attacks: ModuleType, world: Path, attack: str) -> dict[str, int]:
    """How many are found in the world, and who is wrongly accused, with an attack."""
    folder = world / attack
    folder.mkdir(exist_ok=True)
    if not (folder / "found").exists():
        attacks.rewrite(world / "logs", world / "truth", folder / "logs", attacks.ATTACKS[attack])
        _, line = attacks.found_in(folder / "logs", world / "truth", folder, f"reference {SEED}")
        (folder / "found").write_text(json.dumps({name: int(str(line[name]).split("/")[0]) for name in COUNTS}))
    return dict(json.loads((folder / "found").read_text()))


@pytest.mark.slow
@pytest.mark.parametrize(
    "attack", ["fillers", "many-fillers", "history", "sent-history", "go-ahead", "organisations", "guests"]
)
def test_what_costs_little_buys_little(attacks: ModuleType, world: Path, attack: str) -> None:
    before, after = found(attacks, world, "none"), found(attacks, world, attack)
    assert before["recall"] > 0
    assert after["false_accounts"] == 0
    assert after["recall"] >= FOUND * before["recall"]
    assert after["recall"] + after["operators_in_review"] >= SEEN * before["recall"]


@pytest.mark.slow
def test_a_copied_system_text_makes_nobody_of_its_users_a_member(attacks: ModuleType, tmp_path: Path) -> None:
    """In this world one of them was accused, where a system text alone could make a member."""
    worlds.write(worlds.simulate("mixed", SEED, 0.2), tmp_path / "logs", tmp_path / "truth")
    assert found(attacks, tmp_path, "copied-system")["false_accounts"] == 0
