"""`stillwatch show`: one finding with its evidence, as a waterfall in the terminal."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer

from stillwatch.cli.options import Campaign, CasebookUrl, Run


def show(
    campaign: Campaign,
    store: Annotated[Path, typer.Option(help="The store's folder.")],
    run: Run = None,
    members: Annotated[int, typer.Option(help="How many members to list, the most certain first.", min=0)] = 12,
    casebook: CasebookUrl = None,
    json: Annotated[bool, typer.Option("--json", help="Print the finding as JSON.")] = False,
) -> None:
    """Show one finding: the three questions with their terms, what else could explain it, and its members.

    Each question is a log-odds: a prior and named terms in nats. Above 0 the answer is more likely yes than no. The
    first question rests on e-values that are exact in finite samples; the other two are judged by terms with bounds.
    A member's `estimate` is how likely it is the operator's own; where nothing says `accused` it accuses nobody.
    A suspected group's operator is a cluster, U-…, unless a person signed a name (`stillwatch attribute`).
    """
    from stillwatch.cli.acts import operators
    from stillwatch.cli.output import emit_json
    from stillwatch.store.runs import found_in, read_run
    from stillwatch.store.store import Store

    answer = read_run(Store.open(store), run)
    finding = found_in(answer, campaign, store)
    if json:
        emit_json(finding)
    else:
        print_finding(finding, members, operators(store, casebook, answer).get(finding["campaign_id"], ""))


def print_campaigns(
    answer: dict[str, Any], *, everything: bool = False, operators: Mapping[str, str] = MappingProxyType({})
) -> None:
    """The findings as a table, with what the run saw and could not see, and who operates each in words."""
    from stillwatch.assess.blind import NO_ACCOUNTS as UNREAD
    from stillwatch.cli.output import NO_ACCOUNTS, clean, counted, table
    from stillwatch.console.words import small_store

    run = answer["run"]
    print(
        f"{run['exchanges']:,} exchanges by {run['accounts']:,} accounts ({run['entities']:,} entities), "
        f"{run['since']} to {run['until']}; {run['quarantined']:,} rows in quarantine"
    )
    shown = [c for c in answer["campaigns"] if everything or c["status"] != "dismissed"]
    rows = [_row(finding) for finding in shown]
    heads = [
        "finding",
        "status",
        "members",
        "accused",
        "extracts",
        "exchanges",
        "interval",
        "likelihood",
        "confirmed by",
    ]
    if rows:
        table(heads, rows)
    for name, operator in operators.items():
        print(f"{name}: {clean(operator)}")
    if all(c["status"] != "suspected" for c in answer["campaigns"]):
        see = "what was blind below, and the limits in the README" if run["blind"] else "the limits in the README"
        print(f"{'' if rows else 'No finding. '}Nobody is suspected. That is not an all-clear: see {see}.")
        if small := small_store(run["accounts"]):
            print(small)
    hidden = len(answer["campaigns"]) - len(shown)
    if hidden:
        print(
            f"{counted(hidden, 'linked group')} dismissed: explained, not shown, or spoken against "
            "(stillwatch campaigns --all)"
        )
    reasons: dict[str, list[str]] = {}
    for blind in run["blind"]:
        reasons.setdefault(blind["because"], []).append(blind["detector"])
    if UNREAD in reasons:
        print(NO_ACCOUNTS)
    for because, detectors in reasons.items():
        print(f"blind: {clean(because)}: {clean(', '.join(detectors))}")


def _row(finding: dict[str, Any]) -> list[str]:
    from stillwatch.console.words import accused

    shares = finding["capabilities"].items()
    main = [name for name, share in shares if share >= 0.1 and name not in ("unknown", "chat")][:3]
    confirmed = [c["family"] for c in finding["evidence"]["confirmed_by"]]
    return [
        finding["campaign_id"],
        finding["status"],
        f"{len(finding['members']):,}",
        f"{accused(finding):,}",
        ", ".join(main) or ("chat" if finding["capabilities"].get("chat", 0.0) >= 0.1 else "unknown"),
        f"{finding['exchanges']:,}",
        f"{finding['exchanges_low']:,}–{finding['exchanges_high']:,}",
        finding["likelihood"]["word"],
        ", ".join(confirmed) or "-",
    ]


def print_finding(finding: dict[str, Any], members: int, operator: str = "") -> None:
    """One finding in the terminal: head, waterfalls, alternatives, members."""
    from stillwatch.cli.output import clean, table
    from stillwatch.console.beside import beside
    from stillwatch.console.words import ANSWERED, INNOCENT, accuses, asked, senders

    likely = finding["likelihood"]
    print(f"{finding['campaign_id']}  {finding['kind']}  {finding['status']}")
    print(
        f"  {likely['word']} ({likely['low']:.0%}–{likely['high']:.0%}) that {_claim(finding)}; "
        f"confidence {finding['confidence']}\n  "
        f"{finding['exchanges']:,} exchanges ({finding['exchanges_low']:,}–{finding['exchanges_high']:,}), "
        f"{_tokens(finding['tokens'])}, {finding['first_seen']} to {finding['last_seen']}"
        f"{', still active' if finding['active'] else ''}"
    )
    if by := senders(finding):
        print(f"  {clean(by)}")
    if operator:
        print(f"  {clean(operator)}")
    shares = [f"{name} {share:.0%}" for name, share in finding["capabilities"].items() if share >= 0.005]
    print("  extracts: " + ", ".join(shares))
    for confirmed in finding["evidence"]["confirmed_by"]:
        value = "ln e" if confirmed["guarantee"] == "exact" else "ln pseudo-Bayes factor"
        print(f"  confirmed by {confirmed['family']}: {value} = {confirmed['log_e']:.1f} ({confirmed['guarantee']})")
    single = finding["kind"] != "group"
    for question in ("extracting",) if single else asked(finding):
        _waterfall(question, finding)
    if single:
        print(f"\n{ANSWERED}")
    print("\nWhat else could explain it")
    if single and not finding["evidence"]["alternatives"]:
        print(f"  {INNOCENT}")
    for other in finding["evidence"]["alternatives"]:
        against = f"; against: {other['against']}" if other["against"] else ""
        ratio = other.get("log_ratio")
        weighs = "" if ratio is None else f" ({ratio:+.1f} nats)"
        print(f"  {other['verdict']:9} {other['name']}{weighs}: {clean(other['for'])}{clean(against)}")
    if sentences := beside(finding):
        print("\nBeside the answers (weighs in none)")
        for sentence in sentences:
            print(f"  {clean(sentence)}")
    ranked = sorted(finding["members"], key=lambda m: (-m["probability"], -_estimate(m), m["account_id"]))[:members]
    if ranked:
        print(f"\nMembers ({len(ranked)} of {len(finding['members'])})")
        table(
            ["account", "probability", "estimate", "role", "accused", "core", "exchanges"],
            [
                [
                    clean(m["account_id"]),
                    f"{m['probability']:.2f}",
                    "" if m.get("estimate") is None else f"{_estimate(m):.2f}",
                    m["role"],
                    "yes" if accuses(finding, m) else "",
                    "yes" if m["core"] else "",
                    str(m["exchanges"]),
                ]
                for m in ranked
            ],
        )
    if more := len(finding["members"]) - len(ranked):
        spared = sum(not accuses(finding, m) for m in finding["members"])
        print(f"{more:,} more: --members {len(finding['members'])}. Of all {spared:,} are not accused")


def _estimate(member: dict[str, Any]) -> float:
    """How likely a member is the operator's own; nought where nothing is said of it."""
    return float(member.get("estimate") or 0.0)


def _tokens(number: int) -> str:
    return f"{number:,} tokens" if number else "tokens not logged"


def _claim(finding: dict[str, Any]) -> str:
    """What the likelihood is the likelihood of."""
    from stillwatch.console.words import BEYOND

    if finding["kind"] == "excess":
        return BEYOND
    if finding["kind"] == "entity":
        return "its own work is extraction"
    return "the accounts are coordinated, extract, and conceal it"


def _waterfall(question: str, finding: dict[str, Any]) -> None:
    """A bar a term, added up from the prior, in nats."""
    from stillwatch.cli.output import clean

    total = finding["evidence"][question]
    print(f"\n{question.capitalize()}? log-odds {total:+.1f} (terms in nats; above 0: rather yes)")
    running = 0.0
    for term in finding["evidence"]["terms"]:
        if term["question"] == question:
            running += term["value"]
            bar = ("+" if term["value"] >= 0 else "-") * min(round(abs(term["value"]) * 2), 24)
            print(
                f"  {term['value']:+6.2f} → {running:+6.2f}  {bar:24} {clean(term['name'])}: {clean(term['because'])}"
            )
