"""Between tables and arrays: the incidence from token queries, group tables from groups, facts back into plain
values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.engine.base import Engine
from stillwatch.linkage.comparable import entity_keys, stratifications
from stillwatch.linkage.entities import Entities
from stillwatch.linkage.groups import Group
from stillwatch.linkage.incidence import Channel, Incidence, channel
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
    aside[engine.arrow("SELECT entity FROM covered_entity")["entity"].to_numpy()] = True
    return Incidence(entity_keys(entities.name), counts, tuple(channels), strata, aside), blind


def _channel(engine: Engine, query: ChannelQuery, n: int) -> Channel:
    held = engine.arrow(query.sql)
    rows = held["entity"].to_numpy().astype(np.int64)
    tokens = held["token"].to_numpy().astype(np.uint64)
    return channel(query.name, query.families, rows, tokens, n, scored=query.scored)


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


@dataclass(frozen=True)
class GroupTables:
    """The tables that assessment reads: who is in which group, and which tokens the group shares."""

    member: pa.Table
    token: pa.Table


def group_tables(incidence: Incidence, groups: list[Group]) -> GroupTables:
    """`group_member(grp, entity, certain)`: the core and every entity that belongs with one half or more, and whether
    it shares the work as well; `group_token(grp, channel, token, exclusive)`: shared wordings, or where no text is seen
    the addresses and clients that the group shares and others hardly use."""
    members: list[tuple[int, int, bool]] = []
    tokens: list[tuple[int, str, int, bool]] = []
    told_by = [Family.CONTENT] if sees_text(incidence) else [Family.INFRASTRUCTURE, Family.CLIENT]
    values = {c.name: c.values for family in told_by for c in incidence.scored(family)}
    for place, group in enumerate(groups):
        certain = group.certain()
        rows = np.union1d(group.members.rows[group.members.log_odds >= 0], group.core)
        members += [(place, int(row), bool(sure)) for row, sure in zip(rows, np.isin(rows, certain), strict=True)]
        for shared in (token for family in told_by for token in shared_tokens(incidence, certain, family)):
            tokens.append((place, shared.channel, int(values[shared.channel][shared.token]), shared.exclusive))
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
            }
        ),
    )


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
