"""Rows of the plan become rows of the contract: texts from the scripts, the rest from tables and from hashed draws."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillwatch.tables import EXCHANGES
from stillwatch.worlds import calendar
from stillwatch.worlds.chance import key, token
from stillwatch.worlds.clients import HABITS, Client
from stillwatch.worlds.corpus import Answer, escaped
from stillwatch.worlds.draft import MODELS, NEWEST, Draft
from stillwatch.worlds.places import GATEWAY_CLASS, dotted
from stillwatch.worlds.plan import Account
from stillwatch.worlds.words import Words, render, render_output

ROWS = 8192
"""Exchanges that are rendered at once: what bounds memory."""

STATUS = ("ok", "error", "refused", "cancelled", "blocked")
STATUS_UP_TO = (0.963, 0.982, 0.991, 0.998, 1.0)
REFUSAL = Answer(escaped("I can't help with that request."), 9)

Array = npt.NDArray[Any]
Keys = npt.NDArray[np.uint64]


def row_keys(seed: int, count: int) -> Keys:
    """A well-mixed 64-bit key for each row of the plan."""
    state = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(key(seed, "rows"))
    return _mixed(state)


def _mixed(state: Keys) -> Keys:
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def draws(keys: Keys, purpose: str) -> Array:
    """A number in [0, 1) for each row and purpose."""
    return _mixed(keys ^ np.uint64(key("draw", purpose))).astype(np.float64) / 2.0**64


def exchange_ids(keys: Keys) -> list[str]:
    """Ids that reveal neither order nor account."""
    return [f"req_{value:016x}" for value in _mixed(keys ^ np.uint64(key("exchange id"))).tolist()]


def days(draft: Draft, keys: Keys) -> Iterator[tuple[str, Array]]:
    """For each day its name and the plan's rows, in order of time."""
    at = draft.plan.column("at")
    order = np.lexsort((keys, at))
    day = (at[order] - calendar.START_US) // calendar.DAY
    for number in range(int(day[0]), int(day[-1]) + 1):
        name = (calendar.START + timedelta(days=number)).date().isoformat()
        yield name, order[np.searchsorted(day, number) : np.searchsorted(day, number, side="right")]


@dataclass(frozen=True)
class _Facts:
    """What is the same for all exchanges of an account."""

    account_id: str
    org_id: str | None
    project_id: str | None
    keys: tuple[str, ...]
    keeps_conversations: bool
    streams: bool


