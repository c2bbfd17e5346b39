"""What an operator can buy off: simulated worlds whose operators rewrite their own logs, found before and after.

    .venv/bin/python benchmarks/attacks.py --seeds 9 21 --scale 0.25 --out attacks.jsonl

One JSON line a world and attack. With `--generator benchmarks/worlds/blind.py` the worlds are another generator's, as
in benchmarks/reference.py. A world and attack that the file already holds is passed over.
"""

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parent))

from reference import generate

from stillwatch.benchmark.measure import measure
from stillwatch.pipeline import detect, ingest_sources
from stillwatch.store.store import Store

Row = dict[str, Any]

FILLERS = 12
ORGANISATION = 19
GUESTS = 20
SHORT = (100, 4_000)
"""Characters of a JSON system text that is an instruction, and no setting."""
NAMES = ("Ada", "Bo", "Cy", "Dee", "Eli", "Fay", "Gus", "Hal", "Ida", "Jo", "Kit", "Lou", "Mo", "Ned", "Oz", "Pam")
LIKES = ("tea", "chess", "jazz", "hiking", "pottery", "sailing", "baking", "cycling", "gardening", "origami", "opera")
MADE_UP = [
    {"role": "user", "content": "Thank you for the list from this morning, it was just what we needed."},
    {"role": "assistant", "content": "You are welcome. Tell me what else would help."},
    {"role": "user", "content": "One more thing before the meeting then."},
    {"role": "assistant", "content": "Of course, go ahead."},
]
SYSTEM = json.dumps([{"type": "text", "content": "You are Fernleaf, the writing desk of Fernleaf Notes. Be kind."}])


def _last_human(messages: str) -> str:
    said = [m for m in json.loads(messages) if m.get("role") == "user"]
    return json.dumps(said[-1:])


WISHES = (
    "Please write a short and friendly birthday wish for my colleague {} who is very fond of {}.",
    "A neighbour of ours named {} loves {}, so draft two cheerful lines for the card on the hallway door.",
    "I need something warm to say at the farewell lunch of {} from accounting, who always talks about {}.",
    "Give me a tiny toast for the wedding table where {} sits, with one gentle joke about {} in it.",
    "Could you phrase a kind note to {} that says thanks for the evening and mentions {} along the way?",
)


def _wish(at: int, campaign: int) -> str:
    """One of a campaign's harmless prompts, in the campaign's own wording."""
    wish = WISHES[campaign % len(WISHES)]
    return wish.format(f"{NAMES[at * 7 % len(NAMES)]} {at}", LIKES[at * 5 % len(LIKES)])


def _filler(row: Row, at: int, history: list[Row], campaign: int) -> Row:
    """A harmless exchange with a history, where and when another of the account's was sent."""
    said = [*history, {"role": "user", "content": _wish(at, campaign)}]
    answer = f"Happy birthday, {NAMES[at * 7 % len(NAMES)]}! Have a lovely day and enjoy it."
    return row | {
        "exchange_id": f"{row['exchange_id']}-{at}", "messages": json.dumps(said), "tools": None, "system": None,
        "conversation_id": None, "turn_index": None,
        "output": json.dumps([{"role": "assistant", "content": answer}]), "output_tokens": 16, "input_tokens": 60,
    }  # fmt: skip


def fillers(rows: list[Row], accounts: list[Row], work: dict[str, int]) -> None:
    """Twelve short harmless prompts a member, in one wording of their own, each with a made-up history."""
    del accounts
    for mine in _by_account(rows, work).values():
        rows += [_filler(mine[at % len(mine)], at, MADE_UP, _campaign(mine, work)) for at in range(FILLERS)]


def many_fillers(rows: list[Row], accounts: list[Row], work: dict[str, int]) -> None:
    """The same with sixty of them."""
    del accounts
    for mine in _by_account(rows, work).values():
        rows += [_filler(mine[at % len(mine)], at, MADE_UP, _campaign(mine, work)) for at in range(5 * FILLERS)]


def history(rows: list[Row], accounts: list[Row], work: dict[str, int]) -> None:
    """Two made-up turns and one constant system text in every harvest prompt."""
    del accounts
    for mine in _by_account(rows, work).values():
        for row in mine:
            if row["exchange_id"] in work and row["messages"]:
                said = json.loads(_last_human(row["messages"]))
                row |= {"messages": json.dumps([*MADE_UP, *said]), "system": SYSTEM}


def sent_history(rows: list[Row], accounts: list[Row], work: dict[str, int]) -> None:
    """The same with a history whose first turn was really sent: a short exchange for every harvest prompt."""
    del accounts
    for mine in _by_account(rows, work).values():
        for at, row in enumerate(list(mine)):
            if row["exchange_id"] in work and row["messages"]:
                said = json.loads(_last_human(row["messages"]))
                opening = _filler(row, at, [], work[row["exchange_id"]])
                opening["asked_at"] = row["asked_at"].replace(microsecond=0)
                rows.append(opening)
                turns = json.loads(opening["messages"]) + json.loads(opening["output"])
                row |= {"messages": json.dumps([*turns, *said]), "system": SYSTEM}


