"""The file of a policy: what is read, every fault with its line, YAML that attacks, and what lint says of rules."""

import re
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.errors import UsageError
from stillwatch.records import OBLIGATIONS, REASON_CODES, Obligation, Rung
from stillwatch.respond.cases import failed_tests, outcome
from stillwatch.respond.catalogue import FACTS
from stillwatch.respond.cel_text import LONGEST, MOST_NODES
from stillwatch.respond.lint import linted, load_policy
from stillwatch.respond.policy import MOST_HOURS, SEVERITIES, Policy
from stillwatch.respond.policy_text import read_policy
from tests.respond.policies import HEAD, NOW, loaded, rule

CAP = "{type: cap_max_tokens, max_tokens: 1}"
TWICE = f"{{action: limit, hours: 3, obligations: [{CAP}, {CAP}]}}"
TEMPLATES = ("lab", "cloud", "gateway")


def faults(text: str | bytes, level: str = "") -> list[str]:
    data = text if isinstance(text, bytes) else text.encode()
    return [
        f"{f.line} {f.level} {f.rule_id} {f.kind}: {f.message}" for f in linted(data, NOW).faults if level in f.level
    ]


def template(name: str) -> bytes:
    text = resources.files("stillwatch.respond").joinpath("templates", f"{name}.yaml").read_text("utf-8")
    return text.replace("EXPIRES", "2027-01-01").encode()


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_are_clean_in_shadow_and_tested(name: str) -> None:
    held = linted(template(name), NOW)
    assert held.faults == () and held.policy is not None and held.policy.ref.id == name
    assert {one.mode for one in held.policy.rules} == {"shadow"}
    assert all({"hit", "miss"} <= {outcome(one, case) for case in one.tests} for one in held.policy.rules)
    assert any(one.rung > Rung.LIMIT for one in held.policy.rules) or name == "gateway"


def test_a_policy_is_what_its_file_says() -> None:
    obligations = (
        "[{type: rate_limit, tokens_per_minute: 5, requests_per_minute: 3}, {type: cap_max_tokens, max_tokens: 9}]"
    )
    then = "{action: limit, hours: 24, obligations: " + obligations + "}"
    held = loaded(rule(mode="enforce", then=then, severity="high"))
    assert (held.ref.id, held.ref.version, held.blast_radius) == ("p", "1.10", 5)
    assert re.fullmatch("[0-9a-f]{64}", held.ref.hash)
    (one,) = held.rules
    assert (one.rung, one.mode, one.hours, one.clause, one.reason_code) == (
        Rung.LIMIT,
        "enforce",
        24,
        "use",
        "usage_review",
    )
    assert one.obligations == (
        Obligation("cap_max_tokens", (("max_tokens", 9),)),
        Obligation("rate_limit", (("requests_per_minute", 3), ("tokens_per_minute", 5))),
    )
    assert str(one.expires) == "2027-01-01"


def test_the_hash_is_of_the_whole_file() -> None:
    text = HEAD + rule()
    assert load_policy(text.encode(), "").ref.hash != load_policy((text + "# remark\n").encode(), "").ref.hash


def test_no_value_is_guessed_by_yaml() -> None:
    """`no`, `1e3` and a date are names where a name is wanted."""
    for name in ("no", "1e3", "2026-01-01", "null", "0x1f"):
        assert loaded(rule(id=name)).rules[0].id == name


