"""Real material of the shared data folder: prompts, answers, templates, agents' steps, rates. Nothing made up."""

import json
import os
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

HOURS_OF_WEEK = 168
BERLIN = 2
"""Hours that Berlin's summer time is ahead of UTC; the posts behind the human week are of August and September."""


class Missing(Exception):
    """The folder of real material is not there."""


@dataclass(frozen=True)
class Step:
    """One request of a real coding-agent session: seconds since the one before, tokens, and what ended it."""

    gap: float
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    stop: str


@dataclass(frozen=True)
class Deed:
    """One step of a published agent trajectory: what the agent said and did, and what came back."""

    said: str
    seen: str


@dataclass(frozen=True)
class Material:
    """Everything real that a world is made of."""

    folder: Path
    prompts: dict[str, list[str]]
    passages: list[list[str]]
    sentences: list[str]
    solutions: list[str]
    roleplay: list[tuple[str, str]]
    calls: list[tuple[str, str]]
    missions: list[tuple[str, str, str]]
    templates: dict[str, list[str]]
    scaffolds: list[str]
    tasks: list[str]
    deeds: list[Deed]
    sessions: list[list[Step]]
    week: NDArray[np.float64]
    machines: list[NDArray[np.float64]]
    people_volume: list[float]
    machine_volume: list[float]
    lengths: list[tuple[float, float]]


def folder_of_material() -> Path:
    """The folder that STILLWATCH_SHARED_DATA names, else the one beside the checkout."""
    beside = Path(__file__).resolve().parents[4] / "shared" / "data"
    folder = Path(os.environ.get("STILLWATCH_SHARED_DATA", beside))
    if not (folder / "2_benign" / "benign_prompts.parquet").is_file():
        raise Missing(
            f"no real material in {folder}: set STILLWATCH_SHARED_DATA to the shared data folder "
            "(the one that holds 1_traffic to 5_coordination)"
        )
    return folder


def rows(folder: Path, file: str, query: str) -> list[tuple[Any, ...]]:
    """A query's rows over one file, which the query calls t. Queries order their rows: worlds are the same by seed."""
    with duckdb.connect() as base:
        base.execute(f"CREATE VIEW t AS SELECT * FROM read_parquet('{folder / file}')")
        return base.execute(query).fetchall()


def load() -> Material:
    """Read the folder once; about five seconds."""
    folder = folder_of_material()
    prompts = read_prompts(folder)
    passages = read_passages(folder)
    pairs = rows(
        folder, "3_distill/distill_pairs_permissive.parquet",
        "SELECT capability, coalesce(system, ''), prompt, response FROM t ORDER BY ALL",
    )  # fmt: skip
    templates = read_templates(folder)
    scaffolds, tasks, deeds = read_trajectories(folder)
    people, machine = read_volumes(folder)
    return Material(
        folder=folder,
        prompts=prompts,
        passages=passages,
        sentences=[s for run in passages for p in run for s in sentences_of(p)],
        solutions=read_solutions(folder),
        roleplay=[(p, r) for c, _, p, r in pairs if c == "roleplay"],
        calls=[(p, r) for c, _, p, r in pairs if c == "tool_use"],
        missions=[(s[:2400], p, r[:1500]) for c, s, p, r in pairs if c == "tool_use/agentic"],
        templates=templates,
        scaffolds=scaffolds + system_templates(templates["agent_scaffold"]),
        tasks=tasks,
        deeds=deeds,
        sessions=read_sessions(folder),
        week=read_week(folder),
        machines=read_machines(folder),
        people_volume=people,
        machine_volume=machine,
        lengths=read_lengths(folder),
    )


def read_prompts(folder: Path) -> dict[str, list[str]]:
    """Prompts by kind; texts over 3,000 characters are left out."""
    found = rows(
        folder, "2_benign/benign_prompts.parquet",
        "SELECT kind, text FROM t WHERE length(text) BETWEEN 12 AND 3000 ORDER BY kind, source, id, text",
    )  # fmt: skip
    out: dict[str, list[str]] = {}
    for kind, text in found:
        out.setdefault(kind, []).append(text)
    return out


def read_passages(folder: Path) -> list[list[str]]:
    """Paragraphs of real answers of many models, answer by answer."""
    found = rows(
        folder, "4_lineage/arena_answers.parquet",
        "SELECT turn FROM (SELECT unnest(turns) AS turn, model, question_id FROM t) ORDER BY question_id, model, turn",
    )  # fmt: skip
    runs = [[p.strip() for p in text.split("\n\n") if 50 <= len(p.strip()) <= 900] for (text,) in found]
    return [run for run in runs if len(run) >= 2]


def sentences_of(paragraph: str) -> list[str]:
    return [s for s in re.split(r"(?<=[.!?])\s+", paragraph) if 30 <= len(s) <= 160 and "\n" not in s]


def read_solutions(folder: Path) -> list[str]:
    """Real models' worked answers to GSM8K, MATH and CRUX, with the reasoning alone where they came as JSON."""
    found = rows(
        folder, "4_lineage/zeroeval_outputs.parquet",
        "SELECT output FROM t WHERE length(output) BETWEEN 120 AND 3000 AND hash(id || model) % 6 = 0 "
        "ORDER BY task, id, model, output",
    )  # fmt: skip
    return [reasoning_in(text) for (text,) in found]


def reasoning_in(text: str) -> str:
    found = re.search(r'"reasoning":\s*"(.*?)",\s*"answer"', text, re.DOTALL)
    return found[1].replace("\\n", "\n") if found else text


