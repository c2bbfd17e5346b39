"""Hop's airdrop accounts as token sets: which address funded whom, where it went, how much and when.

What a shared token means, by family; no two families see the same transfer:

* registration: an address outside of the airdrop that funded both
* infrastructure: an address outside that both paid, and direct transfers between accounts of the airdrop, each account
  beside itself (so that two that paid each other share two tokens)
* client: the same volume through the bridge within 2 %, as a script's setting would make it
* timing: the first use of the bridge in the same ten minutes, hour or day

There is nothing of content or work. The labels (`sybil`, `group`, `custom_group`, `eligible`) and Hop's own list of
addresses that its search passes over (`blacklist`) stay out: `read` keeps them in another type.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from stillwatch.linkage.incidence import Channel, Incidence, channel
from stillwatch.records import Family

FINE = 0.02
"""Natural logarithm of the volumes' ratio that one token spans."""

SLOTS = {"ten minutes": 600, "hour": 3600, "day": 86_400}
AGE = 30 * 86_400
CHAINS = ("ethereum", "optimism", "polygon", "xdai")


@dataclass(frozen=True)
class Transfers:
    """What the chains show: accounts in ascending order of their address, and (source, target, kind) of transfers.

    `first_use` are seconds since 1970, `volume` dollars.
    """

    addresses: tuple[str, ...]
    first_use: NDArray[np.int64]
    volume: NDArray[np.float64]
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Truth:
    """What is said of each account, in the same order; nothing is said where it is None."""

    sybil: NDArray[np.bool_]
    component: tuple[str | None, ...]
    ring: tuple[str | None, ...]
    passed_over: tuple[str | None, ...]


def read(folder: Path) -> tuple[Transfers, Truth]:
    """The two tables of a folder."""
    accounts = pq.read_table(folder / "hop_accounts.parquet").sort_by("address").to_pydict()
    edges = pq.read_table(folder / "hop_transfers.parquet").to_pydict()
    shown = Transfers(
        tuple(accounts["address"]), np.array(accounts["first_ts"]), np.array(accounts["volume"]),
        tuple(edges["src"]), tuple(edges["dst"]), tuple(edges["kind"]),
    )  # fmt: skip
    said = Truth(
        np.array(accounts["sybil"]), tuple(accounts["group"]), tuple(accounts["custom_group"]),
        tuple(accounts["blacklist"]),
    )  # fmt: skip
    return shown, said


def keys_of(names: tuple[str, ...]) -> NDArray[np.uint64]:
    """A hash of each name: the source of all randomness about it."""
    digests = b"".join(hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def incidence_of(shown: Transfers, *, direct: bool = True, volume: bool = True) -> Incidence:
    """Token sets of all accounts; without `direct`, transfers between two accounts of the airdrop are not looked at,
    and without `volume` nobody's volume makes a token."""
    n = len(shown.addresses)
    funded, paid, between = _tokens(shown)
    channels = [
        channel("funding", (Family.REGISTRATION,), *funded, n),
        channel("destination", (Family.INFRASTRUCTURE,), *paid, n),
        *(_slots(name, seconds, shown) for name, seconds in SLOTS.items()),
    ]
    if direct:
        channels.append(channel("direct", (Family.INFRASTRUCTURE,), *between, n))
    if volume:
        same = np.floor(np.log(shown.volume) / FINE).astype(np.int64)
        channels.append(channel("volume", (Family.CLIENT,), np.arange(n), same, n))
    return Incidence(keys_of(shown.addresses), np.ones(n, np.int64), tuple(channels), _strata(shown))


def _slots(name: str, seconds: int, shown: Transfers) -> Channel:
    return channel(name, (Family.TIMING,), np.arange(len(shown.addresses)), shown.first_use // seconds,
                   len(shown.addresses))  # fmt: skip


Held = tuple[NDArray[np.int64], NDArray[np.uint64]]


def _tokens(shown: Transfers) -> tuple[Held, Held, Held]:
    """(row, token) of funding from outside, of payments to outside, and of transfers between two rows."""
    source, target = ends(shown)
    sender, receiver = keys_of(shown.sources), keys_of(shown.targets)
    from_outside, to_outside = (source < 0) & (target >= 0), (source >= 0) & (target < 0)
    both = (source >= 0) & (target >= 0)
    own = keys_of(shown.addresses)
    rows = np.concatenate([np.arange(len(own)), source[both], target[both]])
    tokens = np.concatenate([own, receiver[both], sender[both]])
    return (target[from_outside], sender[from_outside]), (source[to_outside], receiver[to_outside]), (rows, tokens)


def ends(shown: Transfers) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The row of each transfer's source and target; -1 for an address that is no account of the airdrop."""
    row = {address: at for at, address in enumerate(shown.addresses)}
    return (
        np.array([row.get(name, -1) for name in shown.sources], dtype=np.int64),
        np.array([row.get(name, -1) for name in shown.targets], dtype=np.int64),
    )


def _strata(shown: Transfers) -> tuple[tuple[NDArray[np.int32], ...], ...]:
    """(month of the first use, chains seen) and (month, decile of volume)."""
    month = (shown.first_use - shown.first_use.min()) // AGE
    edges = np.quantile(shown.volume, np.linspace(0, 1, 11)[1:-1])
    chains = np.zeros(len(shown.addresses), dtype=np.int64)
    seen = np.array([1 << CHAINS.index(place) if place in CHAINS else 0 for place in
                     (kind.partition(":")[2] for kind in shown.kinds)], dtype=np.int64)  # fmt: skip
    for rows in ends(shown):
        np.bitwise_or.at(chains, rows[rows >= 0], seen[rows >= 0])
    age = month.astype(np.int32)
    return ((age, chains.astype(np.int32)), (age, np.searchsorted(edges, shown.volume).astype(np.int32)))
