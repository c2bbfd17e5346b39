"""Where measured points lie: a file of JSON lines that grows as they finish, so that a run of hours can be stopped.

A point that is there is passed over, if this very build measured it: what other code found is on no curve with it.
"""

import hashlib
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import stillwatch
from stillwatch.errors import SourceError, StoreError

POINT_SCHEMA = "stillwatch/frontier-point/v1"
FILE = "frontier.jsonl"
NEEDED = {"build", "measure", "rivals", "dollars", "extraction_exchanges", "seconds"}
"""What no point lacks, beside what names it."""
SHOWING = ("cli/", "console/", "benchmark/frontier/summary.py")
"""What adds results up or shows them, and cannot change a point."""

Key = tuple[str, int, float]


@cache
def build() -> str:
    """A digest of all code and data that a result depends on."""
    house = Path(stillwatch.__file__).parent
    digest = hashlib.blake2b(digest_size=8)
    for file in sorted(house.rglob("*")):
        place = file.relative_to(house).as_posix()
        if file.is_file() and file.suffix != ".pyc" and not place.startswith(SHOWING):
            digest.update(f"{place}\0{file.stat().st_size}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def key_of(record: dict[str, Any]) -> Key:
    """What a point is: the evasion, the seed, the scale."""
    return str(record["evasion"]), int(record["seed"]), float(record["scale"])


class Ledger:
    """The points of a folder, or, without one, those of this run alone.

    Args:
        folder: holds `frontier.jsonl`, or will.

    Raises:
        SourceError: a line of the file is no measured point.
    """

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / FILE if folder else None
        self._held: dict[Key, dict[str, Any]] = {}
        self.strangers = 0
        """Lines that another build wrote; they stay in the file and are not used."""
        for number, line in enumerate(self._lines(), 1):
            self._read(number, line)

    def get(self, key: Key) -> dict[str, Any] | None:
        """A measured point, if it is there."""
        return self._held.get(key)

    def add(self, record: dict[str, Any]) -> None:
        """Keep a point, on disk before this returns.

        Raises:
            StoreError: the disk refuses.
        """
        self._held[key_of(record)] = record
        if self._path is None:
            return
        try:
            with self._path.open("ab") as file:
                file.write(json.dumps(record, allow_nan=False).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StoreError(f"cannot write ({error.strerror})", where=str(self._path)) from error

    def _lines(self) -> list[str]:
        """Whole lines; one that a killed run left half written is cut off the file."""
        if self._path is None or not self._path.exists():
            return []
        try:
            data = self._path.read_bytes()
            whole, _, torn = data.rpartition(b"\n")
            if torn:
                with self._path.open("r+b") as file:
                    file.truncate(len(data) - len(torn))
        except OSError as error:
            raise SourceError(f"cannot be read ({error.strerror})", where=str(self._path)) from error
        return whole.decode("utf-8", "replace").split("\n") if whole else []

    def _read(self, number: int, line: str) -> None:
        try:
            record = json.loads(line)
            known = record["schema"] == POINT_SCHEMA and record.keys() >= NEEDED
            key = key_of(record)
        except (ValueError, KeyError, TypeError, AttributeError):
            known = False
        if not known:
            raise SourceError("a line is no measured point", where=f"{self._path}:{number}", found=line[:80],
                              next_step="remove the line, or name another --out")  # fmt: skip
        if record["build"] == build():
            self._held[key] = record
        else:
            self.strangers += 1
