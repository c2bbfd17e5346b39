"""A backtest: the hits of a replay, from what a watch has kept; what it tells; what it refuses."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from stillwatch import watch
from stillwatch.assess.campaign_lives import KEPT, KEPT_OF_EVIDENCE, KEPT_OF_MEMBERS
from stillwatch.backtest import backtested, days_of, facts_of_run, known_at
from stillwatch.cli import run
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.errors import UsageError
from stillwatch.past import answer_then
from stillwatch.pipeline import ingest_sources
from stillwatch.respond.facts import COLUMNS, Facts, Known, facts_of
from stillwatch.respond.hits import hits_of, judged
from stillwatch.respond.lint import load_policy
from stillwatch.respond.policy import Policy
from stillwatch.store.erase import erase
from stillwatch.store.store import Store
from stillwatch.watch import held_records, watched
from stillwatch.worlds import world as worlds
from tests.conftest import key_in
from tests.respond.policies import HEAD, finding, loaded, member, rule
from tests.respond.test_policy_file import template
from tests.store.logs import exchange, write

DAYS = 14
LAST = 6

# --------------------------------------------------------------------------------- a replay, day by day, the slow way


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fourteen days of a world with operators and stolen keys."""
    folder = tmp_path_factory.mktemp("world")
    worlds.write(worlds.simulate("mixed", 5, 0.3), folder / "logs", folder / "truth")
    for path in sorted((folder / "logs" / "exchanges").iterdir())[DAYS:]:
        path.unlink()
    return folder / "logs"


