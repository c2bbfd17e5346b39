"""Conditions: the library against a plain reading in three values, what is refused, and what can be shown of types."""

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.respond import cel_text
from stillwatch.respond.catalogue import FACTS, coerced
from stillwatch.respond.cel import Decision, Unknown, compiled, walked
from stillwatch.respond.cel_text import ConditionFault, canonical, parsed
from stillwatch.respond.cel_types import BOTH, idle_parts, span_of

NUMBERS = ("finding.exchanges", "member.probability", "finding.coordinated", "account.age_days")
TEXTS = ("account.tier", "member.role", "finding.status")
FLAGS = ("member.accused", "account.verified", "finding.active")
LISTS = ("finding.capabilities", "account.permissions")


def atoms() -> st.SearchStrategy[str]:
    number = st.sampled_from(NUMBERS)
    text = st.sampled_from(["account.tier", "account.country"])
    value = st.sampled_from(["0", "1", "7", "0.5", "3.25", "1000"])
    word = st.sampled_from(["'free'", "'pro'", "'é'"])
    op = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
    return st.one_of(
        st.sampled_from([*FLAGS, "true", "false"]),
        st.builds("{} {} {}".format, number, op, value),
        st.builds("{} {} {}".format, number, op, number),
        st.builds("double({}) * 2.0 - 1.5 {} double({})".format, number, op, number),
        st.builds("{} == {}".format, text, word),
        st.builds("{} in [{}, 'x']".format, text, word),
        st.builds("{}.{}({})".format, text, st.sampled_from(["startsWith", "endsWith", "contains"]), word),
        st.builds("{} in [{}, 2.5]".format, number, value),
        st.builds("'chat' in {}".format, st.just("finding.capabilities")),
        st.builds("size({}) {} 1".format, st.sampled_from(LISTS), op),
        st.builds("has({})".format, st.sampled_from([*NUMBERS, *TEXTS, *LISTS])),
    )  # fmt: skip


ATOMS = atoms()
SHAPES = (
    "({} && {})", "({} || {} || {})", "!({})", "({}) == ({})", "finding.capabilities.exists(c, c == 'chat' || {})",
    "finding.capabilities.all(d, d.startsWith('c') && {})",
)  # fmt: skip


@st.composite
def conditions(draw: st.DrawFn, deep: int = 3, loops: int = 2) -> str:
    shape = draw(st.sampled_from(["", *SHAPES])) if deep else ""
    if not shape or (loops == 0 and "(c," in shape.replace("(d,", "(c,")):
        return draw(ATOMS)
    inner = loops - ("exists" in shape or "all" in shape)
    parts = [draw(conditions(deep - 1, inner)) for _ in range(shape.count("{}"))]
    return shape.format(*parts).replace("(c, c", f"(c{deep}, c{deep}").replace("(d, d", f"(d{deep}, d{deep}")


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "finding.exchanges": st.integers(0, 1000), "member.probability": st.sampled_from([0.0, 0.5, 1.0, 0.1]),
    "finding.coordinated": st.floats(-10, 10), "account.age_days": st.integers(0, 8),
    "account.tier": st.sampled_from(["free", "pro", "é", ""]), "account.country": st.sampled_from(["free", "x"]),
    "member.role": st.sampled_from(FACTS["member.role"].words),
    "finding.status": st.sampled_from(FACTS["finding.status"].words),
    "member.accused": st.booleans(), "account.verified": st.booleans(), "finding.active": st.booleans(),
    "finding.capabilities": st.lists(st.sampled_from(["chat", "cot_elicitation", "vision"]), max_size=3).map(tuple),
    "account.permissions": st.lists(st.sampled_from(["resale", "research"]), max_size=2).map(tuple),
}  # fmt: skip
WHOLE = st.fixed_dictionaries(VALUES)
PARTLY = st.fixed_dictionaries({}, optional=VALUES)


@settings(max_examples=40, deadline=None)
@given(conditions(), WHOLE)
def test_the_library_and_the_plain_reading_agree_where_all_is_known(text: str, values: dict[str, Any]) -> None:
    condition = compiled(text)
    assert condition.program.execute(Decision(values).context) is walked(condition.tree, values)


@settings(max_examples=40, deadline=None)
@given(conditions(), WHOLE, st.sets(st.sampled_from(sorted(VALUES))), st.data())
def test_an_answer_with_facts_lacking_holds_whatever_they_are_and_an_unknown_names_what_lacks(
    text: str, values: dict[str, Any], lacking: set[str], data: st.DataObject
) -> None:
    """`has` asks about knowledge itself, so it is left out here."""
    if "has(" in text:
        text = "member.accused"
    condition = compiled(text)
    known = {name: value for name, value in values.items() if name not in lacking}
    answer = Decision(known).of(condition)
    if isinstance(answer, Unknown):
        assert answer.facts and answer.facts <= lacking & condition.facts
    else:
        others = data.draw(WHOLE)
        for completed in (values, {**others, **known}):
            assert Decision(completed).of(condition) is answer


