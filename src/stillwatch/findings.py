"""From groups and tables to findings: facts, scores, alternatives, parts, status, and the figures of a campaign."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from stillwatch.assess.alternatives import alternatives
from stillwatch.assess.asking import ASKING_STEPS
from stillwatch.assess.concealed import concealed
from stillwatch.assess.coordinated import coordinated
from stillwatch.assess.departure import DEPARTURE_STEPS
from stillwatch.assess.extracting import LIKE_EVERYONE, SLOPE, UNMISTAKABLE, extracting
from stillwatch.assess.facts import fact_steps
from stillwatch.assess.finding import REFUTED, Confirmed, Finding, is_active, status_of
from stillwatch.assess.lives import LIFE_STEPS, TRAITS, Life, Lives, cover_log_ratio
from stillwatch.assess.member import MemberFacts
from stillwatch.assess.roles import Part, parts_in, parts_of, spared, victims_of
from stillwatch.assess.stolen import UNLINKED
from stillwatch.carried import with_providers
from stillwatch.content.answered import taken_up_step
from stillwatch.engine.base import Engine
from stillwatch.evidence import tell_groups
from stillwatch.figures import Figures, group_figures
from stillwatch.gather import Apart, apart, group_tables, joined_to_asking, left_out, rows_by, sees_text
from stillwatch.linkage.groups import Group
from stillwatch.linkage.incidence import Incidence
from stillwatch.linkage.membership import TEXT
from stillwatch.linkage.tokens import ACCESS_TOKEN_STEP
from stillwatch.records import MINED_CHANNELS, Family, Step
from stillwatch.training import training_values
from stillwatch.worked import Worked, worked

LEAST_PAYING = 8
"""Accounts that pay from which the number of their payers says something: the least size of a group."""

SMALL_PART = 0.1
"""Share of a group's shared work under which the part that asks for training material is for review at most."""

SENT = (*TEXT, Family.TIMING)
"""Families that whoever sends prompts through an honest customer's service chooses: words, and times."""

MINED = str(MINED_CHANNELS)
EXPLAINED = """
    SELECT m.grp, t.x, any_value(t.entity) AS entity, any_value(e.account) AS account,
           bool_or(g.exclusive) AS exclusive, bool_or(g.broad) AS broad,
           bool_or(g.channel NOT IN {mined}) AS verbatim, bool_and(m.certain) AS certain,
           bool_or(g.exclusive AND g.channel <> 'system') AS turned
    FROM group_token g JOIN {tokens} t ON t.channel = g.channel AND t.token = g.token
    JOIN found_member m ON m.grp = g.grp AND m.entity = t.entity
    JOIN exchange e ON e.x = t.x GROUP BY m.grp, t.x
"""
"""The members' exchanges that show a token which their group shares; `verbatim` where it is one of the words as they
stand, `turned` where it is a wording of the group's own and not of a system text."""

BY_WORDING = [Step("group_explained", EXPLAINED.format(tokens="template_token", mined=MINED))]

BY_ACCESS = [
    ACCESS_TOKEN_STEP,
    Step("accessed", EXPLAINED.format(tokens="access_token", mined=MINED)),
    Step(
        "group_explained",
        """
        SELECT * FROM accessed UNION ALL
        SELECT m.grp, e.x, e.entity, e.account, FALSE AS exclusive, FALSE AS broad, TRUE AS verbatim,
               TRUE AS certain, TRUE AS turned
        FROM found_member m JOIN exchange e ON e.entity = m.entity
        WHERE m.certain AND m.grp NOT IN (SELECT grp FROM accessed)
        """,
    ),
]
"""The same where no text is seen: what the members did through shared access, or all that they did where they share
none."""

