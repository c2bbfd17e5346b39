"""`stillwatch policy`: lint, test, backtest, compare and begin the file that says what may be done about findings."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stillwatch.cli.policy_file import policy_bytes, policy_of

if TYPE_CHECKING:
    from stillwatch.respond.policy import Policy
    from stillwatch.store.store import Store

TEMPLATES = ("lab", "cloud", "gateway")
SHOWN = 12
"""Cohorts and accounts that are shown; `--json` has all."""


class Action(StrEnum):
    """What `stillwatch policy` does."""

    LINT = "lint"
    TEST = "test"
    BACKTEST = "backtest"
    DIFF = "diff"
    NEW = "new"


def policy(
    action: Annotated[
        Action,
        typer.Argument(
            help="lint FILE: what is wrong with it. test FILE: run the rules' own tests. backtest FILE: whom it would "
            "have hit. diff OLD NEW: what changed. new lab|cloud|gateway: begin one."
        ),
    ],
    what: Annotated[list[str], typer.Argument(help="The policy's file; two for diff; a template's name for new.")],
    store: Annotated[Path | None, typer.Option(help="backtest, diff: the store whose findings are judged.")] = None,
    days: Annotated[int, typer.Option(help="backtest, diff: how many days back.", min=1, max=3650)] = 14,
    window: Annotated[int, typer.Option(help="backtest, diff: days of the watch's windows.", min=1)] = 1,
    out: Annotated[Path | None, typer.Option(help="new: the file to write; it must not be there yet.")] = None,
    expires: Annotated[
        datetime | None,
        typer.Option(help="new: the day on which its rules end; in 180 days without it.", formats=["%Y-%m-%d"]),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Lint, test, backtest, compare or begin a policy: rules in YAML that say what may be done about findings.

    `lint` answers with faults by line: an `error` keeps the file from being used, a `warning` should be looked at.
    `test` runs the rules' own tests. `backtest` answers whom each rule would have hit in the last days, from what
    `stillwatch watch` has kept: accounts, how many of them are expected to be honest (the sum of 1 - probability), the
    exchanges that it touches, and each cohort's share with exact 95 % bounds. `unknown` counts accounts of which a rule
    says nothing since a fact lacks, `barred` those whom no rule may touch so. An action above `limit` is a proposal to
    a person, whatever the mode. `diff` warns where a rule is enforced that never ran in shadow.
    """
    wanted = 2 if action == Action.DIFF else 1
    if len(what) != wanted:
        from stillwatch.errors import UsageError

        usage = {Action.DIFF: "OLD NEW", Action.NEW: "|".join(TEMPLATES)}.get(action, "FILE")
        raise UsageError(
            f"policy {action.value} takes {wanted} argument{'s' if wanted > 1 else ''}", found=f"{len(what)}",
            next_step=f"stillwatch policy {action.value} {usage}",
        )  # fmt: skip
    if action == Action.LINT:
        _lint(Path(what[0]), json=json)
    elif action == Action.TEST:
        _test(Path(what[0]), json=json)
    elif action == Action.BACKTEST:
        _backtest(Path(what[0]), _opened(store), days, window, json=json)
    elif action == Action.DIFF:
        _diff(Path(what[0]), Path(what[1]), _opened(store) if store else None, (days, window), json=json)
    else:
        _new(what[0], out, expires, json=json)


def _opened(store: Path | None) -> "Store":
    from stillwatch.errors import UsageError
    from stillwatch.store.store import Store

    if store is None:
        raise UsageError("no store is named", wanted="--store DIR")
    return Store.open(store)


# ------------------------------------------------------------------------------------------------------ lint and test


def _lint(file: Path, *, json: bool) -> None:
    from dataclasses import asdict
    from datetime import UTC

    from stillwatch.cli.output import counted, emit_json, table
    from stillwatch.errors import StillwatchError
    from stillwatch.respond.lint import linted

    found = linted(policy_bytes(file), datetime.now(UTC))
    warnings = len(found.faults) - found.errors
    if json:
        ref = asdict(found.policy.ref) if found.policy else None
        emit_json(
            {
                "schema": "stillwatch/policy-lint/v1", "policy": ref, "errors": found.errors, "warnings": warnings,
                "faults": [asdict(fault) for fault in found.faults],
            }
        )  # fmt: skip
    elif found.faults:
        rows = [[str(f.line), f.level, f.rule_id or "-", f.kind, f.message] for f in found.faults]
        table(["line", "level", "rule", "kind", "what is wrong"], rows)
    else:
        rules = found.policy.rules if found.policy else ()
        print(f"{counted(len(rules), 'rule')}, nothing wrong")
    if found.errors:
        raise StillwatchError(f"the policy holds {counted(found.errors, 'error')}", where=str(file))