@pytest.mark.slow
@settings(max_examples=3000, deadline=None)
@given(conditions(deep=4), PARTLY, WHOLE)
def test_at_length_all_readings_agree(text: str, values: dict[str, Any], rest: dict[str, Any]) -> None:
    condition = compiled(text)
    whole = {**rest, **values}
    assert condition.program.execute(Decision(whole).context) is walked(condition.tree, whole)
    assert walked(condition.tree, whole) in condition.span.truth
    answer = Decision(values).of(condition)
    if "has(" not in text and not isinstance(answer, Unknown):
        assert answer is walked(condition.tree, whole)
    try:
        assert condition.program.execute(Decision(values).context) is answer
    except AssertionError:
        raise
    except Exception:
        assert condition.facts - values.keys()


@settings(max_examples=40, deadline=None)
@given(conditions(), PARTLY)
def test_where_the_library_answers_with_facts_lacking_it_answers_the_same(text: str, values: dict[str, Any]) -> None:
    condition = compiled(text)
    try:
        answer = condition.program.execute(Decision(values).context)
    except Exception:
        return
    assert Decision(values).of(condition) is answer


@settings(max_examples=40, deadline=None)
@given(conditions(), WHOLE)
def test_what_is_shown_of_a_condition_before_it_is_judged_holds(text: str, values: dict[str, Any]) -> None:
    condition = compiled(text)
    assert Decision(values).of(condition) in condition.span.truth


@settings(max_examples=40, deadline=None)
@given(conditions())
def test_a_condition_reads_alike_when_it_is_written_out(text: str) -> None:
    tree = parsed(text)
    assert canonical(parsed(canonical(tree))) == canonical(tree)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("member.accused || account.verified", True),
        ("account.verified || member.accused", True),
        ("account.verified && finding.active", False),
        ("!account.verified && finding.active", False),
        ("member.accused && account.verified", {"account.verified"}),
        ("(finding.active && account.organisation) || account.verified", {"account.verified"}),
        ("finding.active || account.verified || account.reseller", {"account.verified", "account.reseller"}),
        ("account.tier == 'x' || account.tier != 'x'", {"account.tier"}),
        ("has(account.tier)", False),
        ("has(account.tier) && account.tier == 'x'", False),
        ("!has(account.tier) || account.tier == 'x'", True),
        ("account.permissions.exists(p, p == account.tier)", False),
        ("account.permissions.all(p, p == account.tier)", True),
        ("finding.capabilities.exists(c, account.tier == 'x' || c == 'chat')", True),
        ("finding.capabilities.all(c, account.tier == 'x' && c == 'vision')", False),
        ("finding.capabilities.exists(c, c == 'vision' && account.verified)", {"account.verified"}),
        ("finding.confirmed_by.exists(f, f == 'work')", {"finding.confirmed_by"}),
        ("account.verified == account.verified", {"account.verified"}),
        ("account.tier in ['x']", {"account.tier"}),
    ],
)
def test_unknown_is_neither_true_nor_false(text: str, answer: bool | set[str]) -> None:
    """`finding.capabilities` begins with what the library stops at: its own `exists` raises there."""
    known = {
        "member.accused": True, "finding.active": False, "account.permissions": (),
        "finding.capabilities": ("vision", "chat"),
    }  # fmt: skip
    said = Decision(known).of(compiled(text))
    assert (set(said.facts) if isinstance(said, Unknown) else said) == answer


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the end stands"), ("account.age > 3", "did you mean `account.age_days`"),
        ("account.tier < 3", "orders numbers"), ("account.tier == 3", "compares a text with a whole number"),
        ("member.accused == 1", "compares"), ("finding.status == 'suspcted'", "never 'suspcted'"),
        ("'x' in finding.capabilities", "never 'x'"), ("member.role in ['operator', 'boss']", "never 'boss'"),
        ("finding.capabilities.exists(c, c == 'reasoning')", "never 'reasoning'"),
        ("member.exchanges + 1", "must be a yes or no"), ("finding.exchanges * 0.5 > 1.0", "write double"),
        ("finding.exchanges * finding.exchanges > 5", "too large"), ("account.tier.matches('a')", "none of"),
        ("finding.capabilities[0] == 'chat'", "should end"), ("true ? true : false", "begins nothing"),
        ("1 / 0 == 1", "begins nothing"), ("1 < 2 < 3", "in a row"), ("!!member.accused", "in a row"),
        ("has('x')", "one fact"), ("size(account.tier) > 1", "wants a list"),
        ("account.tier == 'a\\'", "begins nothing"), ("account.tier == '\ud800'", "half a character"),
        ("finding.capabilities.exists(finding, true)", "new name"), ("finding", "no fact"),
        ("[] == []", "one at least"),
        ("account.tier in ['a', 1]", "alone"), ("account == 'a'", "no fact"), ("99999999999999999 > 1", "over"),
        ("9" * 5000, "begins nothing|over|2,000"), ("null == null", "no fact"), ("timestamp('x') == 1", "no fact"),
        ("member.accused // c", "begins nothing"), ("member.accused; true", "begins nothing"),
    ],
)  # fmt: skip
def test_what_is_no_condition_is_refused_in_a_sentence(text: str, words: str) -> None:
    with pytest.raises(ConditionFault, match=words):
        compiled(text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 1000 + "true" + ")" * 1000, "(" * 990, "!" * 1900, "-" * 1900, "true && " * 2000 + "true",
        "true||" * 320 + "true", "[" * 1000, "account.tier in [" + "'a'," * 480 + "'b']", "a." * 900,
        "finding.capabilities.exists(a, finding.capabilities.exists(b, " * 30 + "true" + "))" * 30,
        "has(" * 400, "x" * 1_000_000, "'" + "a" * 1_000_000 + "'", " " * 1990 + "true && true && x",
    ],
)  # fmt: skip
def test_no_condition_can_be_too_large_to_read(text: str) -> None:
    with pytest.raises(ConditionFault):
        compiled(text)


