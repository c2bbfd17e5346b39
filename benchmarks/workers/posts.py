"""CooRTweet's posts as token sets: links, domains, hashtags and images as content, ten minutes as timing.

Nobody has said which accounts are coordinated, so this is a check of sanity: the search must end, and must not confirm
most of an election's public. Two families alone hold tokens, so each is left out alone, and no group can be found
without both: none is confirmed twice.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hop
import numpy as np
import pyarrow.parquet as pq

from stillwatch.linkage.groups import confirmed_groups
from stillwatch.linkage.incidence import Channel, Incidence, channel
from stillwatch.linkage.search import search
from stillwatch.records import Family

OBJECTS = ("url_id", "domain_id", "hashtag_id", "phash_id")
SLOT = 600
LEAST_POSTS = 2
"""Posts below which an account is not looked at."""


def incidence_of(table: dict[str, list[Any]]) -> Incidence:
    """Token sets of the accounts with at least `LEAST_POSTS` posts; strata are the platforms."""
    posts = np.unique(np.array([table["account_id"], table["post_id"]], dtype=str), axis=1)[0]
    names, counts = np.unique(posts, return_counts=True)
    names = names[counts >= LEAST_POSTS]
    account = np.array(table["account_id"], dtype=str)
    kept = np.isin(account, names)
    row = np.searchsorted(names, account[kept])
    channels = [_objects(name, row, np.array(table[name], dtype=object)[kept], len(names)) for name in OBJECTS]
    slots = (np.array(table["timestamp"])[kept] // SLOT).astype(np.int64)
    channels.append(channel("ten minutes", (Family.TIMING,), row, slots, len(names)))
    platform = np.array([name.startswith("fb") for name in names.tolist()], dtype=np.int32)
    keys = hop.keys_of(tuple(names.tolist()))
    return Incidence(keys, np.ones(len(names), np.int64), tuple(channels), ((platform,),))


def _objects(name: str, row: Any, values: Any, n: int) -> Channel:
    there = np.array([value is not None for value in values])
    return channel(name, (Family.CONTENT,), row[there], values[there].astype(np.int64), n)


def lines(folder: Path) -> Iterator[dict[str, Any]]:
    """How many groups are confirmed, as a line of the results file."""
    incidence = incidence_of(pq.read_table(folder / "coortweet_german_elections.parquet").to_pydict())
    start = time.monotonic()
    found = search(incidence)
    groups = confirmed_groups(incidence, found)
    sizes = sorted((len(group.certain()) for group in groups), reverse=True)
    yield {
        "data": "coortweet", "accounts": incidence.n, "groups": len(groups), "in_groups": sum(sizes),
        "largest": sizes[:10], "seconds": round(time.monotonic() - start, 1),
        "discovered": {family: f"{int(flags.sum())}/{found.tested[family]}" for family, flags in
                       found.discovered.items()},
    }  # fmt: skip
