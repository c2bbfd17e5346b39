"""A human's words as five kinds of harness send them, in three API shapes.

The shapes are those of the open sources named below, read in their repositories; the words are our own, so that
nothing of theirs is copied. What differs from user to user (folders, dates, files) differs here as it does there.
"""

import json
from collections.abc import Callable
from typing import Any

SAYS = (
    "You are a coding agent that works in a repository. Think step by step and explain your reasoning to yourself. "
    "Grade your own answer against the rubric below before you send it. Use the tools to edit files and run commands. "
    "When asked for examples, generate training data in the format of the project. Compare the two candidate patches "
    "and choose the better one. Translate messages of the compiler for the user. Summarise the conversation when it "
    "grows long. Write out the full chain of thought only in your notes. Fix the failing unit tests first.\n"
)
ASIDES = "Keep to the style of section {n}, paragraph {m}, and to whatever the file beside it does about it.\n"


def preamble(user: int) -> str:
    """Some 20,000 tokens of a harness, with what it tells of the user's machine in the middle."""
    rules = "".join(ASIDES.format(n=n // 40, m=n % 40) for n in range(800))
    machine = (
        f"Working directory: /srv/user{user}/project-{user * 7}\nToday is 2026-06-{user + 1:02}\n"
        f"Current branch: fix-{user}\nRecent commits: {user}a{user}f touch up the parser of user {user}\n"
    )
    return f"{SAYS}{rules}\n# Environment\n{machine}\n{SAYS}"


Said = tuple[list[list[str]], list[list[str]]]
"""Human turns, each a list of text parts: those before the last, and the last."""


def reminders(words: str, user: int) -> Said:
    """A command-line agent that puts reminders in parts of their own (Claude Code's and opencode's shape)."""
    rules = f"<system-reminder>\n{SAYS}Files of project {user} are in src.\n</system-reminder>"
    plan = f"<system-reminder>\n{SAYS}</system-reminder>"
    return [], [[rules, words, plan]]


def environment(words: str, user: int) -> Said:
    """An editor's agent that wraps the task and appends the state of the editor (Cline's and Roo Code's shape)."""
    files = f"# Visible files\nsrc/part{user}.py"
    told = f"{files}\n\n# Current time\n6/{user + 1}/2026, 9:0{user}:00\n\n# Current mode\n{SAYS}"
    todo = f"# Progress\n\n{SAYS}"
    return [], [[f"<task>\n{words}\n</task>", todo, f"<environment_details>\n{told}</environment_details>"]]


def editor(words: str, user: int) -> Said:
    """An editor's chat that tags every part of one message (GitHub Copilot Chat's shape, MIT)."""
    parts = (
        f"<context>\nThe current date is June {user + 1}, 2026.\n{SAYS}</context>",
        f"<editorContext>\nThe user's current file is /srv/user{user}/a.py.\n</editorContext>",
        f"<reminderInstructions>\n{SAYS}</reminderInstructions>",
        f"<userRequest>\n{words}\n</userRequest>",
    )
    return [], [["\n".join(parts)]]


def contexts(words: str, user: int) -> Said:
    """A command-line agent whose rules and environment are turns of their own (Codex CLI's shape, Apache-2.0)."""
    rules = f"<user_instructions>\n{SAYS}</user_instructions>"
    where = f"<environment_context>\n<cwd>/srv/user{user}</cwd>\n<shell>bash</shell>\n</environment_context>"
    return [[rules], [where]], [[words]]


def runtime(words: str, user: int) -> Said:
    """An autonomous agent that appends what it knows of repository and runtime (OpenHands' shape, MIT)."""
    known = f"<REPOSITORY_INFO>\nAt the user's request, repository user{user}/tool has been cloned.\n</REPOSITORY_INFO>"
    rest = f"<RUNTIME_INFORMATION>\nHosts: localhost:{5000 + user}\n{SAYS}</RUNTIME_INFORMATION>"
    return [], [[f"{words}\n\n{known}\n{rest}"]]


HARNESSES: dict[str, Callable[[str, int], Said]] = {
    each.__name__: each for each in (reminders, environment, editor, contexts, runtime)
}


def openai(said: Said, user: int) -> dict[str, Any]:
    """Chat completions: the system text is a message, a turn is a list of text parts, tools answer in their role."""
    before, last = said
    turns = [{"role": "user", "content": [_text(part) for part in turn]} for turn in [*before, *last]]
    tools = [{"type": "function", "function": {"name": "edit", "description": SAYS}}]
    system = {"role": "system", "content": preamble(user)}
    return {"messages": json.dumps([system, *turns]), "tools": json.dumps(tools)}


def anthropic(said: Said, user: int) -> dict[str, Any]:
    """Messages API: the system text is a list of its own, and the first turn of a human may be a tool's result."""
    before, last = said
    turns = [{"role": "user", "content": [_text(part) for part in turn]} for turn in [*before, *last]]
    system = [_text("You are an agent."), _text(preamble(user)) | {"cache_control": {"type": "ephemeral"}}]
    return {"system": json.dumps(system), "messages": json.dumps(turns), "tools": json.dumps([{"name": "edit"}])}


def bare(said: Said, user: int) -> dict[str, Any]:
    """OpenTelemetry's parts, or a bare string where there is one turn."""
    before, last = said
    if not before:
        return {"system": preamble(user), "messages": json.dumps("\n".join(last[0]))}
    turns = [
        {"role": "user", "parts": [{"type": "text", "content": part} for part in turn]} for turn in [*before, *last]
    ]
    return {"system": preamble(user), "messages": json.dumps(turns)}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


SHAPES: dict[str, Callable[[Said, int], dict[str, Any]]] = {"openai": openai, "anthropic": anthropic, "bare": bare}
