"""The canonical text columns taken apart: whose words are where, and what the exchange carries.

Accepts OpenTelemetry GenAI parts, OpenAI's shape, and a bare string. Never raises: what cannot be read as JSON is a
bare string, and what has an unknown shape contributes nothing.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import msgspec

from stillwatch.content.blocks import inside, kept, split
from stillwatch.content.counts import LEAST_NEAR_WORDS
from stillwatch.content.plain import plain
from stillwatch.content.structure import Structure

SYSTEM, TOOLS, COMPUTER, CALL, RESULT, OUT, REASONING, CODE_IN, CODE_OUT, TURNS, JSON_OUT, OPTIONS = (
    int(bit)
    for bit in (
        Structure.SYSTEM, Structure.TOOLS, Structure.COMPUTER_TOOL, Structure.TOOL_CALL_BEFORE, Structure.TOOL_RESULT,
        Structure.TOOL_CALL_OUT, Structure.REASONING_OUT, Structure.CODE_IN, Structure.CODE_OUT, Structure.MULTI_TURN,
        Structure.JSON_OUT, Structure.OPTIONS,
    )
)  # fmt: skip

NO_TEXT = {
    **dict.fromkeys(("tool_call", "tool_use", "function_call"), CALL),
    **dict.fromkeys(("tool_call_response", "tool_result"), RESULT),
    **dict.fromkeys(("reasoning", "thinking"), REASONING),
    **dict.fromkeys(
        ("blob", "file", "uri", "image", "image_url", "input_image", "input_audio", "audio"), int(Structure.MEDIA)
    ),
}
"""Types of parts that hold no visible text, and the bit that each sets."""

LETTERED = (("\nB.", "\nC."), ("\nB)", "\nC)"), ("(B)", "(C)"))
"""Marks of a second and a third answer to choose from."""

BARE_WORDS, BARE_BYTES = LEAST_NEAR_WORDS, 64
"""Fewer words, and at most so many bytes of letters: such a turn asks for what was said before."""

ENOUGH = 160
"""Characters among which a turn that says something mostly has more words than BARE_WORDS."""

WORD = re.compile(r"[^\W_](?:['’-]?[^\W_])*")

LONGEST_RESULT, MOST_RESULTS = 4_000, 8
"""Characters of tools' results that are read, where nobody else says anything, and so many results at most."""

NAMES = frozenset(
    ("type", "id", "role", "name", "tool_call_id", "tool_use_id", "call_id", "media_type", "mime_type", "cache_control")
)
"""Keys of a tool's result that hold names of things, and no words."""

BLANKS = re.compile(r"\s{3,}")

TEXT_KEYS = ("content", "text", "input_text", "output_text")
HISTORY = 4
_DECODER = msgspec.json.Decoder()
DEEPEST = 64
"""Nesting beyond which JSON is taken as a bare string: an attacker's depth is not our recursion."""


@dataclass(slots=True)
class Parts:
    """The texts of one exchange, in memory only. `user` is what the person wrote in the last human turn; `None` means
    that none was logged. `blocks` are what a harness put beside it, and into turns in which nobody wrote. `earlier` is
    what a turn that says hardly anything goes back to: the human turn before it that says more, else the results of
    tools, which are `results` as they came."""

    system: str = ""
    tools: str = ""
    history: Sequence[str] = ()
    user: str | None = None
    blocks: Sequence[str] = ()
    earlier: str | None = None
    results: list[Any] = field(default_factory=list)
    output: str | None = None
    structure: int = 0
    turns: int = 0


Repeated = dict[str, tuple[str, int]]
"""What a system text or a list of tools was read as, with its bits. Most exchanges repeat an earlier one's."""


