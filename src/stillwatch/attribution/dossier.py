"""A dossier: what a user knows of organisations, and what partners saw, each with its source and how good that is.

YAML without guessing (`respond.yaml_text`), or JSON, which is YAML once its tabs are spaces. Everything that is wrong
is told by line and entry, and a dossier with a fault is not used: a slip in one could name an innocent.
"""

import hashlib
import ipaddress
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from stillwatch.assess.attribution import GRADES, KINDS
from stillwatch.errors import UsageError
from stillwatch.respond.yaml_text import LONGEST, Entry, Fault, entries_of

SCHEMA = "stillwatch/dossier/v1"
MOST_ORGANISATIONS, MOST_INDICATORS = 200, 2_000
LONGEST_NAME, LONGEST_VALUE = 120, 512
WIDEST = {4: 10, 6: 20}
"""The shortest prefix of a block of each version: wider ones are no organisation's place."""

LABEL = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
DOMAIN = re.compile(r"(?=.{4,253}\Z)([a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
WHOLE = re.compile(r"[1-9][0-9]{0,9}")
BIN = re.compile(r"[0-9]{6,8}")
JA4 = re.compile(r"[0-9A-Za-z_.,:-]{4,128}")
LAST_ASN = 4_294_967_295
UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Characters that nobody can see, by Unicode's categories."""

Made = TypeVar("Made")


@dataclass(frozen=True)
class Source:
    """Who says something, how reliable that is (Admiralty system, A to F), and whether it is a partner."""

    name: str
    grade: str
    partner: bool
    note: str


@dataclass(frozen=True)
class Indicator:
    """One thing that is known of an organisation, by one source. `organisation` is empty in a partner's sighting that
    names nobody. Blocks are in their shortest form, domains and addresses of mail in small letters."""

    organisation: str
    kind: str
    value: str
    source: Source


@dataclass(frozen=True)
class Dossier:
    """A dossier whole: names ascending, indicators each once, and the hash of the file."""

    organisations: tuple[str, ...]
    indicators: tuple[Indicator, ...]
    hash: str


class _RefusedError(Exception):
    """This entry cannot be read; the fault is noted."""


@dataclass
class _Reader:
    """Notes what is wrong, each with its line and the entry that it stands in."""

    faults: list[Fault] = field(default_factory=list)
    entry: str = ""

    def refuse(self, line: int, message: str) -> _RefusedError:
        self.faults.append(Fault(line, self.entry, "error", "dossier", message))
        return _RefusedError()

    def tried(self, make: Callable[[], Made]) -> Made | None:
        try:
            return make()
        except _RefusedError:
            return None

    def keys(self, entry: Entry, what: str, known: Sequence[str]) -> dict[str, Entry]:
        if entry.keys is None:
            raise self.refuse(entry.line, f"{what} is {entry.shape}; keys and values are wanted")
        for name, value in entry.keys.items():
            if known and name not in known:
                raise self.refuse(value.line, f"{what} has a key `{_shown(name)}`; it may have {', '.join(known)}")
        return entry.keys

    def list(self, entry: Entry | None, what: str, most: int) -> Sequence[Entry]:
        if entry is None:
            return ()
        if entry.entries is None:
            raise self.refuse(entry.line, f"{what} is {entry.shape}; a list is wanted")
        if len(entry.entries) > most:
            raise self.refuse(entry.line, f"{what} has {len(entry.entries):,} entries; at most {most:,} are wanted")
        return entry.entries

    def text(self, keys: Mapping[str, Entry], name: str, line: int, longest: int, *, empty: bool = False) -> str:
        """A key's text, normalised; a fault of the line where it is none, empty or too long."""
        entry = keys.get(name)
        text = unicodedata.normalize("NFC", (entry.text or "").strip()) if entry else ""
        if entry is not None and entry.text is None:
            raise self.refuse(entry.line, f"`{name}` is {entry.shape}; a text is wanted")
        if not text and not empty:
            raise self.refuse(entry.line if entry else line, f"`{name}` is missing")
        at = entry.line if entry else line
        if len(text) > longest:
            raise self.refuse(at, f"`{name}` has {len(text):,} characters; at most {longest} are wanted")
        hidden = next((c for c in text if unicodedata.category(c) in UNSEEN), "")
        if hidden:
            raise self.refuse(at, f"`{name}` holds {hidden!a}, which nobody can see; plain characters are wanted")
        return text

    def word(self, keys: Mapping[str, Entry], name: str, line: int, words: Iterable[str]) -> str:
        text = self.text(keys, name, line, LONGEST_VALUE)
        if text not in words:
            raise self.refuse(keys[name].line, f"`{name}` is `{_shown(text)}`; one of {', '.join(words)} is wanted")
        return text


def _shown(text: str) -> str:
    return text[:60].encode("ascii", "backslashreplace").decode()


def read_dossier(data: bytes) -> tuple[Dossier | None, list[Fault]]:
    """The dossier of these bytes, and what is wrong with it by line. None where anything is."""
    entry, faults = entries_of(data.replace(b"\t", b" ") if data.lstrip().startswith(b"{") else data)
    reader = _Reader(list(faults))
    made = None if entry is None else reader.tried(lambda: _dossier(reader, entry, data))
    return (None if reader.faults else made), sorted(reader.faults, key=lambda fault: (fault.line, fault.message))


def _dossier(reader: _Reader, entry: Entry, data: bytes) -> Dossier:
    keys = reader.keys(entry, "the file", ("schema", "sources", "organisations", "sightings"))
    reader.word(keys, "schema", entry.line, (SCHEMA,))
    sources = _sources(reader, keys.get("sources"), entry.line)
    found: list[Indicator] = []
    names: dict[str, int] = {}
    for one in reader.list(keys.get("organisations"), "`organisations`", MOST_ORGANISATIONS):
        reader.tried(lambda one=one: _organisation(reader, one, sources, names, found))  # type: ignore[misc]
    reader.entry = "sightings"
    _indicators(reader, keys.get("sightings"), "", sources, found)
    if len(found) > MOST_INDICATORS:
        raise reader.refuse(
            entry.line, f"the file has {len(found):,} indicators; at most {MOST_INDICATORS:,} are wanted"
        )
    if not found and not reader.faults:
        raise reader.refuse(entry.line, "the file holds no indicator; one at least is wanted")
    unique = sorted(set(found), key=lambda one: (one.organisation, one.kind, one.value, one.source.name))
    return Dossier(tuple(sorted(names)), tuple(unique), hashlib.sha256(data).hexdigest())


def _sources(reader: _Reader, entry: Entry | None, line: int) -> dict[str, Source]:
    if entry is None:
        raise reader.refuse(line, "`sources` is missing: who says what stands in the file, and how reliable that is")
    made: dict[str, Source] = {}
    for name, one in reader.keys(entry, "`sources`", ()).items():
        reader.entry = f"source {_shown(name)}"
        source = reader.tried(lambda name=name, one=one: _source(reader, name, one))  # type: ignore[misc]
        if source is not None:
            made[name] = source
    reader.entry = ""
    return made


def _source(reader: _Reader, name: str, entry: Entry) -> Source:
    if not LABEL.fullmatch(name):
        raise reader.refuse(entry.line, f"its name is `{_shown(name)}`; small letters, digits, `_.-` are wanted")
    keys = reader.keys(entry, f"source `{name}`", ("grade", "partner", "note"))
    grade = reader.word(keys, "grade", entry.line, tuple(GRADES))
    partner = "partner" in keys and reader.word(keys, "partner", entry.line, ("true", "false")) == "true"
    return Source(name, grade, partner, reader.text(keys, "note", entry.line, LONGEST_VALUE, empty=True))


def _organisation(
    reader: _Reader, entry: Entry, sources: Mapping[str, Source], names: dict[str, int], found: list[Indicator]
) -> None:
    reader.entry = f"organisation at line {entry.line}"
    keys = reader.keys(entry, "an organisation", ("name", "indicators"))
    name = reader.text(keys, "name", entry.line, LONGEST_NAME)
    if name.startswith("U-"):
        raise reader.refuse(
            entry.line, f"`{_shown(name)}` reads like an operator cluster; the organisation's name is wanted"
        )
    twin = next((held for held in names if held.casefold() == name.casefold()), None)
    if twin is not None:
        raise reader.refuse(entry.line, f"`{_shown(name)}` stands twice; first at line {names[twin]}")
    names[name] = entry.line
    reader.entry = f"organisation {_shown(name)}"
    _indicators(reader, keys.get("indicators"), name, sources, found)


def _indicators(
    reader: _Reader, entry: Entry | None, organisation: str, sources: Mapping[str, Source], found: list[Indicator]
) -> None:
    listed = reader.tried(lambda: reader.list(entry, "its list of indicators", MOST_INDICATORS)) or ()
    for one in listed:
        made = reader.tried(lambda one=one: _indicator(reader, one, organisation, sources))  # type: ignore[misc]
        found += [] if made is None else [made]


def _indicator(reader: _Reader, entry: Entry, organisation: str, sources: Mapping[str, Source]) -> Indicator:
    keys = reader.keys(entry, "an indicator", ("kind", "value", "source"))
    kind = reader.word(keys, "kind", entry.line, tuple(KINDS))
    name = reader.text(keys, "source", entry.line, LONGEST_VALUE)
    if name not in sources:
        wanted = ", ".join(sources) or "one that `sources` grades"
        raise reader.refuse(keys["source"].line, f"`source` is `{_shown(name)}`; {_shown(wanted)} is wanted")
    if not organisation and not sources[name].partner:
        raise reader.refuse(
            entry.line, f"a sighting by `{name}`, which is no partner; a source with `partner: true` is wanted"
        )
    text = reader.text(keys, "value", entry.line, LONGEST_VALUE)
    value, wanted = canonical(kind, text)
    if wanted:
        raise reader.refuse(keys["value"].line, f"`value` of {kind} is `{_shown(text)}`; {wanted} is wanted")
    return Indicator(organisation, kind, value, sources[name])


def canonical(kind: str, text: str) -> tuple[str, str]:
    """The value in the form in which values are compared, or what is wanted instead."""
    if kind.endswith("address"):
        return _block(text)
    value = text.upper().removeprefix("AS") if kind.endswith("asn") else text.lower() if kind in SMALL else text
    fits, wanted = FORMS.get(kind, (lambda _: True, ""))
    return (value, "") if fits(value) else ("", wanted)


def _is_asn(text: str) -> bool:
    return WHOLE.fullmatch(text) is not None and int(text) <= LAST_ASN


def _is_email(text: str) -> bool:
    name, _, domain = text.partition("@")
    return bool(name) and DOMAIN.fullmatch(domain) is not None


def _is_domain(text: str) -> bool:
    return DOMAIN.fullmatch(text) is not None


SMALL = ("verified_domain", "email_domain", "email")
ASN = (_is_asn, f"a number from 1 to {LAST_ASN}")
FINGERPRINT = (lambda text: JA4.fullmatch(text) is not None, "a fingerprint as your logs write it")
FORMS: dict[str, tuple[Callable[[str], bool], str]] = {
    "verified_domain": (_is_domain, "a domain, example.com"),
    "email_domain": (_is_domain, "a domain, example.com"),
    "email": (_is_email, "an address of mail, name@example.com"),
    "card_bin": (lambda text: BIN.fullmatch(text) is not None, "six to eight digits"),
    "asn": ASN,
    "signup_asn": ASN,
    "ja4": FINGERPRINT,
    "signup_ja4": FINGERPRINT,
}
"""What a value must look like, and how that is said; other kinds are texts as the logs have them."""


def _block(text: str) -> tuple[str, str]:
    try:
        block = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return "", "an address or a block, 198.51.100.0/24"
    if isinstance(block, ipaddress.IPv6Network) and block.network_address.ipv4_mapped is not None:
        return "", "an IPv4 address without ::ffff:"
    if block.prefixlen < WIDEST[block.version]:
        return "", f"a block of /{WIDEST[block.version]} or less"
    exact = "/" not in text or str(ipaddress.ip_interface(text).ip) == str(block.network_address)
    return (str(block), "") if exact else ("", f"a block that begins where it says, {block}")


def load_dossier(data: bytes, where: str) -> Dossier:
    """The dossier of these bytes. Raises UsageError that names the file and the first faults with line and entry."""
    dossier, faults = read_dossier(data)
    if dossier is not None:
        return dossier
    told = "; ".join(f"line {one.line}{f', {one.rule_id}' if one.rule_id else ''}: {one.message}" for one in faults[:3])
    more = f"; and {len(faults) - 3:,} more" if len(faults) > 3 else ""
    raise UsageError(
        "the dossier holds errors", where=where, found=told + more,
        wanted=f"{SCHEMA}, at most {LONGEST:,} bytes", next_step="docs/attribution.md shows one",
    )  # fmt: skip
