"""`stillwatch act`: judge a run by a policy, and bring what its rules say into the casebook."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stillwatch.cli.options import AppealUrl, CasebookUrl, Run, StoreFolder

if TYPE_CHECKING:
    from stillwatch.acting.by_policy import Acted
    from stillwatch.respond.hits import Judged
    from stillwatch.respond.policy import Policy


def act(
    policy: Annotated[Path, typer.Argument(help="A policy file (docs/policy.md).")],
    store: StoreFolder,
    appeal_url: AppealUrl = "",
    run: Run = None,
    within: Annotated[
        int, typer.Option(help="Days ago at which what the run saw may end at most; older is not acted on.", min=1)
    ] = 7,
    casebook: CasebookUrl = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what the rules say, and change nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print stillwatch/act/v1, with every action.")] = False,
) -> None:
    """Judge a run by a policy: what its rules may do by themselves is in force at once, the rest waits for a person.

    The answer tells for each rule whom it hit in this run (`hits`) and what became of it: `in force` from now on for
    the rule's hours, `waiting` for a named person (`stillwatch review`), `shadow` (recorded, nobody is touched),
    `renewed` where an earlier run had said the same, `passed over` where a person had declined or the ladder forbids
    it. `unknown` counts accounts of which facts lack, `barred` those about whom the finding allows less than the rule
    wants. Nobody is suspended by this command, ever. What is in force is then published for `stillwatch serve`.
    Run it after each `detect`; the same run again changes nothing.
    """
    from stillwatch.acting.by_policy import act as run_act
    from stillwatch.cli import acts
    from stillwatch.cli.output import say
    from stillwatch.cli.policy_file import policy_of

    rules = policy_of(policy)
    if dry_run:
        _dry_run(store, rules, run, within, json=json)
        return
    with acts.opened(store, casebook) as (kept, book):
        done = run_act(kept, book, rules, run, acts.now(), appeal_url, within=within, via=acts.login())
    _tell(rules, done, json=json)
    waiting = sum(one.needs > 0 and one.state == "proposed" for one in done.proposed.new)
    if waiting:
        say(f"next: stillwatch review --store {store}  # {waiting:,} wait for a person")


def _dry_run(store: Path, rules: "Policy", run: str | None, within: int, *, json: bool) -> None:
    from datetime import UTC, datetime

    from stillwatch.acting.by_policy import judge
    from stillwatch.cli.output import emit_json, say, table
    from stillwatch.store.store import Store

    name, said = judge(Store.open(store), rules, run, datetime.now(UTC), within)
    counted = _by_rule(rules, said)
    if json:
        emit_json({"schema": "stillwatch/act/v1", "dry_run": True, "run_id": name, "rules": list(counted.values())})
        return
    say(f"run {name}; nothing is changed")
    table(["rule", "action", "mode", "hits", "unknown", "barred"], [_cells(one) for one in counted.values()])


def _tell(rules: "Policy", done: "Acted", *, json: bool) -> None:
    from stillwatch.acting.telling import told as told_action
    from stillwatch.cli.output import counted, emit_json, say, table

    told = _by_rule(rules, done.said)
    for counts in told.values():
        counts.update(dict.fromkeys(("in_force", "waiting", "shadow", "renewed"), 0))
    for name, actions in (("", done.proposed.new), ("renewed", done.proposed.renewed)):
        for action in actions:
            told[action.hit.rule_id][name or _BECAME.get(action.state, "waiting")] += 1
    if json:
        emit_json(
            {
                "schema": "stillwatch/act/v1", "dry_run": False, "run_id": done.run_id, "rules": list(told.values()),
                "actions": [told_action(one) for one in (*done.proposed.new, *done.proposed.renewed)],
                "passed_over": [{"action_id": one, "because": why} for one, why in done.proposed.passed_over],
                "ended": [one.action_id for one in done.ended], "published": done.published,
            }
        )  # fmt: skip
        return
    heads = ["rule", "action", "mode", "hits", "unknown", "barred", "in force", "waiting", "shadow", "renewed"]
    more = ("in_force", "waiting", "shadow", "renewed")
    table(heads, [[*_cells(one), *(f"{one[name]:,}" for name in more)] for one in told.values()])
    why: dict[str, int] = {}
    for _, because in done.proposed.passed_over:
        why[because] = why.get(because, 0) + 1
    for because, number in sorted(why.items()):
        say(f"passed over, {number:,}: {because}")
    say(
        f"run {done.run_id}; {counted(len(done.ended), 'earlier action')} ended by time; "
        f"{counted(done.published, 'action')} published"
    )


_BECAME = {"in_force": "in_force", "shadow": "shadow"}


def _by_rule(rules: "Policy", said: "Judged") -> dict[str, dict[str, Any]]:
    """What each rule says, in the file's order."""
    told: dict[str, dict[str, Any]] = {
        rule.id: {
            "rule_id": rule.id, "action": rule.rung.name.lower(), "mode": rule.mode,
            "hits": sum(hit.rule_id == rule.id for hit in said.hits), "unknown": 0, "barred": 0,
        }
        for rule in rules.rules
    }  # fmt: skip
    for one in {(one.rule_id, one.why, one.account_id) for one in said.abstained}:
        told[one[0]][one[1]] += 1
    return told


def _cells(one: dict[str, Any]) -> list[str]:
    return [one["rule_id"], one["action"], one["mode"], *(f"{one[name]:,}" for name in ("hits", "unknown", "barred"))]
