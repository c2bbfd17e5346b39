"""Names that must not stay as they came: API keys that a logger wrote where an id belongs, always; ids, on request.

A pseudonym is `hmac:<key id>:<hex>`, as the contract takes them from others: a keyed BLAKE2b (RFC 7693) of the value.
The key id is the number of the store's key epoch; pseudonyms of two epochs cannot be linked.
Equal values stay equal, and nobody without the store's key can test a guess. Pseudonymous is not anonymous: whoever has
the key can.
"""

import hashlib
from collections.abc import Callable, Iterable

import pyarrow as pa
import pyarrow.compute as pc

NAMES = (
    "account_id", "org_id", "project_id", "api_key_id", "end_user_id", "session_id", "conversation_id", "reseller_of",
    "payment_fingerprint",
)  # fmt: skip
"""Columns that name a principal, in any table."""

SECRET = (
    r"^(?i:bearer|basic)\s+\S|^sk-[A-Za-z0-9_-]{16,}$|^[sr]k_(live|test)_[A-Za-z0-9]{10,}$|^AIza[A-Za-z0-9_-]{30,}$"
    r"|^gsk_[A-Za-z0-9]{20,}$|^xai-[A-Za-z0-9]{20,}$|^hf_[A-Za-z0-9]{20,}$|^gh[pousr]_[A-Za-z0-9]{20,}$"
    r"|^AKIA[A-Z0-9]{16}$|^eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.?[A-Za-z0-9_-]*$"
)
"""Shapes of keys that open an API: OpenAI's and Anthropic's, Stripe's, Google's, Groq's, xAI's, Hugging Face's,
GitHub's, AWS's, JSON web tokens, and values of an Authorization header."""


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
    """The batch with key-shaped names as pseudonyms, or with every name so; and how many values looked like keys.

    With `every_name`, `email` goes too: its domain is kept in `email_domain`, its name is not.
    """
    secrets = 0
    columns = {name: batch.column(name) for name in batch.schema.names}
    for name in NAMES:
        if name in columns:
            columns[name], found = _column(columns[name], key, epoch, every_name)
            secrets += found
    if every_name and "email" in columns:
        domain = pc.utf8_lower(pc.struct_field(pc.extract_regex(columns["email"], r"@(?P<domain>[^@\s]+)$"), "domain"))
        columns["email_domain"] = pc.coalesce(columns["email_domain"], domain)
        columns["email"] = pa.nulls(batch.num_rows, pa.string())
    return pa.record_batch([columns[name] for name in batch.schema.names], schema=batch.schema), secrets


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
