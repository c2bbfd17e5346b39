"""A step-up that the customer has passed: what ends, what stays, and when the same is asked again."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from stillwatch import acting, cli
from stillwatch.acting import evidence
from stillwatch.cli.passed import Kind
from stillwatch.errors import UsageError
from stillwatch.records import CHALLENGES, Obligation, Rung
from stillwatch.respond.action import HOUR, Action, Outcome, State
from stillwatch.store.casebook.casebook import Casebook
from stillwatch.store.decisions import folder_of, open_current, snapshot_key
from stillwatch.store.erase import erase
from stillwatch.store.runs import COUNTED, counted_bytes
from stillwatch.store.store import Store
from tests.respond.casebooks import finding, member, opened, store_of, write_run
from tests.respond.hits import NOW, OF_RUNG, TERMS, hit, run_id

LATER = NOW + HOUR
SAID = ("payment", "kyc", "The card was charged a cent.")


def challenge(kind: str) -> Obligation:
    return Obligation("challenge", (("kind", kind),))


def counted(store: Store, name: str, account: str, before: int, after: int, since: int = LATER) -> None:
    """Let a run count exchanges of an account, asked before a time and after it."""
    times = [*(since - n for n in range(before)), *(since + 1 + n for n in range(after))]
    rows = {
        "campaign_id": ["C-1"] * len(times), "exchange_id": [f"x{n}" for n in range(len(times))],
        "account_id": [account] * len(times), "asked_at": times, "wording": [None] * len(times),
        "own": [None] * len(times), "linked": [None] * len(times),
    }  # fmt: skip
    (store.folder / "runs" / name / "exchanges.parquet").write_bytes(counted_bytes(pa.table(rows).cast(COUNTED)))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return store_of(tmp_path)


@pytest.fixture
def book(store: Store) -> Iterator[Casebook]:
    with closing(opened(store)) as held:
        yield held


def states(book: Casebook, account: str = "acct_1") -> list[tuple[Rung, State]]:
    return [(one.hit.rung, one.state) for one in book.find(account=account)]


def asks(store: Store, book: Casebook, *hits: Any, now: int = NOW) -> list[Action]:
    return list(acting.propose(store, book, hits or [hit(Rung.VERIFY)], now, TERMS).new)


def test_what_asked_for_it_ends_and_all_else_stays(store: Store, book: Casebook) -> None:
    others = [
        hit(Rung.LIMIT), hit(Rung.SUSPEND), hit(Rung.VERIFY, rule_id="b", obligations=(challenge("identity"),)),
        hit(Rung.VERIFY, account_id="acct_2"), hit(Rung.VERIFY, mode="shadow"),
    ]  # fmt: skip
    twice = hit(Rung.VERIFY, rule_id="of another finding", campaign_id="C-2")
    asks(store, book, hit(Rung.VERIFY), twice, *others)
    before = {one.action_id: one for one in book.find()}
    done = acting.passed(book, ["acct_1"], *SAID, LATER, via="login")
    assert {one.hit.rule_id for _, one in done.actions} == {"limit-operators", "of another finding"}
    assert all((one.state, one.ended) == (State.PASSED, "passed") for _, one in done.actions)
    after = {one.action_id: one for one in book.find()}
    ended = {one.action_id for _, one in done.actions}
    assert all(after[name] == before[name] for name in before if name not in ended)
    row = book.history(action_id=done.actions[0][1].action_id)[-1]
    assert (row["what"], row["kind"], row["by"], row["via"], row["reason"]) == ("passed", *SAID[:2], "login", SAID[2])
    assert not book.verify().fault


def test_said_again_it_changes_nothing(store: Store, book: Casebook) -> None:
    asks(store, book)
    acting.passed(book, ["acct_1"], *SAID, LATER)
    head = book.head()
    again = acting.passed(book, ["acct_1", "acct_1"], *SAID, LATER + HOUR)
    assert (again.actions, again.nothing, book.head()) == ((), ("acct_1",), head)


def test_where_nothing_of_the_kind_is_asked_nothing_changes(store: Store, book: Casebook) -> None:
    """Of an account that nobody knows, another kind, a proposal, in shadow, over, taken back."""
    asks(store, book, hit(Rung.VERIFY, mode="shadow"))
    assert states(book) == [(Rung.VERIFY, State.SHADOW)]
    acting.propose(store, book, [hit(Rung.VERIFY, account_id="acct_2")], NOW, TERMS, by="alice")
    asks(store, book, hit(Rung.VERIFY, account_id="acct_3", hours=1), hit(Rung.VERIFY, account_id="acct_4"))
    (four,) = book.find(account="acct_4")
    acting.undo(book, [four.action_id], "bob", "Wrong.", NOW)
    asks(store, book, hit(Rung.VERIFY, account_id="acct_5", obligations=(challenge("identity"),)))
    names = ["nobody", "acct_1", "acct_2", "acct_3", "acct_4", "acct_5", "a\udc80\x00'--", "=1+1"]
    done = acting.passed(book, names, *SAID, NOW + HOUR)
    assert done.actions == () and done.nothing == tuple(sorted(names))
    assert states(book, "acct_2") == [(Rung.VERIFY, State.PROPOSED)]
    assert states(book, "acct_3") == [(Rung.VERIFY, State.EXPIRED)], "it was over before"
    assert states(book, "acct_5") == [(Rung.VERIFY, State.IN_FORCE)]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"accounts": []}, "which accounts"), ({"accounts": [""]}, "which accounts"),
        ({"accounts": [str(n) for n in range(1001)]}, "which accounts"), ({"kind": "blood\x1b"}, "no such challenge"),
        ({"by": "\u0430lice"}, "another's"), ({"by": ""}, "no person"), ({"reason": " "}, "reason is missing"),
    ],
)  # fmt: skip
def test_nothing_is_passed_by_nobody_or_for_no_reason(
    store: Store, book: Casebook, given: dict[str, Any], words: str
) -> None:
    asks(store, book)
    said = {"accounts": ["acct_1"], "kind": "payment", "by": "kyc", "reason": "Charged."} | given
    with pytest.raises(UsageError, match=words):
        acting.passed(book, *said.values(), LATER)  # type: ignore[arg-type]
    assert states(book) == [(Rung.VERIFY, State.IN_FORCE)]


def test_the_same_rule_does_not_ask_again_for_what_is_known(store: Store, book: Casebook) -> None:
    asks(store, book)
    acting.passed(book, ["acct_1"], *SAID, LATER)
    counted(store, run_id(2), "acct_1", before=10, after=0)
    counted(store, run_id(3), "acct_1", before=10, after=9)
    counted(store, run_id(4), "acct_2", before=0, after=9)
    for number in (1, 2, 3, 4, 99):
        again = hit(Rung.VERIFY, run_id=run_id(number), campaign_id=f"C-{number}")
        rehearsing = Casebook.there(store.folder, rehearses=True)
        assert rehearsing is not None
        for held in (rehearsing, book):
            said = acting.propose(store, held, [again], LATER + number * HOUR, TERMS)
            assert said.new == said.renewed == (), number
            assert "has passed what it asks" in said.passed_over[0][1]
        rehearsing.close()
    assert states(book) == [(Rung.VERIFY, State.PASSED)]


def test_it_asks_again_for_what_is_new(store: Store, book: Casebook) -> None:
    asks(store, book)
    acting.passed(book, ["acct_1"], *SAID, LATER)
    counted(store, run_id(2), "acct_1", before=10, after=10)
    (again,) = asks(store, book, hit(Rung.VERIFY, run_id=run_id(2)), now=LATER + HOUR)
    assert (again.state, again.passed) == (State.IN_FORCE, ())
    acting.passed(book, ["acct_1"], *SAID, LATER + 2 * HOUR)
    counted(store, run_id(3), "acct_1", before=10, after=10)
    assert not asks(store, book, hit(Rung.VERIFY, run_id=run_id(3)), now=LATER + 3 * HOUR), "new since the first alone"


def test_of_a_run_that_lists_no_exchanges_all_must_be_new(store: Store, book: Casebook) -> None:
    asks(store, book)
    acting.passed(book, ["acct_1"], *SAID, LATER)
    for number, (since, is_new) in enumerate(((LATER - 1_000_000, False), ("never", False), (LATER + 1, True)), 20):
        write_run(store, run_id(number), finding("C-1", member("acct_1")))
        path = store.folder / "runs" / run_id(number) / "campaigns.json"
        held = json.loads(path.read_text())
        held["run"]["since"] = datetime.fromtimestamp(since / 1e6, UTC).isoformat() if isinstance(since, int) else since
        path.write_text(json.dumps(held))
        assert bool(asks(store, book, hit(Rung.VERIFY, run_id=run_id(number)), now=LATER + HOUR)) == is_new, since


def test_other_rules_and_people_ask_as_before(store: Store, book: Casebook) -> None:
    """Also where the customer appealed first: no rule is held up by what was passed, until somebody upholds that."""
    (made,) = asks(store, book)
    acting.open_appeal(book, made.action_id, "It is not us.", NOW, by="support")
    ((_, ended),) = acting.passed(book, ["acct_1"], *SAID, LATER).actions
    assert ended.appeal is not None and ended.appeal.outcome == Outcome.OPEN
    more = [hit(Rung.VERIFY, rule_id="other"), hit(Rung.LIMIT, run_id=run_id(2))]
    new = asks(store, book, *more, now=LATER + HOUR)
    assert [(one.state, one.needs, one.person) for one in new] == [(State.IN_FORCE, 0, "")] * 2
    by_hand = acting.propose(store, book, [hit(Rung.VERIFY)], LATER + HOUR, TERMS, by="alice")
    assert [one.state for one in by_hand.new] == [State.PROPOSED]


@pytest.mark.parametrize("upheld", [True, False])
def test_who_appeals_and_complies_gets_an_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, upheld: bool
) -> None:
    """By its campaign too; beside it stands one that was passed and that nobody appealed against."""
    monkeypatch.setenv("STILLWATCH_KEY_FILE", str(tmp_path / "key"))
    store = store_of(tmp_path)
    now = int(datetime.now(UTC).timestamp() * 1e6) - HOUR
    with closing(opened(store)) as book:
        made, _, _ = asks(store, book, *(hit(Rung.VERIFY, account_id=f"acct_{n}") for n in (1, 2, 3)), now=now)
        (one,) = book.find(account="acct_1")
        acting.open_appeal(book, one.action_id, "It is not us.", now, by="support")
        acting.passed(book, ["acct_1", "acct_2"], *SAID, now)
        assert [waits.hit.account_id for waits in acting.open_appeals(book)] == ["acct_1"]
    words = ["appeal", "answer", "--campaign", made.hit.campaign_id, "--by", "bob", "--reason", "Seen.", "--answer"]
    words += ["upheld" if upheld else "rejected", "--store", str(store.folder), "--json"]
    assert cli.run([*words, "--accounts", "3"]) == 2, "in force is one, and appealed against another"
    assert cli.run([*words, "--accounts", "2"]) == 0
    (said,) = json.loads(capsys.readouterr().out)["actions"]
    assert (said["account_id"], said["state"]) == ("acct_1", "lapsed" if upheld else "passed")
    with closing(opened(store)) as book:
        assert not acting.open_appeals(book) and not book.verify().fault
        again = [hit(Rung.VERIFY, rule_id="other", account_id=f"acct_{n}", run_id=run_id(2)) for n in (1, 2)]
        states = {new.hit.account_id: (new.state, new.person) for new in asks(store, book, *again, now=now + HOUR)}
    assert states["acct_2"] == (State.IN_FORCE, "")
    if upheld:
        assert states["acct_1"][0] == State.PROPOSED and "appeal upheld" in states["acct_1"][1]
    else:
        assert states["acct_1"] == (State.IN_FORCE, "")


def test_an_account_that_is_named_twice_is_told_once_and_never_as_nothing(store: Store, book: Casebook) -> None:
    """Whoever sends an id and its pseudonym means one account."""
    asks(store, book)
    done = acting.passed(book, ["z", "acct_1", "y"], *SAID, LATER, names=lambda name: ["acct_1"] if name == "z" else [])
    assert [name for name, _ in done.actions] == ["acct_1"] and done.nothing == ("y",)


def test_a_run_is_read_before_anybody_waits_and_of_those_alone_who_passed(
    store: Store, book: Casebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks(store, book, hit(Rung.VERIFY), hit(Rung.VERIFY, account_id="acct_2"))
    acting.passed(book, ["acct_1"], *SAID, LATER)
    counted(store, run_id(2), "acct_1", before=3, after=1)
    seen: list[object] = []
    read, writing, added = evidence.read_counted, book.writing, evidence.Evidence.read

    def told(*given: Any) -> Any:
        seen.append("reads")
        return read(*given)

    def begins(*given: Any) -> Any:
        seen.append("writes")
        return writing(*given)

    def of(self: Any, run: str, accounts: Any) -> None:
        seen.append(sorted(accounts))
        added(self, run, accounts)

    monkeypatch.setattr(evidence, "read_counted", told)
    monkeypatch.setattr(book, "writing", begins)
    monkeypatch.setattr(evidence.Evidence, "read", of)
    again = [hit(Rung.VERIFY, account_id=name, run_id=run_id(2)) for name in ("acct_1", "acct_2", "acct_3")]
    assert [one.hit.account_id for one in asks(store, book, *again, now=LATER + HOUR)] == ["acct_3"]
    assert seen[:3] == [["acct_1"], "reads", "writes"] and seen.count("reads") == 1
    assert {str(one) for one in seen[3:]} <= {"['acct_1']"}


def test_who_passes_while_a_run_is_judged_is_asked_about_within(
    store: Store, book: Casebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks(store, book)
    counted(store, run_id(2), "acct_1", before=3, after=1)
    writing, late = book.writing, ["acct_1"]

    def begins(*given: Any) -> Any:
        if late:
            acting.passed(book, [late.pop()], *SAID, LATER)
        return writing(*given)

    monkeypatch.setattr(book, "writing", begins)
    said = acting.propose(store, book, [hit(Rung.VERIFY, run_id=run_id(2))], LATER + HOUR, TERMS)
    assert not said.new and "has passed what it asks" in said.passed_over[0][1]


def test_what_was_passed_of_several_is_not_asked_with_the_rest(store: Store, book: Casebook) -> None:
    both = {"obligations": (challenge("identity"), challenge("payment")), "hours": 1}
    asks(store, book, hit(Rung.VERIFY, **both))
    ((_, once),) = acting.passed(book, ["acct_1"], *SAID, NOW).actions
    assert once.state == State.IN_FORCE
    (again,) = asks(store, book, hit(Rung.VERIFY, **both, run_id=run_id(2)), now=NOW + 2 * HOUR)
    (told,) = book.in_force(NOW + 2 * HOUR)
    assert again.state == State.IN_FORCE and told.obligations == (challenge("identity"),)
    limit = hit(Rung.LIMIT, account_id="acct_2", obligations=(*OF_RUNG[Rung.LIMIT], challenge("payment")), hours=1)
    asks(store, book, limit)
    acting.passed(book, ["acct_2"], *SAID, NOW)
    asks(store, book, hit(**{**vars(limit), "run_id": run_id(2)}), now=NOW + 2 * HOUR)
    assert [one.obligations for one in book.in_force(NOW + 2 * HOUR) if one.account_id == "acct_2"] == [
        OF_RUNG[Rung.LIMIT]
    ]


def test_nobody_approves_unknowing_what_was_passed_since(store: Store, book: Casebook) -> None:
    asks(store, book)
    (waits,) = acting.propose(store, book, [hit(Rung.VERIFY)], NOW, TERMS, by="alice").new
    acting.passed(book, ["acct_1"], *SAID, LATER)
    for approve in (acting.approve, lambda *said: acting.approve_what_holds(store, *said)):
        with pytest.raises(UsageError, match="has passed what it asks"):
            approve(book, [waits.action_id], "bob", "Seen.", LATER)
    done = acting.approve_what_holds(store, book, [waits.action_id], "bob", "Again.", LATER, although=True)
    assert done[0].state == State.IN_FORCE and "although" in done[0].approvals[0].reason


def test_an_erasure_takes_it_all_along(store: Store, book: Casebook) -> None:
    asks(store, book, hit(Rung.VERIFY), hit(Rung.VERIFY, account_id="acct_2"))
    acting.passed(book, ["acct_1", "acct_2"], "payment", "kyc", "acct_1 and acct_2 were charged.", LATER)
    erase(store, "acct_1", unknown=True)
    assert book.find(account="acct_1") == [] and not book.verify().fault
    assert "acct_1" not in json.dumps(book.history())
    assert acting.passed(book, ["acct_1"], *SAID, LATER + HOUR).nothing == ("acct_1",)


def test_the_command_ends_it_and_gateways_are_told_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STILLWATCH_KEY_FILE", str(tmp_path / "key"))
    store = store_of(tmp_path)
    now = int(datetime.now(UTC).timestamp() * 1e6) - HOUR
    with closing(opened(store)) as book:
        asks(store, book, hit(Rung.VERIFY), now=now)
        acting.publish(store, book, now)
    assert told(store)
    words = ["passed", "acct_1", "=nobody", "--kind", "payment", "--by", "kyc", "--reason", "Charged.", "--store"]
    assert cli.run([*words, str(store.folder), "--json"]) == 0
    out = capsys.readouterr()
    said = json.loads(out.out)
    assert (said["schema"], said["kind"], said["nothing"]) == ("stillwatch/passed/v1", "payment", ["=nobody"])
    assert [(one["account_id"], one["state"], one["left"]) for one in said["passed"]] == [("acct_1", "passed", [])]
    assert "no such account is known here: \\x3dnobody" in out.err and "acct_1" not in out.err
    assert not told(store)
    assert cli.run([*words[:2], *words[3:], str(store.folder)]) == 0
    assert "nothing in force asks for payment of: acct_1" in capsys.readouterr().err
    assert cli.run([*words[:2], "--kind", "blood", *words[5:], str(store.folder)]) == 2


def told(store: Store) -> list[Rung]:
    snapshot = open_current(folder_of(store.folder), snapshot_key(store.folder))
    return [one.rung for one in snapshot.find("acct_1")]


def test_the_command_knows_every_challenge() -> None:
    assert tuple(one.value for one in Kind) == CHALLENGES
