"""Names that must not stay as they came: API keys that a logger wrote where an id belongs, always; ids, on request.

A pseudonym is `hmac:<key id>:<hex>`, as the contract takes them from others: a keyed BLAKE2b (RFC 7693) of the value.
The key id is the number of the store's key epoch; pseudonyms of two epochs cannot be linked.
Equal values stay equal, and nobody without the store's key can test a guess. Pseudonymous is not anonymous: whoever has
the key can.
"""

import hashlib
import re
from collections.abc import Callable, Iterable

import pyarrow as pa
import pyarrow.compute as pc

NAMES = (
    "account_id", "org_id", "project_id", "api_key_id", "end_user_id", "session_id", "conversation_id", "reseller_of",
    "payment_fingerprint",
)  # fmt: skip
"""Columns that name a principal, in any table."""

SECRET = (
    r"^([Bb][Ee][Aa][Rr][Ee][Rr]|[Bb][Aa][Ss][Ii][Cc])[\t\n\f\r ]+[^\t\n\f\r ]"
    r"|[Bb][Ee][Aa][Rr][Ee][Rr][\t\n\f\r ]+[A-Za-z0-9._~+/=-]{16,}|\bsk-[A-Za-z0-9_-]{16,}"
    r"|\b[sr]k_(live|test)_[A-Za-z0-9]{10,}|\bAIza[A-Za-z0-9_-]{30,}|\bgsk_[A-Za-z0-9]{20,}|\bxai-[A-Za-z0-9]{20,}"
    r"|\bhf_[A-Za-z0-9]{20,}|\bgh[pousr]_[A-Za-z0-9]{20,}|\bAKIA[A-Z0-9]{16}\b"
    r"|\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]*"
)
"""Shapes of keys that open an API, anywhere in a value: OpenAI's and Anthropic's, Stripe's, Google's, Groq's, xAI's,
Hugging Face's, GitHub's, AWS's, JSON web tokens, and values of an Authorization header. RE2, by which `ingest` hides
ids, and Python, by which they are looked up, read it alike: they differ in what `\\s` and `(?i)` are."""

_SECRET = re.compile(SECRET, re.ASCII)

TEXTS = ("system", "messages", "tools", "output")
"""Columns that no store keeps."""


def pseudonym(value: str, key: bytes, epoch: int) -> str:
    """The pseudonym of one value under an epoch's key for them; a pseudonym stays as it is."""
    if value.startswith("hmac:"):
        return value
    digest = hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=16, key=key).hexdigest()
    return f"hmac:{epoch}:{digest}"


def kept_names(names: pa.Array, key: bytes, epoch: int, *, every_name: bool) -> pa.Array:
    """Ids as a store keeps them in an epoch: as pseudonyms, each one or those that look like API keys."""
    return _column(names, key, epoch, every_name)[0]


def protected(batch: pa.RecordBatch, key: bytes, epoch: int, *, every_name: bool) -> tuple[pa.RecordBatch, int]:
    """The batch with values that hold a key as pseudonyms, or with every name so; and how many values looked like keys.

    With `every_name`, `email` goes too: its domain is kept in `email_domain`, its name is not.
    """
    secrets = 0
    columns = {name: batch.column(name) for name in batch.schema.names}
    for field in batch.schema:
        if pa.types.is_string(field.type) and field.name not in TEXTS:
            hide = every_name and field.name in NAMES
            columns[field.name], found = _column(columns[field.name], key, epoch, hide)
            secrets += found
    if every_name and "email" in columns:
        domain = pc.utf8_lower(pc.struct_field(pc.extract_regex(columns["email"], r"@(?P<domain>[^@\s]+)$"), "domain"))
        columns["email_domain"] = pc.coalesce(columns["email_domain"], domain)
        columns["email"] = pa.nulls(batch.num_rows, pa.string())
    return pa.record_batch([columns[name] for name in batch.schema.names], schema=batch.schema), secrets


def looks_like_key(value: str) -> bool:
    """Whether any store keeps this value as a pseudonym."""
    return _SECRET.search(value) is not None


def hidden(value: str | None, key: bytes, epoch: int) -> str | None:
    """One value, as a pseudonym where it holds what looks like a key."""
    return pseudonym(value, key, epoch) if value and looks_like_key(value) else value


def _column(column: pa.Array, key: bytes, epoch: int, every: bool) -> tuple[pa.Array, int]:
    shaped = pc.match_substring_regex(column, SECRET)
    secrets = int(pc.sum(shaped).as_py() or 0)
    if not every and not secrets:
        return column, 0
    hidden = _each(column, lambda value: pseudonym(value, key, epoch))
    return hidden if every else pc.if_else(pc.fill_null(shaped, False), hidden, column), secrets


def _each(column: pa.Array, change: Callable[[str], str]) -> pa.Array:
    """A function of each distinct value, taken once."""
    distinct = column.dictionary_encode()
    values: Iterable[str] = distinct.dictionary.to_pylist()
    return pa.array([change(value) for value in values], pa.string()).take(distinct.indices)
