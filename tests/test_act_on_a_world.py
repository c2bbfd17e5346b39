"""A world from its logs to what gateways are told: who is limited, who is asked, and whom nothing happens to."""

import json
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from stillwatch.acting import approve, publish, undo
from stillwatch.acting.by_policy import Acted, act
from stillwatch.detection import detect
from stillwatch.pipeline import ingest_sources
from stillwatch.records import Rung
from stillwatch.respond.action import State as Is
from stillwatch.respond.action import touches
from stillwatch.respond.lint import load_policy
from stillwatch.respond.policy import Policy
from stillwatch.service.app import build
from stillwatch.service.auth import new_token
from stillwatch.service.state import Config, State
from stillwatch.store.casebook.casebook import Casebook
from stillwatch.store.store import Store
from stillwatch.worlds import world as worlds
from tests.conftest import key_in
from tests.respond.casebooks import begun
from tests.respond.test_policy_file import template
from tests.service.helpers import QUESTION, call

pytestmark = pytest.mark.slow


def now() -> int:
    return time.time_ns() // 1000


def enforced() -> Policy:
    """The template for a laboratory with every rule out of shadow, which nobody should do at once."""
    return load_policy(template("lab").replace(b"    severity:", b"    mode: enforce\n    severity:"), "lab.yaml")


class World:
    """A store, a casebook, what a policy did about its newest run, and the truth."""

    def __init__(self, folder: Path) -> None:
        worlds.write(worlds.simulate("mixed", 5, 0.3), folder / "logs", folder / "truth")
        key = key_in(folder)
        ingest_sources([folder / "logs"], folder / "s", key_file=key)
        self.store = Store.open(folder / "s", key)
        detect(self.store)
        self.book = Casebook.open(self.store.folder, begins=True)
        self.done = self.act()
        rows = pq.read_table(folder / "truth" / "accounts.parquet").to_pylist()
        self.kind = {row["account_id"]: row["kind"] for row in rows}
        self.cohort = {row["account_id"]: row["cohort"] for row in rows}
        self.token = new_token(self.store.folder, "decide")[1]

    def act(self) -> Acted:
        return act(self.store, begun(self.book), enforced(), None, now(), "https://p.example/a", within=3650)

    def decides(self, account: str) -> Any:
        state = State(Config(self.store.folder, delay=0))
        state.load()
        body = {**QUESTION, "account_id": account}
        status, _, said = call(build(state), body=body, token=self.token)
        assert status == 200
        return json.loads(said)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world"))


def test_nobody_honest_is_touched_and_a_permitted_distiller_is_not_even_labelled(world: World) -> None:
    """The world is one that we have looked at: this keeps what holds, and measures nothing."""
    touched = {one.hit.account_id for one in world.done.proposed.new if touches(one.hit)}
    named = {one.hit.account_id for one in world.done.proposed.new}
    kinds = {world.kind[account] for account in touched}
    assert len(touched) > 100 and kinds == {"operator", "victim"}
    assert not {one for one in named if world.cohort[one] == "permitted_distiller"}
    permitted = [one for one, cohort in world.cohort.items() if cohort == "permitted_distiller"]
    assert permitted and all(world.decides(one)["action"] == "none" for one in permitted)


def test_a_victim_is_asked_for_a_new_key_and_for_nothing_else(world: World) -> None:
    about = [one for one in world.done.proposed.new if world.kind[one.hit.account_id] == "victim"]
    assert about and {one.hit.rung for one in about} == {Rung.VERIFY}
    assert {one.obligations for one in (each.hit for each in about)} == {about[0].hit.obligations}
    begun = [one for one in about if one.state == Is.IN_FORCE]
    for one in begun:
        said = world.decides(one.hit.account_id)
        assert said["verdict"] == "escalate" and said["reason_codes"] == ["key_security"]
        assert said["obligations"] == [{"type": "challenge", "kind": "rotate_key"}]
        assert "not accused" in said["notice"]


def test_what_begins_by_itself_is_limited_in_height_and_time(world: World) -> None:
    begun = [one for one in world.done.proposed.new if one.state == Is.IN_FORCE]
    assert max(one.hit.rung for one in begun) == Rung.LIMIT
    for one in world.done.proposed.new:
        assert one.hit.reason and one.hit.clause and one.terms.appeal_url and one.expires_at > one.proposed_at
        assert one.state == Is.IN_FORCE or one.needs >= 1
    again = world.act()
    assert not again.proposed.new and not again.proposed.renewed and again.published == world.done.published


def test_a_suspension_is_a_persons_and_ends_when_they_say_so(world: World) -> None:
    wanted = [one for one in world.done.proposed.new if one.hit.rung == Rung.SUSPEND]
    one = next(one for one in wanted if one.needs == 2)
    assert world.decides(one.hit.account_id)["verdict"] != "deny"
    approve(world.book, [one.action_id], "alice", "Read it.", now())
    (begun,) = approve(world.book, [one.action_id], "bob", "Read it too.", now())
    publish(world.store, world.book, now())
    said = world.decides(one.hit.account_id)
    assert (begun.state, said["verdict"], said["action"]) == (Is.IN_FORCE, "deny", "suspend")
    assert one.action_id in said["notice"] and "campaign" not in json.dumps(said)
    undo(world.book, [one.action_id], "carol", "It was ours.", now())
    publish(world.store, world.book, now())
    assert world.decides(one.hit.account_id)["verdict"] != "deny"