@pytest.fixture(scope="module")
def store(logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("store") / "s"
    ingest_sources([logs], folder, key_file=key_in(tmp_path_factory.mktemp("key")))
    watched(Store.open(folder))
    return Store.open(folder)


def known_from(logs: Path, at: datetime) -> Known:
    """What the world's own files say as of a time, read without the store."""
    rows = [
        row for path in logs.glob("accounts*") for row in pq.read_table(path).to_pylist()
        if row["created_at"] is None or row["created_at"] < at
    ]  # fmt: skip
    for row in rows:
        row["suspended_at"] = row["suspended_at"] if row["suspended_at"] and row["suspended_at"] < at else None
    grants = [
        row for path in logs.glob("permissions*") for row in pq.read_table(path).to_pylist()
        if (row["starts_at"] is None or row["starts_at"] < at) and (row["ends_at"] is None or row["ends_at"] >= at)
    ]  # fmt: skip
    held: dict[str, list[str]] = {}
    for row in rows:
        of_account = [g["purpose"] for g in grants if g["account_id"] == row["account_id"]]
        of_org = [g["purpose"] for g in grants if row["org_id"] is not None and g["org_id"] == row["org_id"]]
        held[row["account_id"]] = of_account + of_org
    logged = {name for name in COLUMNS if any(row[name] is not None for row in rows)}
    return Known(at, {row["account_id"]: row for row in rows}, logged, held)


def policies() -> list[Policy]:
    """The templates, and rules that hang on as many facts as can be."""
    many = [
        rule(id="tier", when="account.tier in ['free', 'pro'] && account.age_days < 20", tests=None),
        rule(id="who", when="member.role == 'customer' || member.estimate > 0.3", tests=None),
        rule(id="where", when="finding.outside_country > 0.2 || finding.proxies > 0.1", tests=None),
        rule(id="what", when="finding.capabilities.exists(c, c.startsWith('cot')) || finding.traces > 0.1", tests=None),
        rule(id="open", when="finding.open_explanations > 0 && finding.families >= 2", tests=None),
        rule(id="door", when="account.programme != 'x' || account.permitted", tests=None),
        rule(id="all", when="member.probability > 0.1", then="{action: limit, hours: 9}", tests=None),
        rule(id="sure", when="finding.concealed > 1.0 && member.core && finding.days > 3", tests=None),
    ]
    return [*(load_policy(template(name), name) for name in ("lab", "cloud", "gateway")), loaded(*many)]


@pytest.mark.slow
def test_predicted_hits_are_those_of_a_replay(store: Store, logs: Path) -> None:
    """Each day detection is asked anew on what was known then, and accounts are read from the world's own files."""
    said = {policy.ref.id: days_of(store, policy, LAST) for policy in policies()}
    rules, abstained, roles = set(), set(), set()
    for number, day in enumerate(said["lab"]):
        answer = answer_then(store, day.end)
        replayed = facts_of(answer["campaigns"], known_from(logs, day.end), day.day)
        assert day.facts == replayed
        for policy in policies():
            slow = judged(policy, replayed, day.end)
            assert said[policy.ref.id][number].said == slow
            rules |= {(policy.ref.id, hit.rule_id) for hit in slow.hits}
            abstained |= {one.why for one in slow.abstained}
        roles |= {one.values["member.role"] for several in replayed.values() for one in several}
    assert len(said["lab"]) == LAST
    assert len(rules) >= 12 and {"operator", "victim"} <= roles and abstained == {"unknown", "barred"}, (rules, roles)


@pytest.mark.slow
def test_the_answer_adds_up_and_nobody_is_hit_who_may_not_be(store: Store) -> None:
    for policy in policies():
        answer = backtested(store, policy, LAST)
        json.dumps(answer)
        assert answer == backtested(store, policy, LAST)
        days = {day.day: day for day in days_of(store, policy, LAST)}
        assert [row["hits"] for row in answer["windows"]] == [
            len(days[row["day"]].said.hits) for row in answer["windows"]
        ]
        assert answer["total"]["accounts"] == len({hit["account_id"] for hit in answer["hits"]})
        assert sum(one["hit"] for one in answer["customers"]) == answer["total"]["accounts"]
        assert sum(one["of"] for one in answer["customers"]) <= answer["total"]["of"]
        for one in [*answer["cohorts"], *answer["customers"], answer["total"]]:
            assert one["low"] <= one["share"] <= one["high"]
        for hit in answer["hits"]:
            several = days[hit["day"]].facts[hit["account_id"]]
            values = next(one.values for one in several if one.campaign_id == hit["campaign_id"])
            assert values["member.accused"] or hit["action"] in ("observe", "label", "verify")


# ------------------------------------------------------------------------------------------- a store of three exchanges


ACCOUNTS = [
    {"account_id": "a", "org_id": "o", "tier": "free", "created_at": "2026-10-01T00:00:00Z",
     "updated_at": "2026-10-01T00:00:00Z"},
    {"account_id": "a", "org_id": "o", "tier": "pro", "created_at": "2026-10-01T00:00:00Z",
     "updated_at": "2026-10-06T12:00:00Z"},
    {"account_id": "b", "org_id": "o", "verified_domain": "b.example", "suspended_at": "2026-10-06T12:00:00Z"},
]  # fmt: skip
PERMISSIONS = [
    {"org_id": "o", "purpose": "research", "reference": "r", "starts_at": "2026-10-06T00:00:00Z",
     "ends_at": "2026-10-06T20:00:00Z"},
    {"account_id": "c", "purpose": "resale", "reference": "s"},
]  # fmt: skip


def watched_quickly(store: Store) -> None:
    """The records of a watch whose detection finds nothing, and is not asked."""
    with pytest.MonkeyPatch.context() as patch:
        nothing = {"exchanges": 1, "accounts": 3, "blind": []}
        patch.setattr(watch, "_look", lambda _store, window, *_: watch._record(window, nothing, 0, [], []))
        watch.watched(store)


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 10, day, hour, tzinfo=UTC)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Three days with an exchange each, watched. Nobody may change it."""
    folder = tmp_path_factory.mktemp("tiny")
    rows = [{**exchange(n), "asked_at": f"2026-10-0{4 + n}T10:00:00Z", "account_id": "a"} for n in (1, 2, 3)]
    source = write(folder / "logs", rows)
    for name, table in (("accounts", ACCOUNTS), ("permissions", PERMISSIONS)):
        (source / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in table))
    ingest_sources([source], folder / "s", key_file=key_in(folder))
    watched_quickly(Store.open(folder / "s"))
    return Store.open(folder / "s")


def copied(tiny: Store, folder: Path) -> Store:
    import shutil

    shutil.copytree(tiny.folder, folder / "s")
    return Store.open(folder / "s", key_in(folder))


def put(store: Store, day: str, *findings: dict[str, Any], found: bool = True) -> None:
    """Findings as a watch keeps them put into a day's record."""
    path = store.folder / "watch" / "days=1" / f"{day}.json"
    record = json.loads(path.read_text())
    about = {"life_id": "L", "born": day, "found": found, "place": 1, "level": 0.1}
    record["lives"] = [{**about, "life_id": one["campaign_id"], "finding": one} for one in findings]
    path.write_text(json.dumps(record))