def parts_of(
    system: str | None,
    messages: str | None,
    tools: str | None,
    output: str | None,
    systems: Repeated | None = None,
    toolsets: Repeated | None = None,
) -> Parts:
    """Take one exchange's text columns apart. `systems` and `toolsets` remember, as long as the caller keeps them."""
    parts = Parts()
    if system:
        parts.system, bits = _remembered(system, _system, systems)
        parts.structure |= bits
    if tools:
        parts.tools, bits = _remembered(tools, _tools, toolsets)
        parts.structure |= bits
    if messages:
        said = _plain(messages)
        _messages(_loaded(messages), parts) if said is None else _said(said, parts)
    if output:
        said = _plain(output)
        _output(_loaded(output), parts) if said is None else _answer([text for _, text in said], parts)
    return parts


def _plain(text: str) -> list[tuple[str, str]] | None:
    """`plain`, but for what `_loaded` takes as a bare string."""
    return None if _depth(text) > DEEPEST else plain(text)


def _loaded(text: str) -> Any:
    """The JSON value that a column holds, or the text itself where it holds none."""
    head = text.lstrip()[:1]
    if head not in ("[", "{", '"') or _depth(text) > DEEPEST:
        return text
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return _slowly_loaded(text)


def _slowly_loaded(text: str) -> Any:
    """The same by the standard library, which also reads NaN and half a surrogate pair."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _depth(text: str) -> int:
    """An upper bound of the nesting: opening brackets, wherever they stand, where there are suspiciously many."""
    opened = text.count("[") + text.count("{")
    if opened <= DEEPEST:
        return 0
    depth = deepest = 0
    for character in text:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _remembered(text: str, read: Callable[[Any], tuple[str, int]], known: Repeated | None) -> tuple[str, int]:
    if known is None:
        return read(_loaded(text))
    found = known.get(text)
    if found is None:
        found = known[text] = read(_loaded(text))
    return found


def _system(value: Any) -> tuple[str, int]:
    parts = Parts()
    text = _text(value, parts)
    return text, parts.structure | (SYSTEM if text else 0)


def _tools(value: Any) -> tuple[str, int]:
    """Tool definitions in one stable order, so that a client that shuffles them stays one client."""
    items = value if isinstance(value, list) else [value]
    texts = sorted(item if isinstance(item, str) else json.dumps(item, sort_keys=True) for item in items if item)
    tools = "\n".join(texts)
    computer = '"computer' in tools or '"screenshot' in tools
    return tools, (TOOLS if tools else 0) | (COMPUTER if computer else 0)


def _messages(value: Any, parts: Parts) -> None:
    items = value if isinstance(value, list) else [value]
    said: list[tuple[str, str]] = []
    for item in items:
        role = str(item.get("role", "user")) if isinstance(item, dict) else "user"
        text = _text(item, parts)
        if role == "tool" or (isinstance(item, dict) and "tool_call_id" in item):
            parts.structure |= RESULT
            parts.results.append(item)
            continue
        if isinstance(item, dict) and (item.get("tool_calls") or item.get("function_call")):
            parts.structure |= CALL
        said.append((role, text))
    _said(said, parts)


def _said(said: list[tuple[str, str]], parts: Parts) -> None:
    """What each message says, by its role: system texts beside the system column's, and turns."""
    turns: list[tuple[str, str]] = []
    systems = [parts.system]
    tagged = False
    for one in said:
        role, text = one
        if role in ("system", "developer"):
            systems.append(text)
            parts.structure |= SYSTEM
        elif text:
            turns.append(one)
            tagged = tagged or "</" in text
    if len(systems) > 1:
        parts.system = "\n".join(bare for text in systems if (bare := text.strip("\n")))
    _turns(_apart(turns, parts) if tagged else turns, parts)


def _turns(turns: list[tuple[str, str]], parts: Parts) -> None:
    """The last human turn and what came before it."""
    human = [place for place, (role, _) in enumerate(turns) if role == "user"]
    parts.turns = len(human)
    if human:
        parts.user = turns[human[-1]][1]
        parts.history = [text for _, text in turns[: human[-1]]][:HISTORY]
        parts.structure |= CODE_IN if "```" in parts.user else 0
        parts.structure |= OPTIONS if any(b in parts.user and c in parts.user for b, c in LETTERED) else 0
        if _is_bare(parts.user):
            parts.earlier = _earlier([turns[place][1] for place in human[:-1]], parts.results)
    if len(human) > 1:
        parts.structure |= TURNS


