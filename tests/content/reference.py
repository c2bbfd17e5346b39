"""The kernel in slow and obvious Python: what `stillwatch.content.kernel` must answer, word for word and bit for bit.

Integers are Python's, masked to 64 bits by hand; texts are ASCII or any UTF-8 that the normaliser gives.
"""

import hashlib
import re
import struct

WORD = 0xFFFFFFFFFFFFFFFF
C1, C2, C3 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
SLOT = 0x5151515151515151
LONG_LINE, BINS, EDGE, VOTES = 30, 16, 8, 16


def keys_of(key: bytes) -> tuple[int, int, int, int]:
    word0, word1, seal0, seal1 = struct.unpack("<4Q", hashlib.blake2b(key, digest_size=32).digest())
    return word0, word1, seal0, seal1


def mix(value: int) -> int:
    value = ((value ^ (value >> 30)) * C2) & WORD
    value = ((value ^ (value >> 27)) * C3) & WORD
    return value ^ (value >> 31)


def chain(state: int, value: int) -> int:
    return _turn(((state ^ value) * C2) & WORD, 31)


def _turn(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (64 - bits))) & WORD


def siphash(key0: int, key1: int, value: int) -> int:
    """SipHash-2-4 of eight bytes, after the paper's own text (Aumasson and Bernstein 2012, section 2)."""
    v = [key0 ^ 0x736F6D6570736575, key1 ^ 0x646F72616E646F6D, key0 ^ 0x6C7967656E657261, key1 ^ 0x7465646279746573]

    def sip_round() -> None:
        v[0] = (v[0] + v[1]) & WORD
        v[2] = (v[2] + v[3]) & WORD
        v[1], v[3] = _turn(v[1], 13) ^ v[0], _turn(v[3], 16) ^ v[2]
        v[0] = _turn(v[0], 32)
        v[2] = (v[2] + v[1]) & WORD
        v[0] = (v[0] + v[3]) & WORD
        v[1], v[3] = _turn(v[1], 17) ^ v[2], _turn(v[3], 21) ^ v[0]
        v[2] = _turn(v[2], 32)

    for block in (value, 8 << 56):
        v[3] ^= block
        sip_round()
        sip_round()
        v[0] ^= block
    v[2] ^= 0xFF
    for _ in range(4):
        sip_round()
    return v[0] ^ v[1] ^ v[2] ^ v[3]