def _test(file: Path, *, json: bool) -> None:
    from stillwatch.cli.output import counted, emit_json, table
    from stillwatch.errors import StillwatchError, UsageError
    from stillwatch.respond.cases import outcome
    from stillwatch.respond.policy_text import read_policy

    held, faults = read_policy(policy_bytes(file))
    if held is None or any(fault.level == "error" for fault in faults):
        raise UsageError("the policy holds errors", where=str(file), next_step=f"stillwatch policy lint {file}")
    rows = [
        {
            "rule_id": rule.id, "line": case.line, "expect": case.expect, "found": (found := outcome(rule, case)),
            "passed": found == case.expect,
        }
        for rule in held.rules
        for case in rule.tests
    ]  # fmt: skip
    failed = [row for row in rows if not row["passed"]]
    if json:
        emit_json(
            {"schema": "stillwatch/policy-test/v1", "tests": len(rows), "failed": len(failed), "results": rows}
        )  # fmt: skip
    else:
        if failed:
            names = ("line", "rule_id", "expect", "found")
            table(["line", "rule", "expects", "is"], [[str(row[name]) for name in names] for row in failed])
        print(f"{counted(len(rows), 'test')}, {len(failed)} failed")
    if failed:
        raise StillwatchError(f"{counted(len(failed), 'test')} failed", where=str(file))


# ----------------------------------------------------------------------------------------------------------- backtest


def _backtest(file: Path, store: "Store", days: int, window: int, *, json: bool) -> None:
    from stillwatch.backtest import backtested
    from stillwatch.cli.output import emit_json, status

    held = policy_of(file)
    with status("backtest"):
        answer = backtested(store, held, days, window)
    if json:
        emit_json(answer)
    else:
        _print_backtest(answer)


def _print_backtest(answer: dict[str, Any]) -> None:
    from stillwatch.cli.output import counted, table

    total = answer["total"]
    share = "" if total["share"] is None else f" ({_percent(total)})"
    print(
        f"{answer['first']} to {answer['last']}, {counted(len(answer['windows']), 'window')}: "
        f"{total['accounts']:,} of {total['of']:,} accounts hit{share}; {total['expected_honest']:.1f} of them are "
        f"expected to be honest; {total['exchanges']:,} exchanges of findings, {total['exchanges_after']:,} asked later"
    )
    heads = ["rule", "mode", "action", "accounts", "accused", "honest", "after", "largest group", "unknown", "barred"]
    table(heads, [_rule_row(rule) for rule in answer["rules"]])
    for rule in answer["rules"]:
        if rule["unknown"]:
            facts = ", ".join(f"{name} ({count:,})" for name, count in rule["unknown"].items())
            print(f"{rule['rule_id']} abstained where unknown: {facts}")
    _print_cohorts("All accounts by tier and programme", answer["customers"], ("tier", "programme"))
    of_cohort = ("status", "role", "accused", "tier", "programme")
    _print_cohorts("Accounts that findings name", answer["cohorts"], of_cohort)
    print("\nAn account that is hit is not shown to be guilty; nothing was done.")


def _print_cohorts(title: str, cohorts: list[dict[str, Any]], names: tuple[str, ...]) -> None:
    """Cohorts of whom anybody was hit, with bounds."""
    from stillwatch.cli.output import table

    hit = sorted((one for one in cohorts if one["hit"]), key=lambda one: -one["hit"])
    if not hit:
        return
    print(f"\n{title}, with exact 95 % bounds{'' if len(hit) <= SHOWN else f' (the first {SHOWN} of {len(hit)})'}:")
    rows = [[*(one[name] for name in names), f"{one['hit']:,}/{one['of']:,}", _percent(one)] for one in hit[:SHOWN]]
    table([*names, "hit", "share"], rows)


def _percent(one: dict[str, Any]) -> str:
    return f"{one['share']:.2%} [{one['low']:.2%}, {one['high']:.2%}]".replace("%", " %")


