"""What stands against approving a proposal: `review` tells it, and `approve` refuses for it and for nothing else."""

import itertools
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import Engine, event

from stillwatch import acting
from stillwatch.acting import grants, known
from stillwatch.acting.by_hand import HAND
from stillwatch.acting.collateral import queue
from stillwatch.acting.newest import approve_what_holds, permitted
from stillwatch.acting.telling import Which, chosen, in_brief, why_in_brief
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.errors import UsageError
from stillwatch.records import Rung
from stillwatch.respond.action import State
from stillwatch.store.casebook.casebook import Casebook
from stillwatch.store.casebook.forget import Eraser, forget_account
from stillwatch.store.store import Store
from stillwatch.tables import ACCOUNTS
from tests.respond.casebooks import begun, finding, member, opened, store_of, write_run
from tests.respond.hits import DAY, NOW, TERMS, hit, run_id

WHY = "Looked at it."
LATER = run_id(900)
RUNGS = (Rung.LABEL, Rung.VERIFY, Rung.LIMIT, Rung.SUSPEND)
OF_STANDING = ("cleared", "permitted", "taken back", "passed")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return store_of(tmp_path, accounts=40, runs=2)


def by_hand(store: Store, book: Casebook, account: str, *rungs: Rung, now: int = NOW) -> dict[Rung, str]:
    """Proposals by hand on an account, by rung: ids."""
    hits = [hit(rung, account_id=account, policy=HAND, rule_id="by hand") for rung in rungs]
    done = acting.propose(store, book, hits, now, replace(TERMS, cap=20), by="mallory")
    return {one.hit.rung: one.action_id for one in done.new}


def permit(store: Store, book: Casebook, reference: str = "contract 9", **whom: str) -> None:
    wanted = grants.Permission(whom.get("account"), whom.get("org"), "research", reference)
    grants.add_permission(store, begun(book), wanted, "dora", WHY, NOW)


@contextmanager
def asked(book: Casebook) -> Iterator[list[str]]:
    """The statements that a casebook's database is asked meanwhile."""
    told: list[str] = []
    note = lambda _c, _cursor, statement, *_: told.append(statement)  # noqa: E731
    event.listen(book.database.engine, "before_cursor_execute", note)
    yield told
    event.remove(book.database.engine, "before_cursor_execute", note)


@pytest.mark.slow
def test_approve_refuses_for_exactly_what_review_tells(store: Store) -> None:
    """Every rung beside every mixture of what may stand against it; each action is asked by itself."""
    book, told = opened(store), 0
    kinds = [kinds for size in range(5) for kinds in itertools.combinations(OF_STANDING, size)]
    names = {kinds: f"acct_{number}" for number, kinds in enumerate(kinds)}
    for name in names.values():
        by_hand(store, book, name, *RUNGS)
    for kinds, name in names.items():
        if "permitted" in kinds:
            permit(store, book, account=name)
        if "passed" in kinds:
            acting.propose(store, book, [hit(Rung.VERIFY, account_id=name, rule_id="y")], NOW, TERMS)
            acting.passed(book, [name], "payment", "kyc", WHY, NOW)
        if "taken back" in kinds:
            (one,) = acting.propose(store, book, [hit(Rung.VERIFY, account_id=name, rule_id="x")], NOW, TERMS).new
            acting.undo(book, [one.action_id], "bob", WHY, NOW)
    write_run(store, LATER, finding("C-1", *(member(name) for kinds, name in names.items() if "cleared" not in kinds)))
    kinds_of = {name: kinds for kinds, name in names.items()}
    for row in queue(store, book, NOW):
        doubted = {doubt.action_id: doubt.because for doubt in row.doubts}
        for one in row.actions:
            because = doubted.get(one.action_id, ())
            wanted = set(kinds_of[one.hit.account_id])
            if one.hit.rung <= Rung.VERIFY:
                wanted -= {"cleared", "permitted"}
            if one.hit.rung != Rung.VERIFY:
                wanted -= {"passed"}
            said = "; ".join(because)
            found = (("does not accuse", "cleared"), ("a permission", "permitted"), ("was taken back", "taken back"),
                     ("has passed what it asks", "passed"))  # fmt: skip
            assert {kind for words, kind in found if words in said} == wanted and len(because) == len(wanted)
            if because:
                with pytest.raises(UsageError, match="does not hold any more") as refused:
                    approve_what_holds(store, book, [one.action_id], "bob", WHY, NOW)
                assert all(why in refused.value.found for why in because)
                (done,) = approve_what_holds(store, book, [one.action_id], "bob", WHY, NOW, although=True)
                assert done.approvals[0].reason == f"{WHY} (although {said})"
            else:
                (done,) = approve_what_holds(store, book, [one.action_id], "bob", WHY, NOW)
                assert done.approvals[0].reason == WHY
            told += 1
    assert told == len(RUNGS) * 16


