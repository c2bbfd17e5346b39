"""The casebook in SQLite: one truth for all processes, a trail that shows tampering, erasure that leaves no trace."""

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from stillwatch import acting
from stillwatch.acting import grants
from stillwatch.acting.by_hand import HAND
from stillwatch.acting.collateral import queue
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.errors import StoreError, UsageError
from stillwatch.pipeline import ingest_sources
from stillwatch.records import Obligation, Rung
from stillwatch.respond.action import HOUR, State
from stillwatch.store.casebook import schema
from stillwatch.store.casebook.casebook import Casebook, action_row
from stillwatch.store.casebook.database import Database
from stillwatch.store.casebook.reviews import Review, label
from stillwatch.store.erase import erase
from stillwatch.store.mentions import Mentions
from stillwatch.store.retention import expire
from stillwatch.store.store import Store
from tests.respond.casebooks import begun, finding, member, opened, store_of, write_run
from tests.respond.hits import DAY, NOW, TERMS, hit, run_id
from tests.store import casebook_checks as checks
from tests.store.casebook_checks import WHY, hits, what, whole
from tests.store.logs import every_byte, exchange, write

CANARY = "canary_7f3a"
SHUTS_OUT = (Obligation("rate_limit", (("requests_per_minute", 1), ("tokens_per_minute", 1))),)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return store_of(tmp_path)


@contextmanager
def another(tmp_path: Path) -> Iterator[Casebook]:
    folder = tmp_path / "other"
    folder.mkdir()
    book = Casebook.open(folder, begins=True)
    yield book
    book.close()


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
def test_on_sqlite(check: Callable[..., None], store: Store, tmp_path: Path) -> None:
    with another(tmp_path) as other:
        check(store, opened(store), other)


@pytest.mark.parametrize("kind", [*checks.TAMPERING, *checks.BOUND])
def test_tampering_shows(kind: str, store: Store) -> None:
    checks.tampering_shows(store, opened(store), kind)


def test_rows_cut_off_show_by_the_hash_that_was_written_down(store: Store) -> None:
    book = opened(store)
    acting.propose(store, book, hits(2), NOW, TERMS)
    head = book.verify().head
    assert not book.verify(head).fault
    with book.database.writing() as connection:
        connection.execute(text("DROP TRIGGER trail_stays"))
        connection.execute(text("DELETE FROM trail WHERE seq > 2"))
        connection.execute(text("DELETE FROM actions WHERE action_id NOT IN (SELECT action_id FROM trail)"))
    assert not book.verify().fault, "the chain alone cannot tell"
    assert "cut off" in book.verify(head).fault


@pytest.mark.slow
def test_processes_at_once(store: Store, tmp_path: Path) -> None:
    checks.approvers_at_once_never_apply_twice(store, opened(store), None)
    (tmp_path / "second").mkdir()
    checks.processes_that_make_the_casebook_at_once(store_of(tmp_path / "second"), None)


@pytest.mark.slow
def test_ten_thousand_appeals(store: Store) -> None:
    checks.appeals_without_end(store, opened(store), 10_000)


def test_appeals_without_end(store: Store) -> None:
    checks.appeals_without_end(store, opened(store), 20)


def test_the_migrations_make_the_tables_that_the_code_knows(store: Store) -> None:
    book = opened(store)
    with book.database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.METADATA) == []
    folder = Path(schema.__file__).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_heads() == [schema.HEAD]


def test_a_casebook_of_a_newer_version_or_a_damaged_one_is_told(store: Store, tmp_path: Path) -> None:
    book = opened(store)
    with book.database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer version"):
        opened(store)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "casebook.db").write_bytes(b"no database at all, and longer than a header" * 40)
    with pytest.raises(StoreError, match="cannot be used"):
        Database.open(tmp_path / "bad")


def test_every_change_is_on_disk_before_it_is_acknowledged(store: Store) -> None:
    with opened(store).database.reading() as connection:
        told = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in (
            "journal_mode", "synchronous", "secure_delete", "busy_timeout")]  # fmt: skip
    assert told == ["wal", 2, 1, 60_000]


