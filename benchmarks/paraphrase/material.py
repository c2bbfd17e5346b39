"""What worlds are made of: the collected sets and rows, and the shared data's prompts and answers."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from paraphrase.sources import ALIKE, SLOT, plain_jinja

SPLIT = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'(])|\n+")
WIDE = ("Spanish", "French", "German", "Chinese", "Japanese", "Portuguese", "Russian", "Arabic", "Korean", "Italian",
        "Turkish", "Dutch", "Polish")  # fmt: skip
LABEL = re.compile(r"^[A-Za-z_ ]{1,30}: *")
FREE = re.compile(r"^[^:\n]{25}")
PROSE = re.compile(r"[\x20-\x7e\u2018-\u201d\u2013\u2014]+")


UNITED = set(ALIKE.values())
"""Tasks that several sets word; a suite of tasks under one name is none."""


class Missing(SystemExit):
    """A folder that the bench needs is not there; the message names it."""


@dataclass(frozen=True)
class Family:
    """All wordings of one instruction, in one set."""

    set: str
    name: str
    task: str
    half: str
    wordings: list[str]
    languages: list[str]


@dataclass(frozen=True)
class Task:
    """A task that somebody has over rows of his own."""

    name: str
    definition: str
    rows: list[str]


@dataclass(frozen=True)
class Material:
    """`chat` are prompts that stand alone, each for one account; `viral`, `benchmark` and `frameworks` are reused."""

    families: list[Family]
    sentences: list[str]
    chat: list[str]
    code: list[str]
    tool: list[str]
    viral: list[str]
    benchmark: list[str]
    frameworks: list[str]
    tasks: list[Task]
    foreign: list[list[str]]
    """Prompts in languages other than English, language by language, the widest spoken on the web first."""


def families_of(path: Path) -> list[Family]:
    """Every family of a collected file, and, as the set `united`, the tasks that people of several sets worded at
    least 40 ways."""
    if not path.exists():
        raise Missing(f"no collected sets at {path}: run benchmarks/paraphrase/collect.py first")
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    with (Path(__file__).with_name("languages.jsonl")).open(encoding="utf-8") as lines:
        rows += [json.loads(line) for line in lines]
    return sorted([*_families(rows), *_united(rows)], key=lambda family: (family.set, family.name))


def _families(rows: list[dict[str, str]]) -> Iterator[Family]:
    grouped: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        grouped[row["set"], row["family"]].append(row)
    for (name, family), own in grouped.items():
        about = (own[0]["task"], own[0]["half"])
        yield Family(name, family, *about, [r["wording"] for r in own], [r["language"] for r in own])


def _united(rows: list[dict[str, str]]) -> Iterator[Family]:
    grouped: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    for row in rows:
        if row["set"] in ("flan", "promptsource", "promptbench"):
            static = " ".join(SLOT.sub(" ", row["wording"]).casefold().split())
            grouped[row["task"]].setdefault(static, row)
    for task, own in grouped.items():
        if len(own) >= 40 and task in UNITED:
            said = [row["wording"] for row in own.values()]
            yield Family("united", task, task, next(iter(own.values()))["half"], said, ["en"] * len(said))


def load(collected: Path, shared: Path) -> Material:
    """Read both folders. Raises Missing where one is not there."""
    families = families_of(collected / "sets.jsonl")
    if not (shared / "2_benign" / "benign_prompts.parquet").exists():
        raise Missing(f"no shared data at {shared}: set STILLWATCH_SHARED_DATA")
    with (collected / "material.jsonl").open(encoding="utf-8") as lines:
        gathered = [json.loads(line) for line in lines]
    benign = _by_kind(shared / "2_benign" / "benign_prompts.parquet", "kind", "text")
    pairs = _by_kind(shared / "3_distill" / "distill_pairs_permissive.parquet", "capability", "prompt")
    tasks, free = _tasks([row for row in gathered if row.get("language") == "English"])
    chat = [text for kind in ("human_chat", "human_chat_hard", "eval_chat") for text in benign.get(kind, [])]
    chat += [text for kind in ("roleplay",) for text in pairs.get(kind, [])]
    chat += [row["text"] for row in gathered if row["kind"] == "question"] + free
    tool = [*benign.get("tool_eval", []), *pairs.get("tool_use", []), *pairs.get("tool_use/agentic", [])]
    frameworks = [_slotted(text) for kind in ("rag_template", "judge_template", "eval_template")
                  for text in benign.get(kind, [])]  # fmt: skip
    return Material(
        families=families,
        sentences=_sentences(shared),
        chat=_distinct(chat),
        code=_distinct([row["text"] for row in gathered if row["kind"] == "code"]),
        tool=_distinct(tool),
        viral=_distinct(benign.get("persona_system", [])),
        benchmark=_distinct([*benign.get("eval_math", []), *benign.get("eval_knowledge", [])]),
        frameworks=_distinct([text for text in frameworks if SLOT.search(text) and len(text) < 4_000]),
        tasks=tasks,
        foreign=_foreign(gathered),
    )


def _distinct(texts: list[str]) -> list[str]:
    return [text for text in dict.fromkeys(text.strip() for text in texts) if text]


def _by_kind(path: Path, kind: str, text: str) -> dict[str, list[str]]:
    table = pq.read_table(path, columns=[kind, text]).to_pylist()
    grouped: dict[str, list[str]] = defaultdict(list)
    for row in table:
        if row[text]:
            grouped[row[kind]].append(row[text])
    return grouped


def _slotted(text: str) -> str:
    return plain_jinja(text, "") if "{{" in text or "{%" in text else text


def _tasks(gathered: list[dict[str, Any]]) -> tuple[list[Task], list[str]]:
    """Tasks with at least 20 rows, nine of ten for accounts with a template; the rows of the tenth, and what the
    others have above 60, stand alone where no label opens them."""
    tasks, free, seen = [], [], set()
    for number, row in enumerate(row for row in gathered if row["kind"] == "task"):
        own = [text for text in row["rows"] if text not in seen and 15 <= len(text) <= 3_000]
        seen.update(own)
        kept = 0 if number % 10 == 0 else 60
        if len(own[:kept]) >= 20:
            tasks.append(Task(row["task"], row["text"], own[:kept]))
        openers = {text[:12] for text in own[kept:]}
        if len(openers) > len(own[kept:]) * 0.5:
            free += [text for text in own[kept:] if FREE.match(text) and any(c.isalpha() for c in text)]
    return tasks, free


def _foreign(gathered: list[dict[str, Any]]) -> list[list[str]]:
    """Rows of tasks in other languages, a hundred at least of each, without the labels that open them."""
    spoken: dict[str, list[str]] = defaultdict(list)
    for row in gathered:
        if row["kind"] == "task" and row["language"] not in ("English", "Unknown", "Python", "code"):
            spoken[row["language"]] += [LABEL.sub("", text) for text in row["rows"] if 15 <= len(text) <= 1_500]
    order = sorted(spoken, key=lambda name: (WIDE.index(name) if name in WIDE else len(WIDE), name))
    return [own for name in order if len(own := _distinct(spoken[name])) >= 100]


def _sentences(shared: Path) -> list[str]:
    """Sentences of 6 to 60 words from real answers, each once, in a fixed order."""
    answers = pq.read_table(shared / "4_lineage" / "arena_answers.parquet", columns=["turns"])["turns"].to_pylist()
    texts = [turn for turns in answers for turn in turns or [] if turn]
    pairs = pq.read_table(shared / "3_distill" / "distill_pairs_permissive.parquet", columns=["response"])
    texts += [text for text in pairs["response"].to_pylist() if text]
    kept: dict[str, None] = {}
    for text in texts:
        for part in SPLIT.split(text):
            said = part.strip(" *-#\t")
            if 6 <= said.count(" ") + 1 <= 60 and PROSE.fullmatch(said):
                kept.setdefault(said)
    return list(kept)