def test_what_is_known_of_an_account_is_what_was_known_then(tiny: Store) -> None:
    with DuckEngine() as engine:
        before = known_at(tiny, engine, at(6), {"a", "b", "c", "\ud800", "n\x00"})
        during = known_at(tiny, engine, at(6, 18), {"a", "b", "c"})
        after = known_at(tiny, engine, at(7), {"a", "b"})
    assert (before.accounts["a"]["tier"], during.accounts["a"]["tier"]) == ("free", "pro")
    assert before.accounts["b"]["suspended_at"] is None and after.accounts["b"]["suspended_at"] is not None
    assert before.permissions == {"c": ["resale"]} and after.permissions == {}
    assert during.permissions == {"a": ["research"], "b": ["research"], "c": ["resale"]}
    assert {"tier", "org_id", "verified_domain"} <= set(before.logged) and "programme" not in before.logged


def test_a_run_is_judged_with_what_is_known_now(tiny: Store) -> None:
    told = facts_of_run(tiny, {"run": {"run_id": "R"}, "campaigns": [finding(member("a"), member("b"))]}, at(7))
    policy = loaded(rule(when="account.tier == 'pro' || account.suspended", tests=None))
    assert [(hit.account_id, hit.run_id) for hit in hits_of(policy, told, at(7))] == [("a", "R"), ("b", "R")]


def test_hits_of_each_day_and_what_they_touch(tiny: Store, tmp_path: Path) -> None:
    store = copied(tiny, tmp_path)
    operator, victim = member("a", probability=0.9), member("b", "victim", 0.9, exchanges=4)
    put(store, "2026-10-05", finding(operator, victim))
    put(store, "2026-10-06", finding(member("a", "customer", 0.4)))
    put(store, "2026-10-07", finding(operator), found=False)
    limit = rule(id="limit", when="member.probability > 0.1", then="{action: limit, hours: 5}", tests=None)
    answer = backtested(store, loaded(limit, rule(id="tier", when="account.tier == 'free'", tests=None)), 14)
    assert [(row["day"], row["hits"], row["barred"]) for row in answer["windows"]] == [
        ("2026-10-05", 2, 1), ("2026-10-06", 0, 1), ("2026-10-07", 0, 0),
    ]  # fmt: skip
    assert [(one["account_id"], one["rule_id"], one["action"]) for one in answer["hits"]] == [
        ("a", "limit", "limit"), ("a", "tier", "label"),
    ]  # fmt: skip
    first = answer["rules"][0]
    assert (first["accounts"], first["accused"], first["expected_honest"], first["barred"]) == (1, 1, 0.1, 2)
    assert (first["exchanges"], first["exchanges_after"]) == (10, 2), "the work of the finding; asked from the 6th on"
    assert answer["rules"][1]["unknown"] == {"account.tier": 1}, "nobody said b's tier"
    assert (answer["first"], answer["last"], len(backtested(store, loaded(limit), 1)["windows"])) == (
        "2026-10-05", "2026-10-07", 1,
    )  # fmt: skip


def test_an_id_that_no_table_can_hold_stops_no_backtest(tiny: Store, tmp_path: Path) -> None:
    store = copied(tiny, tmp_path)
    put(store, "2026-10-07", finding(member("\ud800"), member("n\x00"), member("=cmd()"), member("x" * 100_000)))
    answer = backtested(store, loaded(rule()), 1)
    assert answer["total"]["accounts"] == 4 and answer["total"]["exchanges_after"] == 0


def test_an_account_that_accuses_nobody_is_honest(tiny: Store, tmp_path: Path) -> None:
    store = copied(tiny, tmp_path)
    put(store, "2026-10-07", finding(member("a", "victim", 0.95), member("b", "operator", 0.75)))
    answer = backtested(store, loaded(rule(when="member.probability > 0.1", tests=None)), 1)
    assert answer["total"]["expected_honest"] == 1.25


def test_a_group_over_the_blast_radius_is_told(tiny: Store, tmp_path: Path) -> None:
    store = copied(tiny, tmp_path)
    put(store, "2026-10-07", finding(*(member(f"n{n}") for n in range(6))))
    put(store, "2026-10-06", finding(*(member(f"n{n}") for n in range(5))))
    (told,) = backtested(store, loaded(rule()), 14)["rules"]
    assert (told["largest_group"], told["second_person"]) == (6, True)
    put(store, "2026-10-07", finding(*(member(f"n{n}") for n in range(5))))
    (only,) = backtested(store, loaded(rule()), 1)["rules"]
    assert (only["largest_group"], only["second_person"]) == (5, False)


