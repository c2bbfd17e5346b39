"""The page of a benchmark (stillwatch/benchmark/v1): plots made of its numbers, under headings that say what was found.

The worst figures stand first. Every string of the result is text of others: scenarios, campaigns and rivals have names.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from stillwatch.console.frame import filled
from stillwatch.console.text import counted, listed, percent

Held = Mapping[str, Any]

POINTS = {
    "best F1": "at the threshold with the best F1",
    "no honest": "at the lowest threshold that accuses nobody honest",
    "honest <= 1e-4": "at the lowest threshold that accuses at most one honest account in 10,000",
    "honest <= 1e-3": "at the lowest threshold that accuses at most one honest account in 1,000",
    "precision >= .99": "with the most recall at a precision of 99 % or more",
}
SCENARIOS = {
    "mixed": "the reference world: 80 % of a member’s traffic is cover, every look-alike is there",
    "hard": "95 % cover, most prompts reworded, most exchanges through other exits",
    "quiet": "no campaign: whoever is accused here is accused wrongly",
    "open": "campaigns that do not hide",
    "contentless": "the reference world, logged without text",
    "no-network": "the reference world, logged without addresses and clients",
    "no-accounts": "the reference world, without an accounts file",
    "days-only": "the reference world, logged with days and no time of day",
}
COSTS = {
    "accounts": "account",
    "cards": "card",
    "shared_exits": "shared exit",
    "rented": "rented exit",
    "stolen_keys": "stolen key",
    "paraphrases": "rewording",
    "cover": "cover exchange",
}

NEAR = 0.1
"""A lead in F1 up to which a rival comes near."""


@dataclass(frozen=True)
class Line:
    """A row of an interval plot; `at`, `low`, `high` and `mark` are places in percent of the width.

    `at` is None where nothing was counted; `mark` is where the value should lie, if that is known.
    """

    name: str
    note: str
    count: str
    said: str
    at: float | None
    low: float
    high: float
    own: bool = False
    mark: float | None = None


@dataclass(frozen=True)
class Duel:
    """Stillwatch beside every rival at one of the oracle's points."""

    title: str
    precision: tuple[Line, ...]
    recall: tuple[Line, ...]


@dataclass(frozen=True)
class Fate:
    """One campaign: how it was found, what had leaked before, what was said of it, and what hiding it cost."""

    row: Held
    found: Held
    leak: Held | None
    said: Held | None
    costs: str


@dataclass(frozen=True)
class World:
    """One world as its section shows it."""

    number: int
    raw: Held
    about: str
    heading: str
    lines: tuple[Line, ...]
    fates: tuple[Fate, ...]
    duels: tuple[Duel, ...]
    verdict: str
    e_values: tuple[Line, ...]
    e_reach: float


def page(result: Held) -> str:
    """A benchmark's result as one HTML document."""
    together = result["together"]
    return filled(
        "benchmark.html",
        "benchmark.css",
        result=result,
        lead=lead(result),
        worst=worst(result),
        worlds=[_world(number, world) for number, world in enumerate(result["worlds"], 1)],
        found=_found(result["worlds"]),
        together=together,
        cohorts=_cohorts(together),
        bins=[_bin(row) for row in together["probabilities"] if row["operators"]["n"]],
        stated=_calibrated(together["probabilities"]),
        likely=[_word(row) for row in together["likelihoods"]],
    )


def lead(result: Held) -> str:
    """What was found and who was accused wrongly, in two sentences."""
    matched, of = _found(result["worlds"])
    false, per = result["together"]["false_accounts"], result["together"]["per_100k_honest"]
    return (
        f"In {counted(len(result['worlds']), 'simulated world')} it found {matched:,} of {counted(of, 'campaign')}. "
        f"Of {counted(false['n'], 'honest account')} it accused {false['k']:,}: at most {per['high']:,.0f} in 100,000, "
        "with 95 % confidence."
    )


