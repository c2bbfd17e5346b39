"""What prompts ask for, beside what their sources say: precision, recall and coverage of each capability, and how often
honest prompts lean to harvest.

    STILLWATCH_SHARED_DATA=FOLDER .venv/bin/python benchmarks/capabilities.py --out benchmarks/results/capabilities.txt

Reads `2_benign` and `3_distill`; without the folder it says so and ends. Rules learn nothing, so that every source is
left out of them, but their author knew these classes and had read most of these sources: take what is printed of them
as optimistic. `--more FILE` adds a Parquet table of columns `source`, `split`, `label`, `id`, `text`: its split `held`
is a test if nobody has read it. Templates written by hand (`capability_templates.json`) are told apart.
Every figure is k/n; intervals are exact, 95 %. F1 is of one table in which a source gives at most 200 rows a class.
"""

import argparse
import json
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "workers"))

from labelled import HONEST, Prompt, honest, labelled  # noqa: E402

from stillwatch.content.capabilities import Requests, classify, lean  # noqa: E402
from stillwatch.content.sketch import sketch  # noqa: E402
from stillwatch.records import CAPABILITIES, SegmentRole  # noqa: E402
from stillwatch.stats import clopper_pearson  # noqa: E402
from stillwatch.tables import EXCHANGES  # noqa: E402

KEY = b"a key of this measurement alone."
HARVEST = (
    "trace_coercion", "post_hoc_reasoning", "reward_model", "sensitive_rewrite", "data_synthesis", "preference_pairs",
    "rubric_grading", "cot_elicitation", "agentic_coding",
)  # fmt: skip
ITEM = "A train leaves at nine and travels 120 km at 80 km an hour. When does it arrive?"
ANSWER = "half past ten"


def exchanges(prompts: list[Prompt]) -> pa.RecordBatch:
    """Canonical exchanges, one a prompt; no answer was logged."""
    blank: dict[str, Any] = {"asked_at": 0, "account_id": "a", "model_requested": "m", "status": "ok"}
    rows = [
        blank | {"exchange_id": str(place), "messages": json.dumps([{"role": "user", "content": prompt.text}]),
                 "system": prompt.system or None, "tools": prompt.tools or None}
        for place, prompt in enumerate(prompts)
    ]  # fmt: skip
    columns = [pa.array([row.get(field.name) for row in rows], field.type) for field in EXCHANGES]
    return pa.record_batch(columns, schema=EXCHANGES)


def features(prompts: list[Prompt]) -> Requests:
    """What `classify` and `lean` read, as detection does: tags of the last human turn and of the system text."""
    parts = [
        pa.Table.from_batches([sketch(exchanges(prompts[at : at + 2000]), KEY)]) for at in range(0, len(prompts), 2000)
    ]
    table = pa.concat_tables(parts)
    kept = {int(SegmentRole.USER), int(SegmentRole.SYSTEM)}
    tags = [
        int(np.bitwise_or.reduce([0, *(tag for tag, role in zip(tags, roles, strict=True) if role in kept)]))
        for tags, roles in zip(table["segment_tags"].to_pylist(), table["segment_roles"].to_pylist(), strict=True)
    ]

    def column(name: str, absent: int) -> Any:
        return table[name].fill_null(absent).to_numpy()

    return Requests(np.array(tags, np.uint64), column("structure", 0), column("text_words", -1),
                    column("output_words", -1), column("turns", 0))  # fmt: skip


def named(prompts: list[Prompt]) -> list[str]:
    """What the product says of each prompt alone."""
    return [CAPABILITIES[code] for code in classify(features(prompts))]


def rate(k: int, n: int) -> str:
    """k/n, the rate and its exact interval."""
    if n == 0:
        return "0/0"
    low, high = clopper_pearson(k, n)
    return f"{k}/{n} {k / n:.2f} [{low:.2f}, {high:.2f}]"


def table(title: str, prompts: list[Prompt], said: list[str]) -> list[str]:
    """Precision, recall, F1 and coverage of each capability that occurs in truth, and their mean."""
    lines = [f"== {title}: {len(prompts)} prompts, {len({p.source for p in prompts})} sources",
             f"{'capability':20s} {'sources':>7s}  {'precision':28s} {'recall':28s} {'F1':>4s}  known"]  # fmt: skip
    pairs = Counter(zip((p.label for p in prompts), said, strict=True))
    truth, told = Counter(p.label for p in prompts), Counter(said)
    scores = []
    for name in CAPABILITIES:
        if not truth[name]:
            continue
        right = pairs[name, name]
        sources = len({p.source for p in prompts if p.label == name})
        scores.append(2 * right / (truth[name] + told[name]))
        known = truth[name] - pairs[name, "unknown"]
        lines.append(f"{name:20s} {sources:7d}  {rate(right, told[name]):28s} {rate(right, truth[name]):28s} "
                     f"{scores[-1]:4.2f}  {known}/{truth[name]}")  # fmt: skip
    known = len(said) - told["unknown"]
    right = sum(n for (label, name), n in pairs.items() if label == name)
    lines.append(f"macro-F1 {np.mean(scores):.3f} over {len(scores)}; right {rate(right, len(said))}; "
                 f"known {rate(known, len(said))}; right of known {rate(right, known)}")  # fmt: skip
    return lines


