"""Innocents whose fingerprint a campaign copies: who of them is named, in what role, and how likely.

    .venv/bin/python benchmarks/framing.py --seeds 702 703 --out benchmarks/results/framing.jsonl

In each world (`mixed`) each way of copying has ten innocents: first the channels of one family alone (client,
infrastructure, content, registration; three channels or more each), then of two and three families together, which is
beyond what is promised. A way's campaign copies them in all that it does (of content in a tenth). A world that the file
holds already is passed over. At the end, of findings that are told (suspected or for review): how many are accused, or
above "roughly even" by their probability, of how many, with the exact 95 % interval; and by `estimate`, which accuses
nobody.
"""

import argparse
import hashlib
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from stillwatch.detection import detect  # noqa: E402
from stillwatch.pipeline import ingest_sources  # noqa: E402
from stillwatch.records import ACCUSING, is_accused  # noqa: E402
from stillwatch.stats import clopper_pearson  # noqa: E402
from stillwatch.store.store import Store  # noqa: E402
from stillwatch.worlds import world as worlds  # noqa: E402
from tests.framing import ALONE, frame  # noqa: E402

TOGETHER = (
    ("client", "infrastructure"), ("client", "registration"), ("infrastructure", "registration"),
    ("client", "content"), ("client", "infrastructure", "registration"), ("client", "infrastructure", "content"),
)  # fmt: skip
ROUGHLY_EVEN = 0.55


def run(seed: int, scale: float, innocents: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="stillwatch-framing-") as name:
        folder = Path(name)
        logs, truth = folder / "logs", folder / "truth"
        worlds.write(worlds.simulate("mixed", seed, scale), logs, truth)
        framed = frame(logs, truth, seed, innocents, (*ALONE, *TOGETHER))
        (folder / "key").touch(0o600)
        (folder / "key").write_bytes(hashlib.blake2b(f"framing {seed}".encode(), digest_size=32).digest())
        ingest_sources([logs], folder / "store", key_file=folder / "key")
        answer = detect(Store.open(folder / "store")).answer
    named = [
        {"way": framed[member["account_id"]], "status": finding["status"],
         **{key: member[key] for key in ("role", "probability", "estimate")}}
        for finding in answer["campaigns"] for member in finding["members"] if member["account_id"] in framed
    ]  # fmt: skip
    statuses = Counter(finding["status"] for finding in answer["campaigns"])
    return {"seed": seed, "scale": scale, "framed": Counter(framed.values()), "named": named, "findings": statuses}


def told(lines: list[dict[str, Any]]) -> None:
    for way in lines[0]["framed"]:
        of = sum(line["framed"][way] for line in lines)
        named = [one for line in lines for one in line["named"] if one["way"] == way]
        accused = sum(is_accused(one["status"], one["role"], one["probability"]) for one in named)
        shown = [one for one in named if one["status"] in ("suspected", "ambiguous") and one["role"] in ACCUSING]
        claimed = sum(one["probability"] > ROUGHLY_EVEN for one in shown)
        above = sum((one["estimate"] or 0.0) > ROUGHLY_EVEN for one in shown)
        within = " to ".join(f"{bound:.4f}" for bound in clopper_pearson(claimed, of))
        print(
            f"{way:40} accused {accused}/{of}, probability above roughly even {claimed}/{of} ({within}), "
            f"estimate {above}/{of}, named {len(named)}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[702])
    parser.add_argument("--scale", type=float, default=0.3)
    parser.add_argument("--innocents", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("framing.jsonl"))
    options = parser.parse_args()
    lines = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    for seed in options.seeds:
        if seed not in {line["seed"] for line in lines}:
            lines.append(run(seed, options.scale, options.innocents))
            with options.out.open("a") as file:
                file.write(json.dumps(lines[-1]) + "\n")
    told(lines)


if __name__ == "__main__":
    main()