def _rule_row(rule: dict[str, Any]) -> list[str]:
    action = f"{rule['action']}, proposed" if rule["proposal"] else rule["action"]
    group = f"{rule['largest_group']:,}" + (", second person" if rule["second_person"] else "")
    return [
        rule["rule_id"], rule["mode"], action, f"{rule['accounts']:,}", f"{rule['accused']:,}",
        f"{rule['expected_honest']:.1f}", f"{rule['exchanges_after']:,}", group,
        f"{max(rule['unknown'].values(), default=0):,}", f"{rule['barred']:,}",
    ]  # fmt: skip


# --------------------------------------------------------------------------------------------------------------- diff


def _diff(old: Path, new: Path, store: "Store | None", back: tuple[int, int], *, json: bool) -> None:
    from dataclasses import asdict

    from stillwatch.cli.output import emit_json, say, table
    from stillwatch.respond.diff import changes, policy_warnings

    before, after = policy_of(old), policy_of(new)
    changed, warnings = changes(before, after), policy_warnings(before, after)
    differently = None if store is None else _hit_differently(store, before, after, back)
    if json:
        emit_json(
            {
                "schema": "stillwatch/policy-diff/v1", "old": asdict(before.ref), "new": asdict(after.ref),
                "warnings": warnings, "rules": [asdict(one) for one in changed], "hits": differently,
            }
        )  # fmt: skip
        return
    for sentence in warnings:
        say(f"warning: {sentence}")
    for one in changed:
        for sentence in one.warnings:
            say(f"warning: rule {one.rule_id}: {sentence}")
    if changed:
        table(["rule", "event", "what changed"], [[c.rule_id, c.event, ", ".join(c.parts) or "-"] for c in changed])
    else:
        print("The rules say the same.")
    if differently is not None:
        _print_hits(differently)


def _hit_differently(store: "Store", before: "Policy", after: "Policy", back: tuple[int, int]) -> list[dict[str, Any]]:
    """Whom the two would have hit differently, day by day."""
    from dataclasses import asdict

    from stillwatch.backtest import said_of, seen_in
    from stillwatch.respond.diff import hit_changes

    out = []
    seen = seen_in(store, *back)
    for one, other in zip(said_of(before, seen), said_of(after, seen), strict=True):
        told = hit_changes(one.said.hits, other.said.hits)
        out += [{"day": one.day, **asdict(change)} for change in told]
    return out


def _print_hits(rows: list[dict[str, Any]]) -> None:
    from stillwatch.cli.output import table

    accounts = len({row["account_id"] for row in rows})
    print(f"\n{accounts:,} accounts would have been hit differently{':' if rows else ''}")
    if rows:
        shown = [
            [r["day"], r["account_id"], r["campaign_id"], "; ".join(r["before"]) or "-", "; ".join(r["after"]) or "-"]
            for r in rows[:SHOWN]
        ]
        table(["day", "account", "finding", "old", "new"], shown)
        if len(rows) > SHOWN:
            print(f"and {len(rows) - SHOWN:,} more (--json)")


# ---------------------------------------------------------------------------------------------------------------- new


def _new(name: str, out: Path | None, expires: datetime | None, *, json: bool) -> None:
    from datetime import UTC, timedelta
    from importlib import resources

    from stillwatch.cli.output import emit_json, say
    from stillwatch.errors import StillwatchError, UsageError

    if name not in TEMPLATES:
        raise UsageError("no such template", found=name, wanted=", ".join(TEMPLATES))
    if out is None:
        raise UsageError("no file is named", next_step=f"stillwatch policy new {name} --out FILE")
    day = (expires or datetime.now(UTC) + timedelta(days=180)).date()
    text = resources.files("stillwatch.respond").joinpath("templates", f"{name}.yaml").read_text("utf-8")
    try:
        with out.open("x", encoding="utf-8") as target:
            target.write(text.replace("EXPIRES", str(day)))
    except FileExistsError:
        raise UsageError("the file is there already", where=str(out), wanted="a file that is not there") from None
    except OSError as error:
        raise StillwatchError("the file cannot be written", where=str(out), found=error.strerror or "") from None
    if json:
        emit_json({"schema": "stillwatch/policy-new/v1", "template": name, "file": str(out), "expires": str(day)})
    else:
        say(f"written: {out}; every rule is in shadow and ends on {day}. Next: stillwatch policy lint {out}")
