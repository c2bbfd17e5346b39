"""Lines of a file that may be compressed, hostile or cut short, in blocks of bounded size.

Memory holds one block and one line of at most LONGEST_LINE bytes, whatever the file claims. What came before a
fault is kept; the place of the fault and of what could not be read is named.
"""

import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import zstandard

BLOCK = 8 << 20
BLOCK_LINES = 32_768
LONGEST_LINE = 16 << 20
LONGEST_WASTE = 64 << 20
"""Bytes of one line after which the rest of the file is given up."""

RATIO_FROM = 64 << 20
RATIOS = {"gz": 250, "zst": 5_000}
"""A file that has given RATIO_FROM bytes, and so many times what it holds, is a bomb. Measured: simulated logs 5-fold
with gzip; lines that share a prompt of 29 KB and differ in ids 118-fold with gzip, 865-fold with zstd."""

_PIECE = 1 << 20
_ZSTD_PIECE = 1 << 10  # 4 bytes of zstd can stand for a block of 128 KiB, so 1 KiB unpacks to 32 MiB at most
_ZSTD_WINDOW = 1 << 27


@dataclass(frozen=True)
class Fault:
    """A line, or the rest of the file from a line on, that cannot be read. `found` is a kind, never text."""

    row: int
    found: str
    wanted: str


@dataclass
class Block:
    """Lines without their ends, the 1-based place of each (blank ones are left out), and bytes of the file so far."""

    lines: list[bytes] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    size: int = 0
    consumed: int = 0


class _Broken(Exception):
    """The rest of a file cannot be read."""

    def __init__(self, found: str, wanted: str) -> None:
        self.found = found
        self.wanted = wanted
        super().__init__(found)


def unreadable(path: Path) -> str:
    """What stands in the place of a file that could be read; empty where a regular file does."""
    try:
        return "" if stat.S_ISREG(path.stat().st_mode) else "no regular file (a pipe, socket, device or folder)"
    except OSError as error:
        return f"a file that cannot be read ({type(error).__name__})"


def packing_of(path: Path, named: str) -> str:
    """How a file is packed, by its first bytes; by its name (`named`) where they do not tell.

    Names lie: a download unpacks what keeps its `.gz`, and a logger packs what it calls `.jsonl`.
    """
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError:
        return named
    known = next((packing for magic, packing in _MAGIC if head.startswith(magic)), None)
    if known is not None:
        return known
    return "" if named and head.removeprefix(_BOM).lstrip()[:1] in (b"{", b"[") else named


_BOM = b"\xef\xbb\xbf"
_MAGIC = (
    (b"\x1f\x8b", "gz"), (b"\x28\xb5\x2f\xfd", "zst"),
    *((bytes((n, 0x2A, 0x4D, 0x18)), "zst") for n in range(0x50, 0x60)), (b"PAR1", "parquet"), (b"PARE", "parquet"),
)  # fmt: skip
"""First bytes of packed files: gzip (RFC 1952), zstd's frames and skippable ones (RFC 8878), Parquet's."""

