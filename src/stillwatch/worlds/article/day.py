"""One day of an article world: who asks when, from where, and what."""

from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillwatch.tables import EXCHANGES
from stillwatch.worlds import calendar
from stillwatch.worlds.article.columns import hexadecimal, mixed, typed
from stillwatch.worlds.article.population import (
    CAMPAIGN_HEADS,
    CLIENTS,
    COUNTRIES,
    COVER,
    EXITS,
    HONEST_HEADS,
    OPERATOR,
    PRODUCT,
    REPORTED,
    TURNS,
    Population,
)  # fmt: skip
from stillwatch.worlds.article.texts import Wanted, Writer
from stillwatch.worlds.chance import generator, key
from stillwatch.worlds.clients import HABITS
from stillwatch.worlds.corpus import Corpus
from stillwatch.worlds.draft import MODELS
from stillwatch.worlds.places import GATEWAY_CLASS, dotted

Ints = npt.NDArray[np.int64]

MOST_TURNS = 12
WORDS = {"asked": (3.2, 0.8), "answered": (4.2, 0.7)}
"""Mean and deviation of the logarithm of a text's words; together with JSON and earlier turns a KB an exchange."""

LONGEST = 400

WORK = 8
"""Decides in which of its campaign's programmes an operator's account mostly works."""


class Day:
    """The exchanges of one day, in the order of their times."""

    def __init__(
        self, held: Corpus, everybody: Population, writer: Writer, ids: pa.Array, exchanges: int, number: int, seed: int
    ) -> None:
        self._held, self._everybody, self._writer, self._ids = held, everybody, writer, ids
        self.name = (calendar.START + timedelta(days=number)).date().isoformat()
        self._seed = key("article", seed, "day", number)
        rng = generator("article", seed, "day", number)
        begin = calendar.START_US + number * calendar.DAY
        alive = (everybody.created < begin) & ((everybody.suspended < 0) | (everybody.suspended > begin))
        rate = everybody.rate * alive * _made_up(everybody, alive)
        turns = np.array(TURNS)[everybody.kind]
        count = rng.poisson(exchanges / calendar.DAYS * rate / turns)
        account = np.repeat(np.arange(len(everybody)), count)
        long = np.minimum(rng.geometric(1.0 / turns[account]), MOST_TURNS)
        moment = begin + (_hours(everybody, account, rng) * calendar.HOUR).astype(np.int64)
        conversation = np.repeat(np.arange(len(account)), long)
        self._turn = np.arange(len(conversation)) - np.repeat(np.cumsum(long) - long, long)
        self._account = account[conversation]
        at = moment[conversation] + self._turn * rng.integers(20, 300, len(account))[conversation] * calendar.SECOND
        order = np.argsort(at, kind="stable")
        self._at = at[order]
        self._account, self._turn, self._conversation = self._account[order], self._turn[order], conversation[order]
        covers = rng.random(len(order)) < COVER
        self._work = np.where(covers, -1, everybody.campaign[self._account])
        self._draw = rng.random((6, len(order)))

    def __len__(self) -> int:
        return len(self._at)

    def extracted(self) -> Ints:
        """Exchanges of extraction of each campaign, then all others."""
        return np.bincount(self._work % (len(REPORTED) + 1), minlength=len(REPORTED) + 1)

    def table(self, first: int, end: int) -> tuple[pa.Table, int]:
        """Some of the day's exchanges, and their bytes of text."""
        rows = np.arange(first, min(end, len(self)))
        account, draw = self._account[rows], self._draw[:, rows]
        said = self._texts(rows)
        text = sum(column.nbytes for column in said.values())
        columns = {
            "exchange_id": hexadecimal("req_", rows, self._seed), "asked_at": self._at[rows],
            "account_id": self._ids.take(pa.array(account)), "operation": pa.array(["chat"] * len(rows)),
            **self._request(account, draw), **self._network(account, rows, draw), **said,
            **_answered(self._at[rows], draw, said["messages"], said["output"]),
        }  # fmt: skip
        return typed(columns, EXCHANGES, len(rows)), text

    def _texts(self, rows: Ints) -> dict[str, pa.Array]:
        everybody, account, work = self._everybody, self._account[rows], self._work[rows]
        rng = generator(self._seed, int(rows[0]) if len(rows) else 0)
        key_of = mixed(rows, self._seed ^ 1)
        talk = mixed(self._conversation[rows] * 64 + self._turn[rows], self._seed ^ 2)
        before = mixed(self._conversation[rows] * 64 + self._turn[rows] - 1, self._seed ^ 2)
        programme = (mixed(account, WORK) % np.uint64(CAMPAIGN_HEADS)).astype(np.int64)
        other = (self._draw[5, rows] * CAMPAIGN_HEADS).astype(np.int64)
        programme = np.where(self._draw[4, rows] < 0.7, programme, other)
        head = np.where(work >= 0, HONEST_HEADS + work * CAMPAIGN_HEADS + programme, everybody.head[account])
        drifting = rng.integers(0, self._writer.places, len(rows))
        home = np.where(work >= 0, drifting, everybody.home[account])
        count = {name: np.exp(rng.normal(*WORDS[name], len(rows))).astype(np.int64).clip(2, LONGEST) for name in WORDS}
        none = np.zeros(len(rows), np.uint64)
        nobody = np.full(len(rows), -1)
        asked = Wanted(talk, np.where(self._turn[rows] > 0, before, none), home, count["asked"], head)
        answered = Wanted(key_of, none, home, count["answered"], nobody)
        return {"messages": self._writer.messages(asked), "output": self._writer.answers(answered)}

    def _request(self, account: Ints, draw: npt.NDArray[np.float64]) -> dict[str, pa.Array]:
        everybody = self._everybody
        habits = pa.array(everybody.habit[account])
        names = ("temperature", "top_p", "max_tokens", "seed", "n", "reasoning_effort", "response_format")
        newest = self._at[0] > calendar.RELEASED_US
        model = np.where((draw[0] < 0.6) & newest, len(MODELS) - 1, (draw[0] * (len(MODELS) - 1)).astype(np.int64))
        models = pa.array(MODELS).take(pa.array(model))
        client = pa.array(everybody.client[account])
        return {
            **{name: pa.array([getattr(habit, name) for habit in HABITS]).take(habits) for name in names},
            "model_requested": models, "model_served": models,
            "user_agent": pa.array([agent for _, agent, _ in CLIENTS]).take(client),
            "ja4": pa.array([ja4 for _, _, ja4 in CLIENTS]).take(client),
        }  # fmt: skip

    def _network(self, account: Ints, rows: Ints, draw: npt.NDArray[np.float64]) -> dict[str, pa.Array]:
        at = (mixed(self._conversation[rows], self._seed ^ 3) % np.uint64(EXITS)).astype(np.int64)
        block, host = self._everybody.places[account, at], self._everybody.hosts[account, at]
        host = np.where(host > 0, host, 1 + (mixed(self._conversation[rows], 4) % np.uint64(254)).astype(np.int64))
        starts = np.array([block.start for block in self._held.blocks])
        address, place = np.unique(starts[block] + host, return_inverse=True)
        blocks = pa.array(block, mask=draw[1] < 0.02)
        classes = pa.array([GATEWAY_CLASS.get(b.kind) for b in self._held.blocks], pa.string())
        return {
            "client_ip": pa.array([dotted(value) for value in address.tolist()]).take(pa.array(place)),
            "asn": pa.array([b.asn for b in self._held.blocks]).take(blocks),
            "country": pa.array([b.country for b in self._held.blocks]).take(blocks),
            "ip_class": classes.take(blocks),
        }