@pytest.mark.parametrize(
    ("changed", "line", "words"),
    [
        ({"id": None}, 7, "`id` is missing"), ({"id": "A B"}, 7, "small letters"),
        ({"when": "!member.accused"}, 8, "stands in quotes"), ({"when": None}, 7, "`when` is missing"),
        ({"when": "account.age > 3"}, 8, "did you mean `account.age_days`"),
        ({"when": "account.tier < 3"}, 8, "orders numbers"), ({"when": "[a]"}, 8, "a condition as a text"),
        ({"then": "{hours: 3}"}, 9, "`action` is missing"), ({"then": "{action: label}"}, 9, "`hours` is missing"),
        ({"then": "{action: ban, hours: 3}"}, 9, "one of observe, label"),
        ({"then": "{action: label, hours: 0}"}, 9, "1 to 720"),
        ({"then": "{action: label, hours: 721}"}, 9, "1 to 720"),
        ({"then": "{action: label, hours: 1.5}"}, 9, "a whole number"),
        ({"then": "{action: label, hours: 3, obligations: [{type: hold}]}"}, 9, "needs the action `suspend`"),
        ({"then": "{action: limit, hours: 3, obligations: [{type: hide_reasoning}]}"}, 9, "needs the action `protect`"),
        ({"then": "{action: label, hours: 3, obligations: [{type: challenge, kind: payment}]}"}, 9, "`verify`"),
        ({"then": "{action: limit, hours: 3, obligations: [{type: rate_limit}]}"}, 9, "says nothing"),
        ({"then": "{action: limit, hours: 3, obligations: [{type: rate_limit, concurrency: -1}]}"}, 9, "whole number"),
        ({"then": "{action: limit, hours: 3, obligations: [{type: rate_limit, x: 1}]}"}, 9, "a key `x`"),
        ({"then": "{action: verify, hours: 3, obligations: [{type: challenge, kind: dna}]}"}, 9, "payment, identity"),
        ({"then": TWICE}, 9, "stands twice"),
        ({"mode": "on"}, 10, "shadow, enforce"), ({"severity": None}, 7, "`severity` is missing"),
        ({"owner": None}, 7, "`owner` is missing"), ({"owner": "''"}, 12, "`owner` is missing"),
        ({"owner": "'  '"}, 12, "`owner` is empty"),
        ({"expires": None}, 7, "`expires` is missing"), ({"expires": "soon"}, 13, "a day like"),
        ({"expires": "2027-02-30"}, 13, "a day like"), ({"expires": "٢٠٢٧-٠١-٠١"}, 13, "a day like"),
        ({"clause": None}, 7, "`clause` is missing"), ({"clause": "other"}, 14, "no name in `clauses` (use)"),
        ({"reason": None}, 7, "`reason` is missing"), ({"reason": '"\\e[31m"'}, 15, "nobody can see"),
        ({"reason": '"\\u202e"'}, 15, "nobody can see"), ({"reason": "x" * 601}, 15, "at most"),
        ({"reason_code": "bad_people"}, 16, "usage_review"), ({"reason_code": None}, 7, "`reason_code` is missing"),
        ({"tests": "[{facts: {account.age: 3}, expect: hit}]"}, 17, "did you mean"),
        ({"tests": "[{facts: {member.accused: yes}, expect: hit}]"}, 17, "true or false"),
        ({"tests": "[{facts: {member.probability: 50}, expect: hit}]"}, 17, "from 0 to 1"),
        ({"tests": "[{facts: {member.role: boss}, expect: hit}]"}, 17, "one of operator"),
        ({"tests": "[{facts: {member.accused: true}, expect: maybe}]"}, 17, "hit, miss, unknown"),
        ({"tests": "[{facts: {member.accused: true}, expect: miss}]"}, 17, "expects miss, and it is hit"),
        ({"owners": "me"}, 18, "a key `owners`"),
    ],
)  # fmt: skip
def test_each_fault_has_its_line_and_says_what_was_wanted(
    changed: dict[str, str | None], line: int, words: str
) -> None:
    text = HEAD + rule(**changed)
    told = faults(text, "error")
    shift = sum(value is None for name, value in changed.items())
    lines = {line, line - shift}
    assert any(
        one.startswith(tuple(f"{n} error" for n in lines)) and words in one.replace(",000", "") for one in told
    ), told
    with pytest.raises(UsageError, match="line"):
        load_policy(text.encode(), "p.yaml")


