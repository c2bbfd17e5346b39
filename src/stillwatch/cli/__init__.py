"""The command line: one command a file, found in a written list, imported only when it is called.

Words go to stderr, data to stdout. Exit codes: 0 done (also with findings or quarantined rows), 1 failed, 2 usage,
130 interrupted, 141 the reader of stdout went away.
"""

import difflib
import functools
import importlib
import os
import re
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from stillwatch import __version__
from stillwatch.cli.scale import ARTICLE
from stillwatch.errors import StillwatchError, UsageError

OPTION = re.compile(r"$|-[-A-Za-z]")
"""Nothing, or the beginning of an option: no negative number."""


@dataclass(frozen=True)
class Command:
    """A command: the module that holds it, the function in it (annotated for Typer), and one line of help. `alone` is
    an option that may stand without its value, and the value that it then has."""

    name: str
    module: str
    function: str
    help: str
    alone: tuple[str, str] | None = None

    def filled(self, arguments: list[str]) -> list[str]:
        """The arguments, with a value where the option stands alone: at the end, or before another option."""
        said: list[str] = []
        for place, word in enumerate(arguments):
            said.append(word)
            if self.alone and word == self.alone[0] and OPTION.match("".join(arguments[place + 1 : place + 2])):
                said.append(self.alone[1])
        return said


COMMANDS = (
    Command("demo", "stillwatch.cli.demo", "demo", "Make a small world, find the campaigns in it, show them."),
    Command(
        "simulate", "stillwatch.cli.simulate", "simulate", "Write a simulated provider's logs, with the truth apart."
    ),
    Command("ingest", "stillwatch.cli.ingest", "ingest", "Read logs into a store; prompts become keyed sketches."),
    Command("doctor", "stillwatch.cli.doctor", "doctor", "Say what logs would be read as, and propose a mapping."),
    Command("detect", "stillwatch.cli.detect", "detect", "Find campaigns among the exchanges of a store."),
    Command("watch", "stillwatch.cli.watch", "watch", "Read logs as they come, and tell what campaigns do."),
    Command("deliver", "stillwatch.cli.deliver", "deliver", "Try where alerts go, and send what waits to go there."),
    Command("campaigns", "stillwatch.cli.campaigns", "campaigns", "List the findings of the newest run."),
    Command("quarantine", "stillwatch.cli.quarantine", "quarantine", "List the rows that ingest set aside, and why."),
    Command("pseudonym", "stillwatch.cli.pseudonym", "pseudonym", "Print the pseudonym of an id in a store."),
    Command("show", "stillwatch.cli.show", "show", "Show one finding with its evidence."),
    Command("report", "stillwatch.cli.report", "report", "Write the findings of a run as one HTML page."),
    Command("exchanges", "stillwatch.cli.exchanges", "exchanges", "List the exchanges that a finding counts."),
    Command("changes", "stillwatch.cli.changes", "changes", "Tell what became of the campaigns between two runs."),
    Command("current", "stillwatch.cli.current", "current", "Tell what came of a run's campaigns since, in seconds."),
    Command("attribute", "stillwatch.cli.attribute", "attribute", "Weigh who operates a finding, and sign a name."),
    Command("policy", "stillwatch.cli.policy", "policy", "Lint, test, backtest or begin a policy: what may be done."),
    Command("act", "stillwatch.cli.act", "act", "Judge a run by a policy: limit for a time, or propose."),
    Command("review", "stillwatch.cli.review", "review", "List what waits for a person, and label findings."),
    Command("propose", "stillwatch.cli.propose", "propose", "Propose an action about an account by hand."),
    Command("approve", "stillwatch.cli.approve", "approve", "Approve what is proposed, as a named person."),
    Command("decline", "stillwatch.cli.decline", "decline", "Decline what is proposed."),
    Command("undo", "stillwatch.cli.undo", "undo", "Take back what is in force, at once."),
    Command("passed", "stillwatch.cli.passed", "passed", "Say that customers have passed what a step-up asks."),
    Command("appeal", "stillwatch.cli.appeal", "appeal", "Take in, list and answer customers' appeals."),
    Command("actions", "stillwatch.cli.actions", "actions", "List what is in force, and its audit trail."),
    Command("permission", "stillwatch.cli.permission", "permission", "Give, list and end permissions."),
    Command("keys", "stillwatch.cli.keys", "keys", "Show, move, rotate or destroy the keys of a store."),
    Command(
        "benchmark",
        "stillwatch.cli.benchmark",
        "benchmark",
        "Measure it on worlds with known truth, beside rivals.",
        alone=("--scale", ARTICLE),
    ),
    Command("erase", "stillwatch.cli.erase", "erase", "Remove an account from a store."),
    Command("serve", "stillwatch.cli.serve", "serve", "Answer gateways: what to do with a request, over HTTP."),
    Command("expire", "stillwatch.cli.expire", "expire", "Remove the days of a store that are over their time."),
)