def _made_up(everybody: Population, alive: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """What those of a campaign who are there do for those who are not yet, or no more."""
    sizes = len(REPORTED) + 1
    wanted = np.bincount(everybody.campaign % sizes, everybody.rate, sizes)
    there = np.bincount(everybody.campaign % sizes, everybody.rate * alive, sizes)
    share = np.divide(wanted, there, out=np.ones(sizes), where=there > 0)
    return np.asarray(share[everybody.campaign % sizes])


def _hours(everybody: Population, account: Ints, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """The hour of the day (UTC) at which conversations begin: people's by day in their country, programs' at any."""
    offsets = np.array([calendar.OFFSETS.get(name, 0) for name in COUNTRIES])[everybody.country[account]]
    people = (rng.normal(15.0, 4.0, len(account)) - offsets) % 24
    anywhen = (everybody.kind[account] == PRODUCT) | (everybody.kind[account] == OPERATOR)
    return np.where(anywhen, rng.random(len(account)) * 24, people) * 0.999


def _answered(at: Ints, draw: npt.NDArray[np.float64], asked: pa.Array, output: pa.Array) -> dict[str, pa.Array]:
    sizes = [
        np.diff(np.frombuffer(column.buffers()[1], np.int64)[: len(column) + 1]) // 4 for column in (asked, output)
    ]
    seconds = 0.4 + sizes[1] * (0.008 + 0.02 * draw[2])
    return {
        "finished_at": at + (seconds * calendar.SECOND).astype(np.int64),
        "status": pa.array(["ok", "error"]).take(pa.array((draw[3] < 0.02).astype(np.int64))),
        "finish_reason": pa.array(["stop", "length"]).take(pa.array((draw[3] > 0.97).astype(np.int64))),
        "input_tokens": sizes[0], "output_tokens": sizes[1],
        "cached_tokens": (draw[2] * sizes[0]).astype(np.int64),
    }  # fmt: skip
