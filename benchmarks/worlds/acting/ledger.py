"""The provider's own log: agents' plans become rows of the contract, and rows become Parquet, a file a day."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from acting.acts import DAY, DAYS, SPAN, Account, Begun, Form, Talk, Turn, Way
from acting.chance import Dice, digest
from acting.words import lists

START = datetime(2026, 3, 2, tzinfo=UTC)
RELEASES = (("large-3", 11.67 * DAY, "large"), ("mid-3", 19.6 * DAY, "mid"))
KEPT = 9
"""Messages of a long agent session that its client still sends, besides the first."""
TIME = pa.timestamp("us", tz="UTC")
EXCHANGES = pa.schema([
    ("exchange_id", pa.string()), ("asked_at", TIME), ("finished_at", TIME), ("account_id", pa.string()),
    ("project_id", pa.string()), ("api_key_id", pa.string()), ("end_user_id", pa.string()),
    ("session_id", pa.string()), ("conversation_id", pa.string()), ("turn_index", pa.int32()),
    ("pathway", pa.string()), ("operation", pa.string()), ("model_requested", pa.string()),
    ("model_served", pa.string()), ("stream", pa.bool_()), ("temperature", pa.float64()), ("top_p", pa.float64()),
    ("max_tokens", pa.int64()), ("n", pa.int32()), ("seed", pa.int64()), ("reasoning_effort", pa.string()),
    ("response_format", pa.string()), ("tool_choice", pa.string()), ("status", pa.string()),
    ("finish_reason", pa.string()), ("input_tokens", pa.int64()), ("output_tokens", pa.int64()),
    ("reasoning_tokens", pa.int64()), ("cached_tokens", pa.int64()), ("client_ip", pa.string()),
    ("ja4", pa.string()), ("user_agent", pa.string()), ("system", pa.string()), ("messages", pa.string()),
    ("tools", pa.string()), ("output", pa.string()),
])  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sent:
    """What one exchange adds to the log, with the truth beside it."""

    row: tuple[Any, ...]
    campaign: str
    aim: str


def stamp(at: float) -> datetime:
    return START + timedelta(microseconds=int(at * 1e6))


def model_at(account: Account, family: str, at: float) -> str:
    """The model that an account asks for: a family's newest, some days after its release."""
    for name, released, of in RELEASES:
        if of == family and at > released + account.adopts * DAY:
            return name
    return "reason-1" if family == "reason" else f"{family}-2"


def said(role: str, content: str) -> str:
    body = content if content.startswith('[{"type"') else json.dumps(content, ensure_ascii=False)
    return f'{{"role": "{role}", "content": {body}}}'


def answered(turn: Turn) -> str:
    if not turn.call:
        return said("assistant", turn.answer)
    parts = f'[{{"type": "text", "content": {json.dumps(turn.answer, ensure_ascii=False)}}}, {turn.call}]'
    return f'{{"role": "assistant", "parts": {parts}}}'


def asked(turn: Turn) -> str:
    if not turn.seen:
        return said("user", turn.ask)
    seen = json.dumps(turn.seen, ensure_ascii=False)
    return f'{{"role": "tool", "parts": [{{"type": "tool_call_response", "id": "call", "response": {seen}}}]}}'