def test_a_casebook_on_a_server_has_to_be_named(store: Store) -> None:
    (store.folder / "casebook.elsewhere").touch()
    with pytest.raises(UsageError, match="on a server"):
        opened(store)
    with pytest.raises(UsageError, match="on a server"):
        erase(store, CANARY)


# ------------------------------------------------------------------------------------------- rules, time and runs


def test_a_later_run_renews_up_to_the_bound_and_then_asks_a_person(store: Store) -> None:
    book = opened(store)
    acting.propose(store, book, hits(1), NOW, TERMS)
    for number in range(1, 9):
        acting.propose(store, book, hits(1, run_id=run_id(number)), NOW + number * 20 * HOUR, TERMS)
    first, second = what(book) if what(book)[0].state == State.IN_FORCE else reversed(what(book))
    assert (first.expires_at, first.hit.run_id) == (NOW + 168 * HOUR, run_id(8))
    assert (second.state, second.needs) == (State.PROPOSED, 1) and "goes on from" in second.person
    whole(book)


@pytest.mark.slow
def test_no_account_is_touched_for_more_than_a_week_in_four_without_a_person(store: Store) -> None:
    """Rules with many names, runs and lengths; whatever they do, the union of automatic time stays within the bound."""
    for seed in range(6):
        folder = store.folder.parent / f"w{seed}"
        folder.mkdir()
        book, draw, now = Casebook.open(folder, begins=True), random.Random(seed), NOW
        for number in range(1, 40):
            now += draw.choice((1, 5, 20, 50)) * HOUR
            given = {"rule_id": draw.choice("abc"), "hours": draw.choice((1, 24, 100, 168)), "run_id": run_id(number)}
            rung = draw.choice((Rung.LABEL, Rung.VERIFY, Rung.VERIFY))
            acting.propose(store, book, [hit(rung, account_id="acct_1", **given)], now, TERMS)
        spans = [(a.starts_at, min(a.expires_at, a.touched_at if a.ended else a.expires_at))
                 for a in book.find() if a.starts_at and a.hit.rung >= Rung.VERIFY]  # fmt: skip
        hours = {h for start, end in spans for h in range((start - NOW) // HOUR, -(-(end - NOW) // HOUR))}
        worst = max(sum(begin <= h < begin + 672 for h in hours) for begin in range(0, 1200, 4))
        assert 100 < worst <= 168, f"seed {seed}: {worst} hours"
        book.close()


def test_what_a_person_declined_or_undid_does_not_come_back_by_itself(store: Store) -> None:
    book = opened(store)
    named = acting.propose(store, book, hits(1, Rung.SUSPEND), NOW, TERMS).new[0].action_id
    acting.decline(book, [named], "bob", WHY, NOW)
    later = acting.propose(store, book, hits(1, Rung.SUSPEND, run_id=run_id(2)), NOW + DAY, TERMS)
    assert [why for _, why in later.passed_over] == ["a person declined it a few days ago"]
    assert acting.propose(store, book, hits(1, Rung.SUSPEND, run_id=run_id(3)), NOW + 8 * DAY, TERMS).new
    limited = acting.propose(store, book, hits(1), NOW, TERMS).new[0]
    acting.undo(book, [limited.action_id], "bob", WHY, NOW)
    for rule in ("limit-operators", "the same under another name"):
        again = acting.propose(store, book, hits(1, rule_id=rule, run_id=run_id(4)), NOW + DAY, TERMS).new[0]
        assert (again.state, again.needs) == (State.PROPOSED, 1)


def test_whom_the_finding_does_not_accuse_no_rule_limits_and_nobody_suspends(store: Store) -> None:
    book = opened(store)
    some = [hit(Rung.SUSPEND, account_id="victim"), hit(account_id="victim"), hit(Rung.VERIFY, account_id="victim"),
            hit(account_id="acct_1", run_id="no such run"),
            hit(account_id="victim", obligations=SHUTS_OUT)]  # fmt: skip
    done = acting.propose(store, book, some, NOW, TERMS)
    assert [why for _, why in done.passed_over] == [acting.actions.NOT_ACCUSED] * 2
    assert sorted((one.hit.rung, one.needs) for one in done.new) == [(Rung.VERIFY, 0), (Rung.LIMIT, 1), (Rung.LIMIT, 1)]


def test_what_one_person_proposes_stops_no_rule_and_passes_no_cap_of_its_own(store: Store) -> None:
    book = opened(store)
    by_hand = [hit(account_id=f"acct_{n}", policy=HAND, rule_id="by hand") for n in range(10, 13)]
    acting.propose(store, book, by_hand, NOW, replace(TERMS, cap=20), by="mallory")
    done = acting.propose(store, book, hits(4), NOW, TERMS)
    assert {(one.needs, one.radius) for one in done.new} == {(0, 4)}
    assert sorted(one.radius for one in queue(store, book, NOW)) == [7]
    more = [hit(account_id=f"acct_{n}", policy=HAND, rule_id="by hand") for n in range(13, 30)]
    harsh = acting.propose(store, book, more, NOW, replace(TERMS, cap=20), by="mallory")
    assert {one.needs for one in harsh.new} == {2}
    (once,) = acting.approve(book, [book.find((State.PROPOSED,))[0].action_id], "bob", WHY, NOW)
    assert (once.state, once.needs) == (State.PROPOSED, 2), "the first three are counted with what came after"
    more = acting.propose(store, book, [hit(account_id="acct_5"), hit(account_id="acct_6")], NOW, TERMS)
    assert {(one.needs, one.radius) for one in more.new} == {(2, 7)}, "what a second person stands behind counts"
    whole(book)


def test_who_proposes_cannot_raise_the_cap(store: Store) -> None:
    book = opened(store)
    with pytest.raises(UsageError, match="cannot raise"):
        acting.propose(store, book, hits(1), NOW, replace(TERMS, cap=21), by="mallory")
    assert not book.find()
    assert acting.propose(store, book, hits(1), NOW, replace(TERMS, cap=21)).new, "a policy's own cap is another matter"


def test_a_campaign_under_a_new_name_is_the_same_while_its_finding_names_whom_is_acted_on(store: Store) -> None:
    """The second run's rules hit the other half of a group alone, under the id that the group has now."""
    book, run = opened(store), "20260401T000001-000000001-aaaaaa"
    first = [f"a{n}" for n in range(5)]
    acting.propose(store, book, [hit(account_id=f"acct_{n}", hours=168) for n in range(5)], NOW, TERMS)
    accounts = [member(f"acct_{n}") for n in range(10)]
    write_run(store, run, finding("C-9", *accounts), finding("C-8", *map(member, first)), finding("C-7"))
    others = [hit(account_id=f"acct_{n}", campaign_id="C-9", run_id=run) for n in range(5, 10)]
    apart = [hit(account_id=name, campaign_id="C-8", run_id=run) for name in first]
    done = acting.propose(store, book, [*others, *apart], NOW + HOUR, TERMS)
    told = {one.hit.account_id: (one.radius, one.needs) for one in done.new}
    assert told == {f"acct_{n}": (10, 2) for n in range(5, 10)} | dict.fromkeys(first, (5, 0))
    assert len(book.in_force(NOW + HOUR)) == 10
    whole(book)


def test_a_detection_that_errs_in_many_groups_at_once_waits_for_a_person(store: Store) -> None:
    """One account a campaign, each within the cap: what rules do at once by themselves is bounded all the same."""
    book, small, names = opened(store), replace(TERMS, cap=1), [f"n{n:02}" for n in range(24)]

    def of_run(number: int, accounts: list[str], **given: Any) -> list[Any]:
        run = f"20260401T{number:06d}-000000001-aaaaaa"
        if not (store.folder / "runs" / run).exists():
            write_run(store, run, *(finding(f"C-{name}", member(name)) for name in names))
        return [hit(account_id=name, campaign_id=f"C-{name}", run_id=run, **given) for name in accounts]

    first = acting.propose(store, book, of_run(1, names[:10]), NOW, small)
    assert {one.state for one in first.new} == {State.IN_FORCE}
    many = [*of_run(2, names), *of_run(2, names[:3], rung=Rung.LABEL, obligations=())]
    second = acting.propose(store, book, many, NOW + HOUR, small)
    touched = [one for one in second.new if one.hit.rung == Rung.LIMIT]
    assert len(second.renewed) == 10 and len(touched) == 14
    assert {(one.state, one.needs) for one in touched} == {(State.PROPOSED, 1)}
    assert all("24 accounts at once, in all campaigns; 10 at most" in one.person for one in touched)
    assert len([one for one in second.new if one.state == State.IN_FORCE]) == 3, "a label touches nobody"
    (done,) = acting.approve(book, [touched[0].action_id], "alice", WHY, NOW + HOUR)
    assert done.state == State.IN_FORCE
    again = acting.propose(store, book, of_run(3, names[:10]), NOW + 200 * HOUR, small)
    assert {one.state for one in again.new} == {State.IN_FORCE}, "once fewer are touched, rules act again"
    whole(book)


@pytest.mark.slow
@pytest.mark.parametrize("part", ["starts_at", "expires_at", "proposed_at", "needs", "version", "bound_at"])
@pytest.mark.parametrize("value", ["soon", 1.5, True, [], None])
def test_an_action_that_somebody_wrote_over_is_told_and_never_crashes(store: Store, part: str, value: Any) -> None:
    if value is None and part in ("starts_at", "bound_at"):
        return
    book = opened(store)
    name = acting.propose(store, book, hits(1), NOW, TERMS).new[0].action_id
    with book.database.writing() as connection:
        body = connection.execute(text("SELECT body FROM actions")).scalar()
        connection.execute(
            text("UPDATE actions SET body = :body"), {"body": json.dumps({**json.loads(str(body)), part: value})}
        )
    for read in (lambda: book.in_force(NOW), lambda: book.get(name), book.find):
        with pytest.raises(StoreError, match="damaged"):
            read()
    assert name in book.verify().fault


def test_a_limit_that_somebody_wrote_without_an_end_is_not_in_force(store: Store) -> None:
    book = opened(store)
    acting.propose(store, book, hits(1), NOW, TERMS)
    (held,) = what(book)
    assert len(book.in_force(NOW + HOUR)) == 1
    for hours, stands in ((168, 1), (169, 0), (10**6, 0)):
        longer = replace(held, expires_at=NOW + hours * HOUR, bound_at=None)
        with book.database.writing() as connection:
            connection.execute(schema.ACTIONS.update().values(action_row(longer)))
        assert len(book.in_force(NOW + HOUR)) == stands and book.verify().fault


# ------------------------------------------------------------------------------------------- erasure


def test_nothing_of_an_erased_account_is_left_and_the_trail_still_holds(store: Store) -> None:
    book = opened(store)
    label(book, Review(run_id(1), "C-1", CANARY, "true", "bob", WHY, NOW))
    acting.propose(
        store, book, [hit(Rung.VERIFY, account_id=CANARY, reason="The rare words zyxquorn."), *hits(2)], NOW, TERMS
    )
    acting.propose(store, book, hits(1, Rung.SUSPEND, reason=f"With {CANARY} on one card."), NOW, TERMS)
    taken = acting.propose(store, book, hits(1, rule_id="x"), NOW, TERMS).new[0]
    acting.undo(book, [taken.action_id], "bob", f"Mistaken for {CANARY}.", NOW)
    wanted = grants.Permission(CANARY, None, "research", "contract 9")
    grants.add_permission(store, begun(book), wanted, "bob", WHY, NOW)
    grants.end_permissions(store, begun(book), "contract 9", "bob", WHY, NOW)
    action = book.find(account=CANARY)[0]
    acting.open_appeal(book, action.action_id, "The plea wvuplith.", NOW)
    others = [one for one in what(book) if one.hit.account_id != CANARY]
    book.close()
    traces = [CANARY, "zyxquorn", "wvuplith", action.action_id, schema.mark(CANARY)]
    held = every_byte(store.folder)
    assert all(trace.encode() in held for trace in traces), "the search finds what is there"
    dry = erase(store, CANARY, dry_run=True)
    assert every_byte(store.folder).count(CANARY.encode()) >= held.count(CANARY.encode()) > 0
    told = erase(store, CANARY)
    assert told.cases == dry.cases and (told.cases.actions, told.cases.in_force) == (1, 1)
    assert (told.cases.reviews, told.cases.grants, told.cases.mentions) == (1, 1, 1)
    assert [trace for trace in traces if trace.encode() in every_byte(store.folder)] == []
    book = opened(store)
    whole(book)
    assert book.verify().erased == told.cases.trail
    after = what(book)
    assert [one.action_id for one in after] == [one.action_id for one in others]
    assert {one.hit.reason for one in after} == {hit().reason, "With erased on one card."}
    assert erase(store, CANARY).cases.actions == 0


def test_an_id_that_is_spelled_like_our_words_erases_none_of_them(store: Store) -> None:
    book = opened(store)
    acting.propose(store, book, [hit(Rung.VERIFY, account_id="enforce"), *hits(2)], NOW, TERMS)
    book.close()
    erase(store, "enforce")
    book = opened(store)
    assert len(book.in_force(NOW)) == 2
    whole(book)


def test_cases_that_ended_half_a_year_ago_go_with_their_days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    ingest_sources([write(tmp_path / "logs", [exchange(n) for n in range(60)])], tmp_path / "s")
    store = Store.open(tmp_path / "s")
    old = 1_700_000_000_000_000
    book = opened(store)
    acting.propose(store, book, [hit(Rung.VERIFY, account_id="long_ago")], old, TERMS)
    acting.sweep(book, old + DAY)
    acting.propose(store, book, [hit(Rung.VERIFY, account_id="still_here", hours=168)], 1_772_359_200_000_000, TERMS)
    book.close()
    assert expire(store, date(2026, 3, 2), dry_run=True).cases == 1
    assert expire(store, date(2026, 3, 2)).cases == 1
    book = opened(store)
    assert [one.hit.account_id for one in book.find()] == ["still_here"]
    assert b"long_ago" not in every_byte(store.folder)
    whole(book)


# ------------------------------------------------------------------------------------------- permissions


def held_by(store: Store) -> list[tuple[str, Any]]:
    with DuckEngine() as engine:
        store.register(engine)
        rows = engine.arrow("SELECT reference, ends_at FROM permissions ORDER BY ALL").to_pylist()
    return [(row["reference"], row["ends_at"]) for row in rows]


def test_a_file_that_is_read_again_brings_no_permission_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    granted = [{"account_id": "acct_17", "purpose": "research", "reference": name} for name in ("c1", "c2")]
    logs = write(tmp_path / "logs", [exchange(n) for n in range(4)], permissions=granted)
    more = write(tmp_path / "more", [exchange(9)], permissions=[granted[0] | {"exchange_cap": 5}, granted[1]])
    ingest_sources([logs], tmp_path / "s")
    store = Store.open(tmp_path / "s")
    book = opened(store)
    before = store.names()
    grants.end_permissions(store, begun(book), "c1", "bob", WHY, NOW)
    ended = grants.time_of(NOW)
    assert held_by(store) == [("c1", ended), ("c2", None)] and store.names() != before
    for again in (logs, more):
        ingest_sources([again], tmp_path / "s")
    assert held_by(store) == [("c1", ended), ("c1", ended), ("c2", None)]
    assert {(row["reference"], row["state"]) for row in grants.permissions_now(store, book, NOW)} == {
        ("c1", "ended"), ("c2", "holds"),
    }  # fmt: skip


def test_a_permission_is_found_by_its_pseudonym(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    ingest_sources([write(tmp_path / "logs", [exchange(1)])], tmp_path / "s", pseudonymous=True)
    store = Store.open(tmp_path / "s")
    book = opened(store)
    row = grants.add_permission(
        store, begun(book), grants.Permission("acct_17", None, "research", "c"), "bob", WHY, NOW
    )
    assert row["account_id"].startswith("hmac:1:")
    assert grants.end_permissions(store, begun(book), "c", "bob", WHY, NOW, account="acct_17")


def test_who_acted_stays_on_the_trail_whoever_is_erased(store: Store) -> None:
    book = opened(store)
    done = acting.propose(store, book, hits(3), NOW, TERMS).new
    acting.undo(book, [done[0].action_id], "mallory", "ticket acct_2 and unacct_2 account", NOW, via="mal")
    before = book.history()
    book.close()
    with pytest.raises(UsageError, match="does not know"):
        erase(store, "account")
    assert erase(store, "account", unknown=True).cases.trail == 0
    told = erase(store, "acct_2", by="dana", via="d").cases
    assert (told.trail, told.restated, told.mentions) == (2, 1, 0)
    book = opened(store)
    whole(book)
    rows = {row["seq"]: row for row in book.history()}
    undone = next(row for row in before if row["what"] == "undone")
    now = rows[undone["seq"]]
    assert now | {"restated": 0} == undone | {"reason": "ticket erased and unacct_2 erased", "restated": 0}
    assert (now["by"], now["via"], now["erased"]) == ("mallory", "mal", False)
    assert now in book.history(action_id=done[0].action_id) and rows[now["restated"]]["what"] == "restated"
    last = next(row for row in book.history() if row["what"] == "erased" and row["by"])
    assert (last["by"], last["via"], last["rows"]) == ("dana", "d", 2)
    erase(store, "acct_0", by="eve", via="e")
    rows = {row["seq"]: row for row in book.history()}
    now = rows[undone["seq"]]
    assert (now["by"], now["via"], now["erased"]) == ("mallory", "mal", True) and "reason" not in now
    whole(book)
    assert erase(store, "acct_0").cases.trail == 0, "who was erased is known, and nothing is left"
    book.close()


def test_a_rules_words_are_kept_from_an_id_that_is_a_word(store: Store) -> None:
    book = opened(store)
    words = {"reason": "One account of many.", "clause": "Terms 2: one account"}
    acting.propose(store, book, [hit(Rung.VERIFY, account_id="account", **words), *hits(2, **words)], NOW, TERMS)
    book.close()
    assert erase(store, "account").cases.restated == 0
    book = opened(store)
    assert {one.hit.reason for one in what(book)} == {words["reason"]} and len(what(book)) == 2
    whole(book)
    book.close()


def test_an_erased_id_is_in_no_text_that_people_wrote(store: Store) -> None:
    book = opened(store)
    acting.propose(store, book, [hit(Rung.VERIFY, account_id=CANARY)], NOW, TERMS)
    other = hit(Rung.VERIFY, account_id="acct_1", clause=f"Terms, for {CANARY}")
    terms = replace(TERMS, appeal_url=f"https://p.example/a?of={CANARY}")
    acting.propose(store, book, [other], NOW, terms, by="bob")
    wanted = grants.Permission("acct_1", None, "research", f"contract {CANARY}", models=("m", CANARY))
    grants.add_permission(store, begun(book), wanted, "bob", f"As {CANARY} asked.", NOW)
    grants.end_permissions(store, begun(book), f"contract {CANARY}", "bob", f"{CANARY} left.", NOW + 1)
    book.close()
    erase(store, CANARY)
    assert CANARY.encode() not in every_byte(store.folder)
    book = opened(store)
    whole(book)
    assert book.find()[0].terms.appeal_url == "https://p.example/a?of=erased"
    host = Mentions(["p.example"]).out_of_address("https://p.example/p.example")
    assert host == "https://p.example/erased", "nobody's id takes the address of appeals away"
    (row,) = grants.permissions_now(store, book, NOW + 2)
    assert (row["reference"], row["models"], row["state"]) == ("contract erased", ["m", "erased"], "ended")
    assert (row["granted_because"], row["ended_because"]) == ("As erased asked.", "erased left.")
    granted = next(one for one in book.history() if one["what"] == "granted")
    assert (granted["by"], granted["reference"]) == ("bob", "contract erased")
    book.close()


def test_half_a_character_is_erased_where_it_can_be(store: Store) -> None:
    book = opened(store)
    name = "\udcff\udcfe"
    acting.propose(store, book, [hit(Rung.VERIFY, account_id=name), *hits(1)], NOW, TERMS)
    book.close()
    with pytest.raises(UsageError, match="does not know"):
        erase(store, "\udcff")
    assert erase(store, name).cases.actions == 1
    book = opened(store)
    whole(book)
    assert len(what(book)) == 1
    book.close()