def test_all_faults_of_a_rule_are_told_at_once() -> None:
    told = faults(HEAD + rule(owner=None, reason=None, clause=None, when="x"), "error")
    assert len(told) == 4


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "empty"), ("# nothing\n", 1, "empty"), ("- a\n", 1, "a list; keys and values"), ("abc\n", 1, "a text"),
        (HEAD.replace("v1", "v2") + rule(), 1, "one of stillwatch/policy/v1"), ("a: [1, 2\nb: 3\n", 2, "not YAML"),
        ("a: 1\n  b: 2\n", 2, "not YAML"), ("a: &x 1\nb: *x\n", 1, "anchor"), ("b: *x\n", 1, "alias"),
        ("a: !!python/object:os.system x\n", 1, "tag"), ("a: !x y\n", 1, "tag"),
        ("? [a]\n: b\n", 1, "key that is no text"),
        ("a: 1\n---\nb: 2\n", 2, "second document"), ("a: " + "[" * 2000, 1, "nested"),
        ("<<: {a: 1}\n", 1, "a key `<<`"), (HEAD + rule() + rule(), 18, "twice; first at line 7"),
        (HEAD + rule().replace("owner: me", "owner: me\n    owner: you"), 13, "`owner` stands twice; first at line 12"),
        ("schema: a\nschema: b\n", 2, "`schema` stands twice"), ("a: '\\x00\x00'\n", 1, "not YAML"),
        ("rules: " + "{a: [" * 4 + "1" + "]}" * 4 + "\n", 1, "`schema` is missing"),
        (HEAD.replace("rules:\n", "rules: no\n"), 6, "a text; a list"),
        (HEAD + "  - just text\n", 7, "a text; keys and"),
        (HEAD.replace("5", "0") + rule(), 5, "1 to 1,000,000"),
        (HEAD.replace("clauses: {use: Output is not for training.}\n", "") + rule(), 1, "`clauses` is missing"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_policy_is_told_by_line(text: str, line: int, words: str) -> None:
    told = faults(text, "error")
    assert any(one.startswith(f"{line} error") and words in one for one in told), told


def test_a_bomb_is_refused_before_it_is_read() -> None:
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
    assert any("anchor" in one for one in faults(f"a0: &a0 [x]\n{levels}"))
    assert any("262,144" in one for one in faults(b"a: " + b"x" * 300_000))
    assert any("more than" in one for one in faults("a: [" + "1," * 60_000 + "1]"))
    assert any("UTF-8" in one and one.startswith("2 ") for one in faults(b"a: 1\nb: \xff\n"))
    assert any("at most" in one for one in faults(HEAD + "".join(rule(id=f"r{n}") for n in range(201))))


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet="ab: -[]{}&*!|>'\"#\n\t?,%@\x00é", max_size=80).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    read_policy(data)
    linted(data, NOW)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2000), st.integers(0, 60), st.sampled_from(["", "- ", "[", ": ", "&a ", "*a", '"', "\n", "x"]))
