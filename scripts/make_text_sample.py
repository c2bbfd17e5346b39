"""Build the text sample that ships in the package from a folder of reference data.

    python scripts/make_text_sample.py REFERENCE_FOLDER OUT_FOLDER

Only rows under Apache-2.0, MIT or CC0 are taken for texts, sessions and rates; `SOURCES.md` in OUT_FOLDER names each
source. The same input gives the same files. Address blocks come from the address table that ships with the package.
"""

import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillwatch import networks

LONGEST_PROMPT = 2400
LONGEST_ANSWER = 2200
PERMISSIVE = re.compile(r"Apache-2\.0|MIT|CC0")
BINDING = re.compile(r"GPL|NC|SA|ND")

COUNTRIES = (
    "US", "DE", "GB", "FR", "IN", "BR", "JP", "CA", "NL", "SG", "HK", "KR", "CN", "AU", "ES", "IT", "PL", "SE", "VN",
    "ID", "TR", "UA", "MX", "TW", "CH",
)  # fmt: skip
KINDS = {
    "campus": re.compile(r"universit|college|\bschool\b|institute of technology|academ", re.IGNORECASE),
    "mobile": re.compile(r"mobile|wireless|cellular|t-mobile|vodafone|\bcelco\b|airtel|jio|claro|orange|docomo", re.I),
    "residential": re.compile(
        r"comcast|charter|cable|broadband|telecom|telekom|telefonica|verizon|at&t|cox comm|sky uk|virgin|\bbt\b"
        r"|free sas|kddi|softbank|chinanet|china unicom|telkom|swisscom|telia|telus|rogers|bell canada"
        r"|internet service"
        r"|fiber|fibre|turk|ukrtel|rostel|korea|kornet|viettel|vnpt|ziggo|kpn|telmex|hinet|optus|telstra|netia|proximus",
        re.IGNORECASE,
    ),
    "office": re.compile(
        r"\b(bank|insurance|consult\w*|pharma\w*|motors?|industries|airlines?|group|gmbh|corp\w*)\b", re.I
    ),
}
QUOTAS = {"residential": 60, "mobile": 12, "campus": 8, "office": 16}
WORLDWIDE = {"hosting": 420, "vpn": 90}


def order(*parts: object) -> str:
    """A stable pseudo-random sort key."""
    return hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).hexdigest()


def permissive(licence: str) -> bool:
    """Whether a licence word allows shipping."""
    return bool(PERMISSIVE.search(licence)) and not BINDING.search(licence)


def prompts(folder: Path) -> Iterator[dict[str, str]]:
    """Prompts and templates, one row each: kind, text."""
    names = {"human_chat_hard": "human_chat", "eval_chat": "human_chat"}
    for row in pq.read_table(folder / "2_benign/benign_prompts.parquet").to_pylist():
        kind = names.get(row["kind"], row["kind"])
        if kind == "persona_system" and json.loads(row["meta"] or "{}").get("type") != "TEXT":
            continue
        if permissive(row["licence"]) and 12 <= len(row["text"]) <= LONGEST_PROMPT:
            yield {"kind": kind, "text": row["text"]}
    own = pq.read_table(folder / "4_lineage/selfinstruct_predictions.parquet", columns=["prompt"])["prompt"]
    for text in own.unique().to_pylist():
        if 12 <= len(text) <= LONGEST_PROMPT:
            yield {"kind": "human_chat", "text": text}


def pairs(folder: Path) -> Iterator[dict[str, str | None]]:
    """Teacher-made training pairs: capability, system, prompt, response."""
    for row in pq.read_table(folder / "3_distill/distill_pairs_permissive.parquet").to_pylist():
        if permissive(row["licence"]) and len(row["prompt"]) <= LONGEST_PROMPT:
            system = (row["system"] or "")[:LONGEST_PROMPT] or None
            yield {
                "capability": row["capability"], "system": system, "prompt": row["prompt"],
                "response": row["response"][:LONGEST_ANSWER],
            }  # fmt: skip


