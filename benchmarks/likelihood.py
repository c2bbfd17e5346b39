"""Whether words of likelihood are true, and what a dossier can and cannot make of a finding, on simulated worlds.

    .venv/bin/python benchmarks/likelihood.py --seeds 640 641 … --scale 0.3 --out benchmarks/results/likelihood-….jsonl
    .venv/bin/python benchmarks/likelihood.py --read FILE…      # the table of all worlds together

One JSON line a world. `told`: every group that is suspected, for review or dismissed, with the probability that its
three questions give, its word, and whether half of its members or more are operators. `attributed`: for every suspected
finding, the answer to five dossiers of one organisation each, whose two sources are of grade B:

* `own`: cards and sign-up blocks of every second accused operator, by the truth: what an investigation might know.
* `innocent`: the same of as many honest accounts, drawn by hash.
* `cheap`: an innocent organisation of whose mail domains, systems, fingerprints, user agents and card products the
  campaign carries its own commonest: what costs nothing to take on.
* `one family`: those, and all cards of the campaign as the innocent's.
* `two families`: those and all its sign-up blocks as well: an enemy who pays for both.
"""

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from reference import generate

from stillwatch.assess.estimates import of_group
from stillwatch.assess.finding import LIKELIHOOD
from stillwatch.attribution import attributed, load_dossier
from stillwatch.attribution.answer import accused_in
from stillwatch.benchmark.measure import is_operator_group, operators_of
from stillwatch.benchmark.suite import machine
from stillwatch.pipeline import detect, ingest_sources
from stillwatch.stats import clopper_pearson, logistic
from stillwatch.store.store import Store

NAME = "An organisation"
QUESTIONS = ("coordinated", "extracting", "concealed")
CHEAP = ("email_domain", "signup_asn", "signup_ja4", "signup_user_agent", "card_bin")
COMMONEST = 12
"""Values of each cheap kind that an enemy takes on: a campaign's own commonest."""

Row = dict[str, Any]