def test_a_limit_on_somebody_whom_its_own_run_does_not_accuse_stands_until_a_later_run_says_so(tmp_path: Path) -> None:
    """By hand, on a stolen key's owner: known when it was proposed."""
    store = store_of(tmp_path, runs=1)
    book = opened(store)
    by_hand(store, book, "victim", Rung.LIMIT)
    (row,) = queue(store, book, NOW)
    assert row.doubts == ()
    write_run(store, LATER, finding("C-1", member("victim", 0.9, "victim")))
    (row,) = queue(store, book, NOW)
    assert row.doubts[0].because == (f"the newest run, {LATER}, does not accuse this account",)


def test_a_row_is_told_to_programs_whole(store: Store) -> None:
    book = opened(store)
    names = [by_hand(store, book, f"acct_{n}", Rung.SUSPEND)[Rung.SUSPEND] for n in range(12)]
    for n in range(12):
        permit(store, book, f"contract {n}", account=f"acct_{n}")
    (row,) = queue(store, book, NOW)
    held = json.loads(json.dumps(row.as_dict()))
    assert {one["action_id"]: one["because"] for one in held["doubts"]} == {
        name: [f"a permission in force speaks of it: contract {n}"] for n, name in enumerate(names)
    }
    assert len(held["actions"]) == 12 and {"notice", "account_id"} <= held["actions"][0].keys()


def test_equal_reasons_are_said_once_with_their_number_and_programs_get_all(store: Store) -> None:
    book = opened(store)
    taken = acting.propose(store, book, [hit(Rung.VERIFY, account_id=f"acct_{n}") for n in range(5)], NOW, TERMS).new
    acting.undo(book, [one.action_id for one in taken[:4]], "bob", WHY, NOW)
    many = [hit(account_id=f"acct_{n}", run_id=run_id(1), rule_id="again") for n in range(5)]
    acting.propose(store, book, many, NOW + DAY, replace(TERMS, cap=4))
    (row,) = queue(store, book, NOW + DAY)
    back = "an earlier action, R-…, was taken back: undone (4 of 5 actions)"
    two = "two people: the campaign's actions reach 5 accounts, cap 4"
    assert why_in_brief(row.actions, row.radius) == f"{two}; {back}"
    assert sum("was taken back" in why for why in row.persons) == 4, "each with the id of the action"
    one = [action for action in row.actions if action.person][:1]
    assert one[0].person in why_in_brief(one), "one alone keeps its id"


def test_reasons_without_room_are_counted() -> None:
    long = [f"contract {number} {'x' * 90}" for number in range(9)]
    told = in_brief(long, 9)
    assert told.endswith("; and 7 more reasons (--json)") and 200 < len(told) < 400
    assert in_brief([long[0] * 9], 1) == long[0] * 9 and in_brief([], 3) == ""