class Sketch:
    """Everything that the kernel keeps of one ASCII text."""

    def __init__(self, text: str, key: bytes) -> None:
        self.word0, self.word1, self.seal0, self.seal1 = keys_of(key)
        self._split(re.sub(r"(?<=[A-Za-z\x80-\U0010ffff])\*{1,3}(?=[A-Za-z\x80-\U0010ffff])", "", text))
        self._long_lines()

    def _split(self, text: str) -> None:
        """Words with (number or quoted, short) marks, their sentence and their line."""
        self.words: list[int] = []
        self.masked: list[bool] = []
        self.number: list[bool] = []
        self.short: list[bool] = []
        self.letters: list[bytes] = []
        self.sentence: list[int] = []
        self.line: list[int] = []
        quoted = fenced = False
        sentence = line = at = 0
        while at < len(text):
            if text[at].isascii() and text[at].isalnum():
                end = at
                while end < len(text) and text[end].isascii() and text[end].isalnum():
                    end += 1
                letters = text[at:end].lower().encode()
                blocks = [int.from_bytes(letters[k : k + 8], "little") for k in range(0, len(letters) + 1, 8)]
                self.words.append(mix(self._chained(self.word0, blocks)))
                self.number.append(text[at:end].isdigit())
                self.masked.append(text[at:end].isdigit() or quoted or fenced)
                self.short.append(end - at < 4)
                self.letters.append(letters)
                self.sentence.append(sentence)
                self.line.append(line)
                at = end
                continue
            if text[at] == "\n":
                sentence, line, quoted = sentence + 1, line + 1, False
            elif text[at] == '"':
                quoted = not quoted
            elif text[at : at + 3] == "```":
                fenced, at = not fenced, at + 2
            elif text[at] == "`":
                quoted = not quoted
            elif text[at] in ".!?:" and (at + 1 == len(text) or ord(text[at + 1]) <= 32):
                sentence += 1
            at += 1

    def _long_lines(self) -> None:
        for place, line in enumerate(self.line):
            if self.line.count(line) > LONG_LINE:
                self.masked[place] = True

    def _sealed(self, state: int) -> int:
        return siphash(self.seal0, self.seal1, state)

    def _chained(self, start: int, values: list[int]) -> int:
        for value in values:
            start = chain(start, value)
        return start

    def exact(self) -> int | None:
        return self._sealed(self._chained(self.word1, self.words)) if self.words else None

    def skeleton(self) -> tuple[int | None, list[int]]:
        """The skeleton, where four words of it are literal, and the first four masked runs of three words and more."""
        runs: list[list[int]] = [[]]
        values: list[int] = []
        for word, masked in zip(self.words, self.masked, strict=True):
            if masked and not runs[-1]:
                values.append(SLOT)
            if masked:
                runs[-1].append(word)
            else:
                values.append(word)
                runs.append([])
        fillers = [self._sealed(self._chained((self.word1 + SLOT) & WORD, run)) for run in runs if len(run) >= 3]
        literal = self.masked.count(False)
        sealed = self._sealed(self._chained((self.word1 + C1) & WORD, values)) if literal >= 4 else None
        return sealed, fillers[:4]

    def edges(self) -> tuple[int | None, int | None]:
        if len(self.words) < 4:
            return None, None
        shown = [SLOT if number else word for word, number in zip(self.words, self.number, strict=True)]
        head = self._sealed(self._chained((self.word1 + C2) & WORD, shown[:EDGE]))
        return head, self._sealed(self._chained((self.word1 + C3) & WORD, shown[-EDGE:]))

    def minhash(self) -> list[int] | None:
        if len(self.words) < 3:
            return None
        bins: dict[int, int] = {}
        for place in range(len(self.words) - 2):
            value = mix(self._chained(self.word1, self.words[place : place + 3]))
            bins[value >> 60] = min(bins.get(value >> 60, WORD), value & (WORD >> 4))
        out = []
        for place in range(BINS):
            offset = next(k for k in range(BINS) if (place + k) % BINS in bins)
            out.append(self._sealed((bins[(place + offset) % BINS] + offset) & WORD) & 0xFFFF)
        return out

    def simhash(self) -> int | None:
        votes = [0] * VOTES
        voting = [
            word
            for word, number, short in zip(self.words, self.number, self.short, strict=True)
            if not number and not short
        ]
        for word in voting:
            value = mix((word + self.word0) & WORD)
            votes = [vote + (1 if value >> bit & 1 else -1) for bit, vote in enumerate(votes)]
        found = sum(1 << bit for bit, vote in enumerate(votes) if vote > 0)
        return found ^ (self._sealed(C3) & 0xFFFF) if voting else None

    def sentences(self) -> tuple[list[int], list[int]]:
        """Hashes and sizes, counted to four, of the first six and the last six sentences."""
        numbers = sorted(set(self.sentence))
        kept = numbers if len(numbers) <= 12 else numbers[:6] + numbers[-6:]
        texts = [[w for w, s in zip(self.words, self.sentence, strict=True) if s == n] for n in kept]
        return [self._sealed(self._chained(self.word1, text)) for text in texts], [min(len(text), 4) for text in texts]

    def stems(self) -> tuple[list[int], list[int]]:
        """The stems of content words at both ends, and a hash of each and the next: bin by bin, an even number."""
        content = [
            letters
            for letters, number, short in zip(self.letters, self.number, self.short, strict=True)
            if not number and not short
        ]
        read = content[:HEAD] + content[HEAD:][-TAIL:]
        values = [mix(chain((self.word0 + C2) & WORD, int.from_bytes(stem(word), "little"))) for word in read]
        bins: dict[int, tuple[int, int]] = {}
        for value, following in zip(values, [*values[1:], NOTHING], strict=False):
            pair = mix(chain((value + C1) & WORD, following))
            bins[value >> 56] = min(bins.get(value >> 56, (WORD, WORD)), (value, pair))
        kept = [bins[place] for place in sorted(bins)][:STEMS]
        kept = kept[: len(kept) - len(kept) % 2]
        return [self._sealed(v) & 0xFFFFFFFF for v, _ in kept], [self._sealed(p) & 0xFFFF for _, p in kept]


HEAD, TAIL, STEMS, NOTHING = 64, 48, 48, 0x6E6F7468696E6721


def stem(word: bytes) -> bytes:
    """Without -ing, -ed, -es, -s, then without an e at the end, then five letters."""
    if len(word) >= 6 and word.endswith(b"ing"):
        word = word[:-3]
    elif len(word) >= 5 and word.endswith((b"ed", b"es")):
        word = word[:-2]
    elif word.endswith(b"s") and not word.endswith(b"ss"):
        word = word[:-1]
    return (word[:-1] if len(word) >= 4 and word.endswith(b"e") else word)[:5]
