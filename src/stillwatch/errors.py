"""Every error that Stillwatch raises on purpose. Errors carry strings and ids only, never objects of upper floors.

StillwatchError
├── UsageError        what the caller asked for cannot be done as asked (exit code 2)
├── SourceError       a source, or a file in it, cannot be read at all
├── StoreError        a store is missing, damaged, or held by another process
└── ContractError     a stage's table does not have the columns or types that it promised
"""

from collections.abc import Sequence


def first_of(names: Sequence[str], most: int) -> str:
    """The first of many names, for words that say what was found, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


class StillwatchError(Exception):
    """Base of every error raised on purpose.

    ``where`` is a file, folder or table; ``found`` and ``wanted`` say what was there and what should have been;
    ``next_step`` is what to type or do next.
    """

    def __init__(
        self, message: str, *, where: str = "", found: str = "", wanted: str = "", next_step: str = ""
    ) -> None:
        self.message = message
        self.where = where
        self.found = found
        self.wanted = wanted
        self.next_step = next_step
        super().__init__(str(self))

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.message}" if self.where else self.message]
        lines += [f"  {label}: {text}" for label, text in self._details() if text]
        return "\n".join(lines)

    def _details(self) -> list[tuple[str, str]]:
        return [("found", self.found), ("wanted", self.wanted), ("next", self.next_step)]


class UsageError(StillwatchError):
    """What the caller asked for cannot be done as asked; the command line exits with 2."""


class SourceError(StillwatchError):
    """A source, or one file of it, cannot be read at all (a bad row goes to quarantine instead)."""


class StoreError(StillwatchError):
    """A store is missing, damaged, or held by another process."""


class ContractError(StillwatchError):
    """A table does not have the columns or types that its stage promised."""
