"""What is in force, as the decision path reads it: an immutable file that is mapped, and a pointer to it.

STORE/decisions/<name>.snap is never changed once it stands; STORE/decisions/current names it, and is replaced by one
rename. Rows are found by a keyed 128-bit hash of the account's id, sorted: ids do not stand in the file. The file:

    header   magic, version, rows, bytes of the heap, when it was made, fingerprint of the key, SHA-256 of all the rest
    prefixes rows × 8 bytes, ascending      suffixes rows × 8 bytes: the two halves of the hash
    rows     rows × 48 bytes: start, expiry, and where shape, id, notice and appeal stand in the heap
    heap     length and bytes, one after another; equal ones stand once

Whatever is wrong with a file is told when it is opened, and the reader keeps the one before. A file that somebody cuts
while it is mapped ends the process that reads it (SIGBUS): never write into this folder by hand.
"""

import hashlib
import json
import mmap
import struct
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from stillwatch.errors import StoreError
from stillwatch.records import InForce, Obligation, PolicyRef, Rung

VERSION = 1
HEADER = struct.Struct("<8sIIQQq16s32s8x")
DIGEST = 56
"""Where the checksum stands in the header; it is made with noughts there."""
MAGIC = b"SWINFORC"
ROW = struct.Struct("<qqQQQQ")
LENGTH = struct.Struct("<I")
CHUNK = 1 << 18
"""Bytes that are checked at once, between which a reader may let others run."""

ACCOUNT, KEY = b"a", b"k"
"""Ids of accounts and of API keys are apart: nobody is found by a name that another chose."""

Pause = Callable[[], None]

_Shape = tuple[str, Rung, tuple[Obligation, ...], str, str, PolicyRef]


def hashed(name: str, key: bytes, kind: bytes = ACCOUNT) -> tuple[int, int]:
    """The two halves of the hash under which an id's rows stand."""
    said = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16, key=key, person=kind).digest()
    return int.from_bytes(said[:8], "little"), int.from_bytes(said[8:], "little")


class _Heap:
    """Byte strings, each once; `put` says where one stands."""

    def __init__(self) -> None:
        self.size = 0
        self.parts: list[bytes] = []
        self._places: dict[bytes, int] = {}

    def put(self, said: bytes) -> int:
        place = self._places.get(said)
        if place is None:
            place = self._places[said] = self.size
            self.parts += [LENGTH.pack(len(said)), said]
            self.size += LENGTH.size + len(said)
        return place


def snapshot_bytes(
    actions: Sequence[InForce], now: int, key: bytes = b"", aliases: Mapping[str, str] | None = None
) -> bytes:
    """The file's bytes, the same in whatever order the actions come. What is over by `now` is left out.

    `aliases` says which account an API key belongs to: its rows are found by the key's id too.
    """
    standing = sorted({one for one in actions if one.expires_at > now}, key=_order)
    keys_of: dict[str, list[str]] = {}
    for alias, account in (aliases or {}).items():
        keys_of.setdefault(account, []).append(alias)
    heap = _Heap()
    found: list[tuple[int, int, bytes]] = []
    for one in standing:
        row = _row(one, heap)
        found.append((*hashed(one.account_id, key), row))
        found += [(*hashed(alias, key, KEY), row) for alias in sorted(keys_of.get(one.account_id, ()))]
    found.sort(key=lambda held: held[:2])  # stable: rows of one id stay in the order of the actions
    body = b"".join(
        [
            _words(held[0] for held in found),
            _words(held[1] for held in found),
            *(held[2] for held in found),
            *heap.parts,
        ]
    )
    return _header(len(found), heap.size, now, key, body) + body


def _order(one: InForce) -> tuple[object, ...]:
    return (one.account_id, one.action_id, one.starts_at, one.expires_at, _shape(one), one.notice, one.appeal_url)


def _row(one: InForce, heap: _Heap) -> bytes:
    texts = (_shape(one), *(t.encode("utf-8", "surrogatepass") for t in (one.action_id, one.notice, one.appeal_url)))
    try:
        return ROW.pack(one.starts_at, one.expires_at, *map(heap.put, texts))
    except struct.error:
        raise StoreError(
            "an action whose times no clock reaches", where=one.action_id,
            wanted="microseconds since 1970 of at most 63 bits",
        ) from None  # fmt: skip


def _shape(one: InForce) -> bytes:
    """What many actions share, as JSON."""
    policy = [one.policy.id, one.policy.version, one.policy.hash]
    obliged = [[o.type, [list(setting) for setting in o.settings]] for o in one.obligations]
    return json.dumps(
        [one.group, int(one.rung), obliged, one.mode, one.reason_code, policy], separators=(",", ":")
    ).encode()


def _words(numbers: Iterator[int]) -> bytes:
    held = array("Q", numbers)
    if struct.pack("=H", 1) != struct.pack("<H", 1):
        held.byteswap()
    return held.tobytes()


def key_mark(key: bytes) -> bytes:
    """What a file remembers of its key: a one-way function of it."""
    return hashlib.blake2b(key, digest_size=16, person=b"snapshot key").digest()