GROUP_STEPS = [
    Step(
        "group_standing",
        """
        SELECT grp, least(sum(permitted) / sum(n), avg(permitted / n)) AS permitted,
               least(sum(resold) / sum(n), avg(resold / n)) AS resold,
               least(sum(said) / sum(n), avg(said / n)) AS said_resold
        FROM (SELECT g.grp, g.account, count(*) AS n, count(p.x) AS permitted, count(c.x) AS resold,
                     count(r.account) AS said
              FROM group_exchange g LEFT JOIN covered_exchange p ON p.x = g.x
              LEFT JOIN contracted_exchange c ON c.x = g.x
              LEFT JOIN reselling_account r ON r.account = g.account GROUP BY g.grp, g.account)
        GROUP BY grp
        """,
    ),
]

ENTITY_STEPS = [
    Step(
        "member_standing",
        """
        SELECT m.grp, m.entity, a.account, a.account_id, coalesce(f.shared, 0) AS shared, coalesce(f.own, 0) AS own,
               coalesce(f.own_before, 0) AS own_before, f.at_home, f.own_client, f.among, f.shared_days, f.shared_times,
               f.days_before, w.group_days, l.life, l.abroad, l.proxied, l.home, l.mixed,
               p.account IS NOT NULL AS permitted, r.account IS NOT NULL AS reseller, coalesce(q.n, 0) AS of_programme,
               b.behind, a.payment_fingerprint AS payer,
               coalesce(t.turned, FALSE) AS turned, t.lean - (SELECT any_value(lean) FROM base_fact) AS beyond_usual
        FROM group_member m JOIN account a ON a.entity = m.entity
        LEFT JOIN member_fact f ON f.grp = m.grp AND f.account = a.account
        LEFT JOIN member_life l ON l.grp = m.grp AND l.account = a.account
        LEFT JOIN (SELECT grp, (epoch_us(last_seen) - epoch_us(first_seen)) / 86400e6 AS group_days FROM group_work) w
          ON w.grp = m.grp
        LEFT JOIN (SELECT g.grp, g.account, bool_or(g.turned) AS turned,
                          avg(CASE WHEN g.exclusive THEN l.said ELSE l.lean END) AS lean
                   FROM group_exchange g LEFT JOIN exchange_lean l ON l.x = g.x GROUP BY g.grp, g.account) t
          ON t.grp = m.grp AND t.account = a.account
        LEFT JOIN member_automation b ON b.grp = m.grp AND b.account = a.account
        LEFT JOIN permitted_account p ON p.account = a.account
        LEFT JOIN reselling_account r ON r.account = a.account
        LEFT JOIN programme_member q ON q.grp = -1 - m.grp AND q.account = a.account
        ORDER BY m.grp, a.account
        """,
    ),
]


FACTS = (
    "group_fact",
    "group_standing",
    "(SELECT -1 - grp AS grp, asking FROM asking_part)",
    "(SELECT grp, avg(at_home) AS at_home FROM member_fact GROUP BY grp)",
)
"""What is known of a group, a row each; together they name it once."""


@dataclass(frozen=True)
class World:
    """What assessment needs to know of the whole run."""

    entity_names: tuple[str, ...]
    accounts: int
    last_seen: str


def findings_of(
    engine: Engine, incidence: Incidence, groups: list[Group], world: World, progress: Callable[[str], None]
) -> list[Finding]:
    """Assess every group and describe it, in the order of the groups."""
    progress(f"assessing {len(groups)} groups")
    seen = sees_text(incidence)
    strangers = _explained(engine, incidence, groups, seen=seen)
    groups = [left_out(group, np.union1d(out.posters, out.crowd)) for group, out in zip(groups, strangers, strict=True)]
    engine.run(
        [
            taken_up_step("group_taken_up", "group_explained", "grp"),
            *ASKING_STEPS,
            *GROUP_STEPS,
            *fact_steps(),
            *DEPARTURE_STEPS,
            *LIFE_STEPS,
            *ENTITY_STEPS,
        ]
    )
    known = _Known.of(engine, incidence, world, seen=seen)
    judged = [_judged(group, place, known, strangers[place].company) for place, group in enumerate(groups)]
    tell_groups(engine, judged)
    found = _described(engine, incidence, groups, judged)
    stolen = victims_of(part for finding in found if finding.status == "suspected" for part in finding.parts)
    spare = [replace(finding, parts=spared(finding.parts, stolen)) for finding in found]
    return with_providers(engine, judged, spare)


