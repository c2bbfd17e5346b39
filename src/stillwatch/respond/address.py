"""Where customers appeal: an address that a page, a mail or a gateway may show as a link without harm."""

import re
from urllib.parse import urlsplit

from stillwatch.errors import UsageError

LONGEST = 1_000
"""Letters of an address. Gateways pass on no longer one."""

PLACE = "{action_id}"
"""What becomes the action's id."""

WANTED = "https://HOST/…, http://HOST/… or mailto:NAME@HOST, in plain letters without a blank"
GIVE = "--appeal-url URL, or STILLWATCH_APPEAL_URL in the environment"

_LETTERS = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
"""Those of RFC 3986: no blank, control, quote, angle bracket, or letter that looks like another."""

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
_MAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


def appeal_address(text: str) -> str:
    """The address at which customers appeal. Raises UsageError where it is missing, or is none that can be shown."""
    said = text if isinstance(text, str) else ""
    if not said.strip():
        raise UsageError(
            "the appeal address is missing: nothing is done to a customer who cannot appeal", wanted=WANTED,
            next_step=GIVE,
        )  # fmt: skip
    fault = _fault(said)
    if fault:
        raise UsageError(f"the appeal address {fault}", found=ascii(said)[1:-1][:80], wanted=WANTED, next_step=GIVE)
    return said


def _fault(said: str) -> str:
    """What is wrong with an address, in words; empty where nothing is."""
    if len(said) > LONGEST:
        return f"is longer than {LONGEST:,} letters"
    scheme, _, rest = said.partition(":")
    if scheme == "mailto":
        whom, _, fields = rest.partition("?")
        good = _MAIL.fullmatch(whom) and _LETTERS.fullmatch(f"?{fields.replace(PLACE, 'R')}")
        return "" if good else "names no letter box"
    if scheme not in ("http", "https"):
        return "is neither a web page nor a letter box"
    if not _LETTERS.fullmatch(said.replace(PLACE, "R")):
        return f"holds what no address has (of what stands in braces it knows {PLACE})"
    return _web_fault(said)


def _web_fault(said: str) -> str:
    try:
        parts = urlsplit(said)
        host, _, port = parts.netloc.rpartition(":") if not parts.netloc.endswith("]") else (parts.netloc, "", "")
        host = (host if port.isdigit() else parts.netloc).lower()
        good = parts.port != 0 and "://" in said
    except ValueError:
        return "names no host"
    if "@" in parts.netloc:
        return "holds a name or password before the host"
    return "" if good and _HOST.fullmatch(host) else "names no host"
