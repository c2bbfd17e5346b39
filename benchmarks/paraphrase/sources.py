"""The paraphrase sets as their authors publish them: every wording of a family, with its slots as `{slot}`."""

import ast
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from paraphrase.clones import Clone

SLOT = re.compile(r"\{([A-Za-z_][A-Za-z0-9_ ]*)\}")
LANGUAGES = {"chinese": "zh", "french": "fr", "arabic": "ar", "spanish": "es", "japanese": "ja", "korean": "ko"}


@dataclass(frozen=True)
class Wording:
    """One wording of a family. `task` names what is asked for whichever set asks it: all families of one task stand
    in the same half."""

    set: str
    family: str
    task: str
    wording: str
    source: str
    licence: str
    language: str = "en"


# ------------------------------------------------------------------------------------------------ promptsource


class _Loader(yaml.SafeLoader):
    """YAML with promptsource's own tags read as plain mappings."""


for tag in ("!Template", "!TemplateMetadata"):
    _Loader.add_constructor(tag, lambda loader, node: loader.construct_mapping(node, deep=True))


def promptsource(clone: Clone) -> Iterator[Wording]:
    """Templates written by people for one dataset, of those that ask what the dataset is for (`original_task`)."""
    for path in clone.files("promptsource/templates"):
        if not path.endswith("templates.yaml"):
            continue
        read = yaml.load(clone.text(path), Loader=_Loader)
        family = path.removeprefix("promptsource/templates/").removesuffix("/templates.yaml")
        for template in read["templates"].values():
            about = template["metadata"]
            if about.get("original_task") and (about.get("languages") or ["en"]) == ["en"]:
                wording = plain_jinja(template["jinja"], template.get("answer_choices") or "")
                if wording:
                    yield Wording(
                        "promptsource", family, task_of(family), wording, "bigscience-workshop/promptsource",
                        "Apache-2.0",
                    )  # fmt: skip


def plain_jinja(jinja: str, choices: str) -> str:
    """What a template asks, its expressions as slots; of a condition the first branch. Empty where a loop makes it."""
    asked = jinja.split("|||", maxsplit=1)[0]
    if re.search(r"\{%-?\s*for\b", asked):
        return ""
    asked = re.sub(r"\{%-?\s*(else|elif\b[^%]*?)\s*-?%\}.*?(?=\{%-?\s*endif)", "", asked, flags=re.DOTALL)
    asked = re.sub(r"\{%.*?%\}", "", asked, flags=re.DOTALL)
    fixed = [] if "{{" in choices else [choice.strip() for choice in choices.split("|||")]
    asked = re.sub(r"\{\{(.*?)\}\}", lambda found: _slot(found[1].strip(), fixed), asked, flags=re.DOTALL)
    return asked.strip()


def _slot(expression: str, fixed: list[str]) -> str:
    """An expression as a slot, or as its text where the template fixes it."""
    quoted = re.match(r"^[\"'](.*)[\"']$", expression, flags=re.DOTALL)
    if quoted:
        return quoted[1]
    choice = re.match(r"^answer_choices\s*\[\s*(-?\d+)\s*\]", expression)
    if choice and -len(fixed) <= int(choice[1]) < len(fixed):
        return fixed[int(choice[1])]
    if expression.startswith("answer_choices"):
        return " or ".join(fixed) if fixed else "{options}"
    name = re.search(r"[A-Za-z_]\w*", expression)
    return "{" + (name[0] if name else "text") + "}"


# ------------------------------------------------------------------------------------------------ FLAN


def flan(clone: Clone) -> Iterator[Wording]:
    """Templates written by people for one dataset: those that ask what most of the dataset's templates ask."""
    for path in ("flan/templates.py", "flan/v2/flan_templates_branched.py", "flan/v2/templates.py"):
        for family, pairs in _patterns(clone.text(path)).items():
            if "stream" in family or "inversion" in family or family.startswith("natinst"):
                continue
            usual = Counter(target for _, target in pairs).most_common(1)[0][0]
            for asked, target in pairs:
                if target == usual and SLOT.search(asked):
                    yield Wording("flan", family, task_of(family), asked, "google-research/FLAN", "Apache-2.0")


