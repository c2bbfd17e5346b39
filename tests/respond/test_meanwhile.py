"""What comes while somebody waits for the writers' lock is judged: permissions, runs, erasures. And limits that so many
accounts share that each is shut out."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from stillwatch import acting
from stillwatch.acting import by_policy, newest
from stillwatch.acting.by_hand import HAND
from stillwatch.acting.by_policy import TRIES
from stillwatch.acting.collateral import queue
from stillwatch.acting.meanwhile import Changed, stamp
from stillwatch.acting.newest import approve_what_holds
from stillwatch.acting.telling import why_in_brief
from stillwatch.errors import UsageError
from stillwatch.records import Obligation, Rung
from stillwatch.respond.action import Action, State
from stillwatch.respond.lint import linted
from stillwatch.respond.policy import Policy
from stillwatch.store.casebook.casebook import Casebook
from stillwatch.store.store import Store
from stillwatch.tables import ACCOUNTS, PERMISSIONS
from tests.respond import policies
from tests.respond.casebooks import begun, finding, member, opened, store_of, write_run
from tests.respond.hits import NOW, RUN, TERMS, hit, run_id

WHY = "Looked at it."
Does = Callable[[Store], None]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return store_of(tmp_path, accounts=60, runs=1)


@contextmanager
def awaited(store: Store, judged: threading.Event, meanwhile: Does) -> Iterator[None]:
    """Somebody holds the writers' lock until what happens in here has judged; then `meanwhile` happens, and after it
    the lock is free."""
    lock = sqlite3.connect(store.folder / "casebook.db", isolation_level=None, check_same_thread=False)
    lock.execute("BEGIN IMMEDIATE")

    def work() -> None:
        try:
            if judged.wait(20):
                meanwhile(store)
        finally:
            lock.execute("ROLLBACK")

    other = threading.Thread(target=work)
    other.start()
    try:
        yield
    finally:
        other.join()
        lock.close()


def told_when_done(does: Callable[..., Any], event: threading.Event) -> Callable[..., Any]:
    def done(*words: Any, **named: Any) -> Any:
        answer = does(*words, **named)
        event.set()
        return answer

    return done


def from_a_file(reference: str = "MSA-77", **whom: str) -> Does:
    """A permission as `ingest` brings it, without the casebook."""

    def does(store: Store) -> None:
        row: dict[str, Any] = dict.fromkeys(PERMISSIONS.names) | {"purpose": "distillation", "reference": reference}
        store.add_small("permissions", pa.RecordBatch.from_pylist([row | whom], schema=PERMISSIONS))

    return does


def member_of_a_permitted_organisation(store: Store) -> None:
    rows = [{"account_id": "acct_1", "org_id": "org_1"}]
    store.add_small("accounts", pa.RecordBatch.from_pylist(rows, schema=ACCOUNTS))


def run_that_clears(store: Store) -> None:
    write_run(store, run_id(900), finding("C-1", member("acct_2")))


def erasure_elsewhere(store: Store) -> None:
    """The finding is called otherwise in the same run, as `erase` of another member leaves it."""
    path = store.folder / "runs" / RUN / "campaigns.json"
    path.write_text(path.read_text().replace("C-1", "C-2"))


APPROVE = {
    "a permission": (from_a_file(account_id="acct_1"), "a permission in force speaks of it: MSA-77"),
    "its organisation": (member_of_a_permitted_organisation, "a permission in force speaks of it: org"),
    "a run": (run_that_clears, "does not accuse this account"),
    "an erasure": (erasure_elsewhere, "has no finding C-1 any more"),
}


@pytest.mark.slow
@pytest.mark.parametrize("meanwhile", APPROVE)
@pytest.mark.parametrize("although", [False, True])
def test_approve_judges_what_came_while_it_waited_for_its_turn(
    store: Store, monkeypatch: pytest.MonkeyPatch, meanwhile: str, *, although: bool
) -> None:
    does, words = APPROVE[meanwhile]
    from_a_file("org", org_id="org_1")(store)
    book, judged = opened(store), threading.Event()
    (one,) = acting.propose(store, book, [hit(Rung.SUSPEND)], NOW, TERMS).new
    assert queue(store, book, NOW)[0].doubts == ()
    monkeypatch.setattr(newest, "permitted", told_when_done(newest.permitted, judged))
    with awaited(store, judged, does):
        if not although:
            with pytest.raises(UsageError, match="does not hold any more") as refused:
                approve_what_holds(store, book, [one.action_id], "bob", WHY, NOW)
            assert words in refused.value.found
        else:
            (done,) = approve_what_holds(store, book, [one.action_id], "bob", WHY, NOW, although=True)
            assert words in done.approvals[0].reason.partition("(although ")[2]
    assert book.get(one.action_id).state == (State.IN_FORCE if although else State.PROPOSED)
    assert not book.verify().fault


def test_approve_reads_the_store_once_where_nothing_changed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    book, reads = opened(store), list[int]()
    (one,) = acting.propose(store, book, [hit(Rung.SUSPEND)], NOW, TERMS).new
    read = newest.permitted

    def counted(*words: Any) -> Any:
        reads.append(1)
        return read(*words)

    monkeypatch.setattr(newest, "permitted", counted)
    approve_what_holds(store, book, [one.action_id], "bob", WHY, NOW)
    assert len(reads) == 1


# --------------------------------------------------------------------------------------------------------- act


LIMIT = "{action: limit, hours: 24, obligations: [{type: rate_limit, requests_per_minute: 30}]}"
SPARES = "[{facts: {member.accused: true, account.permitted: false}, expect: hit}, {facts: {member.accused: false}, " \
    "expect: miss}]"  # fmt: skip


def sparing() -> Policy:
    when = "member.accused && !account.permitted"
    rules = (
        policies.rule(id="limit", when=when, then=LIMIT, mode="enforce", expires="2099-01-01", tests=SPARES),
        policies.rule(id="label", when=when, mode="enforce", expires="2099-01-01", tests=SPARES),
    )
    return policies.loaded(*rules)


def run_of_today(store: Store, name: str, *accounts: str) -> None:
    ended = datetime.now(UTC) - timedelta(minutes=1)
    write_run(store, name, policies.finding(*map(policies.member, accounts), last_seen=f"{ended:%Y-%m-%dT%H:%M:%SZ}"))


def acts(store: Store, book: Casebook) -> list[Action]:
    now = int(datetime.now(UTC).timestamp()) * 1_000_000
    by_policy.act(store, begun(book), sparing(), None, now, TERMS.appeal_url)
    return book.find((State.IN_FORCE,))


ACT: dict[str, Does] = {
    "a permission": from_a_file(account_id="a"),
    "a run": lambda store: run_of_today(store, run_id(901), "b"),
    "an erasure": lambda store: _without(store, "a"),
}


def _without(store: Store, account: str) -> None:
    path = store.folder / "runs" / run_id(900) / "campaigns.json"
    path.unlink()
    path.parent.rmdir()
    run_of_today(store, run_id(900), *({"a", "b"} - {account}))


@pytest.mark.parametrize("meanwhile", ACT)
def test_act_judges_again_what_came_while_it_waited_for_its_turn(
    store: Store, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    run_of_today(store, run_id(900), "a", "b")
    book, judged = opened(store), threading.Event()
    monkeypatch.setattr(by_policy, "judge", told_when_done(by_policy.judge, judged))
    with awaited(store, judged, ACT[meanwhile]):
        held = acts(store, book)
    assert {one.hit.account_id for one in held} == {"b"} and len(held) == 2
    assert not [row for row in book.history() if row.get("account_id") == "a"] and not book.verify().fault


def test_act_gives_up_where_what_it_judges_by_never_stands_still(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run_of_today(store, run_id(900), "a", "b")
    book, tries, judge = opened(store), list[int](), by_policy.judge

    def changing(*words: Any) -> Any:
        answer = judge(*words)
        tries.append(1)
        from_a_file(f"T-{len(tries)}", account_id="c")(store)
        return answer

    monkeypatch.setattr(by_policy, "judge", changing)
    with pytest.raises(Changed, match="nothing is done"):
        acts(store, book)
    assert book.find() == [] and len(tries) == TRIES


def test_a_stamp_tells_what_is_written_anew_and_nothing_else(store: Store) -> None:
    before = stamp(store)
    (store.folder / "runs" / ".half").mkdir()
    (store.folder / "runs" / ".half" / "campaigns.json").write_text("{}")
    assert stamp(store) == before
    erasure_elsewhere(store)
    assert stamp(store) != before


# ------------------------------------------------------------------------------------------- a finding that is gone


def test_a_finding_that_nobody_can_look_up_stands_against_its_proposals_until_a_run_names_them(store: Store) -> None:
    book = opened(store)
    by_hand = hit(Rung.SUSPEND, account_id="acct_9", policy=HAND, rule_id="by hand", campaign_id="")
    acting.propose(store, book, [by_hand], NOW, TERMS, by="mallory")
    acting.propose(store, book, [hit(Rung.SUSPEND), hit(Rung.PROTECT, rule_id="x")], NOW, TERMS)
    erasure_elsewhere(store)
    told = {row.rung: [doubt.because for doubt in row.doubts] for row in queue(store, book, NOW) if row.campaign_id}
    because = ("its run has no finding C-1 any more, so nobody can look it up: detect and act",)
    assert told == {"suspend": [because], "protect": [because]}
    assert not [row.doubts for row in queue(store, book, NOW) if not row.campaign_id and row.doubts]
    write_run(store, run_id(900), finding("C-3", member("acct_1")))
    acting.propose(store, book, [hit(Rung.SUSPEND, run_id=run_id(900), campaign_id="C-3")], NOW, TERMS)
    assert [row.rung for row in queue(store, book, NOW) if row.doubts and row.campaign_id] == ["protect"]


# ------------------------------------------------------------------------------------------- limits shared by many


def limits(count: int, first: int = 0, number: int = 0, **settings: int) -> list[Any]:
    held = (Obligation("rate_limit", tuple(sorted(settings.items()))),)
    run = run_id(number) if number else RUN
    return [hit(obligations=held, account_id=f"acct_{first + n}", run_id=run) for n in range(count)]


@pytest.mark.parametrize(
    ("most", "settings"),
    [
        (5, {"concurrency": 1}), (10, {"concurrency": 2}), (25, {"requests_per_minute": 10}),
        (25, {"tokens_per_minute": 10_000}), (50, {"requests_per_minute": 20}),
        (5, {"concurrency": 1, "requests_per_minute": 1_000}),
    ],
)  # fmt: skip
def test_a_budget_for_more_accounts_than_may_share_it_waits_for_a_person(
    tmp_path: Path, most: int, settings: dict[str, int]
) -> None:
    wide = replace(TERMS, cap=1_000)
    for count in (most, most + 1):
        (tmp_path / str(count)).mkdir()
        store = store_of(tmp_path / str(count), accounts=60, runs=1)
        book = opened(store)
        made = acting.propose(store, book, limits(count, **settings), NOW, wide).new
        begins = {one.state for one in made} == {State.IN_FORCE}
        assert begins == (count == most) and {one.needs for one in made} == {int(not begins)}
        if not begins:
            assert "together shuts them out in effect" in why_in_brief(made)
            assert f"for {count} accounts" in queue(store, book, NOW)[0].persons[0]


def test_a_group_that_grows_does_not_share_a_budget_by_itself_beyond_its_floor(tmp_path: Path) -> None:
    """Also under another id, which an account in both links."""
    store = store_of(tmp_path, accounts=60, runs=3)
    book, wide = opened(store), replace(TERMS, cap=1_000)
    acting.propose(store, book, limits(5, concurrency=1), NOW, wide)
    more = [replace(one, campaign_id="C-1") for one in limits(3, first=5, number=1, concurrency=1)]
    assert {one.state for one in acting.propose(store, book, more, NOW, wide).new} == {State.PROPOSED}
    assert len(book.find((State.IN_FORCE,))) == 5


def test_accounts_without_a_limit_of_their_own_share_none(store: Store) -> None:
    book, wide = opened(store), replace(TERMS, cap=1_000)
    asked = [hit(Rung.VERIFY, account_id=f"acct_{n}") for n in range(40)]
    cut = [
        hit(obligations=(Obligation("cap_max_tokens", (("max_tokens", 500),)),), account_id=f"acct_{n}", rule_id="cut")
        for n in range(40)
    ]
    made = acting.propose(store, book, [*asked, *cut, *limits(5, concurrency=1)], NOW, wide).new
    assert {one.state for one in made} == {State.IN_FORCE}


@pytest.mark.parametrize(("cap", "places", "warns"), [(5, 1, False), (6, 1, True), (6, 2, False), (1_000, 10, True)])
def test_lint_warns_of_a_budget_that_a_group_within_the_cap_is_shut_out_by(
    cap: int, places: int, *, warns: bool
) -> None:
    head = policies.HEAD.replace("blast_radius: 5", f"blast_radius: {cap}")
    then = f"{{action: limit, hours: 24, obligations: [{{type: rate_limit, concurrency: {places}}}]}}"
    found = linted((head + policies.rule(then=then)).encode(), policies.NOW).faults
    assert [one.level for one in found if one.kind == "limit"] == ["warning"] * warns
