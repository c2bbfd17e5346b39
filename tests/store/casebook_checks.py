"""Checks of the casebook that hold on any database: SQLite in the unit layer, a real PostgreSQL in the slow one."""

import multiprocessing
import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from stillwatch import acting
from stillwatch.errors import StillwatchError, StoreError, UsageError
from stillwatch.records import Rung
from stillwatch.respond import ladder
from stillwatch.respond.action import HOUR, Action, State
from stillwatch.respond.ladder import Approve
from stillwatch.store.casebook.casebook import Casebook
from stillwatch.store.store import Store
from tests.respond.casebooks import opened
from tests.respond.hits import DAY, NOW, TERMS, hit, run_id

WHY = "Looked at the exchanges."


def hits(count: int, rung: Rung = Rung.LIMIT, **given: Any) -> list[Any]:
    return [hit(rung, account_id=f"acct_{n}", **given) for n in range(count)]


def what(book: Casebook) -> list[Action]:
    return sorted(book.find(), key=lambda one: one.action_id)


def whole(book: Casebook) -> None:
    found = book.verify()
    assert not found.fault, found


def order_and_repeats_change_nothing(store: Store, book: Casebook, other: Casebook) -> None:
    mixed = [*hits(4), *hits(3, Rung.SUSPEND), *hits(2, mode="shadow"), hit(account_id="acct_1", rule_id="second")]
    first = acting.propose(store, book, mixed, NOW, TERMS)
    rows = len(book.history())
    again = acting.propose(store, book, random.Random(1).sample(mixed, len(mixed)), NOW + HOUR, TERMS)
    assert (len(first.new), len(again.new), len(again.renewed), len(book.history())) == (10, 0, 0, rows)
    acting.propose(store, other, [*reversed(mixed), *mixed], NOW, TERMS)
    assert what(other) == what(book)
    assert Counter(one.state for one in what(book)) == {State.IN_FORCE: 5, State.PROPOSED: 3, State.SHADOW: 2}
    assert [one.account_id for one in book.in_force(NOW)] == ["acct_0", "acct_1", "acct_1", "acct_2", "acct_3"]
    assert [one.mode for one in book.in_force(NOW, shadow=True)] == ["shadow", "shadow"]
    assert book.in_force(NOW - 1) == [] and book.in_force(NOW + DAY) == []
    whole(book)


def a_group_beyond_the_cap_waits_for_two(store: Store, book: Casebook, other: Casebook) -> None:
    done = acting.propose(store, book, hits(6), NOW, TERMS)
    assert book.in_force(NOW) == [] and {one.needs for one in done.new} == {2}
    acting.propose(store, other, hits(5), NOW, TERMS)
    assert len(other.in_force(NOW)) == 5
    renamed = [hit(account_id=name, campaign_id="C-2", run_id=run_id(2)) for name in ("acct_9", "acct_1")]
    late = acting.propose(store, other, renamed, NOW, TERMS)
    assert {one.needs for one in late.new} == {2}, "another name of the campaign does not pass the cap"
    names = [one.action_id for one in done.new]
    once = acting.approve(book, names, "alice", WHY, NOW)
    assert {one.state for one in once} == {State.PROPOSED}
    with pytest.raises(UsageError, match="already"):
        acting.approve(book, names, "ALICE", WHY, NOW)
    assert {one.state for one in acting.approve(book, names, "bob", WHY, NOW)} == {State.IN_FORCE}
    whole(book)


