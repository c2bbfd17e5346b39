"""The formats that ingest reads: a written list, no plugins."""

from stillwatch.errors import UsageError

FORMATS = ("auto", "canonical")


def checked(name: str) -> str:
    """The format's name, or UsageError with the list."""
    if name not in FORMATS:
        raise UsageError("unknown format", found=name, wanted=" or ".join(FORMATS))
    return "canonical" if name == "auto" else name