def _explained(engine: Engine, incidence: Incidence, groups: list[Group], *, seen: bool) -> list[Apart]:
    """Tables `group_explained` and `left_out`, and who was left out: strangers who share a group's wordings only."""
    strangers: list[Apart] = []
    for _ in range(2):
        tables = group_tables(incidence, groups, strangers)
        engine.register("found_member", tables.member)
        engine.register("group_token", tables.token)
        engine.run(BY_WORDING if seen else BY_ACCESS)
        if strangers:
            break
        shared: dict[int, dict[int, int]] = defaultdict(dict)
        for row in engine.arrow("SELECT grp, entity, count(*) AS n FROM group_explained GROUP BY ALL").to_pylist():
            shared[row["grp"]][row["entity"]] = row["n"]
        strangers = [apart(incidence, group, shared[place]) for place, group in enumerate(groups)]
        sent = [sum(shared[place].get(int(row), 0) for row in out.posters) for place, out in enumerate(strangers)]
        engine.register(
            "left_out", pa.table({"grp": pa.array(range(len(sent)), pa.int32()), "n": pa.array(sent, pa.int64())})
        )
    return strangers


@dataclass(frozen=True)
class _Known:
    """What the tables hold of every group, by its number; under `~number` of the part of its work that asks."""

    facts: dict[int, dict[str, Any]]
    members: dict[int, list[dict[str, Any]]]
    figures: dict[int, Figures]
    base: dict[str, Any]
    ordinary: Lives
    world: World
    joined: dict[int, frozenset[int]]

    @classmethod
    def of(cls, engine: Engine, incidence: Incidence, world: World, *, seen: bool) -> "_Known":
        """Read the tables that `findings_of` has made. `seen`: whether any text is, without which no wording is own."""
        figures, domains = group_figures(engine), _domain_shares(engine, world.accounts)
        facts: dict[int, dict[str, Any]] = {}
        for table in FACTS:
            for row in engine.arrow(f"SELECT * FROM {table}").to_pylist():
                facts.setdefault(row.pop("grp"), {}).update(row)
        for number, held in facts.items():
            held.update(figures.get(number, Figures()).source)
            held["exclusive"] = held.get("exclusive") if seen else None
            held["size_share"] = float(held.get("n_accounts") or 0) / max(world.accounts, 1)
            held["email_domain_common"] = domains.get(str(held.get("email_domain_value")), 0.0)
        members = rows_by(engine.arrow("SELECT * FROM member_standing"), "grp")
        base = engine.arrow("SELECT * FROM base_fact").to_pylist()[0]
        ordinary = Lives(map(_life, engine.arrow("SELECT * FROM ordinary_life").to_pylist()))
        return cls(facts, members, figures, base, ordinary, world, joined_to_asking(incidence, members))

    def standing(self, number: int) -> list[dict[str, Any]]:
        """The members of a group or of the part of its work that asks, who also share it in other wordings of its
        programme. Where and when a member's work comes from is known of all its shared work: few exchanges of a part
        make no window, and a thief's others no owner's life. What it asks is what it asks in the part."""
        rows = self.members.get(number, [])
        if number >= 0:
            return rows
        whole = {row["account"]: row for row in self.members.get(~number, [])}
        joined = self.joined.get(number, frozenset())
        return [
            whole.get(row["account"], row)
            | {"shared": max(row["shared"], row["of_programme"]), "asks": row["shared"] > 0 or row["entity"] in joined}
            | {name: row[name] for name in ("turned", "beyond_usual")}
            for row in rows
        ]


