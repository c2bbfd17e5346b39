"""A human's turn taken apart: what the person wrote, and the blocks that a harness put beside it.

Coding agents and editors put reminders, rules, files and the state of the machine into the turn itself, between tags of
their own. `harness.json` lists these tags. What stands between any other tags is the person's: templates of
every kind use `<question>` and `<context>`, and nothing in one text tells a framework's from a campaign's.
Catches the blocks of listed tags, whole, at the top level, wherever they stand. Evaded by a harness that is not listed
or uses no tags: its words are then taken for the person's, as those of any template. An operator who writes such
tags gains what a system text would give: see `preamble.py`.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

MOST_BLOCKS = 6
"""Blocks of one exchange that are kept apart; those beyond are taken as one with the sixth, so that none is lost."""

Span = tuple[int, int]


@dataclass(frozen=True)
class Marks:
    """Patterns of opening and closing tags: of a harness's blocks, of those beside a person's mark, of a person's."""

    blocks: re.Pattern[str]
    beside: re.Pattern[str]
    marks: re.Pattern[str]
    persons: re.Pattern[str]


@cache
def harness_marks() -> Marks:
    """The tags of `harness.json`, as patterns."""
    listed = json.loads(resources.files("stillwatch.content").joinpath("harness.json").read_text("utf-8"))
    blocks, marks = listed["blocks"], listed["marks"]
    return Marks(_tags(blocks), _tags(blocks + listed["companions"]), _tags(marks), _tags(marks + listed["wrappers"]))


def _tags(names: Sequence[str]) -> re.Pattern[str]:
    return re.compile(rf"<(/?)({'|'.join(map(re.escape, sorted(names, key=len, reverse=True)))})(?=[\s>])[^<>]*>")


def split(text: str) -> tuple[str, list[str]]:
    """(what the person wrote, the harness's blocks with their tags, in order) of one turn.

    A tag that nothing closes is text. Beside a block what stands between a person's tags is the person's, and all else
    the harness's; a text without a block is answered as it is, but for a person's tag around the whole.
    """
    if "</" not in text:
        return text, []
    known = harness_marks()
    marked = known.marks.search(text) is not None
    held, bare = _apart(text, _pairs(text, known.beside if marked else known.blocks))
    persons = _pairs(bare, known.persons)
    if held and persons:
        own, rest = _apart(bare, persons)
        return "\n".join(map(inside, own)), [*held, rest] if rest else held
    if not held:
        return (inside(text.strip()) if _pairs(text.strip(), known.persons) == [(0, len(text.strip()))] else text), []
    return bare, held


def _apart(text: str, spans: Sequence[Span]) -> tuple[list[str], str]:
    """The texts of spans, and what stands outside of them."""
    edges = [0, *(edge for span in spans for edge in span), len(text)]
    outside = (text[start:end].strip() for start, end in zip(edges[::2], edges[1::2], strict=True))
    return [text[start:end] for start, end in spans], "\n".join(part for part in outside if part)


def _pairs(text: str, tags: re.Pattern[str]) -> list[Span]:
    """Where blocks begin and end that lie in no other, in order. One pass, whatever is left open."""
    closed: dict[int, int] = {}
    opened: dict[str, list[int]] = {}
    for found in tags.finditer(text):
        if not found.group(1):
            opened.setdefault(found.group(2), []).append(found.start())
        elif opened.get(found.group(2)):
            closed[opened[found.group(2)].pop()] = found.end()
    out: list[Span] = []
    for start in sorted(closed):
        if not out or start >= out[-1][1]:
            out.append((start, closed[start]))
    return out


def inside(block: str) -> str:
    """What stands between the tags of a block, or all of a text that is none."""
    begin, end = block.find(">") + 1, block.rfind("</")
    whole = block.startswith("<") and 0 < begin <= end and block.find(">", end) == len(block) - 1
    return block[begin:end].strip() if whole else block


def kept(blocks: Sequence[str]) -> list[str]:
    """Distinct blocks, at most `MOST_BLOCKS`, the last of which holds all that remain, whatever their order was."""
    distinct = list(dict.fromkeys(blocks))
    if len(distinct) <= MOST_BLOCKS:
        return distinct
    distinct.sort()
    return [*distinct[: MOST_BLOCKS - 1], "\n".join(distinct[MOST_BLOCKS - 1 :])]
