"""Gather paraphrase sets and honest material from clones that the user names. Nothing of it is shipped.

    python benchmarks/paraphrase/collect.py --out FOLDER bigscience-workshop/promptsource=CLONE \
        google-research/FLAN=CLONE SLAB-NLP/Multi-Prompt-LLM-Evaluation=CLONE microsoft/promptbench=CLONE \
        jpwahle/emnlp24-prompt-paraphrase=CLONE teknium1/GPTeacher=CLONE sahil280114/codealpaca=CLONE

Writes `sets.jsonl` (a wording a line) and `material.jsonl` (rows and tasks of honest accounts). Any of the clones may
be missing: what it holds is then missing, and the counts say so.
"""

import argparse
import hashlib
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from paraphrase import gathered, sources
from paraphrase.clones import Clone
from paraphrase.sources import SLOT, Wording

LEAST = 5
"""Wordings that make a family worth measuring."""

SETS: dict[str, Callable[[Clone], Iterator[Wording]]] = {
    "bigscience-workshop/promptsource": sources.promptsource,
    "google-research/FLAN": sources.flan,
    "SLAB-NLP/Multi-Prompt-LLM-Evaluation": sources.multi_prompt,
    "microsoft/promptbench": sources.promptbench,
}
MATERIAL: dict[str, Callable[[Clone], Iterator[dict[str, Any]]]] = {
    "google-research/FLAN": gathered.questions,
    "jpwahle/emnlp24-prompt-paraphrase": gathered.tasks,
    "teknium1/GPTeacher": gathered.teacher,
    "sahil280114/codealpaca": gathered.code,
}


def half_of(task: str) -> str:
    """`tune` or `test`, by a fixed hash of the task: all families that ask one thing stand together."""
    return ("tune", "test")[hashlib.blake2b(f"0:{task}".encode(), digest_size=1).digest()[0] & 1]


def united(wordings: Iterable[Wording]) -> list[dict[str, str]]:
    """Families of at least LEAST distinct wordings, as rows; a wording that two families share unites them."""
    kept: dict[tuple[str, str], dict[str, Wording]] = defaultdict(dict)
    owner: dict[tuple[str, str], tuple[str, str]] = {}
    for wording in wordings:
        static = " ".join(SLOT.sub(" ", wording.wording).casefold().split())
        if len(static.split()) < 3 and wording.language == "en":
            continue
        family = owner.setdefault((wording.set, static), (wording.set, wording.family))
        kept[family].setdefault(static, wording)
    rows = []
    for (name, family), own in sorted(kept.items()):
        task = min(wording.task for wording in own.values())
        rows += [
            {"set": name, "family": family, "task": task, "half": half_of(task), "wording": wording.wording,
             "language": wording.language, "source": wording.source, "licence": wording.licence}
            for wording in own.values() if len(own) >= LEAST
        ]  # fmt: skip
    return rows


def written(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """JSON lines; how many."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("clones", nargs="+", metavar="OWNER/NAME=CLONE")
    options = parser.parse_args()
    clones = [Clone(Path(folder), name) for name, _, folder in (given.partition("=") for given in options.clones)]
    unknown = sorted({clone.name for clone in clones} - {*SETS, *MATERIAL})
    if unknown:
        raise SystemExit(f"cannot read {', '.join(unknown)}: known are {', '.join(sorted({*SETS, *MATERIAL}))}")
    options.out.mkdir(parents=True, exist_ok=True)
    rows = united(wording for clone in clones if clone.name in SETS for wording in SETS[clone.name](clone))
    written(options.out / "sets.jsonl", rows)
    families = {(row["set"], row["family"]): row["half"] for row in rows}
    for name in sorted({row["set"] for row in rows}):
        halves = Counter(half for (own, _), half in families.items() if own == name)
        count = sum(row["set"] == name for row in rows)
        print(f"{name:24} {count:6,} wordings, {sum(halves.values()):4} families ({halves['tune']} tune, "
              f"{halves['test']} test)")  # fmt: skip
    made = written(
        options.out / "material.jsonl",
        (row for clone in clones if clone.name in MATERIAL for row in MATERIAL[clone.name](clone)),
    )
    print(f"{made:,} rows of material; read at {', '.join(f'{c.name} {c.commit()[:10]}' for c in clones)}")


if __name__ == "__main__":
    main()
