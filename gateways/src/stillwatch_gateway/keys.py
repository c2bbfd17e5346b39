"""What stands for the key that a request shows. Keys themselves go nowhere."""

import hashlib


def named(value: str) -> str:
    """An account's id from a header, which is UTF-8 where it is not ASCII, as logs have it: headers are read letter by
    byte."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value


def hashed_key(authorization: str, api_key: str) -> str:
    """The SHA-256 of the key in `authorization: Bearer …`, else of `x-api-key`, as LiteLLM logs it; empty without."""
    kind, _, token = authorization.strip().partition(" ")
    key = token.strip() if kind.lower() == "bearer" and token.strip() else api_key
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest() if key else ""
