"""What a stage's SQL runs on: the seam between one machine and a cluster."""

from collections.abc import Iterable, Iterator
from typing import Protocol

import pyarrow as pa

from stillwatch.records import Step


class Engine(Protocol):
    """Runs SQL steps in order and answers with Arrow tables. Errors: ContractError names the step that failed."""

    def register(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table readable under a name; a second table of that name replaces the first."""

    def view(self, name: str, sql: str) -> None:
        """Make a name for a query over files: read when asked, never copied."""

    def run(self, steps: Iterable[Step]) -> None:
        """Make each step's table, in order."""

    def arrow(self, sql: str) -> pa.Table:
        """The answer of one query."""

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The answer of one query, some rows at a time and in any order: nothing else may be asked before its end."""

    def rest(self) -> None:
        """Hold as little in memory as can be until the next step is run: others need it now."""

    def rename(self, name: str, new_name: str) -> None:
        """Give a table another name; a table that has it already is dropped."""