def time_ends_it_whoever_looks(store: Store, book: Casebook, other: Casebook) -> None:
    name = acting.propose(store, book, hits(1), NOW, TERMS).new[0].action_id
    assert book.in_force(NOW + DAY) == [] and book.get(name).state == State.IN_FORCE, "nobody noted it, and it is over"
    with pytest.raises(UsageError, match="expired"):
        acting.undo(book, [name], "bob", WHY, NOW + DAY)
    assert [one.state for one in acting.sweep(book, NOW + DAY)] == [State.EXPIRED]
    assert acting.sweep(book, NOW + DAY) == [] and acting.sweep(book, NOW) == []
    name = acting.propose(store, other, hits(1, hours=168), NOW, TERMS).new[0].action_id
    acting.open_appeal(other, name, "No.", NOW, by="support")
    assert len(other.in_force(NOW + 71 * HOUR)) == 1 and other.in_force(NOW + 72 * HOUR) == []
    assert [one.ended for one in acting.sweep(other, NOW + 72 * HOUR)] == ["appeal not answered in time"]
    again = acting.propose(store, other, hits(1, run_id=run_id(3)), NOW + 73 * HOUR, TERMS).new[0]
    assert (again.state, again.needs) == (State.PROPOSED, 1) and "taken back" in again.person
    whole(book), whole(other)


def hostile_ids_are_kept_as_they_are(store: Store, book: Casebook, other: Casebook) -> None:
    names = ("a\x00b", "a\ud800b", "'; DROP TABLE actions; --", "x" * 20_000, "\u202e", "%", "_", "")
    for name in names[:-1]:
        acting.propose(
            store, book, [hit(Rung.VERIFY, account_id=name, campaign_id=name, run_id="r" + name)], NOW, TERMS
        )
    assert sorted(one.account_id for one in book.in_force(NOW)) == sorted(set(names) - {""})
    with pytest.raises(UsageError, match="account is wrong"):
        acting.propose(store, book, [*hits(1), hit(account_id="")], NOW, TERMS)
    assert not book.find(account="acct_0"), "one wrong hit, and nothing is changed"
    for start in ("%", "_", "R-%", "\x00", "R-\ud800", "", "'"):
        with pytest.raises(UsageError, match="no action's id"):
            book.get(start)
    one = book.find(account="a\x00b")[0]
    acting.open_appeal(book, one.action_id, "\x00\ud800 why?", NOW)
    whole(book)


def an_old_version_is_refused(store: Store, book: Casebook, other: Casebook) -> None:
    action = acting.propose(store, book, hits(1, Rung.SUSPEND), NOW, TERMS).new[0]
    acting.approve(book, [action.action_id], "alice", WHY, NOW)
    with pytest.raises(StoreError, match="somebody else"), book.writing("bob") as writer:
        writer.apply(action, Approve("bob", WHY), NOW)
    with pytest.raises(StoreError), book.writing("alice") as writer:
        stale = replace(action, version=3)
        writer.apply(stale, Approve("alice", WHY), NOW)
    whole(book)


def _approving(folder: Any, url: str | None, names: list[str], by: str, start: Any, told: Any) -> None:
    book = Casebook.open(folder, url)
    start.wait()
    done = 0
    for name in names:
        try:
            acting.approve(book, [name], by, WHY, NOW)
            done += 1
        except StillwatchError:
            continue
    told.put(done)
    book.close()


def approvers_at_once_never_apply_twice(store: Store, book: Casebook, url: str | None, count: int = 12) -> None:
    """Four processes, two of them the same person, approve proposals that need two people, all at once."""
    names = [one.action_id for one in acting.propose(store, book, hits(count), NOW, TERMS).new]
    book.close()
    spawn = multiprocessing.get_context("spawn")
    start, told = spawn.Barrier(4), spawn.Queue()
    people = ("alice", "bob", "alice", "carol")
    workers = [spawn.Process(target=_approving, args=(store.folder, url, names, by, start, told)) for by in people]
    for worker in workers:
        worker.start()
    done = sum(told.get(timeout=120) for _ in workers)
    for worker in workers:
        worker.join()
    after = what(book)
    assert done == 2 * count, "each proposal took two approvals, and no third"
    assert {one.state for one in after} == {State.IN_FORCE}
    assert all(len({a.by for a in one.approvals}) == 2 == len(one.approvals) for one in after)
    assert Counter(row["what"] for row in book.history()) == {"proposed": count, "approved": 2 * count, "begun": count}
    whole(book)