def worst(result: Held) -> list[str]:
    """The figures that speak most against the product, each in a sentence."""
    worlds = result["worlds"]
    missed = [(w, r) for w in worlds for r in w["measure"]["recovered"] if not r["matched"]]
    out = []
    if missed:
        names = listed([f"{r['campaign']} ({w['scenario']}, seed {w['seed']})" for w, r in missed[:8]])
        more = f" and {len(missed) - 8} more" if len(missed) > 8 else ""
        out.append(f"Not found: {names}{more}.")
    hiding = [w for w in worlds if w["measure"]["recall"]["n"]]
    if hiding:
        least = min(hiding, key=lambda w: rate(w["measure"]["recall"]))
        few = min(hiding, key=lambda w: rate(w["measure"]["recall_few"]))
        out.append(f"The fewest members were found in {_name(least)}: {told(least['measure']['recall'])}; of members "
                   f"with fewer than four extraction exchanges, {told(few['measure']['recall_few'])} in "
                   f"{_name(few)}.")  # fmt: skip
    return [
        *out,
        *_as_many(worlds),
        *_worst_leak(worlds),
        *_worst_said(worlds),
        *_wrongly(result["together"]),
        *_worst_e(worlds),
    ]


def _as_many(worlds: list[Held]) -> Iterable[str]:
    """Rivals that find as many campaigns as we do, which precision and recall of accounts do not show."""
    for world in worlds:
        matched, of = _found([world])
        rival = max(
            world["rivals"], key=lambda r: (r["groups"]["campaigns"], -r["groups"]["honest_groups"]), default=None
        )
        if rival and of and rival["groups"]["campaigns"] >= matched:
            groups = rival["groups"]
            yield (
                f"In {_name(world)}, {rival['name']} with the oracle’s setting finds {groups['campaigns']} of "
                f"{counted(of, 'campaign')}, where Stillwatch finds {matched}; that setting also names "
                f"{counted(groups['honest_groups'], 'group')} of mostly honest accounts."
            )


def _worst_leak(worlds: list[Held]) -> Iterable[str]:
    found = [(leak, w) for w in worlds for leak in w["leaked"] if leak["day"] is not None]
    if found:
        leak, world = max(found, key=lambda pair: pair[0]["share"])
        yield (
            f"Of the campaigns that were found, {leak['campaign']} in {_name(world)} had taken the most before: "
            f"{percent(leak['share'])} of its extraction by day {leak['day']}"
            + (
                f", {percent(leak['shown_share'])} by day {leak['shown_day']}, when a person was first shown it."
                if leak["shown_day"] != leak["day"]
                else "."
            )
        )


def _worst_said(worlds: list[Held]) -> Iterable[str]:
    rows = [(row, w) for w in worlds for row in w["described"]]
    if rows:
        row, world = max(rows, key=lambda pair: pair[0]["capability_error"])
        outside = sum(not row["covered"] for row, _ in rows)
        yield (
            f"Of the campaigns that were found, {row['campaign']} in {_name(world)} was described worst: "
            f"{percent(row['capability_error'])} of its extraction stands under a wrong name. The true volume lies "
            f"outside of the stated interval in {outside} of {len(rows)}."
        )


def _wrongly(together: Held) -> Iterable[str]:
    named = {
        "false_accounts": "honest accounts were accused",
        "victims_named_operator": "owners of stolen keys were accused",
        "permitted_accused": "permitted accounts were accused",
        "ambiguous_honest": "honest accounts stand in a group for review",
    }
    wronged = [f"{told(together[name])} {words}" for name, words in named.items() if together[name]["k"]]
    yield (
        f"{'; '.join(wronged)}."
        if wronged
        else "No honest account, key owner or permitted account was accused or put up for review."
    )


