"""Between tables and arrays: the incidence from token queries, group tables from groups, facts back into plain
values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from stillwatch.assess.roles import ALONE, is_stranger
from stillwatch.engine.base import Engine
from stillwatch.linkage.clusters import LINK
from stillwatch.linkage.comparable import entity_keys, stratifications
from stillwatch.linkage.entities import Entities
from stillwatch.linkage.groups import Group
from stillwatch.linkage.incidence import Channel, Floats, Incidence, Indices, Ints, channel
from stillwatch.linkage.membership import TEXT, joined_to, matrices_of
from stillwatch.linkage.templates import shared_tokens
from stillwatch.linkage.tokens import CHANNELS, ChannelQuery
from stillwatch.records import Blind, Family


def incidence_of(
    engine: Engine, accounts: pa.Table, entities: Entities, absent: Mapping[str, str], progress: Callable[[str], None]
) -> tuple[Incidence, list[Blind]]:
    """Run every channel's query; a channel whose column is absent abstains and is named.

    `absent` maps a missing column to what to say of it.
    """
    n = len(entities.name)
    channels: list[Channel] = []
    blind: list[Blind] = []
    for query in CHANNELS:
        reason = next((absent[need] for need in query.needs if need in absent), "")
        if reason:
            blind.append(Blind(f"{'+'.join(dict.fromkeys(query.families))}/{query.name}", reason))
            continue
        progress(f"tokens of {query.name}")
        channels.append(_channel(engine, query, n))
    counts = np.bincount(entities.entity, minlength=n).astype(np.int64)
    strata = stratifications(accounts, entities.entity, n)
    aside = np.zeros(n, dtype=np.bool_)
    aside[engine.arrow("SELECT entity FROM aside_entity")["entity"].to_numpy()] = True
    return Incidence(entity_keys(entities.name), counts, tuple(channels), strata, aside), blind


def _channel(engine: Engine, query: ChannelQuery, n: int) -> Channel:
    return channel(query.name, query.families, *tokens_of(engine, query), n, scored=query.scored)


def tokens_of(engine: Engine, query: ChannelQuery) -> tuple[Ints, NDArray[np.uint64]]:
    """The rows and tokens of one channel, as the engine's tables stand."""
    held = engine.arrow(query.sql)
    return held["entity"].to_numpy().astype(np.int64), held["token"].to_numpy().astype(np.uint64)


def absent_columns(engine: Engine, table: str, columns: list[str], label: str) -> dict[str, str]:
    """Columns of a table that hold no value at all, each with what to say of it."""
    counts = engine.arrow(
        f"SELECT count(*) AS rows_, {', '.join(f'count({column}) AS {column}' for column in columns)} FROM {table}"
    ).to_pylist()[0]
    rows = int(counts["rows_"])
    return {
        column: f"{label} has no rows" if rows == 0 else f"column {column} of {label} is empty in all {rows:,} rows"
        for column in columns
        if counts[column] == 0
    }


LEAST_HOLDERS = 8
"""Members that hold a wording from which it tells of their company: the least size of a group."""

FEW = 3
"""Shared exchanges up to which a member may as well have tried what others posted."""

STRANGERS = 0.5
"""Company under which a member's wordings are mostly in the hands of strangers."""