def real_follow_ups(rows: list[Row], accounts: list[Row], work: dict[str, int]) -> None:
    """A further exchange for every harvest prompt, which really goes on after it in words of its own."""
    del accounts
    for mine in _by_account(rows, work).values():
        for at, row in enumerate(list(mine)):
            if row["exchange_id"] in work and row["messages"]:
                said, answer = json.loads(_last_human(row["messages"])), {"role": "assistant", "content": "Done."}
                name, likes = NAMES[at * 11 % len(NAMES)], LIKES[(at * 3 + len(row["messages"])) % len(LIKES)]
                more = {"role": "user", "content": f"{likes} {name} {row['exchange_id']}"}
                rows.append(row | {
                    "exchange_id": f"{row['exchange_id']}-more", "messages": json.dumps([*said, answer, more]),
                    "asked_at": row["asked_at"] + timedelta(seconds=40), "output_tokens": 16, "system": SYSTEM,
                    "output": json.dumps([{"role": "assistant", "content": "You are welcome."}]),
                })  # fmt: skip
                row["system"] = SYSTEM


def disguise(rows: list[Row], accounts: list[Row], work: dict[str, int]) -> None:
    """One more sentence in every harvest prompt, which asks for what harmless work asks for."""
    del accounts
    for mine in _by_account(rows, work).values():
        for row in mine:
            if row["exchange_id"] in work and row["messages"]:
                said = json.loads(row["messages"])
                said.append({"role": "user", "content": "Based on the text above, summarise it and translate it."})
                row["messages"] = json.dumps(_joined(said))


def go_ahead(rows: list[Row], accounts: list[Row], work: dict[str, int]) -> None:
    """Every harvest prompt in a turn before the last, which says no more than to go ahead."""
    for mine in _by_account(rows, work).values():
        for row in mine:
            if row["exchange_id"] in work:
                said = json.loads(row["messages"])
                asked = [{"role": "assistant", "content": "Shall I?"}, {"role": "user", "content": "Go ahead."}]
                row["messages"] = json.dumps([*said, *asked])


def copied_system(rows: list[Row], accounts: list[Row], work: dict[str, int]) -> None:
    """The last campaign's harvest carries the short system text of honest customers who all sit in one place."""
    text, campaign = _homely(rows, work), max(work.values())
    for mine in _by_account(rows, work).values():
        for row in mine:
            if work.get(row["exchange_id"]) == campaign:
                row["system"] = text


def _homely(rows: list[Row], work: dict[str, int]) -> str:
    """Of short system texts that eight honest accounts send, the one whose senders share an address block most."""
    places: dict[str, dict[str, set[str]]] = {}
    for row in rows:
        text = row["system"]
        if row["account_id"] not in work and text and SHORT[0] <= len(text) <= SHORT[1] and row["client_ip"]:
            block = row["client_ip"].rsplit(".", 1)[0]
            places.setdefault(text, {}).setdefault(block, set()).add(row["account_id"])
    senders = {text: set().union(*held.values()) for text, held in places.items()}
    most = {text: max(map(len, held.values())) / len(senders[text]) for text, held in places.items()}
    return max((text for text in places if len(senders[text]) >= 8), key=lambda text: (most[text], text))


def _joined(said: list[Row]) -> list[Row]:
    """The last two messages as one."""
    *before, one, more = said
    text = one.get("content") or "".join(part.get("content", "") for part in one["parts"])
    return [*before, {"role": "user", "content": f"{text}\n\n{more['content']}"}]


def organisations(rows: list[Row], accounts: list[Row], work: dict[str, int]) -> None:
    """Nineteen accounts of one campaign an organisation that they made up, in requests and at sign-up."""
    names: dict[str, str] = {}
    size: Counter[int] = Counter()
    for account, mine in _by_account(rows, work).items():
        campaign = _campaign(mine, work)
        names[account] = f"org-{campaign}-{size[campaign] // ORGANISATION:04}-llc"
        size[campaign] += 1
    _declare(rows, accounts, names)


def paid_organisations(rows: list[Row], accounts: list[Row], work: dict[str, int]) -> None:
    """The same, and each organisation pays by one card."""
    organisations(rows, accounts, work)
    for row in accounts:
        if str(row["org_id"]).endswith("-llc"):
            row["payment_fingerprint"] = f"pm-{row['org_id']}"


def guests(rows: list[Row], accounts: list[Row], work: dict[str, int]) -> None:
    """Twenty operators name the organisation of an honest customer, in requests and at sign-up."""
    honest = sorted(row["org_id"] for row in accounts if row["org_id"] and row["verified_domain"])
    _declare(rows, accounts, dict.fromkeys(sorted(_by_account(rows, work))[:GUESTS], honest[0]))


