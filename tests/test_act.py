"""From the findings of a run to what a gateway is told: policy, casebook, snapshot, decision; and back again."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stillwatch import acting, cli
from stillwatch.cli.watch_policy import Actor
from stillwatch.errors import UsageError
from stillwatch.pipeline import ingest_sources
from stillwatch.records import Rung
from stillwatch.service.publisher import Publisher
from stillwatch.service.state import Config, Keeper, State
from stillwatch.store.casebook.casebook import Casebook
from stillwatch.store.decisions import folder_of, open_current, snapshot_key
from stillwatch.store.store import Store
from tests.conftest import key_in
from tests.respond.policies import HEAD, finding, member, rule
from tests.store.logs import exchange, write

pytestmark = pytest.mark.slow

TODAY = datetime.now(UTC)
URL = ("--appeal-url", "https://p.example/{action_id}")
TESTS = "[{facts: {member.accused: true}, expect: hit}, {facts: {member.accused: false}, expect: miss}]"
LIMIT = rule(id="limit", then="{action: limit, hours: 24, obligations: [{type: rate_limit, requests_per_minute: 30}]}",
             mode="enforce", expires="2099-01-01", tests=TESTS)  # fmt: skip
HOLD = rule(id="hold", then="{action: suspend, hours: 24, obligations: [{type: hold}]}", mode="enforce",
            expires="2099-01-01", tests=TESTS)  # fmt: skip
DREAM = rule(id="dream", then="{action: protect, hours: 24, obligations: [{type: strip_logprobs}]}",
             expires="2099-01-01", tests=TESTS)  # fmt: skip

Run = Callable[..., Any]


def found(*members: dict[str, Any]) -> dict[str, Any]:
    """A finding of today."""
    return finding(*members, first_seen=f"{TODAY:%Y-%m-%d}T00:00:00Z", last_seen=f"{TODAY:%Y-%m-%dT%H:%M:%SZ}")


def write_run(store: Store, name: str, *findings: dict[str, Any], ago: int = 0) -> None:
    folder = store.folder / "runs" / name
    folder.mkdir(parents=True)
    until = f"{TODAY - timedelta(days=ago):%Y-%m-%dT%H:%M:%SZ}"
    (folder / "campaigns.json").write_text(
        json.dumps({"run": {"run_id": name, "until": until}, "campaigns": list(findings)})
    )


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store of some exchanges whose run accuses two accounts and names a victim."""
    monkeypatch.setenv("STILLWATCH_KEY_FILE", str(key_in(tmp_path)))
    rows = [
        {**exchange(n), "account_id": who, "api_key_id": key}
        for n, (who, key) in enumerate([("a", "key-a"), ("a", "shared"), ("b", "shared"), ("v", "key-v")])
    ]
    ingest_sources([write(tmp_path / "logs", rows)], tmp_path / "s", key_file=key_in(tmp_path))
    kept = Store.open(tmp_path / "s")
    write_run(kept, "20260101T000000-1-a", found(member("a"), member("b"), member("v", "victim")))
    return kept


@pytest.fixture
def run(store: Store, capsys: pytest.CaptureFixture[str]) -> Run:
    def ran(*words: str, code: int = 0) -> Any:
        capsys.readouterr()
        got = cli.run([*words, "--store", str(store.folder), "--json"])
        out = capsys.readouterr()
        assert got == code, out.err
        return json.loads(out.out) if code == 0 else out.err

    return ran


def policy(folder: Path, *rules: str) -> str:
    path = folder / "policy.yaml"
    path.write_text(HEAD + "".join(rules))
    return str(path)


def told(store: Store, account: str) -> set[tuple[Rung, str]]:
    """What the decision path finds of an account: rungs and modes."""
    snapshot = open_current(folder_of(store.folder), snapshot_key(store.folder))
    return {(one.rung, one.mode) for one in (*snapshot.find(account), *snapshot.find_key(account))}


