"""What attackers write into names, headers and ids, and a way to write it into every string of an answer."""

from collections.abc import Callable
from typing import Any

ACT = "document.title='owned';document.body.id='owned'"
THERE = "http://127.0.0.1:9/stolen"

PAYLOADS = (
    f"<script>{ACT}</script>",
    f"</script><script>{ACT}</script>",
    f"</style><script>{ACT}</script><style>",
    f"</title><script>{ACT}</script>",
    f"</textarea><script>{ACT}</script>",
    f"--><script>{ACT}</script><!--",
    f"]]><script>{ACT}</script>",
    f'"><img src=x onerror="{ACT}">',
    f"'><img src=x onerror='{ACT}'>",
    f'" onmouseover="{ACT}" x="',
    f"' onfocus='{ACT}' autofocus x='",
    f"` onload=`{ACT}` x=`",
    f"<svg onload={ACT}>",
    f"<svg><script>{ACT}</script></svg>",
    f"<svg><animate onbegin={ACT} attributeName=x dur=1s>",
    f"</svg></a><script>{ACT}</script>",
    f"<math><mtext></mtext><mglyph><style><img src=x onerror={ACT}>",
    f"<iframe srcdoc='<script>top.{ACT}</script>'></iframe>",
    f"<iframe src='javascript:{ACT}'></iframe>",
    f"<object data='{THERE}'></object>",
    f"<embed src='{THERE}'>",
    f"<link rel=stylesheet href='{THERE}'>",
    f"<link rel=prefetch href='{THERE}'>",
    f"<meta http-equiv=refresh content='0;url={THERE}'>",
    f"<base href='{THERE}'>",
    f"<form action='{THERE}'><input autofocus onfocus={ACT}></form>",
    f"<img src='{THERE}'>",
    f"<video poster='{THERE}'><source onerror={ACT}></video>",
    f"<style>@import url({THERE});*{{background:url({THERE})}}</style>",
    "<style>body{display:none}</style>",
    f"<a href='javascript:{ACT}' id=map>click</a>",
    f"javascript:{ACT}",
    f"data:text/html,<script>{ACT}</script>",
    f"{{{{ cycler.__init__.__globals__ }}}} {{% raw %}} ${{{ACT}}} #{{{ACT}}}",
    "{{ 7*7 }}{{ config }}{% include '/etc/passwd' %}",
    "&lt;script&gt;&#60;script&#62;&amp;quot;&#x22;",
    f"＜script＞{ACT}＜/script＞",
    "\x00<b>\x00\x01\x02\x08\x0b\x0c\x0e\x1f\x7f\x80\x9f",
    "\x1b[2J\x1b]0;owned\x07",
    "line\r\nbreak\u2028and\u2029more\x85end",
    "\u202egnp.exe\u202d \u2066hidden\u2069 \u200e\u200f\u061c",
    "zero\u200bwidth\u200c\u200d\u2060\ufeff\u00ad",
    "half \ud83d of a pair \udc00 \ud800",
    "\ue000\U000f0000\U0010ffff\ufffe\uffff",
    "\U000e0041\U000e0042\U000e007f",
    "e" + "\u0301\u0300\u0302\u0303" * 40,
    "W" * 5_000,
    "long words " * 500,
    "\ufdfd" * 40 + "𒐫" * 40 + "𰻝",
    "مرحبا שלום " * 30,
    "=cmd|' /C calc'!A0",
    "../../../../etc/passwd",
    "%3Cscript%3E%00%0d%0a",
    "",
    " \t ",
)

STRUCTURE = frozenset(
    ("status", "kind", "question", "verdict", "role", "guarantee", "word", "confidence", "day", "since", "until",
     "first_seen", "last_seen", "released_at")
)  # fmt: skip
"""Keys whose values choose what the page draws; other words in them are drawn as a kind that it does not know."""

NAMED = frozenset(("capabilities", "pathways", "billing_countries", "address_countries", "programmes", "candidates"))
"""Keys whose objects have names as keys."""


def written(value: Any, text: str, *, structure: bool, key: str = "") -> Any:
    """The value with the text in place of every string in it, of names that are keys too."""
    if isinstance(value, str):
        return value if key in STRUCTURE and not structure else text
    if isinstance(value, list):
        return [written(one, text, structure=structure, key=key) for one in value]
    if isinstance(value, dict):
        renamed: Callable[[int, str], str] = lambda at, name: f"{text}{at}" if key in NAMED else name  # noqa: E731
        return {
            renamed(at, name): written(one, text, structure=structure, key=name)
            for at, (name, one) in enumerate(value.items())
        }
    return value