def _patterns(code: str) -> dict[str, list[tuple[str, str]]]:
    """The first table PATTERNS of a module, read and not run."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Assign) and [t.id for t in node.targets if isinstance(t, ast.Name)] == ["PATTERNS"]:
            rows: dict[str, Any] = {}
            assert isinstance(node.value, ast.Dict)
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                try:
                    rows[ast.literal_eval(key)] = ast.literal_eval(value)  # type: ignore[arg-type]
                except ValueError:
                    continue
            return {k: [pair for pair in v if len(pair) == 2] for k, v in rows.items() if isinstance(v, list)}
    return {}


# ------------------------------------------------------------------------------------------------ model-written


def multi_prompt(clone: Clone) -> Iterator[Wording]:
    """Instructions of BBH and LMentry reworded by models; those that the authors checked and found correct."""
    for path in clone.files("data/automatic paraphrases"):
        _, _, bench, name = path.split("/")
        family = name.removesuffix(".csv")
        for row in csv.DictReader(io.StringIO(clone.text(path))):
            if row["correct"].strip() in ("1", "1.0", "True") and SLOT.search(row["prompt template"]):
                yield Wording(
                    f"multi-prompt-{bench.lower()}", family, task_of(family), row["prompt template"].strip(),
                    "SLAB-NLP/Multi-Prompt-LLM-Evaluation", "CDLA-Permissive-2.0",
                )  # fmt: skip


# ------------------------------------------------------------------------------------------------ PromptBench


def promptbench(clone: Clone) -> Iterator[Wording]:
    """Task- and role-oriented prompts of one dataset, and the same asked in six languages."""
    for name in ("task_oriented", "role_oriented"):
        for family, prompts in _table(clone.text(f"promptbench/prompts/{name}.py")).items():
            for prompt in prompts:
                text = prompt.replace("{}", "{text}")
                if SLOT.search(text):
                    yield Wording("promptbench", family, task_of(family), text, "microsoft/promptbench", "MIT")
    yield from _languages(clone.text("promptbench/prompts/semantic_atk_prompts.py"))


def _table(code: str) -> dict[str, list[str]]:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            found: dict[str, list[str]] = ast.literal_eval(node.value)
            return found
    return {}


def _languages(code: str) -> Iterator[Wording]:
    """The foreign originals, which stand in comments before their English translations."""
    family = language = ""
    for line in code.splitlines():
        opened = re.match(r"^( +)'([a-z0-9_]+)': *([\[{])", line)
        if opened and opened[3] == "{":
            family = opened[2]
        elif opened:
            language = LANGUAGES.get(opened[2], "")
        said = re.match(r"^ +# *([\"'])(.+)\1 *,? *$", line)
        if said and language and family:
            text = said[2].replace("\\n", "\n").replace("{}", "{text}")
            text = text if SLOT.search(text) else text + "\n{text}"
            yield Wording(
                "promptbench-languages", family, task_of(family), text, "microsoft/promptbench", "MIT", language
            )


# ------------------------------------------------------------------------------------------------ all


ALIKE = {
    "less_letters": "letters", "more_letters": "letters", "all_words_from_category": "words_from_category",
    "any_words_from_category": "words_from_category", "first_alphabetically": "alphabetically",
    "math_dataset": "math", "squad_v1": "squad", "squad_v2": "squad", "arc_challenge": "arc", "imdb_reviews": "imdb",
    "mrpc": "paraphrase", "paws": "paraphrase", "paws_wiki": "paraphrase", "qqp": "paraphrase",
    "quora": "paraphrase", "rte": "entailment", "cb": "entailment", "anli": "entailment", "mnli": "entailment",
    "xnli": "entailment", "snli": "entailment", "wnli": "entailment", "axb": "entailment", "axg": "entailment",
    "multi_nli": "entailment", "wsc": "winograd", "wsc273": "winograd", "winogrande": "winograd",
    "wsc285": "winograd", "winograd_wsc": "winograd", "definite_pronoun_resolution": "winograd",
    "cnn_dailymail": "summary", "xsum": "summary", "gigaword": "summary", "multi_news": "summary",
    "newsroom": "summary", "aeslc": "summary", "samsum": "summary", "imdb": "sentiment", "sst2": "sentiment",
    "yelp_polarity_reviews": "sentiment", "yelp_polarity": "sentiment", "sentiment140": "sentiment",
    "rotten_tomatoes": "sentiment", "amazon_polarity": "sentiment", "yelp_review_full": "sentiment",
    "hellaswag": "ending", "story_cloze": "ending", "lambada": "ending", "adversarial_qa": "squad",
    "squad": "squad", "squadshifts": "squad", "quoref": "squad", "ropes": "squad",
    "wmt16_translate": "translation", "wmt14_enfr": "translation", "para_crawl": "translation",
    "iwslt": "translation", "un_multi": "translation", "translation_iwslt": "translation",
    "translation_un_multi": "translation",
}  # fmt: skip
"""Families of different sets, or near ones of one set, that ask the same: they stand in one half."""

SUITES = ("glue", "super_glue", "blimp", "tweet_eval", "math_dataset", "scan", "adversarial_qa", "squadshifts",
          "circa", "xnli", "anli", "logical_deduction", "turk", "asset")  # fmt: skip


def task_of(family: str) -> str:
    """What a family asks for, as the key by which families are kept in one half."""
    parts = re.sub(r"^(cot|synth_cot|glue|super_glue)_", "", family).lower().split("/")
    if family.startswith("logical_deduction"):
        return "logical_deduction"
    name = parts[1] if parts[0] in ("glue", "super_glue") and len(parts) > 1 else parts[0]
    return ALIKE.get(name, name)