def _described(
    engine: Engine, incidence: Incidence, groups: list[Group], judged: list[tuple[Finding, int]]
) -> list[Finding]:
    """The findings with what is told beside the three answers and weighs in none; nothing of dismissed ones."""
    told = [place for place, (finding, _) in enumerate(judged) if finding.status != "dismissed"]
    training = dict(zip(told, training_values(engine, incidence, [groups[place] for place in told]), strict=True))
    work = worked(engine, [judged[place][1] for place in told])
    found = []
    for place, (finding, number) in enumerate(judged):
        held = work.get(number, Worked())
        more = {"phases": held.phases, "stages": held.stages, "items": held.items}
        more["training_value"] = training.get(place, {})
        found.append(replace(finding, details={**finding.details, **more}))
    return found


def _judged(group: Group, number: int, known: _Known, company: Mapping[int, float]) -> tuple[Finding, int]:
    """The finding about all of a group's work, with its number; where that is not suspected and the part that asks for
    training material is, or is for review with three answers that lean to yes, the finding about the part, with
    ~number: a campaign is its extraction, and everything else is cover."""
    whole = _finding(group, number, known, company)
    if whole.status in ("suspected", "permitted") or ~number not in known.facts:
        return whole, number
    part = _finding(group, ~number, known, company)
    leans = part.status == "ambiguous" and all(score.log_odds >= 0.0 for score in part.scores)
    return (part, ~number) if part.status == "suspected" or (leans and whole.status == "dismissed") else (whole, number)


def _domain_shares(engine: Engine, accounts: int) -> dict[str, float]:
    rows = engine.arrow(
        "SELECT email_domain, count(*) AS n FROM account WHERE email_domain IS NOT NULL GROUP BY email_domain"
    ).to_pylist()
    return {str(row["email_domain"]): row["n"] / max(accounts, 1) for row in rows}


def _finding(group: Group, number: int, known: _Known, company: Mapping[int, float]) -> Finding:
    linked, base, world = group.members.linked(), known.base, known.world
    facts = known.facts.get(number, {"shared": 0}) | {"linked": linked}
    members, figures = known.standing(number), known.figures.get(number, Figures())
    facts |= {"payers": _payers(group, members)}
    confirmed = [(c.family, c.log_e, c.discovered) for c in group.confirmations]
    scores = (coordinated(confirmed, linked), extracting(facts, base), concealed(facts, base))
    families = frozenset(str(f) for f, _, discovered in confirmed if discovered)
    others = alternatives(facts, scores[2].log_odds, families)
    parts = _parts(group, members, known.ordinary, company)
    twice = tuple(str(f) for f in group.twice)
    covered, resold = (float(facts.get(name) or 0.0) for name in ("permitted", "said_resold"))
    status = _cautious(status_of(scores, twice, families, others, covered, resold), facts.get("asking"))
    one_source = facts.get("one_source")
    confirmations = [Confirmed(str(c.family), c.log_e, c.discovered, "exact") for c in group.confirmations]
    if one_source is not None and one_source > 0:
        confirmations.append(Confirmed(str(Family.WORK), float(one_source), True, "model-based"))
    names = sorted(world.entity_names[row] for row in group.core)
    return Finding(
        campaign_id="C-"
        + hashlib.blake2b("\x00".join(names).encode("utf-8", "surrogatepass"), digest_size=6).hexdigest(),
        kind="group",
        status=status,
        capabilities=figures.capabilities,
        exchanges=figures.exchanges,
        tokens=int(facts.get("tokens") or 0),
        first_seen=figures.first_seen,
        last_seen=figures.last_seen,
        active=is_active(figures.last_seen, world.last_seen),
        parts=parts_in(status, parts),
        scores=scores,
        found_by=tuple(str(f) for f in group.found_by),
        confirmed_by=tuple(confirmations),
        twice=twice,
        alternatives=tuple(others),
        details={
            "bypass": figures.bypass,
            "pathways": figures.pathways,
            "pivots": figures.pivots,
            "timeline": figures.timeline,
            "facts": facts,
        },
    )