def answers(folder: Path, most: dict[str, int]) -> Iterator[dict[str, object]]:
    """Real answers of models: kind, text (cut), characters (of the whole)."""
    found: dict[str, list[str]] = {"chat": [], "math": [], "code": []}
    for row in pq.read_table(folder / "4_lineage/arena_answers.parquet", columns=["turns"]).to_pylist():
        found["chat"].extend(turn for turn in row["turns"] if len(turn) > 20)
    zero = pq.read_table(folder / "4_lineage/zeroeval_outputs.parquet", columns=["task", "output"])
    for task, kind in (("gsm", "math"), ("math-l5", "math"), ("crux", "code")):
        rows = zero.filter(pc.equal(zero["task"], task))["output"].to_pylist()
        found[kind].extend(sorted((text for text in rows if len(text) > 20), key=order)[: most[kind] // 2])
    for kind, texts in found.items():
        for text in sorted(set(texts), key=order)[: most[kind]]:
            yield {"kind": kind, "text": text[:LONGEST_ANSWER], "characters": len(text)}


def templates(folder: Path) -> Iterator[dict[str, str]]:
    """Templates that built distilled data sets, scaffolds of agents included: kind, source, text."""
    for row in pq.read_table(folder / "3_distill/distill_templates.parquet").to_pylist():
        if permissive(row["licence"]):
            yield {"kind": row["kind"], "source": row["source"], "text": row["text"][:8000]}


def trajectories(folder: Path) -> Iterator[dict[str, object]]:
    """Coding-agent trajectories: trajectory, step, role, text."""
    for number, row in enumerate(pq.read_table(folder / "3_distill/agent_trajectories.parquet").to_pylist()):
        for step, message in enumerate(json.loads(row["history"])):
            content = message.get("content")
            text = content if isinstance(content, str) else " ".join(part.get("text", "") for part in content or ())
            yield {"trajectory": number, "step": step, "role": message["role"], "text": text[:LONGEST_PROMPT]}


def sessions(folder: Path) -> pa.Table:
    """Real coding-agent sessions, the first 60 requests of each: tokens and the pause before each request."""
    table = pq.read_table(folder / "1_traffic/claude_code_requests.parquet").sort_by(
        [("trace", "ascending"), ("t", "ascending")]
    )
    number = table["trace"].combine_chunks().dictionary_encode().indices.to_numpy()
    seconds = table["t"].to_numpy()
    first = np.append(True, number[1:] != number[:-1])
    start = np.maximum.accumulate(np.where(first, np.arange(len(number)), 0))
    rank = np.arange(len(number)) - start
    pause = np.where(first, 0, np.diff(seconds, prepend=0.0)).clip(0, 36_000)
    keep = rank < 60
    columns = {
        "session": number[keep].astype(np.int16), "turn": rank[keep].astype(np.int16),
        "input_tokens": table["in_tok"].to_numpy()[keep].astype(np.int32),
        "output_tokens": table["out_tok"].to_numpy()[keep].astype(np.int32), "pause": pause[keep].astype(np.float32),
    }  # fmt: skip
    return pa.table(columns)


def shapes(folder: Path) -> pa.Table:
    """Hourly request rates of real API customers over 14 days, each scaled to a peak of 10,000: shape, hour, rate."""
    table = pq.read_table(folder / "1_traffic/servegen_client_rate.parquet")
    table = table.filter(pc.equal(table["category"], "language"))
    key = pa.array([f"{m}/{c}" for m, c in zip(table["model"].to_pylist(), table["client"].to_pylist(), strict=True)])
    number = key.dictionary_encode().indices.to_numpy()
    hours = np.zeros((int(number.max()) + 1, 336))
    np.add.at(hours, (number, table["t"].to_numpy() // 3600 % 336), table["rate"].to_numpy())
    busy = (hours > 0).sum(axis=1) >= 12
    peaks = hours[busy] / hours[busy].max(axis=1, keepdims=True)
    where = np.nonzero(np.round(peaks * 10_000) > 0)
    values = np.round(peaks[where] * 10_000).astype(np.uint16)
    return pa.table({"shape": where[0].astype(np.int16), "hour": where[1].astype(np.int16), "rate": values})


def lengths(folder: Path) -> pa.Table:
    """Quantiles of real customers' output tokens: p10, p25, p50, p75, p90, p99."""
    table = pq.read_table(folder / "1_traffic/servegen_client_len_quantiles.parquet")
    chosen = table.filter(pc.equal(table["field"], "output_tokens"))
    chosen = chosen.filter(pc.and_(pc.equal(chosen["category"], "language"), pc.greater(chosen["n_support"], 50)))
    names = ("p10", "p25", "p50", "p75", "p90", "p99")
    keep = np.array(sorted(range(len(chosen)), key=lambda i: order("length", i))[:800])
    return pa.table({name: chosen[name].to_numpy()[keep].astype(np.float32) for name in names})


def block_kind(ip_class: str | None, org: str) -> str | None:
    """What kind of network a block is, from its class and the name of its organisation."""
    if ip_class in WORLDWIDE:
        return ip_class
    if ip_class is not None:
        return None
    return next((kind for kind, words in KINDS.items() if words.search(org)), None)


def blocks() -> pa.Table:
    """/24 blocks of one network and country each, by kind: start, asn, country, kind."""
    table = networks.load()
    starts = table.asn_v4.starts[table.asn_v4.values > 0]
    starts = starts[(starts & 0xFF) == 0]
    hosts = [
        [f"{start >> 24}.{start >> 16 & 255}.{start >> 8 & 255}.{host}" for start in starts.tolist()]
        for host in (1, 128, 254)
    ]
    first, *others = (table.resolve(names).drop(["address", "block"]).to_pylist() for names in hosts)
    whole = [all(row == other for other in rest) for row, *rest in zip(first, *others, strict=True)]
    chosen: dict[tuple[str, str], list[tuple[str, int, int, str, str]]] = {}
    for start, row, one in zip(starts.tolist(), first, whole, strict=True):
        kind = block_kind(row["ip_class"], row["org"] or "")
        if (
            not one
            or kind is None
            or row["country"] is None
            or (row["country"] not in COUNTRIES and kind not in WORLDWIDE)
        ):
            continue
        place = (kind, "" if kind in WORLDWIDE else row["country"])
        chosen.setdefault(place, []).append((order(start), start, row["asn"], row["country"], kind))
    rows = [
        row
        for place, found in chosen.items()
        for row in sorted(found)[: QUOTAS.get(place[0], WORLDWIDE.get(place[0], 0))]
    ]
    rows.sort(key=lambda row: row[1])
    return pa.table(
        {
            "start": pa.array([row[1] for row in rows], pa.uint32()),
            "asn": pa.array([row[2] for row in rows], pa.uint32()),
            "country": [row[3] for row in rows], "kind": [row[4] for row in rows],
        }
    )  # fmt: skip


def write(path: Path, table: pa.Table) -> None:
    """Write one file with the best compression and nothing of this machine in it."""
    pq.write_table(table, path, compression="zstd", compression_level=19, store_schema=False)
    print(f"{path.name}: {table.num_rows} rows, {path.stat().st_size:,} bytes", file=sys.stderr)


def listed(rows: Iterable[dict[str, Any]]) -> pa.Table:
    """Rows to a table without repeats, in their first order."""
    unique = {json.dumps(row, sort_keys=True): row for row in rows}
    return pa.Table.from_pylist(list(unique.values()))


def main(reference: str, out: str) -> None:
    """Write every file of the sample."""
    folder, target = Path(reference), Path(out)
    target.mkdir(parents=True, exist_ok=True)
    write(target / "prompts.parquet", listed(prompts(folder)))
    write(target / "pairs.parquet", listed(pairs(folder)))
    write(target / "answers.parquet", listed(answers(folder, {"chat": 2600, "math": 2400, "code": 600})))
    write(target / "templates.parquet", listed(templates(folder)))
    write(target / "trajectories.parquet", listed(trajectories(folder)))
    write(target / "sessions.parquet", sessions(folder))
    write(target / "shapes.parquet", shapes(folder))
    write(target / "lengths.parquet", lengths(folder))
    write(target / "blocks.parquet", blocks())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
