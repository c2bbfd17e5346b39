"""The command: act a world out and write its logs and its truth."""

import argparse
import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from acting.acts import SPAN, Account
from acting.ledger import RELEASES, TIME, Ledger, stamp
from acting.material import Missing
from acting.scenario import Wrong, play
from acting.world import World

TEXTS = ("account_id", "org_id", "verified_domain", "tier", "programme", "email_domain", "email", "phone_country",
         "billing_country", "payment_fingerprint", "card_bin", "signup_ip", "signup_ja4",
         "signup_user_agent", "reseller_of")  # fmt: skip
ACCOUNTS = pa.schema([*((name, pa.string()) for name in TEXTS), ("created_at", TIME), ("suspended_at", TIME)])


def row_of(account: Account) -> dict[str, object]:
    signup = account.signup
    ended = account.suspended is not None and account.suspended < SPAN
    return {
        "account_id": account.account_id, "org_id": account.org_id, "verified_domain": account.verified_domain,
        "tier": account.tier, "programme": account.programme, "email_domain": account.email.split("@")[1],
        "email": account.email, "phone_country": account.phone_country, "billing_country": account.billing_country,
        "payment_fingerprint": account.payment, "card_bin": account.card_bin,
        "signup_ip": signup.address if signup else None, "signup_ja4": signup.ja4 if signup else None,
        "signup_user_agent": signup.agent if signup else None, "reseller_of": account.reseller_of,
        "created_at": stamp(account.born), "suspended_at": stamp(account.suspended or 0.0) if ended else None,
    }  # fmt: skip


def write(world: World, logs: Path, truth: Path) -> int:
    """Both folders; how many exchanges there are."""
    logs.mkdir(parents=True, exist_ok=True)
    truth.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(world.seed)
    people = sorted(world.accounts, key=lambda account: account.account_id)
    for account in people:
        ledger.record(account)
    ledger.write(logs, truth)
    pq.write_table(pa.Table.from_pylist([row_of(a) for a in people], schema=ACCOUNTS), logs / "accounts.parquet")
    facts = {name: [getattr(a, name) for a in people] for name in ("account_id", "kind", "cohort")}
    pq.write_table(pa.table(facts), truth / "accounts.parquet")
    lines(logs / "permissions.jsonl", world.permissions)
    lines(logs / "releases.jsonl", [{"model": m, "released_at": stamp(at).isoformat()} for m, at, _ in RELEASES])
    for one in world.campaigns:
        one["extraction_exchanges"] = ledger.harvested[str(one["campaign"])]
    (truth / "campaigns.json").write_text(json.dumps(world.campaigns, indent=1) + "\n")
    return ledger.count


def lines(file: Path, rows: list[dict[str, object]]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="mixed", help="mixed, hard or quiet")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0, help="1: about 5,000 accounts")
    parser.add_argument("--out", type=Path, required=True, help="folder for the logs")
    parser.add_argument("--truth", type=Path, required=True, help="folder for the truth")
    parser.add_argument("--set", action="append", default=[], help="an axis, as cover=.95")
    options = parser.parse_args()
    try:
        world = play(options.scenario, options.seed, options.scale, options.set)
    except (Missing, Wrong) as problem:
        sys.exit(str(problem))
    count = write(world, options.out, options.truth)
    print(f"seed {options.seed}: {count:,} exchanges of {len(world.accounts):,} accounts")