def _worst_e(worlds: list[Held]) -> Iterable[str]:
    rows = [(row, w) for w in worlds for row in w["e_values"] if row["mean_e"] is not None]
    if rows:
        row, world = max(rows, key=lambda pair: pair[0]["mean_e"])
        yield (
            f"The greatest mean e-value where nothing is true is {row['mean_e']:.2f}, where 1 is promised at most "
            f"({row['family']}, {_name(world)})."
        )


def _name(world: Held) -> str:
    return f"{world['scenario']}, seed {world['seed']}"


def rate(share: Held) -> float:
    """A share as a number; 0 where nothing was counted."""
    return float(share["k"] / share["n"]) if share["n"] else 0.0


def told(share: Held) -> str:
    """`3 of 40 (7.5 %)`."""
    return f"{share['k']:,} of {share['n']:,} ({percent(rate(share))})" if share["n"] else "none of none"


def _found(worlds: Iterable[Held]) -> tuple[int, int]:
    recovered = [row for world in worlds for row in world["measure"]["recovered"]]
    return sum(row["matched"] for row in recovered), len(recovered)


def interval(
    name: str, share: Held, note: str = "", *, own: bool = False, reach: float = 1.0, mark: float | None = None
) -> Line:
    """A share with its bounds on an axis from 0 to `reach`."""
    said = f"{percent(share['low'])} to {percent(share['high'])}"
    low, high, at = (min(_place(v, reach), 100.0) for v in (share["low"], share["high"], rate(share)))
    return Line(name, note, f"{share['k']:,} of {share['n']:,}", said, at if share["n"] else None, low, high, own, mark)


def _place(value: float, reach: float) -> float:
    return round(100.0 * value / reach, 2)


def _world(number: int, world: Held) -> World:
    measured = world["measure"]
    names = {
        "precision": "accused accounts that are operators",
        "recall": "members found, of those with four extraction exchanges or more",
        "recall_few": "members found, of those with fewer",
        "named": "members accused or named beside, of those with four or more",
        "operators_in_review": "members in a group for review, accused of nothing",
        "false_accounts": "honest accounts accused",
        "honest_named": "honest accounts accused, or named in a finding that accuses others",
        "ambiguous_honest": "honest accounts in a group for review",
        "victims_named_operator": "owners of stolen keys accused",
        "permitted_accused": "permitted accounts accused",
        "false_groups": "honest groups that were taken for a campaign",
    }
    values, reach = _e_lines(world["e_values"])
    return World(
        number=number,
        raw=world,
        about=SCENARIOS.get(world["scenario"], ""),
        heading=_heading(world),
        lines=tuple(interval(words, measured[name]) for name, words in names.items() if measured[name]["n"]),
        fates=tuple(_fate(world, row) for row in world["campaigns"]),
        duels=tuple(_duel(world, at) for at in range(max((len(r["points"]) for r in world["rivals"]), default=0))),
        verdict=_verdict(world) if world["rivals"] else "",
        e_values=values,
        e_reach=reach,
    )


def _heading(world: Held) -> str:
    matched, of = _found([world])
    false = world["measure"]["false_accounts"]
    wrong = f"{false['k']:,} of {counted(false['n'], 'honest account')} accused"
    return f"{matched} of {counted(of, 'campaign')} found, {wrong}" if of else f"No campaign to find, {wrong}"


def _fate(world: Held, row: Held) -> Fate:
    name = row["campaign"]
    empty = {"members": row["accounts"], "finding": "", "purity": 0.0, "completeness": 0.0, "matched": False}
    found = next((one for one in world["measure"]["recovered"] if one["campaign"] == name), empty)
    leak = next((one for one in world["leaked"] if one["campaign"] == name), None)
    said = next((one for one in world["described"] if one["campaign"] == name), None)
    costs = listed([counted(row["cost"][key], word) for key, word in COSTS.items() if row["cost"].get(key)])
    return Fate(row, found, leak, said, costs)