def test_what_was_taken_back_meanwhile_is_no_doubt_that_was_known(store: Store) -> None:
    """The permission was known and approved in spite of; the undo that came a moment later was not."""
    book = opened(store)
    name = by_hand(store, book, "acct_1", Rung.SUSPEND)[Rung.SUSPEND]
    (one,) = acting.propose(store, book, [hit(Rung.VERIFY)], NOW, TERMS).new
    acting.undo(book, [one.action_id], "bob", WHY, NOW)
    known_of = {name: f"{WHY} (although a permission in force speaks of it: contract 9)"}
    with pytest.raises(UsageError, match="does not stand as it was made"):
        acting.approve(book, [name], "carol", WHY, NOW, reasons=known_of)


def test_an_undo_beside_a_step_up_that_is_known_to_be_passed_is_no_doubt_that_was_known(store: Store) -> None:
    book = opened(store)
    name = by_hand(store, book, "acct_1", Rung.VERIFY)[Rung.VERIFY]
    made = acting.propose(store, book, [hit(Rung.VERIFY), hit(Rung.LIMIT, rule_id="x")], NOW, TERMS).new
    (limit,) = (one for one in made if one.hit.rung == Rung.LIMIT)
    acting.passed(book, ["acct_1"], "payment", "kyc", WHY, NOW)
    ((doubt,),) = (row.doubts for row in queue(store, book, NOW))
    assert doubt.because == ("the customer has passed what it asks (payment) after it was proposed",)
    acting.undo(book, [limit.action_id], "bob", WHY, NOW)
    known_of = {name: f"{WHY} (although {doubt.because[0]})"}
    with pytest.raises(UsageError, match="does not stand as it was made") as refused:
        acting.approve(book, [name], "carol", WHY, NOW, reasons=known_of)
    assert "was taken back" in refused.value.found and "has passed" not in refused.value.found
    ((doubt,),) = (row.doubts for row in queue(store, book, NOW))
    assert len(doubt.because) == 2, "both are told"


def test_a_reason_that_is_too_long_together_with_what_although_notes_is_told_before_anything(store: Store) -> None:
    book = opened(store)
    names = [by_hand(store, book, f"acct_{n}", Rung.SUSPEND)[Rung.SUSPEND] for n in range(2)]
    permit(store, book, "c" * 1_000, account="acct_1")
    told = len(f" (although a permission in force speaks of it: {'c' * 1_000})")
    with pytest.raises(UsageError, match="together with what --although notes") as refused:
        approve_what_holds(store, book, names, "bob", "y" * (4_001 - told), NOW, although=True)
    assert f"--reason has {4_001 - told:,} letters, --although adds {told:,} for {names[1]}" in refused.value.found
    assert "4,000 together" in refused.value.wanted
    assert {one.state for one in book.find()} == {State.PROPOSED} and not any(one.approvals for one in book.find())
    assert len(approve_what_holds(store, book, names, "bob", "y" * (4_000 - told), NOW, although=True)) == 2


# ------------------------------------------------------------------------------------------- how often it is looked


