"""What buys the second question off, and who hides behind an organisation's name: whole worlds, rewritten by their
operators."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from stillwatch.benchmark import world as worlds

SEED, SCALE = 9, 0.25
KEPT = 0.85
"""Share of the members found without an attack that must be found with it."""


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
        (folder / "found").write_text(f"{line['recall'].split('/')[0]} {line['false_accounts'].split('/')[0]}")
    return dict(zip(("members", "accused"), map(int, (folder / "found").read_text().split()), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("attack", ["fillers", "many-fillers", "history", "sent-history", "organisations", "guests"])
def test_what_costs_little_buys_little(attacks: ModuleType, world: Path, attack: str) -> None:
    before, after = found(attacks, world, "none"), found(attacks, world, attack)
    assert before["members"] > 0
    assert after["accused"] == 0
    assert after["members"] >= KEPT * before["members"]