def _duel(world: Held, at: int) -> Duel:
    mine, rivals = world["measure"], [r for r in world["rivals"] if len(r["points"]) > at]
    name = rivals[0]["points"][at]["name"]

    def lines(key: str) -> tuple[Line, ...]:
        own = interval("Stillwatch", mine[key], "its own thresholds, no oracle", own=True)
        return own, *(interval(r["name"], r["points"][at][key], r["points"][at]["setting"] or "–") for r in rivals)

    return Duel(f"The rivals {POINTS.get(name, name)}", lines("precision"), lines("recall"))


def _verdict(world: Held) -> str:
    """Stillwatch beside the rival with the best F1."""
    rival = max(world["rivals"], key=lambda r: r["points"][0]["f1"])
    own, point = world["measure"], rival["points"][0]
    ours = _f1(own)
    first = "A rival does better" if ours <= point["f1"] else "A rival comes near" if ours <= point["f1"] + NEAR else ""
    return (
        f"{first or 'No rival comes near'}: the best of {len(world['rivals'])} with the oracle’s threshold is "
        f"{rival['name']}, F1 {point['f1']:.2f} ({_both(point)}); Stillwatch without an oracle has {ours:.2f} "
        f"({_both(own)})"
    )


def _both(held: Held) -> str:
    return f"precision {percent(rate(held['precision']))}, recall {percent(rate(held['recall']))}"


def _f1(measured: Held) -> float:
    precision, recall = rate(measured["precision"]), rate(measured["recall"])
    return 2.0 * precision * recall / (precision + recall) if precision + recall else 0.0


def _e_lines(rows: Iterable[Held]) -> tuple[tuple[Line, ...], float]:
    """Mean e-values with twice their standard error, on an axis that holds 1."""
    held = [row for row in rows if row["mean_e"] is not None]
    reach = max([1.25, *(row["mean_e"] + 2.0 * (row["error"] or 0.0) for row in held)])
    out = []
    for row in held:
        mean, error = row["mean_e"], 2.0 * (row["error"] or 0.0)
        said = f"{mean:.2f} ± {error:.2f}" if row["error"] is not None else f"{mean:.2f}"
        note = f"{counted(row['candidates'], 'candidate')}; {told(row['false_worlds'])} worlds with a false discovery"
        places = (_place(max(v, 0.0), reach) for v in (mean, mean - error, mean + error))
        at, low, high = places
        out.append(Line(row["family"], note, "", said, at, low, high, mark=_place(1.0, reach)))
    return tuple(out), reach


def _cohorts(together: Held) -> list[Line]:
    """Honest accounts accused, by cohort: the most, then the least certain first."""
    rows = sorted(together["accused_by_cohort"].items(), key=lambda row: (-row[1]["k"], -row[1]["high"]))
    return [interval(name.replace("_", " "), held) for name, held in rows if held["n"]]


def _bin(row: Held) -> Line:
    name = f"{percent(row['low'])} to {percent(row['high'])}"
    line = interval(name, row["operators"], f"{percent(row['stated'])} stated on average")
    return replace(line, mark=_place(row["stated"], 1.0))


def _calibrated(bins: Iterable[Held]) -> str:
    """Whether the stated averages lie within the bounds of what was observed."""
    held = [row for row in bins if row["operators"]["n"]]
    if not held:
        return "Nobody is in a suspected group, so that no stated probability can be checked"
    below = [row for row in held if row["stated"] > row["operators"]["high"]]
    above = [row for row in held if row["stated"] < row["operators"]["low"]]
    if not below and not above:
        return "Stated probabilities of membership agree with what is true"
    return (
        f"Stated probabilities of membership: of {counted(len(held), 'range')}, {len(below)} claim more than is true, "
        f"{len(above)} less"
    )


def _word(row: Held) -> tuple[Line, float, float]:
    line = interval(row["word"], row["campaigns"], f"stands for {percent(row['low'])} to {percent(row['high'])}")
    return line, _place(row["low"], 1.0), _place(row["high"] - row["low"], 1.0)
