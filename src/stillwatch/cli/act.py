"""`stillwatch act`: judge a run by a policy, and bring what its rules say into the casebook."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stillwatch.cli.options import AppealUrl, CasebookUrl, Run, StoreFolder

if TYPE_CHECKING:
    from stillwatch.acting.actions import Proposed
    from stillwatch.acting.by_policy import Acted
    from stillwatch.respond.hits import Judged
    from stillwatch.respond.policy import Policy

FIRST = 5
"""Accounts of a rung that a dry run names in its table."""


def act(
    policy: Annotated[Path, typer.Argument(help="A policy file (docs/policy.md).")],
    store: StoreFolder,
    appeal_url: AppealUrl = "",
    run: Run = None,
    within: Annotated[
        int, typer.Option(help="Days ago at which what the run saw may end at most; older is not acted on.", min=1)
    ] = 7,
    casebook: CasebookUrl = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be done, and change nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print stillwatch/act/v1, with every action.")] = False,
) -> None:
    """Judge a run by a policy: what its rules may do by themselves is in force at once, the rest waits for a person.

    The answer tells for each rule whom it hit in this run (`hits`) and what became of it: `in force` from now on for
    the rule's hours, `waiting` for a named person (`stillwatch review`), `shadow` (recorded, nobody is touched),
    `renewed` where an earlier run had said the same, `passed over` where a person had declined or the ladder forbids
    it. `unknown` counts accounts of which facts lack, `barred` those about whom the finding allows less than the rule
    wants. Nobody is suspended by this command, ever. What is in force is then published for `stillwatch serve`.
    Run it after each `detect`; the same run again changes nothing. With `--dry-run` a second table tells by rung how
    many would be in force at once, how many would wait and why, and the first accounts; `--json` has every action.
    """
    from functools import partial

    from stillwatch.acting.by_policy import act as run_act
    from stillwatch.cli import acts
    from stillwatch.cli.output import say
    from stillwatch.cli.policy_file import policy_of
    from stillwatch.store.casebook.casebook import Casebook
    from stillwatch.store.store import Store

    rules = policy_of(policy)
    if dry_run:
        _dry_run(store, casebook, rules, run, within, json=json)
        return
    done = run_act(
        Store.open(store), partial(Casebook.begun, store, casebook), rules, run, acts.now(), appeal_url, within=within,
        via=acts.login(),
    )  # fmt: skip
    _tell(rules, done, json=json)
    waiting = sum(one.needs > 0 and one.state == "proposed" for one in done.proposed.new)
    if waiting:
        say(f"next: stillwatch review --store {store}  # {waiting:,} wait for a person")


def _dry_run(
    store: Path, casebook: str | None, rules: "Policy", run: str | None, within: int, *, json: bool
) -> None:  # fmt: skip
    from stillwatch.acting.by_policy import rehearse
    from stillwatch.acting.telling import by_step
    from stillwatch.cli import acts
    from stillwatch.cli.output import emit_json, say, table
    from stillwatch.store.store import Store

    name, said, would = rehearse(Store.open(store), casebook, rules, run, acts.now(), within=within)
    counted, steps = _by_rule(rules, said, would), by_step(would)
    if json:
        emit_json(
            {"schema": "stillwatch/act/v1", "dry_run": True, "run_id": name, "rules": list(counted.values()),
             "steps": steps, **_actions(would)}
        )  # fmt: skip
        return
    say(f"run {name}; nothing is changed")
    _print_rules(counted)
    if steps:
        print()
        heads = ["rung", "at once", "would wait", "shadow", "renewed", "why they would wait", "accounts"]
        table(heads, [_step_cells(one, would) for one in steps])
    _say_passed(would)


def _step_cells(one: dict[str, Any], would: "Proposed") -> list[str]:
    from stillwatch.acting.telling import became, step_of, why_in_brief
    from stillwatch.errors import first_of

    waiting = [each for each in would.new if step_of(each) == one["step"] and became(each) == "waiting"]
    numbers = (f"{one[name]:,}" for name in ("at_once", "waiting", "shadow", "renewed"))
    return [one["step"], *numbers, why_in_brief(waiting) or "-", first_of(one["accounts"], FIRST)]


def _tell(rules: "Policy", done: "Acted", *, json: bool) -> None:
    from stillwatch.cli.output import counted, emit_json, say

    told = _by_rule(rules, done.said, done.proposed)
    if json:
        emit_json(
            {
                "schema": "stillwatch/act/v1", "dry_run": False, "run_id": done.run_id, "rules": list(told.values()),
                **_actions(done.proposed),
                "ended": [one.action_id for one in done.ended], "published": done.published,
            }
        )  # fmt: skip
        return
    _print_rules(told)
    _say_passed(done.proposed)
    say(
        f"run {done.run_id}; {counted(len(done.ended), 'earlier action')} ended by time; "
        f"{counted(done.published, 'action')} published"
    )


def _actions(proposed: "Proposed") -> dict[str, Any]:
    from stillwatch.acting.telling import told

    return {
        "actions": [told(one) for one in (*proposed.new, *proposed.renewed)],
        "passed_over": [{"action_id": one, "because": why} for one, why in proposed.passed_over],
    }


def _print_rules(told: dict[str, dict[str, Any]]) -> None:
    from stillwatch.cli.output import table

    heads = ["rule", "action", "mode", "hits", "unknown", "barred", *(name.replace("_", " ") for name in BECAME)]
    numbers = ("hits", "unknown", "barred", *BECAME)
    rows = [
        [one["rule_id"], one["action"], one["mode"], *(f"{one[name]:,}" for name in numbers)] for one in told.values()
    ]
    table(heads, rows)


def _say_passed(proposed: "Proposed") -> None:
    from stillwatch.cli.output import say

    why: dict[str, int] = {}
    for _, because in proposed.passed_over:
        why[because] = why.get(because, 0) + 1
    for because, number in sorted(why.items()):
        say(f"passed over, {number:,}: {because}")


BECAME = ("in_force", "waiting", "shadow", "renewed")
"""What becomes of a rule's hits."""


def _by_rule(rules: "Policy", said: "Judged", proposed: "Proposed") -> dict[str, dict[str, Any]]:
    """What each rule says and what became of its hits, in the file's order."""
    from stillwatch.acting.telling import became

    told: dict[str, dict[str, Any]] = {
        rule.id: {
            "rule_id": rule.id, "action": rule.rung.name.lower(), "mode": rule.mode,
            "hits": sum(hit.rule_id == rule.id for hit in said.hits), "unknown": 0, "barred": 0,
            **dict.fromkeys(BECAME, 0),
        }
        for rule in rules.rules
    }  # fmt: skip
    for one in {(one.rule_id, one.why, one.account_id) for one in said.abstained}:
        told[one[0]][one[1]] += 1
    for action in proposed.new:
        told[action.hit.rule_id][became(action)] += 1
    for action in proposed.renewed:
        told[action.hit.rule_id]["renewed"] += 1
    return told