def company(incidence: Incidence, group: Group, shared: Mapping[int, int]) -> dict[int, float]:
    """For each certain member, the share of those like it that access links to the group, itself left out.

    Like it are those who hold a wording of its (of its wordings the best), and of a member with few shared exchanges
    also the others with few. A campaign's wordings are held by accounts that access links; one that a crowd uses as
    well (a framework's prompt, a viral one) is held by strangers mostly. Without a wording that eight hold, all members
    are like it. Empty where no text is seen. `shared` are the shared exchanges of each entity.
    """
    rows = group.certain()
    if not sees_text(incidence) or len(rows) < LEAST_HOLDERS:
        return {}
    linked = (group.members.access((*TEXT, Family.CLIENT)) > LINK)[np.searchsorted(group.members.rows, rows)] * 1.0
    best = np.full(len(rows), -1.0)
    wordings: dict[str, list[int]] = {}
    for token in shared_tokens(incidence, rows, Family.CONTENT):
        wordings.setdefault(token.channel, []).append(token.token)
    for held in incidence.scored(Family.CONTENT):
        owners, tokens = np.repeat(np.arange(len(rows)), held.kept(rows)), held.tokens[held.places(rows)]
        kept = np.isin(tokens, wordings.get(held.name, []))
        owners, tokens = owners[kept], tokens[kept]
        holders = np.bincount(tokens, minlength=held.n_tokens)[tokens]
        among = np.bincount(tokens, weights=linked[owners], minlength=held.n_tokens)[tokens]
        told = holders >= LEAST_HOLDERS
        np.maximum.at(best, owners[told], _share(among - linked[owners], holders - 1)[told])
    found = np.where(best < 0.0, _share(linked.sum() - linked, len(rows) - 1), best)
    few = np.array([shared.get(int(row), 0) <= FEW for row in rows])
    if few.any():
        found[few] = np.minimum(found[few], _share(linked[few].sum() - linked[few], int(few.sum()) - 1))
    return dict(zip(rows.tolist(), found.tolist(), strict=True))


def _share(count: Floats, of: NDArray[np.int64] | int) -> Floats:
    """A share, drawn to one half where few were asked."""
    return np.asarray((count + 0.5) / (of + 1.0))


@dataclass(frozen=True)
class Apart:
    """Certain members of a group who share its wordings and nothing else, as most do who are like them: `posters` tried
    the wordings a few times, `crowd` works in them. `company` is of every certain member."""

    posters: Indices
    crowd: Indices
    company: Mapping[int, float]


NOBODY = Apart(np.zeros(0, np.int32), np.zeros(0, np.int32), {})


def apart(incidence: Incidence, group: Group, shared: Mapping[int, int]) -> Apart:
    """Whom to leave out of a group: nobody, where what is left is no group, or is not what was tested."""
    known = company(incidence, group, shared)
    rows = group.certain()
    alone = (group.members.access() <= ALONE)[np.searchsorted(group.members.rows, rows)]
    among = np.array([known.get(int(row), 1.0) < STRANGERS for row in rows], dtype=np.bool_)
    few = np.array([shared.get(int(row), 0) <= FEW for row in rows], dtype=np.bool_)
    kept = rows[~(alone & among)]
    stands = np.isin(group.core, kept).sum() * 2 >= len(group.core)
    if not known or not stands or incidence.accounts[kept].sum() < LEAST_HOLDERS:
        return replace(NOBODY, company=known)
    return Apart(rows[alone & among & few], rows[alone & among & ~few], known)


def left_out(group: Group, strangers: Indices) -> Group:
    """The group without some of its certain members."""
    return replace(group, members=group.members.within(np.setdiff1d(group.certain(), strangers)))


@dataclass(frozen=True)
class GroupTables:
    """The tables that assessment reads: who is in which group, and which tokens the group shares."""

    member: pa.Table
    token: pa.Table