def _cautious(status: str, asking: float | None) -> str:
    """The status of a finding, of which `asking` is the part's share of the group's shared work where it is about one:
    what so few exchanges of a group ask may as well be asked by one customer of many, whom a reseller spreads over its
    accounts. That is for people to look at."""
    return "ambiguous" if status == "suspected" and asking is not None and asking < SMALL_PART else status


def _asks(row: dict[str, Any]) -> bool:
    """Whether what a member shares can be what is asked for training. Anybody's system text can be copied into a
    campaign, and its users ask what they ask: who shares no words of its own turn asks unmistakably. Who does share
    some is held back where what it asks speaks against that, as a benchmark's questions do that a campaign copied."""
    if row["beyond_usual"] is None:
        return True
    purpose = SLOPE * float(row["beyond_usual"]) + LIKE_EVERYONE
    return purpose >= REFUTED if row["turned"] else purpose >= UNMISTAKABLE


def _payers(group: Group, members: list[dict[str, Any]]) -> float | None:
    """Payers for each account that shares the work, pays and is joined to the others by more than one client: who only
    shares wordings is no account of theirs. None under `LEAST_PAYING` such accounts."""
    joined = set(group.members.borne().tolist())
    paid = [row["payer"] for row in members if int(row["entity"]) in joined and row["shared"] > 0]
    paid = [payer for payer in paid if payer is not None]
    return len(set(paid)) / len(paid) if len(paid) >= LEAST_PAYING else None


def _life(row: dict[str, Any]) -> Life:
    return Life(int(row["life"] or 0), {name: row[name] for name in TRAITS})


def _parts(group: Group, members: list[dict[str, Any]], ordinary: Lives, company: Mapping[int, float]) -> list[Part]:
    place = {int(row): at for at, row in enumerate(group.members.rows)}
    registration = group.members.of(Family.REGISTRATION)
    access, beyond = group.members.access(SENT), group.members.access((*SENT, Family.CLIENT))
    text = np.maximum(*(group.members.of(family) for family in TEXT))
    core = set(group.core.tolist())
    known: list[MemberFacts] = []
    own = Lives(
        _life(row)
        for row in members
        if (at := place.get(int(row["entity"]))) is not None and registration[at] > UNLINKED
    )
    for row in members:
        at = place.get(int(row["entity"]))
        if at is None:
            continue
        facts = MemberFacts(
            account_id=row["account_id"],
            core=int(row["entity"]) in core,
            log_odds=float(group.members.log_odds[at]),
            registration=float(registration[at]),
            access=float(access[at]),
            beyond_client=float(beyond[at]),
            text=float(text[at]),
            company=company.get(int(row["entity"])),
            shared=int(row["shared"]),
            asks=bool(row.get("asks", True)) and _asks(row),
            own=int(row["own"]),
            own_before=int(row["own_before"]),
            at_home=None if row["at_home"] is None else float(row["at_home"]),
            own_client=None if row["own_client"] is None else float(row["own_client"]),
            among=None if row["among"] is None else float(row["among"]),
            shared_days=float(row["shared_days"] or 0.0),
            shared_times=int(row["shared_times"] or 0),
            group_days=float(row["group_days"] or 0.0),
            days_before=None if row["days_before"] is None else float(row["days_before"]),
            cover=cover_log_ratio(_life(row), own, ordinary),
            reseller=bool(row["reseller"]),
            permitted=bool(row["permitted"]),
            behind=None if row["behind"] is None else float(row["behind"]),
        )
        if facts.log_odds >= 0 or facts.core:
            known.append(facts)
    return parts_of(known)
