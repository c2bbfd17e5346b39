"""Every table's schema, once. Column order is part of the contract; a column is nullable unless `required` names it.

The first four are the canonical data contract v1, which connectors write and detectors read. `SKETCHED` is what the
store keeps of an exchange: it has no column that can hold text of a prompt or of an answer.
"""

import pyarrow as pa

TIMESTAMP = pa.timestamp("us", tz="UTC")

EXCHANGES = pa.schema(
    [
        pa.field("exchange_id", pa.string(), nullable=False),
        pa.field("asked_at", TIMESTAMP, nullable=False),
        pa.field("finished_at", TIMESTAMP),
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("org_id", pa.string()),
        pa.field("project_id", pa.string()),
        pa.field("api_key_id", pa.string()),
        pa.field("end_user_id", pa.string()),
        pa.field("session_id", pa.string()),
        pa.field("conversation_id", pa.string()),
        pa.field("turn_index", pa.int32()),
        pa.field("pathway", pa.string()),
        pa.field("operation", pa.string()),
        pa.field("model_requested", pa.string(), nullable=False),
        pa.field("model_served", pa.string()),
        pa.field("stream", pa.bool_()),
        pa.field("temperature", pa.float64()),
        pa.field("top_p", pa.float64()),
        pa.field("max_tokens", pa.int64()),
        pa.field("n", pa.int32()),
        pa.field("seed", pa.int64()),
        pa.field("logprobs", pa.bool_()),
        pa.field("reasoning_effort", pa.string()),
        pa.field("reasoning_budget", pa.int64()),
        pa.field("response_format", pa.string()),
        pa.field("tool_choice", pa.string()),
        pa.field("status", pa.string(), nullable=False),
        pa.field("finish_reason", pa.string()),
        pa.field("input_tokens", pa.int64()),
        pa.field("output_tokens", pa.int64()),
        pa.field("reasoning_tokens", pa.int64()),
        pa.field("cached_tokens", pa.int64()),
        pa.field("client_ip", pa.string()),
        pa.field("asn", pa.int64()),
        pa.field("country", pa.string()),
        pa.field("ip_class", pa.string()),
        pa.field("ja4", pa.string()),
        pa.field("user_agent", pa.string()),
        pa.field("system", pa.string()),
        pa.field("messages", pa.string()),
        pa.field("tools", pa.string()),
        pa.field("output", pa.string()),
        pa.field("extra", pa.map_(pa.string(), pa.string())),
    ]
)

ACCOUNTS = pa.schema(
    [
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("org_id", pa.string()),
        pa.field("verified_domain", pa.string()),
        pa.field("updated_at", TIMESTAMP),
        pa.field("created_at", TIMESTAMP),
        pa.field("suspended_at", TIMESTAMP),
        pa.field("tier", pa.string()),
        pa.field("programme", pa.string()),
        pa.field("email_domain", pa.string()),
        pa.field("email", pa.string()),
        pa.field("phone_country", pa.string()),
        pa.field("billing_country", pa.string()),
        pa.field("verified_country", pa.string()),
        pa.field("payment_fingerprint", pa.string()),
        pa.field("card_bin", pa.string()),
        pa.field("signup_ip", pa.string()),
        pa.field("signup_asn", pa.int64()),
        pa.field("signup_ja4", pa.string()),
        pa.field("signup_user_agent", pa.string()),
        pa.field("reseller_of", pa.string()),
    ]
)

PERMISSIONS = pa.schema(
    [
        pa.field("account_id", pa.string()),
        pa.field("org_id", pa.string()),
        pa.field("purpose", pa.string(), nullable=False),
        pa.field("models", pa.list_(pa.string())),
        pa.field("exchange_cap", pa.int64()),
        pa.field("token_cap", pa.int64()),
        pa.field("starts_at", TIMESTAMP),
        pa.field("ends_at", TIMESTAMP),
        pa.field("reference", pa.string(), nullable=False),
    ]
)

PERMISSION_ENDS = pa.schema(
    [
        pa.field("account_id", pa.string()),
        pa.field("org_id", pa.string()),
        pa.field("purpose", pa.string(), nullable=False),
        pa.field("reference", pa.string(), nullable=False),
        pa.field("ended_at", TIMESTAMP, nullable=False),
    ]
)
"""When a person ended a permission that began before; so a file that is read again does not bring it back."""

RELEASES = pa.schema(
    [pa.field("model", pa.string(), nullable=False), pa.field("released_at", TIMESTAMP, nullable=False)]
)

