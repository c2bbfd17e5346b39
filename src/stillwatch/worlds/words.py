"""What an exchange says, as its writer (a script) hands it to the one who renders rows."""

from dataclasses import dataclass
from typing import Protocol

from stillwatch.worlds.corpus import Answer, escaped

TEXT = "text"


@dataclass(frozen=True)
class Message:
    """One message: its role and its text as the inside of a JSON string, or a whole OTel part where ``part``."""

    role: str
    content: str
    part: bool = False


@dataclass(frozen=True)
class Words:
    """Everything said in one exchange. ``system`` and ``tools`` are JSON already; counts override estimated tokens."""

    messages: tuple[Message, ...]
    output: Answer
    system: str | None = None
    tools: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


class Script(Protocol):
    """Writes what one account (or one campaign) says. Equal arguments give equal words."""

    capability: str

    def write(self, item: int, turn: int) -> Words:
        """The words of conversation ``item`` at its ``turn`` (from 0)."""


def user(text: str) -> Message:
    """A message of a person."""
    return Message("user", escaped(text))


def called(tool: str, result: str) -> tuple[Message, Message]:
    """A call of a tool, and what it gave."""
    return (
        Message("assistant", f'{{"type":"tool_call","id":"call_1","name":"{tool}","arguments":{{}}}}', part=True),
        Message("tool", f'{{"type":"tool_call_response","id":"call_1","response":"{escaped(result)}"}}', part=True),
    )


def system(text: str) -> str:
    """System instructions as OTel parts."""
    return f'[{{"type":"text","content":"{escaped(text)}"}}]'


def render(messages: tuple[Message, ...], bare: bool) -> str:
    """Messages as JSON: OTel parts, or OpenAI's bare shape as some clients log it."""
    return "[" + ",".join(_message(message, bare) for message in messages) + "]"


def render_output(words: str, finish: str, bare: bool) -> str:
    """The answer as JSON in the same two shapes."""
    if bare:
        return f'[{{"role":"assistant","content":"{words}"}}]'
    part = f'{{"type":"text","content":"{words}"}}'
    return f'[{{"role":"assistant","parts":[{part}],"finish_reason":"{finish}"}}]'


def _message(message: Message, bare: bool) -> str:
    if message.part:
        return f'{{"role":"{message.role}","parts":[{message.content}]}}'
    if bare:
        return f'{{"role":"{message.role}","content":"{message.content}"}}'
    return f'{{"role":"{message.role}","parts":[{{"type":"text","content":"{message.content}"}}]}}'