def test_a_run_is_judged_and_what_may_be_is_in_force_and_told(run: Run, store: Store, tmp_path: Path) -> None:
    path = policy(tmp_path, LIMIT, HOLD, DREAM)
    before = run("act", path, *URL, "--dry-run")
    assert [(one["rule_id"], one["hits"]) for one in before["rules"]] == [("limit", 2), ("hold", 2), ("dream", 2)]
    assert not (store.folder / "casebook.db").exists()
    done = run("act", path, *URL)
    became = {one["rule_id"]: (one["in_force"], one["waiting"], one["shadow"]) for one in done["rules"]}
    assert became == {"limit": (2, 0, 0), "hold": (0, 2, 0), "dream": (0, 0, 2)}
    assert done["published"] == 4
    assert told(store, "a") == {(Rung.LIMIT, "enforce"), (Rung.PROTECT, "shadow")} == told(store, "key-a")
    assert told(store, "shared") == told(store, "v") == told(store, "key-v") == set()
    again = run("act", path, *URL)
    assert again["actions"] == [] and len(again["passed_over"]) == 6 and again["published"] == 4


def test_a_dry_run_tells_what_would_be_done_and_whom_it_reaches(
    run: Run, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = policy(tmp_path, LIMIT, HOLD, DREAM)
    would = run("act", path, "--dry-run")
    assert not (store.folder / "casebook.db").exists(), "a rehearsal begins no casebook"
    steps = {one["step"]: one for one in would["steps"]}
    assert list(steps) == ["suspend", "protect", "limit"]
    counts = {name: [one[key] for key in ("at_once", "waiting", "shadow", "renewed")] for name, one in steps.items()}
    assert counts == {"suspend": [0, 2, 0, 0], "protect": [0, 0, 2, 0], "limit": [2, 0, 0, 0]}
    assert steps["suspend"]["why"] == ["suspend: above limit a named person approves"] and not steps["limit"]["why"]
    assert steps["limit"]["accounts"] == ["a", "b"]
    done = run("act", path, *URL)
    both = [{(one["action_id"], one["state"], one["needs"]) for one in told["actions"]} for told in (would, done)]
    assert both[0] == both[1] and would["rules"] == done["rules"]
    with acting_book(store) as book:
        before = book.head()
    write_run(store, "20260106T000000-1-a", found(member("a"), member("b"), member("c")))
    assert [one["renewed"] for one in run("act", path, "--dry-run")["steps"]] == [2, 2, 2]
    with acting_book(store) as book:
        assert book.head() == before
    capsys.readouterr()
    assert cli.run(["act", path, "--dry-run", "--store", str(store.folder)]) == 0
    out = capsys.readouterr().out
    assert "why they would wait" in out and "a, b, c" in out


def test_a_dry_run_says_that_a_group_beyond_the_cap_waits_for_two(run: Run, store: Store, tmp_path: Path) -> None:
    write_run(store, "20260106T000000-1-a", found(*(member(f"m{n:02}") for n in range(9))))
    (step,) = run("act", policy(tmp_path, LIMIT), "--dry-run")["steps"]
    assert (step["at_once"], step["waiting"], len(step["accounts"])) == (0, 9, 9)
    assert step["why"] == ["two people: the campaign's actions reach 9 accounts, cap 5"]


def test_a_broken_policy_is_told_by_line(run: Run, tmp_path: Path) -> None:
    tests = "[{facts: {member.probability: 0.5}, expect: miss}]"
    dead = rule(id="b", when="member.probability > 50", tests=tests)
    broken = policy(tmp_path, rule(id="a", owner=None), dead)
    said = run("act", broken, *URL, code=2).splitlines()
    told = [line.strip() for line in said if line.strip().startswith("line ")]
    assert f"found: {len(told)} errors" in "".join(said) and len(told) == 3
    assert ["rule a: " in line for line in told] == [True, False, False] and "rule b: " in told[1]


def test_what_a_person_does_is_told_as_well(run: Run, store: Store, tmp_path: Path) -> None:
    path = policy(tmp_path, LIMIT, HOLD)
    done = run("act", path, *URL)
    hold = next(one["action_id"] for one in done["actions"] if one["rung"] == "suspend" and one["account_id"] == "a")
    limit = next(one["action_id"] for one in done["actions"] if one["rung"] == "limit" and one["account_id"] == "a")
    run("approve", hold, "--by", "bob", "--reason", "Read it.")
    assert told(store, "a") == {(Rung.LIMIT, "enforce"), (Rung.SUSPEND, "enforce")}
    run("undo", hold, "--by", "bob", "--reason", "Wrong.")
    assert told(store, "a") == {(Rung.LIMIT, "enforce")}
    run("appeal", "open", limit, "--statement", "Not us.", "--by", "desk")
    assert told(store, "a") == {(Rung.LIMIT, "enforce")}
    run("appeal", "answer", limit, "--answer", "upheld", "--reason", "So it is.", "--by", "carol")
    assert told(store, "a") == set() and told(store, "b") == {(Rung.LIMIT, "enforce")}


def test_an_erased_account_is_in_no_snapshot_any_more(run: Run, store: Store, tmp_path: Path) -> None:
    run("act", policy(tmp_path, LIMIT), *URL)
    run("act", policy(tmp_path, LIMIT, DREAM), *URL)
    assert told(store, "b")
    run("erase", "b")
    assert told(store, "b") == set() and told(store, "a")
    assert len(list(folder_of(store.folder).glob("*.snap"))) == 1


def test_an_old_run_is_not_acted_on_and_neither_is_one_without_an_appeal(
    run: Run, store: Store, tmp_path: Path
) -> None:
    write_run(store, "20260102T000000-1-a", found(member("a")), ago=9)
    path = policy(tmp_path, LIMIT)
    said = run("act", path, *URL, code=2)
    assert "too old" in said and "9 days ago" in said and "at most 7 days ago" in said
    assert "too old" in run("act", path, *URL, "--dry-run", code=2)
    assert "--appeal-url" in run("act", path, "--within", "10", code=2)
    assert "appeal address" in run("act", path, "--within", "10", "--appeal-url", "javascript:alert(1)", code=2)
    assert not list(store.folder.glob("casebook*")), "a run that is not acted on begins no casebook"
    assert run("act", path, *URL, "--within", "10")["published"] == 1


def acting_book(store: Store) -> Any:
    from contextlib import closing

    return closing(Casebook.open(store.folder))


def test_a_publisher_follows_the_casebook(store: Store, run: Run, tmp_path: Path) -> None:
    """What time ends, and what somebody wrote without publishing, is told by the next look; nothing else is written."""
    moving = [time.time_ns() // 1000]
    publisher = Publisher(store.folder, None, lambda: moving[0])
    assert not publisher.look() and not folder_of(store.folder).exists()
    run("act", policy(tmp_path, LIMIT), *URL)
    moving[0] = now = time.time_ns() // 1000
    assert publisher.look() and told(store, "a") == {(Rung.LIMIT, "enforce")}
    assert not publisher.look()
    with acting_book(store) as book:
        (one, _) = book.find()
        acting.undo(book, [one.action_id], "bob", "No.", time.time_ns() // 1000)
    assert publisher.look() and told(store, one.hit.account_id) == set()
    moving[0] = now + 25 * 3_600_000_000
    assert publisher.look() and told(store, "a") == told(store, "b") == set()
    (store.folder / "casebook.db").write_bytes(b"not a database")
    assert not publisher.look()


def test_accounts_of_one_campaign_share_a_budget_though_their_runs_gave_it_other_names(
    store: Store, run: Run, tmp_path: Path
) -> None:
    path = policy(tmp_path, LIMIT)
    run("act", path, *URL)
    write_run(store, "20260103T000000-1-a", found(member("a"), member("c")) | {"campaign_id": "B-2"})
    write_run(store, "20260104T000000-1-a", found(member("d")) | {"campaign_id": "A-3"})
    for name in ("20260103", "20260104"):
        run("act", path, *URL, "--run", name)
    with acting_book(store) as book:
        groups = {one.account_id: one.group for one in book.in_force(time.time_ns() // 1000)}
    assert groups == {"a": "B-2", "b": "B-2", "c": "B-2", "d": "A-3"}


def test_a_watch_acts_on_each_window_once_and_again_where_the_casebook_could_not_be_reached(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    actor = Actor(Path(policy(tmp_path, LIMIT, HOLD)), "https://p.example/a", None)
    book = store.folder / "casebook.db"
    book.write_bytes(b"no database")
    actor.act(store, "20260101T000000-1-a", TODAY)
    assert actor.is_due(TODAY) and "was not acted on" in capsys.readouterr().err
    book.unlink()
    actor.act(store, "20260101T000000-1-a", TODAY)
    assert "2 in force for a time, 2 wait for a person" in capsys.readouterr().err
    assert not actor.is_due(TODAY) and actor.is_due(TODAY + timedelta(days=1))
    assert told(store, "a") == {(Rung.LIMIT, "enforce")}


def test_a_watch_with_a_policy_says_at_once_where_nobody_could_appeal(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="appeal address"):
        Actor(Path(policy(tmp_path, LIMIT)), "", None)
    with pytest.raises(UsageError, match="neither a web page nor a letter box"):
        Actor(Path(policy(tmp_path, LIMIT)), "not a url", None)


def test_an_action_that_begins_by_a_clock_ahead_of_ours_is_not_taken_back_by_a_later_publication(
    store: Store, run: Run, tmp_path: Path
) -> None:
    run("act", policy(tmp_path, LIMIT), *URL)
    with acting_book(store) as book:
        acting.publish(store, book, time.time_ns() // 1000 - 3_600_000_000)
    assert told(store, "a") == {(Rung.LIMIT, "enforce")}


def test_while_an_appeal_waits_gateways_are_told_of_its_end_and_not_of_the_actions(
    store: Store, run: Run, tmp_path: Path
) -> None:
    done = run("act", policy(tmp_path, LIMIT.replace("hours: 24", "hours: 160")), *URL)
    name = next(one["action_id"] for one in done["actions"] if one["account_id"] == "a")
    run("appeal", "open", name, "--statement", "Not us.", "--by", "desk")
    with acting_book(store) as book:
        ends = {one.account_id: one.expires_at for one in book.in_force(time.time_ns() // 1000)}
        due = book.get(name).appeal.due_at
    assert ends["a"] == due < ends["b"]


def test_a_publisher_outlives_what_it_cannot_do_and_looks_again_when_exchanges_come(
    store: Store, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("act", policy(tmp_path, LIMIT), *URL)
    publisher = Publisher(store.folder, None)
    with monkeypatch.context() as broken:
        broken.setattr("stillwatch.service.publisher.publish", lambda *_: 1 / 0)
        assert not publisher.look()
    assert publisher.look() and not publisher.look()
    assert told(store, "key-a") == {(Rung.LIMIT, "enforce")}
    again = {**exchange(77), "account_id": "b", "api_key_id": "key-a"}
    ingest_sources([write(tmp_path / "more", [again])], store.folder, key_file=key_in(tmp_path))
    assert publisher.look() and told(store, "key-a") == set()


def test_who_is_limited_by_hand_shares_no_budget_with_the_campaign(store: Store, run: Run, tmp_path: Path) -> None:
    run("act", policy(tmp_path, LIMIT), *URL)
    words = ("--rung", "limit", "--obligation", "rate_limit:requests_per_minute=60", "--hours", "5")
    words = (*words, "--clause", "Terms", "--reason", "Asked for it.")
    run("propose", "v", *words, *URL, "--by", "alice")
    run("approve", "--account", "v", "--proposed-by", "alice", "--by", "bob", "--reason", "Yes.")
    with acting_book(store) as book:
        groups = {one.account_id: one.group for one in book.in_force(time.time_ns() // 1000)}
    assert groups == {"a": "C-1", "b": "C-1", "v": ""}


def test_an_id_of_half_a_character_stops_no_publication(store: Store, run: Run, tmp_path: Path) -> None:
    write_run(store, "20260105T000000-1-a", found(member("a"), member("h\udc80")))
    run("act", policy(tmp_path, LIMIT), *URL)
    assert told(store, "a") == {(Rung.LIMIT, "enforce")}


def test_the_threads_of_the_service_are_whole_threads(store: Store) -> None:
    """A name of our own in place of one of Thread's breaks it at a fork, where only a word on stderr tells."""
    from threading import Thread

    for one in (Publisher(store.folder, None), Keeper(State(Config(store.folder)))):
        assert not [name for name in vars(one) if callable(getattr(Thread, name, None))]