def mistakes(prompts: list[Prompt], said: list[str], most: int = 14) -> list[str]:
    """The commonest confusions, by source."""
    wrong = Counter((p.label, name, p.source) for p, name in zip(prompts, said, strict=True) if name != p.label)
    return [f"   {n:4d}  {label} read as {name}  {source}" for (label, name, source), n in wrong.most_common(most)]


def innocence(prompts: list[Prompt]) -> list[str]:
    """How honest kinds lean, and how often they are given a capability of harvest."""
    got = features(prompts)
    sums, said = lean(got).sum(axis=1), [CAPABILITIES[code] for code in classify(got)]
    lines = ["== honest sources: how they lean (nats, without an answer), and what of harvest they are named"]
    places: dict[str, list[int]] = defaultdict(list)
    for place, prompt in enumerate(prompts):
        places[prompt.kind].append(place)
    for kind in HONEST:
        own = sums[places[kind]]
        names = Counter(said[place] for place in places[kind])
        harvest = {name: names[name] for name in HARVEST if names[name]}
        quarter = " ".join(f"{value:+.1f}" for value in np.quantile(own, (0.05, 0.25, 0.5, 0.75, 0.95)))
        above = "  ".join(f"above {least} {rate(int((own > least).sum()), len(own))}" for least in (0.5, 1.5))
        lines.append(f"{kind:16s} n={len(own):5d} mean {own.mean():+.2f} quantiles {quarter}  {above}")
        lines.append(f"{'':16s} {harvest}")
    return lines


def by_hand() -> tuple[list[Prompt], list[Prompt]]:
    """Templates of our own, and near misses."""
    held = json.loads((HERE / "capability_templates.json").read_text("utf-8"))
    made = [Prompt(lang, "by hand", label, text.replace("{item}", ITEM).replace("{answer}", ANSWER))
            for label, lang, text in held["templates"]]  # fmt: skip
    near = [Prompt(lang, "near", label, text) for label, lang, text in held["near"]]
    return made, near


def hand_lines() -> list[str]:
    """Templates by hand, by capability and by language; near misses that are named for what they are not."""
    made, near = by_hand()
    said, wrong = named(made), named(near)
    lines = table("templates by hand, by the author of the rules (a source is a language)", made, said)
    lines += [
        f"   missed: {p.label} {p.source} read as {name}" for p, name in zip(made, said, strict=True) if name != p.label
    ]
    named_so = [(p, name) for p, name in zip(near, wrong, strict=True) if name == p.label]
    harvest = sum(name in HARVEST and name != "cot_elicitation" for name in wrong)
    lines.append(f"near misses named for what they are not: {rate(len(named_so), len(near))}")
    lines.append(f"near misses named for any harvest but asking for reasons: {rate(harvest, len(near))}")
    return lines + [f"   {p.label}: {p.text[:90]}" for p, _ in named_so]


def more(path: Path, split: str) -> list[Prompt]:
    """Prompts of one split of a file; rows without a certain label are left out."""
    rows = pq.read_table(path).to_pylist()
    return [
        Prompt(r["source"], split, r["label"], r["text"])
        for r in rows
        if r["split"] == split and r["label"] in CAPABILITIES
    ]


def report(data: Path, file: Path | None, splits: Iterable[str], wrong: bool) -> list[str]:
    """Everything that is measured, as lines."""
    lines: list[str] = []
    sets = {"shared data": labelled(data)} | {f"{file.name}, {s}": more(file, s) for s in splits if file}
    for title, prompts in sets.items():
        said = named(prompts)
        lines += [*table(title, prompts, said), *(mistakes(prompts, said) if wrong else []), ""]
    return [*lines, *hand_lines(), "", *innocence(honest(data))]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--more", type=Path)
    asked.add_argument("--split", action="append", default=[], help="splits of --more that are read")
    asked.add_argument("--mistakes", action="store_true")
    asked.add_argument("--out", type=Path)
    given = asked.parse_args()
    data = Path(os.environ.get("STILLWATCH_SHARED_DATA", "shared/data"))
    if not (data / "3_distill").is_dir():
        print(f"{data}: no folder 3_distill; name the shared data by STILLWATCH_SHARED_DATA", file=sys.stderr)
        return
    lines = report(data, given.more, given.split, given.mistakes)
    print("\n".join(lines))
    if given.out:
        given.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