def _facts(seed: int, account: Account) -> _Facts:
    draw = key(seed, "facts", account.account_id)
    return _Facts(
        account.account_id,
        account.row["org_id"],
        f"proj_{token(seed, 'project', account.account_id)}" if draw % 10 < 3 else None,
        tuple(f"key_{token(seed, 'key', account.account_id, number)}" for number in range(1 + draw // 10 % 3)),
        draw // 100 % 4 == 0,
        draw // 1000 % 3 == 0,
    )


class Renderer:
    """Writes rows of one draft's plan as tables of the contract."""

    def __init__(self, draft: Draft, keys: Keys) -> None:
        self._draft = draft
        self._keys = keys
        self._facts = [_facts(draft.seed, account) for account in draft.accounts]
        self._columns = {name: draft.plan.column(name) for name in vars(draft.plan)}
        blocks = draft.corpus.blocks
        self._starts = np.array([block.start for block in blocks], np.int64)
        self._asns = pa.array([block.asn for block in blocks], pa.int64())
        self._countries = pa.array([block.country for block in blocks])
        self._classes = pa.array([GATEWAY_CLASS.get(block.kind) for block in blocks], pa.string())

    def table(self, rows: Array) -> pa.Table:
        """The exchanges of some rows of the plan, in their order."""
        columns = {name: values[rows] for name, values in self._columns.items()}
        keys = self._keys[rows]
        scripts = self._draft.tables.scripts
        said = [
            scripts[s].write(i, t)
            for s, i, t in zip(*(columns[n].tolist() for n in ("script", "item", "turn")), strict=True)
        ]
        clients = [self._draft.tables.clients.items[number] for number in columns["client"].tolist()]
        made = {
            "exchange_id": exchange_ids(keys),
            "operation": ["chat"] * len(rows),
            **self._identity(columns, clients),
            **self._request(columns, clients, said),
            **self._network(columns, keys),
            **_answered(columns, keys, clients, said),
        }
        arrays = [made[f.name] if f.name in made else pa.nulls(len(rows), f.type) for f in EXCHANGES]
        return pa.table([_typed(values, f) for values, f in zip(arrays, EXCHANGES, strict=True)], schema=EXCHANGES)

    def _identity(self, columns: dict[str, Array], clients: list[Client]) -> dict[str, Any]:
        facts = [self._facts[number] for number in columns["account"].tolist()]
        conversations, turns = columns["conversation"].tolist(), columns["turn"].tolist()
        pathways = self._draft.tables.pathways.items
        labels = [
            token(fact.account_id, "conversation", number) if client.product.named or fact.keeps_conversations else None
            for fact, number, client in zip(facts, conversations, clients, strict=True)
        ]  # fmt: skip
        return {
            "account_id": [fact.account_id for fact in facts],
            "org_id": [fact.org_id for fact in facts],
            "project_id": [fact.project_id for fact in facts],
            "api_key_id": [
                fact.keys[number % len(fact.keys)]
                for fact, number in zip(facts, columns["client"].tolist(), strict=True)
            ],
            "end_user_id": [
                f"user_{token(fact.account_id, 'end user', number)}" if number >= 0 else None
                for fact, number in zip(facts, columns["end_user"].tolist(), strict=True)
            ],
            "session_id": [
                f"sess_{label}" if label and c.product.sessions else None
                for label, c in zip(labels, clients, strict=True)
            ],
            "conversation_id": [f"conv_{label}" if label else None for label in labels],
            "turn_index": [turn if label else None for turn, label in zip(turns, labels, strict=True)],
            "pathway": [pathways[number] for number in columns["pathway"].tolist()],
            "stream": [
                c.product.console or c.product.sessions or f.streams for c, f in zip(clients, facts, strict=True)
            ],
        }

    def _request(self, columns: dict[str, Array], clients: list[Client], said: list[Words]) -> dict[str, Any]:
        habits = [HABITS[number] for number in columns["habit"].tolist()]
        models = [MODELS[number] for number in columns["model"].tolist()]
        names = ("temperature", "top_p", "max_tokens", "seed", "n", "reasoning_effort", "response_format")
        return {
            **{name: [getattr(habit, name) for habit in habits] for name in names},
            "model_requested": models,
            "model_served": models,
            "tool_choice": ["auto" if words.tools else None for words in said],
            "user_agent": [client.user_agent for client in clients],
            "system": [words.system for words in said],
            "tools": [words.tools for words in said],
            "messages": [render(w.messages, c.product.bare) for w, c in zip(said, clients, strict=True)],
        }

    def _network(self, columns: dict[str, Array], keys: Keys) -> dict[str, Any]:
        unseen = draws(keys, "unseen") < 0.02
        addresses = self._starts[columns["block"]] + columns["host"]
        place = pa.array(columns["block"].astype(np.int64), mask=unseen)
        clients = [self._draft.tables.clients.items[number] for number in columns["client"].tolist()]
        return {
            "client_ip": [
                None if hidden else dotted(value)
                for value, hidden in zip(addresses.tolist(), unseen.tolist(), strict=True)
            ],
            "asn": self._asns.take(place),
            "country": self._countries.take(place),
            "ip_class": self._classes.take(place),
            "ja4": [client.ja4 for client in clients],
        }


def _answered(columns: dict[str, Array], keys: Keys, clients: list[Client], said: list[Words]) -> dict[str, Any]:
    status = np.searchsorted(STATUS_UP_TO, draws(keys, "status"), side="right").tolist()
    replies = [REFUSAL if s == 2 else words.output for s, words in zip(status, said, strict=True)]
    silent = [s in (1, 4) for s in status]
    tokens_in = np.array([_input_tokens(words) for words in said])
    tokens_out = np.array(
        [
            0 if hush else words.output_tokens or reply.tokens
            for hush, words, reply in zip(silent, said, replies, strict=True)
        ]
    )
    capped = np.array([HABITS[number].max_tokens or 64_000 for number in columns["habit"].tolist()])
    cut = tokens_out >= capped
    efforts = np.array([HABITS[number].reasoning_effort is not None for number in columns["habit"].tolist()])
    thought = (efforts | ((columns["model"] == NEWEST) & (draws(keys, "thinks") < 0.3))) & (tokens_out > 0)
    cached = ((columns["turn"] > 0) & (draws(keys, "cache") < 0.6)) * draws(keys, "cached") * tokens_in
    finish = [None if hush else "length" if short else "stop" for hush, short in zip(silent, cut.tolist(), strict=True)]
    seconds = 0.4 + tokens_out * (0.008 + 0.02 * draws(keys, "speed")) + tokens_in * 2e-5
    asked = columns["at"]
    return {
        "asked_at": asked,
        "finished_at": asked + (seconds * calendar.SECOND).astype(np.int64),
        "status": [STATUS[s] for s in status],
        "finish_reason": finish,
        "input_tokens": tokens_in,
        "output_tokens": np.minimum(tokens_out, capped),
        "reasoning_tokens": pa.array((tokens_out * (0.3 + 3 * draws(keys, "thought"))).astype(np.int64), mask=~thought),
        "cached_tokens": cached.astype(np.int64),
        "output": [
            None if hush else render_output(reply.words, end or "stop", client.product.bare)
            for hush, reply, end, client in zip(silent, replies, finish, clients, strict=True)
        ],
    }


def _input_tokens(words: Words) -> int:
    if words.input_tokens is not None:
        return words.input_tokens
    characters = (
        sum(len(message.content) for message in words.messages) + len(words.system or "") + len(words.tools or "")
    )
    return 4 + characters // 4


def _typed(values: Any, wanted: pa.Field) -> pa.Array:
    if isinstance(values, pa.ChunkedArray | pa.Array):
        return values.cast(wanted.type)
    if pa.types.is_timestamp(wanted.type):
        return pa.array(values, pa.int64()).cast(wanted.type)
    return pa.array(values, wanted.type)


def moment(value: int | None) -> datetime | None:
    """Microseconds since 1970 as a time."""
    return None if value is None else datetime.fromtimestamp(value / 1e6, UTC)
