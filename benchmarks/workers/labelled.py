"""Prompts whose capability is certain, from the project's shared data: which rows, under which name, from which source.

A row is kept where its file says what it is for (a judge's template, an agent's configuration, a question with four
options). Where one file holds several purposes and no name tells them apart, its rows stand in `HONEST` alone, without
a capability, or nowhere.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

MOST = 200
"""Rows of one source and capability; which ones is told by a hash of their text."""


@dataclass(frozen=True)
class Prompt:
    """One prompt. `label` is a name of records.CAPABILITIES, or "" where only its source is certain (`kind`)."""

    source: str
    kind: str
    label: str
    text: str
    system: str = ""
    tools: str = ""


TEMPLATES = (
    ("distilabel", r"math_shepherd/(completer|generator)", r"(?i)you are a math", "cot_elicitation"),
    ("distilabel", r"templates/(complexity|quality|instruction-backtranslation|ultrafeedback)", "", "rubric_grading"),
    ("distilabel", r"prometheus/absolute", "", "rubric_grading"),
    ("distilabel", r"prometheus/relative", "", "preference_pairs"),
    ("distilabel", r"text_classification\.py", "", "extraction"),
    ("distilabel", r"evol_|improving_text_embeddings|self-instruct|apigen/generator.jinja", "", "data_synthesis"),
    ("distilabel", r"sentence_transformers", "", "data_synthesis"),
    ("self-instruct|stanford_alpaca", r".", "", "data_synthesis"),
    ("alpaca_eval", r".", "", "preference_pairs"),
    ("UltraFeedback", r"annotate_critique|preference_templates", "", "rubric_grading"),
    ("SWE-agent", r".", "", "agentic_coding"),
)  # fmt: skip
"""(source, id, text, capability), each a pattern, of `distill_templates`; the first that fits."""

BENIGN = (
    ("MMLU", r".", "", "evaluation"),
    ("lm-evaluation-harness", r"mmlu(?!_prox|_pro)|include_base|_arc|kmmlu|agieval|ceval|cmmlu", "", "evaluation"),
    ("Open-Assistant", r".", "", "chat"),
    ("deepeval", r"deepeval/synthesizer/", r"(?i)rewrite|generate", "data_synthesis"),
    ("deepeval", r"metrics/g_eval", r"(?i)score|evaluat", "rubric_grading"),
    ("deepeval", r"metrics/arena_g_eval", r"(?i)compar|winner|better", "preference_pairs"),
    ("langchain", r"evaluation/comparison", "", "preference_pairs"),
    ("langchain", r"evaluation/(criteria|scoring|qa|agents)", r"(?i)grad|scor|assess|evaluat", "rubric_grading"),
    ("langchain", r"chains/summarize", r"(?i)summar", "extraction"),
    ("langchain", r"openai_functions/extraction", r"(?i)extract", "extraction"),
    ("langchain", r"sql_database/prompt", r"(?i)query", "code_generation"),
)
"""The same of `benign_prompts`."""

MT_BENCH = {
    "writing": "chat", "roleplay": "chat", "humanities": "chat", "coding": "code_generation",
    "extraction": "extraction",
}  # fmt: skip
PAIRS = (("GPTeacher", "chat"), ("gorilla", "tool_use"), ("ToolBench", "tool_use"))

HONEST = (
    "human_chat", "human_chat_hard", "eval_chat", "eval_math", "eval_knowledge", "eval_template", "tool_eval",
    "persona_system", "judge_template", "rag_template",
)  # fmt: skip
"""Kinds of `benign_prompts`, all of them asked by people who distil nothing."""


def labelled(data: Path) -> list[Prompt]:
    """Every prompt with a certain capability, at most MOST of one source and capability."""
    return _capped([*_templates(data), *_benign(data), *_pairs(data), *_trajectories(data)])


def honest(data: Path, most: int = 1000) -> list[Prompt]:
    """Prompts of honest kinds, whatever they ask for, at most so many of one kind."""
    rows = [
        Prompt(_plain(row["source"]), row["kind"], "", row["text"]) for row in _rows(data, "2_benign/benign_prompts")
    ]
    return _capped(rows, most)


def _capped(prompts: list[Prompt], most: int = MOST) -> list[Prompt]:
    kept: dict[tuple[str, str, str], dict[bytes, Prompt]] = {}
    for prompt in prompts:
        place = hashlib.blake2b((prompt.system + "\0" + prompt.text).encode(), digest_size=8).digest()
        kept.setdefault((prompt.source, prompt.kind, prompt.label), {})[place] = prompt
    return [held[place] for held in kept.values() for place in sorted(held)[:most]]


def _rows(data: Path, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(data / f"{name}.parquet").to_pylist()
    return rows


def _plain(source: str) -> str:
    return re.sub(r"( via |:|==).*", "", source)


def _fits(rules: tuple[tuple[str, str, str, str], ...], source: str, name: str, text: str) -> str:
    return next((c for s, n, t, c in rules if re.search(s, source) and re.search(n, name) and re.search(t, text)), "")


def _templates(data: Path) -> Iterator[Prompt]:
    for row in _rows(data, "3_distill/distill_templates"):
        source, text = _plain(row["source"]), row["text"]
        if row["id"].endswith("judge_prompts.jsonl"):
            yield from _judges(source, text)
        elif label := _fits(TEMPLATES, source, row["id"], text):
            yield Prompt(source, row["kind"], label, text)


def _judges(source: str, text: str) -> Iterator[Prompt]:
    """FastChat's judges: one JSON object a line."""
    for line in filter(None, text.splitlines()):
        judge = json.loads(line)
        label = "preference_pairs" if judge["type"] == "pairwise" else "rubric_grading"
        yield Prompt(source, "llm_judge", label, judge["prompt_template"], judge["system_prompt"])


def _benign(data: Path) -> Iterator[Prompt]:
    for row in _rows(data, "2_benign/benign_prompts"):
        source, name, text = _plain(row["source"]), row["id"] or "", row["text"]
        if row["kind"] == "eval_chat":
            label = MT_BENCH.get(json.loads(row["meta"])["category"], "")
        else:
            label = _fits(BENIGN, row["source"], name, text)
        if label and not (label == "evaluation" and "template" in row["kind"] and len(text) < 40):
            yield Prompt(source, row["kind"], label, text)


def _pairs(data: Path) -> Iterator[Prompt]:
    for row in _rows(data, "3_distill/distill_pairs_permissive"):
        label = next(label for source, label in PAIRS if source in row["source"])
        tools = row["system"] if (row["system"] or "").startswith("[{") else ""
        yield Prompt(_plain(row["source"]), row["method"], label, row["prompt"], tools=tools)


def _trajectories(data: Path) -> Iterator[Prompt]:
    """The system text and the task of an agent's run; `demonstrations` shown to it are left out."""
    for row in _rows(data, "3_distill/agent_trajectories"):
        history = [said for said in json.loads(row["history"]) if not said.get("is_demo")]
        text = {role: next((s["content"] for s in history if s["role"] == role), "") for role in ("system", "user")}
        if all(isinstance(part, str) for part in text.values()) and text["user"]:
            yield Prompt("SWE-agent/SWE-agent runs", "agent_run", "agentic_coding", text["user"], text["system"])