def test_one_engine_looks_up_all_organisations(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    book, opens = opened(store), []
    rows = [{"account_id": f"acct_{n}", "org_id": f"org_{n % 3}"} for n in range(9)]
    store.add_small("accounts", pa.RecordBatch.from_pylist(rows, schema=ACCOUNTS))
    for number in range(3):
        permit(store, book, f"c{number}", org=f"org_{number}")
    permit(store, book, "own", account="acct_30")
    monkeypatch.setattr(known, "DuckEngine", lambda: opens.append(1) or DuckEngine())
    held = permitted(store, book, NOW)
    assert held == {f"acct_{n}": f"c{n % 3}" for n in range(9)} | {"acct_30": "own"} and len(opens) == 1
    names = [by_hand(store, book, f"acct_{n}", Rung.SUSPEND)[Rung.SUSPEND] for n in (1, 20)]
    (row,) = queue(store, book, NOW)
    assert [doubt.action_id for doubt in row.doubts] == names[:1]


def test_many_actions_are_looked_up_at_once(store: Store) -> None:
    book = opened(store)
    names = [one.action_id for one in acting.propose(store, book, _many(30), NOW, TERMS).new]
    with asked(book) as told:
        assert [one.action_id for one in book.get_all(names)] == names
    assert len([one for one in told if "FROM actions" in one]) == 1 and not [one for one in told if "LIKE" in one]
    with asked(book) as told:
        acting.decline(book, names, "bob", WHY, NOW)
    assert len([one for one in told if one.startswith("SELECT actions.body")]) <= 2, "what is over, and what is named"


def _many(count: int) -> list[Any]:
    return [hit(Rung.SUSPEND, account_id=f"acct_{number}") for number in range(count)]


def test_an_erasure_reads_the_trail_once(store: Store) -> None:
    book = opened(store)
    acting.propose(store, book, _many(9), NOW, TERMS)
    done: list[str] = []
    note = lambda _c, _cursor, statement, *_: done.append(statement)  # noqa: E731
    event.listen(Engine, "before_cursor_execute", note)
    try:
        told = forget_account(store.folder, ["acct_1"], Eraser(NOW), None, dry_run=False)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert told.actions == 1 and told.trail == 1
    assert len([one for one in done if "SELECT" in one and "trail.content" in one]) == 1
    assert not book.verify().fault


# ------------------------------------------------------------------------------------------- by which id


def test_an_action_is_named_by_its_first_letters_if_nobody_elses_id_begins_so(store: Store) -> None:
    book = opened(store)
    names = [one.action_id for one in acting.propose(store, book, _many(40), NOW, TERMS).new]
    for name in names:
        assert [one.action_id for one in book.get_all([name[:8], name])] == [name, name]
    for start in ("R-", names[0][:7], names[0][2:], names[0] + "0", names[0].upper(), "R-zzzzzz", "R-%%%%%%", "\x00"):
        with pytest.raises(UsageError, match="no action's id") as refused:
            book.get(start)
        assert "at least 6 letters" in refused.value.wanted
    absent = "R-" + next(f"{n:06x}" for n in range(99) if not any(one.startswith(f"R-{n:06x}") for one in names))
    with pytest.raises(UsageError, match="0 actions have an id that starts so"):
        book.get(absent)


def test_a_start_that_several_ids_have_is_refused_with_those(store: Store) -> None:
    book = opened(store)
    acting.propose(store, book, _many(11), NOW, TERMS)
    twins = [f"R-abcdef{n:06x}" for n in range(11)]
    with book.database.writing() as connection:
        for held, twin in zip(book.find(), twins, strict=True):
            connection.exec_driver_sql(
                "UPDATE actions SET action_id = ?, body = replace(body, ?, ?) WHERE action_id = ?",
                (twin, held.action_id, twin, held.action_id),
            )
    with pytest.raises(UsageError, match="11 actions have an id that starts so") as refused:
        chosen(book, (State.PROPOSED,), Which(action="R-abcdef"), approving=True)
    assert refused.value.wanted == f"one of {', '.join(twins[:8])} and 3 more"
    assert chosen(book, (State.PROPOSED,), Which(action="R-abcdef00000a")) == twins[-1:]


# ------------------------------------------------------------------------------------------- who begins a casebook


def test_opening_begins_no_casebook_unless_that_is_said(store: Store) -> None:
    with pytest.raises(UsageError, match="no casebook is there"):
        Casebook.open(store.folder)
    with Casebook.seen(store.folder) as book:
        assert book.find() == [] and book.head() == ""
        acting.propose(store, book, _many(1), NOW, TERMS)
    assert not list(store.folder.glob("casebook*"))
    with Casebook.begun(store.folder) as book:
        acting.propose(store, book, _many(1), NOW, TERMS)
    with Casebook.seen(store.folder) as book:
        assert len(book.find()) == 1
    with closing(Casebook.open(store.folder)) as book:
        assert len(book.find()) == 1