def main() -> None:
    """Measure worlds, or read results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[640])
    parser.add_argument("--scenario", default="mixed")
    parser.add_argument("--scale", type=float, default=0.3)
    parser.add_argument("--generator", type=Path, help="another author's worlds, as in reference.py")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--read", type=Path, nargs="+")
    given = parser.parse_args()
    if given.read:
        print(json.dumps(together([json.loads(line) for path in given.read for line in path.open()]), indent=1))
        return
    for seed in given.seeds:
        line = json.dumps(
            measured(given.scenario, seed, given.scale, given.generator) | {"command": " ".join(sys.argv)}
        )
        print(line, flush=True)
        if given.out:
            with given.out.open("a") as out:
                out.write(line + "\n")


def measured(scenario: str, seed: int, scale: float, generator: Path | None) -> Row:
    """One world: simulated, ingested, judged."""
    begun = time.process_time()
    with tempfile.TemporaryDirectory(prefix="stillwatch-likelihood-") as name:
        folder = Path(name)
        generate(folder, scenario, seed, scale, generator)
        key = folder / "key"
        key.touch(0o600)
        key.write_bytes(hashlib.blake2b(f"benchmark {seed}".encode(), digest_size=32).digest())
        ingest_sources([folder / "logs"], folder / "store", key_file=key)
        store = Store.open(folder / "store")
        answer = detect(store).answer
        operators = operators_of(folder / "truth")
        accounts = {
            row["account_id"]: row
            for path in sorted((folder / "logs").rglob("accounts*.parquet"))
            for row in pq.read_table(path).to_pylist()
        }
        kinds = pq.read_table(folder / "truth" / "accounts.parquet").to_pylist()
        honest = sorted((row["account_id"] for row in kinds if row["kind"] in ("legit", "look_alike")), key=_place)
        told = [_told(one, operators) for one in answer["campaigns"] if one["kind"] == "group"]
        suspected = [one for one in answer["campaigns"] if accused_in(one)]
        rows = [_dossiers(store, answer, one, accounts, operators, honest) for one in suspected]
    return {
        "generator": generator.name if generator else "stillwatch simulate",
        "scenario": scenario, "seed": seed, "scale": scale, "machine": machine(),
        "cpu_seconds": round(time.process_time() - begun, 1), "told": told, "attributed": rows,
    }  # fmt: skip


def _place(name: str) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=8).digest()


def _told(finding: Row, operators: set[str]) -> Row:
    probability = 1.0
    for question in QUESTIONS:
        probability *= logistic(finding["evidence"][question])
    return {
        "status": finding["status"], "word": finding["likelihood"]["word"], "product": round(probability, 4),
        "probability": round(of_group(probability), 4),
        "true": is_operator_group(finding, operators),
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------------- dossiers


def _dossiers(
    store: Store, answer: Row, finding: Row, accounts: dict[str, Row], operators: set[str], honest: list[str]
) -> Row:
    accused = sorted(accused_in(finding), key=_place)
    own = [name for name in accused if name in operators][::2]
    every = _dear(accounts, accused)
    cheap = _cheap(accounts, accused)
    cards = [one for one in every if one[0] == "payment_fingerprint"]
    held = {
        "own": _dear(accounts, own),
        "innocent": _dear(accounts, honest[: len(own)]),
        "cheap": cheap,
        "one family": cheap + cards,
        "two families": cheap + every,
    }
    out: Row = {"accused": len(accused)}
    for name, indicators in held.items():
        told = attributed(store, answer, finding, load_dossier(_file(indicators), name))
        (named,) = (one for one in told["hypotheses"] if one["name"] == NAME)
        out[name] = {
            "word": named["likelihood"]["word"], "log_ratio": named["log_ratio"], "speak": named["speak"],
            "can_be_signed": named["can_be_signed"],
        }  # fmt: skip
    return out


def _dear(accounts: dict[str, Row], names: Iterable[str]) -> list[tuple[str, str]]:
    """Cards and sign-up blocks of accounts."""
    rows = [accounts[name] for name in names if name in accounts]
    cards = {row["payment_fingerprint"] for row in rows if row["payment_fingerprint"]}
    blocks = {".".join(row["signup_ip"].split(".")[:3]) + ".0/24" for row in rows if "." in (row["signup_ip"] or "")}
    return [("payment_fingerprint", card) for card in sorted(cards)] + [
        ("signup_address", one) for one in sorted(blocks)
    ]


def _cheap(accounts: dict[str, Row], names: Sequence[str]) -> list[tuple[str, str]]:
    """The commonest of what accounts say of themselves or take from anybody."""
    out = []
    for kind in CHEAP:
        values = Counter(str(accounts[name][kind]) for name in names if name in accounts and accounts[name][kind])
        out += [(kind, value) for value, _ in sorted(values.items(), key=lambda one: (-one[1], one[0]))[:COMMONEST]]
    return out


def _file(indicators: Sequence[tuple[str, str]]) -> bytes:
    """A dossier whose sources are two, one for what is logged of networks and one for the rest."""
    listed = [
        {"kind": kind, "value": value, "source": "networks" if kind.startswith("signup_a") else "register"}
        for kind, value in indicators
    ]
    sources = {"networks": {"grade": "B"}, "register": {"grade": "B"}}
    organisations = [{"name": NAME, "indicators": listed}]
    return json.dumps({"schema": "stillwatch/dossier/v1", "sources": sources, "organisations": organisations}).encode()


# ------------------------------------------------------------------------------------------------------- together


def together(held: Sequence[Row]) -> Row:
    """All worlds: each word's groups that are campaigns (k of n, exact 95 % bounds), the expected calibration error
    over words, and the words that each dossier's name was given."""
    told = [one for world in held for one in world["told"]]
    shown = [one for one in told if one["status"] in ("suspected", "ambiguous")]
    rows = [one for world in held for one in world["attributed"]]
    return {
        "seeds": [world["seed"] for world in held],
        "words": {"shown": _words(shown), "with dismissed": _words(told)},
        "ece": {"shown": _ece(shown), "with dismissed": _ece(told)},
        "findings": len(rows),
        "dossiers": {
            name: {
                "words": dict(Counter(one[name]["word"] for one in rows)),
                "can_be_signed": _share(sum(one[name]["can_be_signed"] for one in rows), len(rows)),
            }
            for name in ("own", "innocent", "cheap", "one family", "two families")
        },
    }


def _share(k: int, n: int) -> Row:
    low, high = clopper_pearson(k, n)
    return {"k": k, "n": n, "low": round(low, 4), "high": round(high, 4)}


def _words(told: Sequence[Row]) -> list[Row]:
    out = []
    for word, low, high in LIKELIHOOD:
        mine = [one for one in told if one["word"] == word]
        stated = sum(one["probability"] for one in mine) / max(len(mine), 1)
        share = _share(sum(one["true"] for one in mine), len(mine))
        out.append({"word": word, "of": [low, high], "stated": round(stated, 4), **share})
    return out


def _ece(told: Sequence[Row]) -> float | None:
    if not told:
        return None
    gaps = (abs(row["k"] - row["stated"] * row["n"]) for row in _words(told) if row["n"])
    return round(sum(gaps) / len(told), 4)


if __name__ == "__main__":
    main()