def group_tables(incidence: Incidence, groups: list[Group], strangers: Sequence[Apart] = ()) -> GroupTables:
    """`found_member(grp, entity, certain)`: the core and every entity that belongs with one half or more, and whether
    it surely shares the work as well; `group_token(grp, channel, token, exclusive, broad)`: shared wordings, or where
    no text is seen the addresses and clients that the group shares and others hardly use (broad: eight members do).

    The posters among the strangers are no members; they make no wording another's either: whoever tried the group's
    prompt a few times uses the group's words. The crowd is everyone else.
    """
    members: list[tuple[int, int, bool]] = []
    tokens: list[tuple[int, str, int, bool, bool]] = []
    told_by = [Family.CONTENT] if sees_text(incidence) else [Family.INFRASTRUCTURE, Family.CLIENT]
    values = {c.name: c.values for family in told_by for c in incidence.scored(family)}
    for place, whole in enumerate(groups):
        out = strangers[place] if strangers else NOBODY
        group = left_out(whole, out.crowd)
        certain = group.certain()
        rows = np.union1d(group.members.rows[group.members.log_odds >= 0], group.core)
        rows = np.setdiff1d(rows, np.concatenate([out.posters, out.crowd, group.gone]))
        sure = np.isin(rows, _linked(group, certain, out))
        members += [(place, int(row), bool(one)) for row, one in zip(rows, sure, strict=True)]
        told = (token for family in told_by for token in shared_tokens(incidence, certain, family, group.kin))
        for shared in told:
            broad = shared.exclusive and shared.inside >= LEAST_HOLDERS
            tokens.append((place, shared.channel, int(values[shared.channel][shared.token]), shared.exclusive, broad))
    return GroupTables(
        pa.table(
            {
                "grp": pa.array([m[0] for m in members], pa.int32()),
                "entity": pa.array([m[1] for m in members], pa.int32()),
                "certain": pa.array([m[2] for m in members], pa.bool_()),
            }
        ),
        pa.table(
            {
                "grp": pa.array([t[0] for t in tokens], pa.int32()),
                "channel": pa.array([t[1] for t in tokens], pa.string()),
                "token": pa.array([t[2] for t in tokens], pa.uint64()),
                "exclusive": pa.array([t[3] for t in tokens], pa.bool_()),
                "broad": pa.array([t[4] for t in tokens], pa.bool_()),
            }
        ),
    )


def _linked(group: Group, certain: Indices, out: Apart) -> Indices:
    """The certain members that access links as well; where no text is seen, all."""
    if not out.company:
        return certain
    access = group.members.access()[np.searchsorted(group.members.rows, certain)]
    odds = zip(access.tolist(), certain.tolist(), strict=True)
    return certain[[not is_stranger(nats, out.company.get(row)) for nats, row in odds]]


def joined_to_asking(
    incidence: Incidence, members: Mapping[int, Sequence[Mapping[str, Any]]]
) -> dict[int, frozenset[int]]:
    """For each part of a group's work that asks (numbers below 0), the entities that share other wordings of its
    programme alone and whom exits and sign-ups join to those who ask. Anybody can copy an honest company's prompts into
    a campaign: then its accounts are joined to each other, and to nobody who asks."""
    families = [f for f in (Family.INFRASTRUCTURE, Family.REGISTRATION) if f in incidence.families()]
    parts = [number for number in members if number < 0]
    matrices = matrices_of(incidence, tuple(families)) if parts else []
    out: dict[int, frozenset[int]] = {}
    for number in parts:
        asking = {int(row["entity"]) for row in members[number] if row["shared"] > 0}
        others = {int(row["entity"]) for row in members[number] if row["of_programme"] > 0} - asking
        rows = np.array(sorted(others), dtype=np.int32)
        core = np.array(sorted(asking), dtype=np.int32)
        out[number] = frozenset(joined_to(incidence, core, rows, matrices, LINK).tolist())
    return out


def sees_text(incidence: Incidence) -> bool:
    """Whether any text was logged, so that wordings can tell what work a group shares."""
    return Family.CONTENT in incidence.families()


def rows_by(table: pa.Table, column: str) -> dict[int, list[dict[str, object]]]:
    """A table's rows grouped by an integer column, in their order."""
    out: dict[int, list[dict[str, object]]] = {}
    for row in table.to_pylist():
        out.setdefault(int(row[column]), []).append(row)
    return out


def distinct_strings(engine: Engine, sql: str) -> pa.Array:
    """The single column of a query as one string array."""
    column = engine.arrow(sql).column(0)
    return pc.cast(column.combine_chunks(), pa.string())