@pytest.mark.slow
def test_records_that_lack_or_are_older_than_the_store_are_refused(tiny: Store, tmp_path: Path) -> None:
    store = copied(tiny, tmp_path)
    folder = store.folder / "watch" / "days=1"
    assert [len(one) for one in held_records(store)] == [3, 0]
    middle = folder / "2026-10-06.json"
    kept = middle.read_text()
    for text in ("damaged", kept.replace('"by": [', '"by": [1, ', 1), json.dumps({**json.loads(kept), "lives": [1]})):
        middle.write_text(text)
        assert [len(one) for one in held_records(store)] == [1, 2]
    with pytest.raises(UsageError, match="stillwatch watch LOGS"):
        backtested(store, loaded(rule()), 14)
    middle.write_text(kept)
    late = write(tmp_path / "late", [{**exchange(9), "asked_at": "2026-10-06T11:00:00Z"}])
    ingest_sources([late], store.folder, key_file=key_in(tmp_path))
    assert [len(one) for one in held_records(Store.open(store.folder))] == [1, 2]
    with pytest.raises(UsageError, match="--days 7"):
        backtested(store, loaded(rule()), 14, 7)


@pytest.mark.slow
def test_a_record_that_was_made_when_less_was_kept_is_made_again(tiny: Store, tmp_path: Path) -> None:
    store = copied(tiny, tmp_path)
    path = store.folder / "watch" / "days=1" / "2026-10-05.json"
    record = json.loads(path.read_text())
    assert record["made_of"]["by"][-1] == ",".join((*KEPT, *KEPT_OF_MEMBERS, *KEPT_OF_EVIDENCE))
    record["made_of"]["by"].pop()
    path.write_text(json.dumps(record))
    assert [len(one) for one in held_records(store)] == [0, 3]
    watched_quickly(store)
    assert [len(one) for one in held_records(store)] == [3, 0]


def test_a_watch_with_address_tables_of_its_own_is_taken_as_it_was(tiny: Store, tmp_path: Path) -> None:
    store = copied(tiny, tmp_path)
    for path in sorted((store.folder / "watch" / "days=1").glob("*.json")):
        record = json.loads(path.read_text())
        record["made_of"]["by"][1] = "own"
        path.write_text(json.dumps(record))
    assert [len(one) for one in held_records(store)] == [3, 0]


def test_what_a_watch_keeps_gives_the_facts_of_the_whole_answer() -> None:
    """The projection loses no fact: the same values from a finding and from what a life keeps of it."""
    from stillwatch.assess.campaign_lives import _kept

    whole = finding(member(estimate=0.4), member("b", "victim"), extra="not kept")
    known = Known(at(9))
    assert facts_of([whole], known) == facts_of([json.loads(json.dumps(_kept(whole)))], known)
    (one,) = facts_of([_kept(whole)], known)["a"]
    assert isinstance(one, Facts) and one.values["finding.open_explanations"] == 1


def test_without_records_that_hold_it_is_said_what_to_type(tiny: Store, tmp_path: Path) -> None:
    store = copied(tiny, tmp_path)
    (store.folder / "watch" / "days=1" / "2026-10-06.json").write_text("damaged")
    with pytest.raises(UsageError, match="stillwatch watch LOGS"):
        backtested(store, loaded(rule()), 14)


def test_an_erased_account_is_in_no_record_that_a_backtest_reads(tiny: Store, tmp_path: Path) -> None:
    store = copied(tiny, tmp_path)
    put(store, "2026-10-07", finding(member("a")))
    erase(store, "a")
    with pytest.raises(UsageError):
        backtested(Store.open(store.folder), loaded(rule()), 14)


# -------------------------------------------------------------------------------------------------------- the commands


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(HEAD + rule())
    return path


