"""The map: files to batches that the store may keep. Read, pass over what was erased, hide names, sketch.

A batch needs nothing of any other, so files are taken by several processes where there is enough to do; what comes
out, and its order, are those of one process. Text stays in the memory of the process that reads it.
"""

import signal
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import get_context

import pyarrow as pa

from stillwatch.content.sketch import sketch
from stillwatch.errors import SourceError
from stillwatch.ingest.pseudonyms import hidden, protected
from stillwatch.ingest.rows import Batch
from stillwatch.ingest.sources import SourceFile, read
from stillwatch.records import QuarantinedRow
from stillwatch.store.suppress import Suppression

AHEAD = 3
"""Batches that may wait between reading, sketching and writing: the bound of memory."""

WORTH_PROCESSES = 64 << 20
"""Bytes of files from which further processes are started: each takes some two seconds to begin."""

LARGEST_WHOLE = 512 << 20
"""Bytes of a file beyond which this process reads it batch by batch: a process answers with a whole file's sketches."""

Sketch = Callable[[pa.RecordBatch, bytes], pa.RecordBatch]


@dataclass(frozen=True)
class Intake:
    """What a batch meets on its way into one store: the store's keys, its list of erased accounts, the sketch."""

    sketch_key: bytes
    pseudonym_key: bytes
    epoch: int
    every_name: bool
    erased: Suppression
    sketch: Sketch = sketch

    def take(self, file: SourceFile, given: Batch) -> "Taken":
        """One batch as the store may keep it: rows of tables.SKETCHED, or of a small table."""
        hidden = self._hide(file, given)
        if file.table != "exchanges":
            return hidden
        return replace(hidden, batch=sketched(self.sketch, hidden.batch, self.sketch_key, file.label))

    def _hide(self, file: SourceFile, given: Batch) -> "Taken":
        young = self.erased.in_time(file.table, given.rows)
        stays = young & self.erased.kept(file.table, given.rows)
        rows, secrets = protected(
            given.rows.filter(pa.array(stays)), self.pseudonym_key, self.epoch, every_name=self.every_name
        )
        places = given.places[stays] if len(given.places) else given.places
        bad = [
            replace(row, exchange_id=hidden(row.exchange_id, self.pseudonym_key, self.epoch))
            for row in given.quarantined
        ]
        passed = int((young & ~stays).sum()), int((~young).sum())
        return Taken(replace(given, rows=rows, places=places, quarantined=bad), secrets, *passed)


@dataclass(frozen=True)
class Taken:
    """A batch that the store may keep, how many of its ids looked like API keys, and how many rows were passed over: of
    erased accounts, and of days that are over their time."""

    batch: Batch
    secrets: int
    suppressed: int
    expired: int
    written: int = 0
    """Rows that are in the store already, and not in the batch: a cluster's tasks write their own."""


def taken(files: list[SourceFile], intake: Intake, processes: int) -> Iterator[tuple[SourceFile, Taken]]:
    """The batches of all files, in the order of the files and of their rows. Raises SourceError.

    With more than one process, which must be able to import the calling program's main module without harm, files are
    read side by side where that is worth their start.
    """
    large = [file for file in files if file.table == "exchanges"]
    if processes > 1 and len(large) > 1 and sum(file.size for file in large) >= WORTH_PROCESSES:
        yield from _by_processes(files, intake, processes)
    else:
        yield from _here(files, intake)


def _here(files: list[SourceFile], intake: Intake) -> Iterator[tuple[SourceFile, Taken]]:
    """This process reads, two threads sketch."""
    with ThreadPoolExecutor(2) as pool:
        waiting: deque[tuple[SourceFile, Future[Taken]]] = deque()
        for file in files:
            for given in read(file):
                waiting.append((file, pool.submit(intake.take, file, given)))
                while len(waiting) > AHEAD:
                    done, future = waiting.popleft()
                    yield done, future.result()
        for done, future in waiting:
            yield done, future.result()


def _by_processes(files: list[SourceFile], intake: Intake, processes: int) -> Iterator[tuple[SourceFile, Taken]]:
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _ignore_interrupts)
    waiting: deque[tuple[SourceFile, Future[list[Taken]] | None]] = deque()
    left = iter(files)
    try:
        while True:
            while len(waiting) < 2 * processes and (file := next(left, None)):
                small = file.table == "exchanges" and file.size <= LARGEST_WHOLE
                waiting.append((file, pool.submit(_whole, file, intake) if small else None))
            if not waiting:
                return
            done, future = waiting.popleft()
            yield from _here([done], intake) if future is None else ((done, one) for one in future.result())
    except BrokenProcessPool as error:
        raise SourceError(
            "a process that read files was ended from outside, perhaps for want of memory",
            next_step="once more with --processes 1; what was written stays, and nothing is counted twice",
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _ignore_interrupts() -> None:
    """The process that was asked to stop stops the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _whole(file: SourceFile, intake: Intake) -> list[Taken]:
    return [intake.take(file, given) for given in read(file)]


def sketched(sketch: Sketch, batch: Batch, key: bytes, label: str) -> Batch:
    """The batch with its rows sketched. A row that cannot be goes to quarantine; its neighbours are tried apart."""
    try:
        return replace(batch, rows=sketch(batch.rows, key))
    except Exception as error:
        rows = batch.rows
        if rows.num_rows == 1:
            found = f"exchange that cannot be sketched ({type(error).__name__})"
            known = rows["exchange_id"][0].as_py()
            bad = QuarantinedRow(label, int(batch.places[0]), None, found, "text that can be read", known)
            return replace(batch, rows=sketch(rows.slice(0, 0), key), quarantined=[*batch.quarantined, bad])
        if rows.num_rows == 0:
            raise
    half = rows.num_rows // 2
    parts = [
        sketched(sketch, Batch(rows.slice(start, length), [], 0, batch.places[start : start + length]), key, label)
        for start, length in ((0, half), (half, rows.num_rows - half))
    ]
    bad_rows = [*batch.quarantined, *(row for part in parts for row in part.quarantined)]
    return replace(batch, rows=pa.concat_batches([part.rows for part in parts]), quarantined=bad_rows)
