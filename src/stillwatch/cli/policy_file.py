"""A policy's file as commands read it."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stillwatch.respond.policy import Policy


def policy_bytes(file: Path) -> bytes:
    """The file's bytes, and one more than a policy may have where it is longer. Raises SourceError."""
    from stillwatch.errors import SourceError
    from stillwatch.respond.yaml_text import LONGEST

    try:
        with file.open("rb") as source:
            return source.read(LONGEST + 1)
    except OSError as error:
        raise SourceError("the policy cannot be read", where=str(file), found=error.strerror or "") from None


def policy_of(file: Path) -> "Policy":
    """The policy in a file, for use. Raises SourceError where it cannot be read, UsageError with all errors by line
    where it holds one."""
    from stillwatch.respond.lint import load_policy

    return load_policy(policy_bytes(file), str(file))