_UTF8 = "JSON in UTF-8 (iconv -f UTF-16 -t UTF-8 makes it so)"
_UNPACKED = "gzip, zstd, or no packing"
_STRANGE = (
    *((mark, "text in UTF-16 or UTF-32", _UTF8) for mark in (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")),
    *((mark, "text in UTF-16 or UTF-32", _UTF8) for mark in (b"{\0", b"[\0", b"\0{", b"\0[", b"\0\0\0{", b"\0\0\0[")),
    (b"PK\x03\x04", "a zip archive", _UNPACKED), (b"BZh", "data packed by bzip2", _UNPACKED),
    (b"\xfd7zXZ", "data packed by xz", _UNPACKED), (b"7z\xbc\xaf", "a 7z archive", _UNPACKED),
)  # fmt: skip
"""How a file begins that no line of can be read, what it is, and what to make of it."""


def blocks(path: Path, compression: str) -> Iterator[Block]:
    """The lines of a file; `compression` is "", "gz" or "zst". Faults come in the blocks, never as exceptions."""
    splitter = _Splitter()
    try:
        for piece, consumed in _pieces(path, compression):
            splitter.feed(piece if splitter.has_begun else _familiar(piece))
            splitter.block.consumed = consumed
            if splitter.is_full():
                yield splitter.take()
        splitter.end_line()
    except _Broken as why:
        splitter.fault(f"the {'rest of the' if splitter.has_begun else 'whole'} file: {why.found}", why.wanted)
    yield splitter.take()


def _familiar(piece: bytes) -> bytes:
    """The first piece of a file, unless it is text or packing that this reader does not know. Raises _Broken."""
    for mark, found, wanted in _STRANGE:
        if piece.startswith(mark):
            raise _Broken(found, wanted)
    return piece


def unpacked(path: Path, compression: str, longest: int) -> tuple[bytes, Fault | None] | None:
    """A whole file, unpacked, and why it breaks off where it does; None where it is longer than `longest` bytes."""
    pieces: list[bytes] = []
    size = 0
    try:
        for piece, _ in _pieces(path, compression):
            pieces.append(piece if size else _familiar(piece))
            size += len(piece)
            if size > longest:
                return None
    except _Broken as why:
        return b"".join(pieces), Fault(1, why.found, why.wanted)
    return b"".join(pieces), None


def first_line(path: Path, compression: str) -> bytes:
    """The first line of a file that is not blank, or its first piece; empty where there is none."""
    head = b""
    try:
        for piece, _ in _pieces(path, compression):
            head = (head + piece).removeprefix(_BOM).lstrip()
            if head:
                break
    except _Broken:
        pass
    return head.split(b"\n", 1)[0].strip()


class _Splitter:
    """Collects pieces into lines. A line over LONGEST_LINE is dropped up to its end and counted as a fault."""

    def __init__(self) -> None:
        self.block = Block()
        self._row = 1
        self._parts: list[bytes] = []
        self._length = 0

    @property
    def has_begun(self) -> bool:
        """Whether anything of the file has come."""
        return self._row > 1 or self._length > 0

    def is_full(self) -> bool:
        return self.block.size >= BLOCK or len(self.block.lines) >= BLOCK_LINES or len(self.block.faults) >= BLOCK_LINES

    def take(self) -> Block:
        block, self.block = self.block, Block(consumed=self.block.consumed)
        return block

    def fault(self, found: str, wanted: str) -> None:
        self.block.faults.append(Fault(self._row, found, wanted))

    def feed(self, piece: bytes) -> None:
        """The next bytes of the file, cut anywhere: whole lines go to the block, the rest waits for the next piece."""
        if piece.isspace() and not any(part and not part.isspace() for part in self._parts):
            self._parts, self._length = [], 0
            self._row += piece.count(b"\n")
            return
        first, *others = piece.split(b"\n")
        self._grow(first)
        if not others:
            return
        last = others.pop()
        self.end_line()
        for line in others:
            if line:
                self._add(line, len(line))
            else:
                self._row += 1
        self._grow(last)

    def end_line(self) -> None:
        """The line in progress is whole."""
        self._add(b"".join(self._parts), self._length)
        self._parts, self._length = [], 0

    def _add(self, line: bytes, length: int) -> None:
        if self._row == 1:
            line = line.removeprefix(_BOM)
        if length > LONGEST_LINE:
            self.fault(f"line of over {LONGEST_LINE >> 20} MiB", _SHORT_ENOUGH)
        elif line and not line.isspace():
            self.block.lines.append(line)
            self.block.rows.append(self._row)
            self.block.size += len(line)
        self._row += 1

    def _grow(self, part: bytes) -> None:
        self._length += len(part)
        if self._length <= LONGEST_LINE:
            self._parts.append(part)
        elif self._length <= LONGEST_WASTE:
            self._parts = []
        else:
            self._parts = []
            raise _Broken(f"a line of over {LONGEST_WASTE >> 20} MiB", _SHORT_ENOUGH)


_SHORT_ENOUGH = f"line of at most {LONGEST_LINE >> 20} MiB"


def _pieces(path: Path, compression: str) -> Iterator[tuple[bytes, int]]:
    """Unpacked pieces of at most _PIECE bytes, each with the bytes of the file read so far."""
    given = 0
    try:
        with path.open("rb") as file:
            for data in _UNPACKERS[compression](file):
                given += len(data)
                most = RATIOS.get(compression)
                if most and given > RATIO_FROM and given > most * file.tell():
                    raise _Broken(f"data that grow over {most:,}-fold when unpacked", "logs, not a bomb")
                for start in range(0, len(data), _PIECE):
                    yield data[start : start + _PIECE], file.tell()
    except OSError as error:
        raise _Broken(f"a file that cannot be read ({type(error).__name__})", "readable file") from None


def _plain(file: BinaryIO) -> Iterator[bytes]:
    while data := file.read(_PIECE):
        yield data


def _gunzip(file: BinaryIO) -> Iterator[bytes]:
    """The members of a gzip file one after another; zeros after the last, as tapes have them, are passed over."""
    unpacker = zlib.decompressobj(wbits=31)
    fresh = True
    data = file.read(_PIECE >> 4)
    while data:
        if fresh:
            data = data.lstrip(b"\0")
        before = unpacker.copy()
        try:
            out = unpacker.decompress(data, _PIECE) if data else b""
        except zlib.error:
            yield _saved(before, data)
            raise _Broken("damaged gzip data", "whole gzip file") from None
        fresh = fresh and not data
        yield out
        data = unpacker.unconsumed_tail
        if unpacker.eof:
            data, unpacker, fresh = unpacker.unused_data, zlib.decompressobj(wbits=31), True
        data = data or file.read(_PIECE >> 4)
    if not fresh:
        raise _Broken("gzip data that end too early", "whole gzip file")


def _saved(unpacker: "zlib._Decompress", data: bytes) -> bytes:
    """What comes out of gzip data before the first byte that is damaged, at most _PIECE bytes."""
    out = bytearray()
    for start in range(len(data)):
        try:
            out += unpacker.decompress(data[start : start + 1], _PIECE)
        except zlib.error:
            break
        if len(out) >= _PIECE:
            break
    return bytes(out[:_PIECE])


def _unzstd(file: BinaryIO) -> Iterator[bytes]:
    """The frames of a zstd file one after another."""
    context = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    unpacker = context.decompressobj(write_size=_PIECE >> 4)
    fresh = True
    data = file.read(_ZSTD_PIECE)
    while data:
        try:
            out = unpacker.decompress(data)
        except zstandard.ZstdError:
            raise _Broken("damaged zstd data", "whole zstd file") from None
        fresh = False
        yield out
        data = b""
        if unpacker.eof:
            data, unpacker, fresh = unpacker.unused_data, context.decompressobj(write_size=_PIECE >> 4), True
        data = data or file.read(_ZSTD_PIECE)
    if not fresh:
        raise _Broken("zstd data that end too early", "whole zstd file")


_UNPACKERS = {"": _plain, "gz": _gunzip, "zst": _unzstd}