def _header(rows: int, heap: int, now: int, key: bytes, body: bytes) -> bytes:
    head = HEADER.pack(MAGIC, VERSION, 0, rows, heap, now, key_mark(key), bytes(32))
    return HEADER.pack(MAGIC, VERSION, 0, rows, heap, now, key_mark(key), hashlib.sha256(head + body).digest())


class Snapshot:
    """An open file. `Snapshot.open` checks it whole; `find` and `find_key` read what stands for an id."""

    def __init__(self, path: Path, held: memoryview, key: bytes) -> None:
        _, _, _, self.rows, heap, self.made_at, *_ = HEADER.unpack_from(held)
        self.path = path
        self._key = key
        at = HEADER.size
        self._prefixes = held[at : at + 8 * self.rows].cast("Q")
        self._suffixes = held[at + 8 * self.rows : at + 16 * self.rows].cast("Q")
        self._rows = held[at + 16 * self.rows : at + (16 + ROW.size) * self.rows]
        self._heap = held[len(held) - heap :]
        self._shapes: dict[int, _Shape] = {}

    @classmethod
    def open(cls, path: Path, key: bytes = b"", pause: Pause | None = None) -> "Snapshot":
        """Map a file and check all of it. Raises StoreError where it is damaged, of another version or of another key.

        `pause` is called between parts, so that who shares the core is not held up.
        """
        try:
            with path.open("rb") as file:
                held = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except (OSError, ValueError) as error:  # ValueError: an empty file cannot be mapped
            raise _damaged(path, f"no file that can be mapped ({error})") from error
        _check(path, held, key, pause or _no_pause)
        return cls(path, held, key)

    def __len__(self) -> int:
        return int(self.rows)

    def find(self, account_id: str) -> tuple[InForce, ...]:
        """The actions about an account. Costs a binary search: a microsecond where there is none."""
        return self._found(account_id, ACCOUNT)

    def find_key(self, api_key_id: str) -> tuple[InForce, ...]:
        """The actions about the account of an API key, under the key's id."""
        return self._found(api_key_id, KEY)

    def _found(self, name: str, kind: bytes) -> tuple[InForce, ...]:
        prefix, suffix = hashed(name, self._key, kind)
        place = bisect_left(self._prefixes, prefix)
        found = []
        while place < self.rows and self._prefixes[place] == prefix:
            if self._suffixes[place] == suffix:
                found.append(self._action(place, name))
            place += 1
        return tuple(found)

    def _action(self, place: int, name: str) -> InForce:
        starts, expires, shape, action, notice, appeal = ROW.unpack_from(self._rows, place * ROW.size)
        group, rung, obligations, mode, reason, policy = self._shape(shape)
        return InForce(
            self._text(action), name, group, rung, obligations, mode, reason, self._text(notice), self._text(appeal),
            starts, expires, policy,
        )  # fmt: skip

    def _text(self, at: int) -> str:
        return self._bytes(at).decode("utf-8", "replace")

    def _bytes(self, at: int) -> bytes:
        start = at + LENGTH.size
        return bytes(self._heap[start : start + LENGTH.unpack_from(self._heap, at)[0]])

    def _shape(self, at: int) -> _Shape:
        held = self._shapes.get(at)
        if held is None:
            group, rung, obliged, mode, reason, policy = json.loads(self._bytes(at))
            obligations = tuple(Obligation(type, tuple((n, v) for n, v in settings)) for type, settings in obliged)
            if len(self._shapes) >= 4096:
                self._shapes.clear()
            held = self._shapes[at] = (group, Rung(rung), obligations, mode, reason, PolicyRef(*policy))
        return held


def _no_pause() -> None:
    return


def _damaged(path: Path, found: str, wanted: str = "a whole snapshot") -> StoreError:
    return StoreError(
        "this snapshot of decisions cannot be used", where=str(path), found=found, wanted=wanted,
        next_step="publish the actions in force again; until then the snapshot before goes on",
    )  # fmt: skip


def _check(path: Path, held: memoryview, key: bytes, pause: Pause) -> None:
    if len(held) < HEADER.size or bytes(held[:8]) != MAGIC:
        raise _damaged(path, f"{len(held)} bytes that do not begin as a snapshot does")
    _, version, _, rows, heap, _, mark, said = HEADER.unpack_from(held)
    if version != VERSION:
        raise _damaged(path, f"version {version}", f"version {VERSION}")
    if len(held) != HEADER.size + rows * (16 + ROW.size) + heap:
        raise _damaged(path, f"{len(held)} bytes for {rows} rows and a heap of {heap}")
    digest = hashlib.sha256(bytes(held[:DIGEST]) + bytes(32) + bytes(held[DIGEST + 32 : HEADER.size]))
    for at in range(HEADER.size, len(held), CHUNK):
        digest.update(held[at : at + CHUNK])
        pause()
    if digest.digest() != said:
        raise _damaged(path, "a checksum that is not its own")
    if mark != key_mark(key):
        raise _damaged(path, "ids hashed under another key", "the key that it was written with")