def main() -> None:
    """Run the command that the arguments name, then exit."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; nothing but the code and what was printed comes back."""
    _tolerate_any_encoding()
    try:
        code = _dispatch(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        return _reader_left()
    return code


def _dispatch(arguments: list[str]) -> int:
    first = arguments[0] if arguments else "--help"
    if first in ("--help", "-h", "help"):
        print(help_text())
        return 0
    if first in ("--version", "-V"):
        print(f"stillwatch {__version__}")
        return 0
    command = next((command for command in COMMANDS if command.name == first), None)
    if command is None:
        return _report(unknown(first))
    return _call(command, arguments[1:])


def help_text() -> str:
    """What `stillwatch --help` prints; made from the list alone, so that nothing heavy is imported."""
    width = max(len(command.name) for command in COMMANDS)
    return "\n".join(
        [
            "Usage: stillwatch COMMAND [ARGUMENTS]",
            "",
            "Finds who is distilling your model: campaigns of linked accounts, with evidence, from the logs you have.",
            "",
            "Commands:",
            *(f"  {command.name:{width}}  {command.help}" for command in COMMANDS),
            "",
            "  stillwatch COMMAND --help tells more; stillwatch --version prints the version.",
            "  Exit codes: 0 done (also with findings), 1 failed, 2 wrong usage.",
        ]
    )


def unknown(name: str) -> UsageError:
    """The error for a name that is no command, with the nearest command if one is near."""
    near = difflib.get_close_matches(name, [command.name for command in COMMANDS], n=1)
    step = f"did you mean `stillwatch {near[0]}`?" if near else "stillwatch --help"
    what = "option" if name.startswith("-") else "command"
    return UsageError(f"no such {what}", found=name, next_step=step)


def _call(command: Command, arguments: list[str]) -> int:
    import typer

    try:
        function = getattr(importlib.import_module(command.module), command.function)
    except ModuleNotFoundError as error:
        if error.name != command.module:
            raise
        return _report(StillwatchError("this installation lacks the command", found=command.name))
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(help=function.__doc__)(_guarded(function))
    try:
        app(command.filled(arguments), prog_name=f"stillwatch {command.name}")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _guarded(function: Callable[..., Any]) -> Callable[..., None]:
    """The function with its errors turned into exit codes before Typer can turn them into its own."""

    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> None:
        """Run the function and leave with 0, or with the exit code of what went wrong."""
        try:
            function(*args, **kwargs)
            sys.stdout.flush()
        except StillwatchError as error:
            raise SystemExit(_report(error)) from None
        except BrokenPipeError:
            raise SystemExit(_reader_left()) from None
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            raise SystemExit(130) from None
        except Exception as error:
            if os.environ.get("STILLWATCH_DEBUG"):
                raise
            raise SystemExit(_report_fault(error)) from None

    return guarded


def _report(error: StillwatchError) -> int:
    from stillwatch.cli.output import say

    first, *details = str(error).split("\n")
    say(f"stillwatch: {first}")
    for line in details:
        say(line)
    return 2 if isinstance(error, UsageError) else 1


def _report_fault(error: Exception) -> int:
    """A fault of ours: its kind and place. Its message is held back: a library may have quoted a prompt in it."""
    from stillwatch.cli.output import say

    say(f"stillwatch: internal fault: {type(error).__name__} at {_place(error.__traceback__)}")
    say(
        "  next: run again with STILLWATCH_DEBUG=1 for the whole trace, which may quote your data, and report the place"
    )
    return 1


def _place(trace: TracebackType | None) -> str:
    frames = [frame for frame in traceback.extract_tb(trace) if "stillwatch" in frame.filename]
    return f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else "an unknown place"


def _reader_left() -> int:
    """Point stdout at nothing, or Python's own flush at exit would complain about the closed pipe."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141


def _tolerate_any_encoding() -> None:
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