def read_templates(folder: Path) -> dict[str, list[str]]:
    found = rows(
        folder, "3_distill/distill_templates.parquet", "SELECT kind, text FROM t ORDER BY kind, source, id, text"
    )
    out: dict[str, list[str]] = {}
    for kind, text in found:
        out.setdefault(kind, []).append(text)
    return out


def system_templates(configs: list[str]) -> list[str]:
    """The system templates inside SWE-agent's configurations, each once."""
    found = []
    for text in configs:
        match = re.search(r"system_template: \|-?\n((?:(?: {6,}.*)?\n)+)", text)
        if match and len(match[1]) > 200:
            found.append(re.sub(r"(?m)^ {6}", "", match[1]).strip())
    return sorted(set(found))


def read_trajectories(folder: Path) -> tuple[list[str], list[str], list[Deed]]:
    """System prompts, tasks and steps of published SWE-agent trajectories."""
    found = rows(folder, "3_distill/agent_trajectories.parquet", "SELECT history FROM t ORDER BY path")
    systems: set[str] = set()
    tasks: set[str] = set()
    deeds: list[Deed] = []
    for (history,) in found:
        turns = [(m["role"], plain(m["content"])) for m in json.loads(history) if not m.get("is_demo")]
        systems.update(text[:6000] for role, text in turns if role == "system" and len(text) > 400)
        asked = [text for role, text in turns if role == "user" and len(text) > 600]
        tasks.update(text[:2500] for text in asked[:1])
        for (role, said), (_, seen) in pairwise(turns):
            if role == "assistant" and said:
                deeds.append(Deed(said[:700], seen[:700]))
    return sorted(systems), sorted(tasks), deeds


def plain(content: Any) -> str:
    if isinstance(content, list):
        return " ".join(part.get("text", "") for part in content)
    return str(content or "")


def read_sessions(folder: Path) -> list[list[Step]]:
    """Real Claude Code sessions, main threads only, in order of time."""
    found = rows(
        folder, "1_traffic/claude_code_requests.parquet",
        "SELECT trace, i, coalesce(api_time, 5) + coalesce(think_time, 3), in_tok, out_tok, "
        "shared_prefix_blocks * 64, coalesce(stop, '') FROM t WHERE depth = 0 ORDER BY trace, i, t",
    )  # fmt: skip
    out: dict[str, list[Step]] = {}
    for trace, _, gap, asked, told, cached, stop in found:
        step = Step(
            min(float(gap), 3600.0), int(asked or 0), int(told or 0), min(int(cached or 0), int(asked or 0)), stop
        )
        out.setdefault(trace, []).append(step)
    return [steps for steps in out.values() if len(steps) >= 3]


def read_week(folder: Path) -> NDArray[np.float64]:
    """When people write, by hour of the local week from Monday on: real posts of 58,317 accounts."""
    found = rows(
        folder, "5_coordination/coortweet_german_elections.parquet",
        f"SELECT (timestamp::BIGINT + {BERLIN * 3600}) // 3600 % 168 AS h, count(*) FROM t GROUP BY 1 ORDER BY 1",
    )  # fmt: skip
    week = np.zeros(HOURS_OF_WEEK)
    for hour, count in found:
        week[(int(hour) + 72) % HOURS_OF_WEEK] = count  # the epoch began on a Thursday
    return np.asarray(week / week.sum(), dtype=np.float64)


def read_machines(folder: Path) -> list[NDArray[np.float64]]:
    """Hourly rates over 14 days of real API customers who were busy in at least a tenth of it."""
    found = rows(
        folder, "1_traffic/servegen_client_rate.parquet",
        "SELECT model, client, t // 3600, avg(rate) FROM t WHERE category = 'language' GROUP BY ALL ORDER BY ALL",
    )  # fmt: skip
    out: dict[tuple[str, int], NDArray[np.float64]] = {}
    for model, client, hour, rate in found:
        out.setdefault((model, client), np.zeros(336))[min(int(hour), 335)] = rate
    return [series / series.sum() for series in out.values() if (series > 0).mean() > 0.1]


def read_volumes(folder: Path) -> tuple[list[float], list[float]]:
    """Relative volumes with mean one: posts of people, rates of API customers. Both tails are cut."""
    posts = rows(
        folder, "5_coordination/coortweet_german_elections.parquet",
        "SELECT count(*) AS n FROM t GROUP BY account_id ORDER BY n",
    )  # fmt: skip
    rates = rows(
        folder, "1_traffic/servegen_client_rate.parquet",
        "SELECT avg(rate) AS r FROM t WHERE category = 'language' GROUP BY model, client ORDER BY r",
    )  # fmt: skip
    people = np.sqrt(np.array([n for (n,) in posts], dtype=np.float64))  # roots: a post takes several requests' work
    machines = np.sqrt(np.array([r for (r,) in rates if r], dtype=np.float64))
    return trimmed(people), trimmed(machines)


def read_lengths(folder: Path) -> list[tuple[float, float]]:
    """Input tokens of real API customers: the median, and the spread in natural logarithms, a pair a customer."""
    found = rows(
        folder, "1_traffic/servegen_client_len_quantiles.parquet",
        "SELECT median(p50) AS middle, median(p90) AS high FROM t WHERE category = 'language' "
        "AND field = 'input_tokens' AND p50 > 0 GROUP BY model, client ORDER BY model, client",
    )  # fmt: skip
    return [(float(middle), min(1.0, float(np.log(max(high, middle) / middle)) / 1.28)) for middle, high in found]


def trimmed(values: NDArray[np.float64]) -> list[float]:
    cut = np.clip(values, np.quantile(values, 0.02), np.quantile(values, 0.995))
    return [float(value) for value in cut / cut.mean()]