def told(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = run(["policy", *map(str, words)])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.slow
def test_a_policy_from_template_to_backtest(tiny: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = copied(tiny, tmp_path)
    put(store, "2026-10-07", finding(member("a\x1b[31m"), member("b", "victim")))
    path = tmp_path / "lab.yaml"
    assert told(capsys, "new", "lab", "--out", path, "--expires", "2027-03-01")[0] == 0
    assert told(capsys, "lint", path)[:2] == (0, "9 rules, nothing wrong\n")
    assert told(capsys, "test", path)[1] == "22 tests, 0 failed\n"
    code, out, _ = told(capsys, "backtest", path, "--store", store.folder, "--days", "1")
    assert code == 0 and "\x1b" not in out and "rotate-stolen-key" in out and "nothing was done" in out
    code, out, _ = told(capsys, "backtest", path, "--store", store.folder, "--json", "--days", "2")
    answer = json.loads(out)
    assert answer["schema"] == "stillwatch/backtest/v1" and answer["first"] == "2026-10-06"
    changed = tmp_path / "new.yaml"
    text = path.read_text().replace("rotate-stolen-key", "renew-key").replace('version: "1"', 'version: "2"')
    changed.write_text(text.replace("mode: shadow", "mode: enforce").replace("hours: 336}", "hours: 335}"))
    code, out, err = told(capsys, "diff", path, changed, "--store", store.folder, "--days", "1")
    assert code == 0 and "removed" in out and "added" in out and "0 accounts" in out and err == ""


def test_new_never_writes_over_a_file(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = file.read_text()
    code, _, err = told(capsys, "new", "lab", "--out", file)
    assert code == 2 and "there already" in err and file.read_text() == before
    assert told(capsys, "new", "town", "--out", file)[0] == 2 and told(capsys, "new", "lab")[0] == 2


def test_lint_and_test_fail_where_the_file_does(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(HEAD + rule(owner=None) + rule(id="s", when="'!member.accused'"))
    code, out, err = told(capsys, "lint", file, "--json")
    answer = json.loads(out)
    assert code == 1 and answer["errors"] == len([f for f in answer["faults"] if f["level"] == "error"]) == 3
    assert "3 errors" in err
    assert told(capsys, "test", file)[0] == 2
    file.write_text(HEAD + rule(when="member.core", tests="[{facts: {member.core: true}, expect: miss}]"))
    code, out, _ = told(capsys, "test", file)
    assert code == 1 and "1 failed" in out


def test_what_cannot_be_done_is_said(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "diff", file)[0] == 2
    assert told(capsys, "lint", file, file)[0] == 2
    assert told(capsys, "backtest", file)[0] == 2
    assert told(capsys, "lint", tmp_path / "none.yaml")[0] == 1
    assert told(capsys, "lint", tmp_path)[0] == 1
    (tmp_path / "big.yaml").write_bytes(b"x" * 10_000_000)
    code, out, _ = told(capsys, "lint", tmp_path / "big.yaml")
    assert code == 1 and "262,144" in out


def test_diff_wants_shadow_first(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other.yaml"
    hit, miss = (
        "{facts: {member.accused: true, member.core: true}, expect: hit}",
        "{facts: {member.core: false}, expect: miss}",
    )
    added = rule(id="n", mode="enforce", when="member.accused && member.core", tests=f"[{hit}, {miss}]")
    other.write_text(HEAD + rule(mode="enforce") + added)
    code, _, err = told(capsys, "diff", file, other)
    assert (
        code == 0
        and "rule n: a new rule that is enforced at once" in err
        and "both say that they are version 1.10" in err
    )
    answer = json.loads(told(capsys, "diff", file, other, "--json")[1])
    assert [(one["rule_id"], one["event"], one["parts"]) for one in answer["rules"]] == [
        ("n", "added", []), ("r", "changed", ["mode"]),
    ]  # fmt: skip
    at_once = "it goes from shadow to enforce: whom it hits gets label at once, for 24 hours"
    assert f"warning: rule r: {at_once}" in err and answer["rules"][1]["warnings"] == [at_once]
    assert answer["hits"] is None
    file.write_text(HEAD + rule(mode="enforce"))

    def answered(path: Path) -> Any:
        return json.loads(told(capsys, "diff", file, path, "--json")[1])["rules"][0]["warnings"]

    miss = "{facts: {member.accused: false, member.core: false}, expect: miss}"
    wider = rule(mode="enforce", when="member.accused || member.core", tests=f"[{hit}, {miss}]")
    other.write_text(HEAD.replace("5", "50") + wider)
    err = told(capsys, "diff", file, other)[2]
    hold = "{action: suspend, hours: 48, obligations: [{type: hold}]}"
    (tmp_path / "higher.yaml").write_text(HEAD + rule(mode="enforce", then=hold))
    assert answered(tmp_path / "higher.yaml") == [
        "its action goes up from label to suspend while it is enforced: whom it hits is proposed to a person for "
        "suspend",
        "it lasts longer: 48 hours, 24 before",
    ]
    assert "condition changed while it is enforced" in err and "blast radius grows from 5 to 50" in err
    assert told(capsys, "diff", file, file)[1] == "The rules say the same.\n"