def _declare(rows: list[Row], accounts: list[Row], names: dict[str, str]) -> None:
    for row in [*rows, *accounts]:
        row["org_id"] = names.get(row["account_id"], row["org_id"])


def _campaign(rows: list[Row], work: dict[str, int]) -> int:
    return next(work[row["exchange_id"]] for row in rows if row["exchange_id"] in work)


def _by_account(rows: list[Row], work: dict[str, int]) -> dict[str, list[Row]]:
    """The exchanges of every account that extracts and is no thief's, in a stable order."""
    out: dict[str, list[Row]] = {}
    for row in rows:
        out.setdefault(row["account_id"], []).append(row)
    extracting = {row["account_id"] for row in rows if row["exchange_id"] in work}
    return {name: out[name] for name in sorted(extracting & work.keys())}


Attack = Callable[[list[Row], list[Row], dict[str, int]], None]
ATTACKS: dict[str, Attack] = {
    "none": lambda rows, accounts, work: None,
    "fillers": fillers,
    "many-fillers": many_fillers,
    "history": history,
    "sent-history": sent_history,
    "follow-ups": real_follow_ups,
    "disguise": disguise,
    "go-ahead": go_ahead,
    "copied-system": copied_system,
    "organisations": organisations,
    "paid-organisations": paid_organisations,
    "guests": guests,
}


def rewrite(logs: Path, truth: Path, out: Path, attack: Attack) -> None:
    """Copy a world's logs with its operators' attack done. The truth tells the attacker which accounts are its own."""
    shutil.copytree(logs, out, ignore=shutil.ignore_patterns("exchanges"))
    (out / "exchanges").mkdir()
    table = pa.concat_tables([pq.read_table(path) for path in sorted((logs / "exchanges").glob("*.parquet"))])
    accounts = pq.read_table(logs / "accounts.parquet")
    rows, people = table.to_pylist(), accounts.to_pylist()
    kinds = pq.read_table(truth / "accounts.parquet").to_pylist()
    extracted = [row for row in pq.read_table(truth / "exchanges.parquet").to_pylist() if row["campaign"]]
    names = sorted({row["campaign"] for row in extracted})
    work = {row["account_id"]: 0 for row in kinds if row["kind"] == "operator"}
    work |= {row["exchange_id"]: names.index(row["campaign"]) for row in extracted}
    attack(rows, people, work)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), out / "exchanges" / "all.parquet")
    pq.write_table(pa.Table.from_pylist(people, schema=accounts.schema), out / "accounts.parquet")


def found_in(logs: Path, truth: Path, folder: Path, name: str) -> tuple[dict[str, Any], Row]:
    """The answer on logs, and its figures beside the truth."""
    (folder / "key").touch(0o600)
    (folder / "key").write_bytes(hashlib.blake2b(name.encode(), digest_size=32).digest())
    ingest_sources([logs], folder / "store", key_file=folder / "key")
    answer = detect(Store.open(folder / "store")).answer
    found = measure(answer, truth, logs)
    statuses = [c["status"] for c in answer["campaigns"] if c["kind"] == "group"]
    return answer, {
        "campaigns": f"{sum(one.matched for one in found.recovered)}/{len(found.recovered)}",
        "findings": {status: statuses.count(status) for status in sorted(set(statuses))},
        **{field: f"{getattr(found, field).k}/{getattr(found, field).n}" for field in (
            "recall", "false_accounts", "ambiguous_honest", "operators_in_review", "victims_named_operator")},
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="mixed")
    parser.add_argument("--seeds", type=int, nargs="+", default=[9])
    parser.add_argument("--scale", type=float, default=0.25)
    parser.add_argument("--generator", type=Path, default=None)
    parser.add_argument("--attacks", nargs="+", default=list(ATTACKS), choices=list(ATTACKS))
    parser.add_argument("--out", type=Path, default=Path("attacks.jsonl"))
    options = parser.parse_args()
    done = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    generator = options.generator.name if options.generator else "stillwatch simulate"
    for seed in options.seeds:
        name = {"generator": generator, "scenario": options.scenario, "seed": seed, "scale": options.scale}
        with tempfile.TemporaryDirectory(prefix="stillwatch-attacks-") as held:
            world = Path(held)
            for attack in options.attacks:
                asked = name | {"attack": attack}
                if any(asked.items() <= line.items() for line in done):
                    continue
                if not (world / "logs").exists():
                    generate(world, options.scenario, seed, options.scale, options.generator)
                (world / attack).mkdir()
                rewrite(world / "logs", world / "truth", world / attack / "logs", ATTACKS[attack])
                _, line = found_in(world / attack / "logs", world / "truth", world / attack, f"reference {seed}")
                with options.out.open("a") as file:
                    file.write(json.dumps(asked | line) + "\n")
                print(json.dumps(asked | line), flush=True)


if __name__ == "__main__":
    main()