def test_the_heaviest_condition_that_is_taken_is_judged_within_bounds_of_work() -> None:
    """Loops in loops over the longest lists: the work is bounded by the depth that fits into the text's bounds."""
    inner = "x == y && y == z"
    text = f"account.permissions.all(x, account.permissions.all(y, account.permissions.all(z, {inner})))"
    begun = time.process_time()
    with pytest.raises(ConditionFault, match="loops"):
        compiled(text)
    assert time.process_time() - begun < 5


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet="ab.()[]!&|=<>+-*,'\" 019\n\x00é", max_size=60))
def test_any_text_is_a_condition_or_a_sentence(text: str) -> None:
    try:
        compiled(text)
    except ConditionFault as fault:
        assert str(fault)


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("member.probability > 0.9 && member.probability < 0.5", {False}),
        ("finding.exchanges > 5 && finding.exchanges < 6", {False}),
        ("finding.exchanges > 5 && finding.exchanges < 7", {True, False}),
        ("member.role == 'victim' && member.role == 'operator'", {False}),
        ("member.role in ['victim', 'reseller'] && member.role == 'operator'", {False}),
        ("member.accused && !member.accused", {False}),
        ("true || member.accused", {True}), ("false && member.accused", {False}),
        ("finding.exchanges >= 0", {True}), ("member.probability > 50", {False}),
        ("member.accused || member.role == 'victim'", {True, False}),
        ("'a' == 'b'", {False}), ("1.0 < 2", {True}),
    ],
)  # fmt: skip
def test_what_never_changes_is_shown(text: str, truth: set[bool]) -> None:
    assert span_of(parsed(text)).truth == truth


def test_idle_comparisons_are_found_inside() -> None:
    assert idle_parts(parsed("member.accused && (member.probability > 50 || finding.active)")) != []
    assert idle_parts(parsed("member.accused && member.probability > 0.5")) == []
    assert span_of(parsed("member.accused")).truth == BOTH


@given(
    st.sampled_from(sorted(FACTS)), st.from_type(object) | st.floats() | st.integers() | st.text() | st.lists(st.text())
)
@settings(max_examples=40, deadline=None)
def test_no_value_of_a_fact_is_one_that_its_type_is_not(name: str, value: object) -> None:
    fact = FACTS[name]
    held = coerced(fact, value)
    if held is not None:
        kinds = {"bool": bool, "int": int, "double": float, "text": str, "list": tuple}
        assert type(held) is kinds[fact.type]
        Decision({name: held})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("finding.exchanges", 2**63), ("finding.exchanges", True), ("finding.exchanges", -1),
        ("finding.exchanges", 1.0),
        ("member.probability", float("nan")), ("member.probability", 10**400), ("member.probability", "0.9"),
        ("member.probability", 1.5), ("account.tier", "x" * 257), ("account.tier", "\ud800"), ("account.tier", 3),
        ("member.role", "boss"), ("finding.status", "dismissed"), ("member.accused", 1), ("member.accused", "true"),
        ("account.permissions", ["resale"] * 65), ("account.permissions", "resale"), ("account.permissions", [1]),
    ],
)  # fmt: skip
def test_what_is_hostile_or_out_of_bounds_is_unknown(name: str, value: object) -> None:
    assert coerced(FACTS[name], value) is None


def test_names_are_free_of_what_the_library_reserves() -> None:
    """A list's entry may be called what CEL keeps for itself: it is named anew."""
    condition = compiled("finding.capabilities.exists(package, package == 'chat')")
    assert Decision({"finding.capabilities": ("chat",)}).of(condition) is True
    assert cel_text.LONGEST <= 4_000