def _opening(folder: Any, url: str | None, number: int, start: Any, told: Any) -> None:
    start.wait()
    store = Store.open(folder)
    book = Casebook.open(folder, url, begins=True)
    own = hit(Rung.VERIFY, account_id=f"own_{number}", campaign_id=f"C-{number}")
    acting.propose(store, book, [*hits(3), own], NOW, TERMS)
    told.put(number)
    book.close()


def processes_that_make_the_casebook_at_once(store: Store, url: str | None) -> None:
    spawn = multiprocessing.get_context("spawn")
    start, told = spawn.Barrier(4), spawn.Queue()
    workers = [spawn.Process(target=_opening, args=(store.folder, url, n, start, told)) for n in range(4)]
    for worker in workers:
        worker.start()
    assert {told.get(timeout=120) for _ in workers} == {0, 1, 2, 3}
    for worker in workers:
        worker.join()
    book = opened(store, url)
    assert len(what(book)) == 3 + 4 and len(book.history()) == 2 * 7
    whole(book)
    book.close()


TAMPERING = {
    "a reason": "UPDATE trail SET content = replace(content, 'One of 40', 'One of 50')",
    "content gone": "UPDATE trail SET content = NULL WHERE seq = 2",
    "filed elsewhere": "UPDATE trail SET action_id = 'R-000000000000' WHERE seq = 2",
    "a state": "UPDATE actions SET state = 'in_force', starts_at = 1",
    "an end": "UPDATE actions SET expires_at = expires_at + 1",
    "a body": 'UPDATE actions SET body = replace(body, \'proposed_by":""\', \'proposed_by":"x"\')',
    "an action gone": "DELETE FROM actions WHERE action_id = (SELECT min(action_id) FROM actions)",
}
BOUND = {
    "a row gone": "DELETE FROM trail WHERE seq = 2",
    "a time": "UPDATE trail SET at = at + 1 WHERE seq = 2",
    "a hash": "UPDATE trail SET hash = content_hash WHERE seq = 2",
}


def tampering_shows(store: Store, book: Casebook, kind: str) -> None:
    done = acting.propose(store, book, [*hits(2), *hits(2, Rung.SUSPEND)], NOW, TERMS)
    acting.approve(book, [next(one for one in done.new if one.needs).action_id], "alice", WHY, NOW)
    whole(book)
    statement = text((TAMPERING | BOUND)[kind])
    if kind in BOUND:
        with pytest.raises(StoreError), book.database.writing() as connection:
            connection.execute(statement)
        whole(book)
        return
    with book.database.writing() as connection:
        connection.execute(statement)
    assert book.verify().fault
    if kind == "a state":
        suspended = [one for one in book.in_force(NOW) if one.rung == Rung.SUSPEND]
        assert len(suspended) <= 1, "what was written past the ladder is not in force"


def appeals_without_end(store: Store, book: Casebook, times: int) -> None:
    name = acting.propose(store, book, hits(1), NOW, TERMS).new[0].action_id
    acting.open_appeal(book, name, "No.", NOW)
    rows = len(book.history())
    for number in range(times):
        with pytest.raises(UsageError, match="appeal"):
            acting.open_appeal(book, name, f"No {number}.", NOW)
    acting.answer_appeals(book, [name], False, "bob", WHY, NOW)
    with pytest.raises(UsageError, match="appeal"):
        acting.open_appeal(book, name, "Again.", NOW)
    assert len(book.history()) == rows + 1 and book.get(name).state == State.IN_FORCE


CHECKS = (
    order_and_repeats_change_nothing, a_group_beyond_the_cap_waits_for_two, time_ends_it_whoever_looks,
    hostile_ids_are_kept_as_they_are, an_old_version_is_refused,
)  # fmt: skip

__all__ = ["BOUND", "CHECKS", "TAMPERING", "ladder"]