def test_a_policy_with_a_piece_cut_or_put_in_is_read_or_refused(place: int, cut: int, put: str) -> None:
    text = template("lab").decode()
    linted((text[:place] + put + text[place + cut :]).encode(), NOW)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ((rule(expires="2026-11-01"),), "expired on 2026-11-01"),
        ((rule(id="a"), rule(id="b")), "`a` at line 7 has the same condition and does more"),
        ((rule(id="a", when="member.accused"), rule(id="b", when="( member.accused )")), "the same condition"),
        ((rule(expires="9999-12-31"),), "more than 400 days"),
        ((rule(when="account.country == 'FR'", tests=None),), "whoever leaves `account.country` empty is not hit"),
        (
            (rule(when="!(account.countries_agree)".join("''"), tests=None),),
            "say what then, with has(account.countries",
        ),
        ((rule(tests=None),), "lacks a test: one that is a hit and one that is a miss"),
        ((rule(tests="[{facts: {member.accused: true, account.tier: x}, expect: hit}]"),), "account.tier, of which"),
        ((rule(mode="enforce", then="{action: suspend, hours: 5}"),), "never put in force by itself"),
    ],
)
def test_lint_warns(rules: tuple[str, ...], words: str) -> None:
    told = faults(HEAD + "".join(rules))
    assert any(words in one and "warning" in one for one in told), told


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"when": "true"}, "always true"), ({"when": "member.probability > 50"}, "always false"),
        ({"when": "member.accused && member.probability > 50"}, "`(member.probability > 50)` is always false"),
        ({"when": "member.accused || finding.exchanges >= 0"}, "always true"),
        ({"when": "member.role == 'victim'", "then": "{action: limit, hours: 5}"}, "never true of an accused"),
        ({"when": "'!member.accused'", "then": "{action: suspend, hours: 5}"}, "never true of an accused"),
        ({"when": "finding.status == 'ambiguous'", "then": "{action: limit, hours: 5}"}, "never true of an accused"),
        ({"when": "member.probability < 0.5", "then": "{action: limit, hours: 5}"}, "never true of an accused"),
        ({"when": "member.role == 'customer'", "then": "{action: verify, hours: 5}"}, "whom `verify` may touch"),
        ({"when": "member.role == 'victim'", "then": "{action: verify, hours: 5}"}, "whom `verify` may touch"),
        ({"mode": "enforce", "tests": None}, "lacks a test"),
        ({"mode": "enforce", "tests": "[{facts: {member.accused: true}, expect: hit}]"}, "one that is a miss"),
        ({"when": "finding.kind == 'excess'", "then": "{action: verify, hours: 5}"}, "whom `verify` may touch"),
        ({"when": "finding.kind == 'excess'", "then": "{action: limit, hours: 5}"}, "never true of an accused"),
    ],
)  # fmt: skip
def test_lint_refuses_rules_that_can_do_nothing_or_touch_whom_they_may_not_and_nothing_uses_them(
    changed: dict[str, str | None], words: str
) -> None:
    text = HEAD + rule(**changed)
    told = faults(text, "error")
    assert any(words in one for one in told), told
    with pytest.raises(UsageError) as refused:
        load_policy(text.encode(), "p.yaml")
    assert words in refused.value.found and "line 7: rule r: " in refused.value.found


def test_what_is_used_holds_no_error_that_lint_finds_and_a_refusal_tells_all_of_them() -> None:
    dead, untested = rule(id="a", when="member.probability > 50"), rule(id="b", mode="enforce", tests=None)
    failing = rule(id="c", tests="[{facts: {}, expect: miss}]")
    text = (HEAD + dead + rule(id="d", owner=None) + untested + failing).encode()
    with pytest.raises(UsageError) as refused:
        load_policy(text, "p.yaml")
    wrong = [fault for fault in linted(text, NOW).faults if fault.level == "error"]
    assert {fault.rule_id for fault in wrong} == {"a", "b", "c", "d"}
    for fault in wrong:
        assert f"line {fault.line}: rule {fault.rule_id}: {fault.message}" in refused.value.found
    assert refused.value.where == "p.yaml"
    many = HEAD + "".join(rule(id=f"r{n}", owner=None) for n in range(150))
    with pytest.raises(UsageError, match="and 50 more"):
        load_policy(many.encode(), "p.yaml")


def test_hours_that_are_cut_where_no_person_approves_are_told() -> None:
    def told(then: str) -> list[str]:
        return [one for one in faults(HEAD + rule(then=then), "warning") if "renewals" in one]

    limit = "obligations: [{type: rate_limit, requests_per_minute: %d}]"
    (said,) = told("{action: label, hours: 169}")
    assert "169 hours" in said and "after 168" in said
    assert told(f"{{action: limit, hours: 336, {limit % 60}}}")
    assert not told("{action: label, hours: 168}")
    assert not told("{action: suspend, hours: 720, obligations: [{type: hold}]}"), "a person approves it"
    assert not told(f"{{action: limit, hours: 336, {limit % 1}}}"), "nor does a rule begin this by itself"


def test_warnings_keep_no_policy_from_being_used() -> None:
    text = (HEAD + rule(expires="2026-01-01", tests=None)).encode()
    assert {fault.level for fault in linted(text, NOW).faults} == {"warning"}
    assert len(load_policy(text, "p.yaml").rules) == 1