class Ledger:
    """Rows by day, as they are written down."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.days: list[list[Sent]] = [[] for _ in range(DAYS)]
        self.count = 0
        self.harvested: Counter[str] = Counter()

    def record(self, account: Account) -> None:
        """Write down all that an account did before it was suspended."""
        for begun in account.plan:
            self.talk(account, begun)

    def talk(self, account: Account, begun: Begun) -> None:
        form, at = begun.talk.form, begun.at
        past: list[str] = []
        way = account.way(at, begun.talk)
        dice = account.dice
        conversation = dice.token("c_", 14) if way.pathway == "console" or dice.happens(0.6) else None
        stolen = account.kind == "victim" and bool(begun.talk.turns[0].campaign)
        key = key_of(account, way, stolen)
        for index, turn in enumerate(begun.talk.turns):
            at += turn.gap
            if not 0 <= at < SPAN or (account.suspended is not None and at > account.suspended):
                return
            if account.leave is not None and index:
                way = account.way(at, begun.talk)
            past.append(asked(turn))
            status = outcome(turn, dice)
            self.exchange(account, at, begun.talk, turn, (index, conversation, key, way, status, past))
            past.append(answered(turn))
            if not form.remembers or status in ("error", "blocked"):
                past.clear()

    def exchange(
        self, account: Account, at: float, talk: Talk, turn: Turn,
        around: tuple[int, str | None, str | None, Way, str, list[str]],
    ) -> None:  # fmt: skip
        index, conversation, key, way, status, past = around
        dice, form = account.dice, talk.form
        self.count += 1
        sent = past if len(past) <= KEPT + 1 else [past[0], *past[-KEPT:]]
        messages = "[" + ", ".join(sent) + "]"
        answer = answer_of(turn, status, dice)
        tokens = tokens_of(form, turn, messages, answer, dice)
        model = model_at(account, form.family, at)
        session = f"s_{digest(account.account_id, conversation):014x}"[:14] if conversation else None
        row = (
            f"req_{digest(self.seed, account.account_id, self.count):016x}",
            stamp(at), stamp(at + tokens[1] / dice.around(70, 0.3) + 0.4), account.account_id, account.project, key,
            form.end_user or None, session, conversation, index if conversation else None, way.pathway, "chat",
            model, model, streams(form, dice), form.temperature, form.top_p, form.limit, form.n, form.seed,
            form.effort or None, form.response_format or None, form.tool_choice or None, status,
            ending(turn, status, form, tokens), tokens[0], tokens[1], tokens[3], tokens[2], way.address, way.ja4,
            way.agent, form.system or None, messages, form.tools or None, answer,
        )  # fmt: skip
        self.harvested[turn.campaign] += 1
        self.days[int(at // DAY)].append(Sent(row, turn.campaign, turn.aim))

    def write(self, logs: Path, truth: Path) -> None:
        """A file a day, rows in order of time; the truth of all in one."""
        (logs / "exchanges").mkdir(parents=True, exist_ok=True)
        facts = []
        for day, sent in enumerate(self.days):
            sent.sort(key=lambda one: (one.row[1], one.row[0]))
            columns = list(zip(*(one.row for one in sent), strict=True)) or [()] * len(EXCHANGES)
            arrays = [pa.array(c, f.type) for c, f in zip(columns, EXCHANGES, strict=True)]
            table = pa.Table.from_arrays(arrays, schema=EXCHANGES)
            if sent:
                pq.write_table(table, logs / "exchanges" / f"day-{day + 1:02d}.parquet", compression="zstd")
            facts += [(one.row[0], one.campaign or None, one.aim if one.campaign else None) for one in sent]
        ids, campaigns, aims = zip(*facts, strict=True)
        names = ("exchange_id", "campaign", "capability")
        table = pa.table([pa.array(column, pa.string()) for column in (ids, campaigns, aims)], names=list(names))
        pq.write_table(table, truth / "exchanges.parquet", compression="zstd")


def key_of(account: Account, way: Way, stolen: bool) -> str | None:
    """One of the account's keys; a thief has but one of them."""
    if not account.keys or way.pathway == "console":
        return None
    return account.keys[-1] if stolen else account.dice.pick(account.keys)


def streams(form: Form, dice: Dice) -> bool | None:
    if form.stream is not None:
        return form.stream
    return dice.happens(form.client.stream) if form.client else True


def outcome(turn: Turn, dice: Dice) -> str:
    """How an exchange ends: the shares of failures are those of an ordinary day."""
    throw = dice.random()
    if throw < turn.refuses:
        return "refused"
    rest = throw - turn.refuses
    for status, share in (("error", 0.014), ("cancelled", 0.008), ("blocked", 0.0015)):
        rest -= share
        if rest < 0:
            return status
    return "ok"


def answer_of(turn: Turn, status: str, dice: Dice) -> str | None:
    if status in ("error", "blocked"):
        return None
    if status == "refused":
        return "[" + said("assistant", dice.pick(lists("asks")["refusals"])) + "]"
    if status == "cancelled":
        return "[" + said("assistant", turn.answer[: len(turn.answer) // 3]) + "]"
    return "[" + answered(turn) + "]"


def tokens_of(
    form: Form, turn: Turn, messages: str, answer: str | None, dice: Dice
) -> tuple[int, int, int, int | None]:
    """Input, output, cached and reasoning tokens; from a real trace where the turn has its counts."""
    if turn.counts is not None:
        return (*turn.counts, None)
    asked_for = int((len(messages) + len(form.system) + len(form.tools)) / dice.around(4.1, 0.06)) + 3
    told = int(len(answer) / dice.around(4.2, 0.06)) + 1 if answer else 0
    thought = int(dice.around(600, 0.8)) if form.effort or form.family == "reason" else None
    cached = asked_for // 128 * 64 if len(form.system) > 3000 else 0
    return asked_for, told + (thought or 0), cached, thought


def ending(turn: Turn, status: str, form: Form, tokens: tuple[int, int, int, int | None]) -> str | None:
    if status in ("error", "blocked", "cancelled"):
        return None
    if turn.call:
        return "tool_calls"
    return "length" if form.limit is not None and tokens[1] >= form.limit else "stop"