STATUSES = ("ok", "error", "refused", "blocked", "cancelled")
IP_CLASSES = ("hosting", "residential", "mobile", "vpn", "tor", "relay")
PURPOSES = ("distillation", "evaluation", "synthetic_data", "research", "resale")

# Columns of an exchange that travel into the store as they are. Text columns and `extra` (which may hold text) do not.
CARRIED = (
    "exchange_id", "asked_at", "finished_at", "account_id", "org_id", "project_id", "api_key_id", "end_user_id",
    "session_id", "conversation_id", "turn_index", "pathway", "operation", "model_requested", "model_served", "n",
    "logprobs", "reasoning_effort", "status", "finish_reason", "input_tokens", "output_tokens", "reasoning_tokens",
    "cached_tokens", "client_ip", "asn", "country", "ip_class", "ja4", "user_agent",
)  # fmt: skip

SAMPLED = 16
"""Exchanges of an account and a day whose stems a store keeps: those with the least row hashes."""

MINHASH_BYTES = 32
"""16 one-permutation MinHash values of 16 bits each, little-endian."""

SKETCH_SCHEME = 4
"""How CONTENT is made of a text; rows of two schemes share no hash. Scheme 3 read the last human turn alone as what is
asked. Scheme 2 had no stems, took a turn with a harness's
blocks whole and knew fewer look-alikes; scheme 1 had seeds that were also the seal's key, 64 bits of SimHash, counts
without end and word pairs. Stores of each are read, and not written in."""

# All hashes are keyed. A null hash means that there was no text to hash, never a zero.
CONTENT = pa.schema(
    [
        pa.field(
            "row_hash", pa.uint64(), nullable=False
        ),  # of the whole canonical row, text included: settles conflicts
        pa.field("param_fp", pa.uint64()),  # sampling and format parameters together; null when none was given
        pa.field("structure", pa.uint32(), nullable=False),  # bit set, content/structure.py
        pa.field("turns", pa.int16(), nullable=False),  # human turns in the request; 0 when there are no messages
        pa.field("text_words", pa.int32()),  # words of the last human turn, counted to 8; null when no text was logged
        pa.field("output_words", pa.int32()),  # words of the visible answer; null when no output was logged
        pa.field("exact", pa.uint64()),  # the last human turn, normalised
        pa.field("skeleton", pa.uint64()),  # the same, slots masked
        pa.field("head", pa.uint64()),  # its first 8 words
        pa.field("tail", pa.uint64()),  # its last 8 words
        pa.field("minhash", pa.binary(MINHASH_BYTES)),
        pa.field("simhash", pa.uint16()),  # of content words, for topics; null where there is none. Not sealed
        pa.field("fillers", pa.list_(pa.uint64()), nullable=False),  # what the skeleton masked, at most 4
        # Stems at both ends of it, at most 48, with those of a system text that instructs and of what "go on" goes back
        # to: an even number, without order, and for each a hash of it and the next: what instructions are mined from.
        # Null in a file's rows beyond the first 16 of an account and day (`SAMPLED`).
        pa.field("stems", pa.list_(pa.uint32())),
        pa.field("pairs", pa.list_(pa.uint16())),
        # Segments: whole system text, whole tools text, each block of a harness (at most 6), each earlier message (at
        # most 4), after a system text and a block the sets of their sentences that bear one rule tag; then sentences
        # of a system text that instructs (eight words or more, fewer than 12 sentences), of what "go on" goes back to,
        # and of the last human turn (at most 12 each, the first and last six). Whether one is preamble, template or
        # filler is decided at detect time.
        pa.field("segments", pa.list_(pa.uint64()), nullable=False),
        pa.field("segment_roles", pa.list_(pa.uint8()), nullable=False),  # records.SegmentRole
        pa.field("segment_words", pa.list_(pa.uint16()), nullable=False),  # counted to 4
        pa.field("segment_tags", pa.list_(pa.uint64()), nullable=False),  # bit set of rule tags, content/tags.py
        pa.field("output_tags", pa.uint64()),  # the same tags on the answer; null when no output was logged
    ]
)

SKETCHED = pa.schema([EXCHANGES.field(name) for name in CARRIED] + list(CONTENT))

QUARANTINE = pa.schema(
    [
        pa.field("file", pa.string(), nullable=False),
        pa.field("row", pa.int64()),  # 1-based line or row; null when the file as a whole failed
        pa.field("column", pa.string()),
        pa.field("found", pa.string(), nullable=False),  # the kind of value, never its text
        pa.field("wanted", pa.string(), nullable=False),
        pa.field("exchange_id", pa.string()),
    ]
)