def test_nothing_reads_a_policy_past_the_one_door(root: Path) -> None:
    """`read_policy` answers rules of files that hold errors: lint tells them, `policy test` runs them, nobody else."""
    source = root / "src" / "stillwatch"
    users = {str(p.relative_to(source)) for p in source.rglob("*.py") if "read_policy" in p.read_text("utf-8")}
    assert users == {"respond/policy_text.py", "respond/lint.py", "cli/policy.py"}
    assert (source / "cli" / "policy.py").read_text("utf-8").count("read_policy(") == 1


def test_a_rule_that_says_what_holds_where_a_fact_is_empty_is_not_warned_of() -> None:
    told = faults(HEAD + rule(when="!has(account.country) || account.country != 'FR'", tests=None).replace(
        "when: !has(account.country) || account.country != 'FR'",
        'when: "!has(account.country) || account.country != \'FR\'"',
    ))  # fmt: skip
    assert told and not [one for one in told if "silence" in one]


def test_a_rule_of_the_same_condition_that_does_other_things_is_not_dead() -> None:
    limit = "{action: limit, hours: 5, obligations: [{type: rate_limit, concurrency: 1}]}"
    rules = rule(id="a"), rule(id="b", then=limit), rule(id="c", mode="enforce")
    assert not [one for one in faults(HEAD + "".join(rules)) if "same condition" in one]


def test_without_caps_the_least_is_taken_and_told() -> None:
    text = HEAD.replace("caps: {blast_radius: 5}\n", "") + rule()
    assert any("blast_radius" in one for one in faults(text)) and load_policy(text.encode(), "").blast_radius == 25


def test_obligations_at_their_least_rung_are_taken_and_under_it_never() -> None:
    names = {rung: rung.name.lower() for rung in Rung}
    values = {"kind": "payment", "to": "other-model"}
    for kind, (least, wanted) in OBLIGATIONS.items():
        said = ", ".join([f"type: {kind}", *(f"{name}: {values.get(name, '5')}" for name in wanted)])
        for rung in Rung:
            then = f"{{action: {names[rung]}, hours: 5, obligations: [{{{said}}}]}}"
            refused = any("needs the action" in one for one in faults(HEAD + rule(then=then), "error"))
            assert refused == (rung < least), (kind, rung)


def test_a_policy_whose_own_tests_fail_is_not_used() -> None:
    text = HEAD + rule(tests="[{facts: {}, expect: miss}]")
    policy, _ = read_policy(text.encode())
    assert isinstance(policy, Policy) and [fault.kind for fault in failed_tests(policy)] == ["test"]
    with pytest.raises(UsageError, match="expects miss, and it is unknown"):
        load_policy(text.encode(), "p.yaml")


def test_lint_is_the_same_whichever_order_faults_are_found_in() -> None:
    text = (HEAD + rule(owner=None) + rule(when="x")).encode()
    assert linted(text, NOW) == linted(text, datetime(2026, 11, 1, 5, tzinfo=UTC))


def test_the_page_lists_every_fact_with_its_meaning(root: Path) -> None:
    rows = [
        line.split(" | ") for line in (root / "docs" / "policy.md").read_text().splitlines() if line.count(" | ") == 4
    ]
    told = {row[0].strip("| `"): row for row in rows if "." in row[0]}
    assert list(told) == list(FACTS)
    for name, fact in FACTS.items():
        row = told[name]
        assert row[1] == fact.type and row[2].startswith(fact.meaning) and row[3] == fact.said_by
        assert row[4].rstrip(" |") == fact.unknown_when


def test_the_page_says_every_option_and_bound(root: Path) -> None:
    text = (root / "docs" / "policy.md").read_text()
    for word in (
        "--store",
        "--days",
        "--window",
        "--out",
        "--expires",
        "--json",
        *OBLIGATIONS,
        *REASON_CODES,
        *SEVERITIES,
    ):
        assert word in text
    for bound in (LONGEST, MOST_NODES, MOST_HOURS):
        assert f"{bound:,}" in text


def test_the_policy_that_the_page_shows_is_one(root: Path) -> None:
    (shown,) = re.findall(r"```yaml\n(.*?)```", (root / "docs" / "policy.md").read_text(), re.DOTALL)
    held = linted(shown.encode(), NOW)
    assert held.policy is not None and held.faults == ()