def _is_bare(text: str) -> bool:
    """Blanks and marks say nothing, however many: words count, and letters where a script has no spaces."""
    if sum(map(str.isalpha, text[:ENOUGH].split())) > BARE_WORDS:  # the last may be a part of a word
        return False
    letters = 0
    for words, word in enumerate(WORD.finditer(text), start=1):
        letters += len(word.group().encode("utf-8", "replace"))
        if words >= BARE_WORDS or letters > BARE_BYTES:
            return False
    return True


def _earlier(human: list[str], results: list[Any]) -> str | None:
    """The latest human turn that says something; where none does, the results of tools that do, the latest first."""
    said = next((text for text in reversed(human) if not _is_bare(text)), None)
    if said is not None:
        return said
    given = (BLANKS.sub("\n", _given(value))[:LONGEST_RESULT] for value in islice(reversed(results), MOST_RESULTS))
    return "\n".join(dict.fromkeys(text for text in given if not _is_bare(text)))[:LONGEST_RESULT] or None


def _given(result: Any) -> str:
    """Every text of a tool's result, a message or a part of one in any API's shape, but for names of things."""
    if isinstance(result, str):
        return result
    if isinstance(result, list):
        return "\n".join(text for item in result if (text := _given(item)))
    if not isinstance(result, dict):
        return ""
    return "\n".join(text for key, item in result.items() if key not in NAMES and (text := _given(item)))


def _apart(turns: list[tuple[str, str]], parts: Parts) -> list[tuple[str, str]]:
    """Turns without a harness's blocks, and the blocks of the last human turn and of turns that hold nothing else.

    A turn of blocks alone is no human turn. Where a request has no other, what stands in the blocks is the person's:
    who wraps all that he says says it all the same.
    """
    taken = [split(text) if role == "user" else (text, []) for role, text in turns]
    human = [place for place, (role, _) in enumerate(turns) if role == "user" and taken[place][0]]
    if not human:
        return [
            (role, "\n".join(map(inside, held)) or text) for (role, text), (_, held) in zip(turns, taken, strict=True)
        ]
    last = human[-1]
    parts.blocks = kept([block for at, (own, held) in enumerate(taken) if at == last or not own for block in held])
    return [(role, own) for (role, _), (own, _) in zip(turns, taken, strict=True) if own]


def _output(value: Any, parts: Parts) -> None:
    items = value if isinstance(value, list) else [value]
    texts: list[str] = []
    for item in items:
        carried = Parts()
        texts.append(_text(item, carried))
        if carried.structure & CALL or (isinstance(item, dict) and item.get("tool_calls")):
            parts.structure |= OUT
        parts.structure |= carried.structure & REASONING
        if isinstance(item, dict) and (item.get("reasoning_content") or item.get("reasoning")):
            parts.structure |= REASONING
    _answer(texts, parts)


def _answer(texts: list[str], parts: Parts) -> None:
    parts.output = "\n".join([text for text in texts if text])
    if "```" in parts.output:
        parts.structure |= CODE_OUT
    if parts.output.lstrip()[:1] in ("{", "["):
        parts.structure |= JSON_OUT


def _text(value: Any, parts: Parts) -> str:  # noqa: PLR0911 (one return a shape)
    """The visible text of a message, a part, or a list of them; marks in `parts` what is no text."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join([text for item in value if (text := _text(item, parts))])
    if not isinstance(value, dict):
        return ""
    kind = value.get("type")
    bit = NO_TEXT.get(kind) if isinstance(kind, str) else None
    if bit is not None:
        parts.structure |= bit
        if bit == RESULT:
            parts.results.append(value)
        return ""
    if "parts" in value:
        return _text(value["parts"], parts)
    for key in TEXT_KEYS:
        held = value.get(key)
        if held:
            return held if isinstance(held, str) else _text(held, parts)
    source = value.get("source")
    if isinstance(source, dict) and source.get("type") in ("text", "content"):  # a document of Anthropic's API
        return _text(source.get("data") or source.get("content"), parts)
    return ""
