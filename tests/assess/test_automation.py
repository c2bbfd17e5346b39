"""Programs behind accounts that look like people's: what a client says, paces that nobody keeps, and abstention."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from stillwatch.assess.automation import AUTOMATION_STEPS, hidden_programs
from stillwatch.engine.duckdb import DuckEngine

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
SDK = "OpenAI/Python 1.51.2"
EXCHANGE = pa.schema(
    [("x", pa.int64()), ("account", pa.int32()), ("asked_at", pa.timestamp("us", tz="UTC")), ("pathway", pa.string()),
     ("user_agent", pa.string()), ("output_words", pa.int32()), ("output_tokens", pa.int64()),
     ("reasoning_tokens", pa.int64()), ("shared", pa.bool_())]
)  # fmt: skip


def asked(
    agent: str | None, seconds: float, *, shared: bool, n: int, words: int = 80, **more: Any
) -> list[dict[str, Any]]:
    """Exchanges, one every so many seconds from noon on."""
    return [
        {"asked_at": NOON + timedelta(seconds=seconds * number), "user_agent": agent, "output_words": words,
         "pathway": None, "output_tokens": None, "reasoning_tokens": None, "shared": shared} | more
        for number in range(n)
    ]  # fmt: skip


def behind(*lives: list[dict[str, Any]]) -> tuple[dict[int, float | None], dict[int, float | None]]:
    """What is told of each account as a member of a group, and as somebody in none."""
    rows = [row | {"account": place} for place, life in enumerate(lives) for row in life]
    held = pa.Table.from_pylist([row | {"x": x} for x, row in enumerate(rows)], schema=EXCHANGE)
    with DuckEngine() as engine:
        engine.register("exchange", held)
        engine.register("group_exchange", held.filter(held["shared"]).select(["x", "account"]).append_column(
            "grp", pa.array([0] * held["shared"].to_pylist().count(True), pa.int32())
        ))  # fmt: skip
        engine.run(AUTOMATION_STEPS)
        told = [engine.arrow(f"SELECT * FROM {name}").to_pylist() for name in ("member_automation", "life_automation")]
    member, life = ({r["account"]: None if r["behind"] is None else float(r["behind"]) for r in rows} for rows in told)
    return member, life


PERSON = asked(CHROME, 4 * 3600, shared=False, n=8)
"""An account's own life: some requests a day from a browser."""


def test_a_program_does_the_work_of_an_account_that_looks_like_a_persons() -> None:
    member, life = behind(PERSON + asked(SDK, 60, shared=True, n=20), asked(SDK, 60, shared=False, n=20))
    assert member == {0: 1.0}
    assert life == {0: None, 1: None}, "seen whole, both live by programs: they look like what they are"


def test_a_browser_at_a_pace_that_nobody_types_or_reads() -> None:
    fast, long = asked(CHROME, 5, shared=True, n=60), asked(CHROME, 30, shared=True, n=20, words=3000)
    by_hand = asked(CHROME, 90, shared=True, n=20, words=300)
    member, life = behind(fast, long, by_hand)
    assert member == life == {0: 1.0, 1: 1.0, 2: 0.0}


def test_nobody_reads_reasoning_that_is_not_shown() -> None:
    long = {"output_words": None, "output_tokens": 4_100}
    hidden = asked(CHROME, 120, shared=True, n=9, **long, reasoning_tokens=3_900)
    member, _ = behind(hidden, asked(CHROME, 120, shared=True, n=9, **long))
    assert member == {0: 0.0, 1: 1.0}


def test_a_day_without_rest() -> None:
    member, _ = behind(asked(CHROME, 3600, shared=True, n=36), asked(CHROME, 5400, shared=True, n=24))
    assert member == {0: 1.0, 1: 0.0}


def test_who_openly_is_a_program_hides_none() -> None:
    member, life = behind(asked(SDK, 5, shared=True, n=60) + asked(SDK, 3600, shared=False, n=9))
    assert member == life == {0: None}


def test_a_few_exchanges_beside_the_work_tell_no_life() -> None:
    member, _ = behind(PERSON[:4] + asked(SDK, 60, shared=True, n=20))
    assert member == {0: None}


@pytest.mark.parametrize(
    ("agent", "person"),
    [
        (CHROME, True),
        (CHROME.replace("Chrome/", "HeadlessChrome/"), False),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; Chrome/1) Safari/1", False),
        (CHROME + " Electron/33.0", False),
        (CHROME.replace("Windows NT 10.0; Win64; x64", "Linux; Android 11; CUBOT X30"), True),
        ("Mozilla/5.0", False),
        ("", False),
        ("hmac:k1:0011", None),
        (None, None),
    ],
)
def test_what_a_client_says_that_it_is(agent: str | None, person: bool | None) -> None:
    member, _ = behind(PERSON + asked(agent, 90, shared=True, n=9))
    assert member[0] == {True: 0.0, False: 1.0, None: None}[person]


def test_the_door_tells_where_clients_are_hidden() -> None:
    console = asked("hmac:k1:0011", 3600, shared=False, n=9, pathway="console")
    member, _ = behind(console + asked("hmac:k1:0012", 60, shared=True, n=20, pathway="api"))
    assert member == {0: 1.0}


def test_logs_of_days_alone_make_nobody_fast() -> None:
    days = [row | {"asked_at": NOON.replace(hour=0)} for row in asked(CHROME, 1, shared=True, n=90)]
    assert behind(days) == ({0: 0.0}, {0: 0.0})


def test_logs_of_whole_minutes_make_nobody_fast() -> None:
    minutes = [row | {"asked_at": row["asked_at"].replace(second=0)} for row in asked(CHROME, 9, shared=True, n=60)]
    assert behind(minutes)[0] == {0: 0.0}


def test_the_term_is_bounded_abstains_and_never_speaks_for_a_group() -> None:
    (term,) = hidden_programs({"behind": 1.0, "like_people": 1.0}, {"behind": 0.0})
    assert (term.question, term.value) == ("concealed", 0.6)
    assert hidden_programs({"behind": 0.0, "like_people": 1.0}, {"behind": 0.3}) == ()
    assert hidden_programs({"behind": 0.24, "like_people": 1.0}, {"behind": 0.24}) == ()
    assert hidden_programs({"behind": None, "like_people": 0.0}, {"behind": 0.1}) == ()
    assert hidden_programs({"like_people": 1.0}, {"behind": 0.1}) == ()
    assert hidden_programs({"behind": 0.9, "like_people": 1.0}, {"behind": None}) == ()


def test_two_members_of_many_who_look_like_people_say_little() -> None:
    (few,), (many,) = (
        hidden_programs({"behind": 1.0, "like_people": share}, {"behind": 0.05}) for share in (0.03, 0.5)
    )
    assert few.value < 0.1 * many.value + 0.01
