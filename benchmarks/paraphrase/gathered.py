"""Honest material from public repositories: prompts that stand alone, and tasks that people wrote over own rows.

Rows are `{"kind": "chat" | "question" | "code", "text", "source", "licence"}` and
`{"kind": "task", "task", "text": the definition, "rows": inputs, ...}`.
"""

import json
from collections.abc import Iterator
from typing import Any

from paraphrase.clones import Clone

ROWS = 200
"""Inputs kept of one task."""
LARGEST = 2_500_000
"""Bytes of a task file that is read."""


def _row(kind: str, text: str, source: str, licence: str) -> dict[str, Any]:
    return {"kind": kind, "text": text, "source": source, "licence": licence}


def questions(clone: Clone) -> Iterator[dict[str, Any]]:
    """Questions of reasoning datasets, each as its dataset writes it, the options left out."""
    for path in clone.files("flan/v2/cot_data"):
        name = path.rsplit("/", 1)[1].removesuffix("_train.tsv")
        if name in ("gsm8k", "creak", "sensemaking"):
            continue
        for line in clone.text(path).splitlines():
            asked = line.split("\t")[0].replace("\\n", "\n").split("\nOptions:")[0].strip()
            if asked:
                yield _row("question", asked, f"google-research/FLAN:{name}", "Apache-2.0")


def teacher(clone: Clone) -> Iterator[dict[str, Any]]:
    """Coding tasks with their inputs."""
    for item in json.loads(clone.text("Codegen/codegen-instruct.json")):
        text = "\n".join(filter(None, [item["instruction"].strip(), (item.get("input") or "").strip()]))
        yield _row("code", text, "teknium1/GPTeacher", "MIT")


def code(clone: Clone) -> Iterator[dict[str, Any]]:
    """Coding tasks with their inputs."""
    for path in ("data/code_alpaca_2k.json", "data/new_codealpaca.json"):
        for item in json.loads(clone.text(path)):
            text = "\n".join(filter(None, [item["instruction"].strip(), (item.get("input") or "").strip()]))
            yield _row("code", text, "sahil280114/codealpaca", "Apache-2.0")


def tasks(clone: Clone) -> Iterator[dict[str, Any]]:
    """Super-NaturalInstructions: English definitions that people wrote, with inputs in one language."""
    for path in clone.files("data/tasks"):
        if not path.endswith(".json"):
            continue
        text = clone.text(path)
        if len(text) > LARGEST:
            continue
        read = json.loads(text)
        if read.get("Instruction_language") != ["English"] or len(read.get("Input_language") or []) != 1:
            continue
        own = list(dict.fromkeys(item["input"].strip() for item in read["Instances"]))
        step = max(len(own) // ROWS, 1)
        yield {
            "kind": "task", "language": read["Input_language"][0],
            "task": path.rsplit("/", 1)[1].removesuffix(".json"), "text": read["Definition"][0].strip(),
            "rows": [row for row in own[::step][:ROWS] if row], "source": clone.name, "licence": "Apache-2.0",
        }  # fmt: skip
