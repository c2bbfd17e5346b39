"""Where customers appeal: what is taken, and what never reaches a customer as a link."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.errors import UsageError
from stillwatch.respond.address import LONGEST, appeal_address
from stillwatch.respond.ladder import propose
from tests.respond.hits import NOW, TERMS, hit

GOOD = (
    "https://provider.example/appeals", "http://localhost:8080/a", "https://provider.example/appeals/{action_id}",
    "https://p.example/appeals?action={action_id}&x=1#form", "https://192.0.2.7/a", "https://[2001:db8::7]:8443/a",
    "https://xn--bcher-kva.example", "mailto:appeals@provider.example",
    "mailto:appeals+eu@provider.example?subject=Action%20{action_id}", "https://p.example/" + "a" * (LONGEST - 18),
)  # fmt: skip
BAD = (
    "javascript:alert(1)", "not a url", "data:text/html,x", "ftp://p.example/", "//p.example/a", "p.example", "#",
    "https://", "https:///a", "https:p.example", "https://user:secret@p.example/", "https://p.example@evil.example/",
    "https://p.example:port/", "https://p.example:0/", "https://p.example:99999/", "https://p .example/", "https://-x/",
    " https://p.example/", "https://p.example/ ", "https://p.example/a b", "https://p.example/\n", "https://p.example/\x00",
    "https://p.example/\x1b[2J", "https://p.example/<b>", 'https://p.example/"', "https://p.ex\u0430mple/",
    "https://p.example/\u202e", "https://p.example/\ud800", "https://p.example/{id}", "https://{action_id}.example/",
    "HTTPS://p.example/", "https://p.example/" + "a" * (LONGEST - 17), "mailto:", "mailto:a", "mailto:a@", "mailto:@b",
    "mailto:a@b c", "mailto:a@b,c@d", "mailto:a@b\r\nBcc:c@d", "https://p.example\\@evil/", "https://[::1/", None, b"https://x",
)  # fmt: skip


@pytest.mark.parametrize("text", GOOD)
def test_an_address_is_taken_as_it_is(text: str) -> None:
    assert appeal_address(text) == text
    assert propose(hit(), NOW, replace(TERMS, appeal_url=text)).terms.appeal_url == text


@pytest.mark.parametrize("text", BAD, ids=lambda text: ascii(text)[:40])
def test_what_is_no_address_is_refused_with_where_to_give_one(text: str) -> None:
    with pytest.raises(UsageError, match="appeal address") as refused:
        propose(hit(), NOW, replace(TERMS, appeal_url=text))
    assert "--appeal-url" in refused.value.next_step and "STILLWATCH_APPEAL_URL" in refused.value.next_step
    assert refused.value.found.isprintable() and len(refused.value.found) <= 80


@pytest.mark.parametrize("text", ["", " ", "\u3000"])
def test_a_missing_one_says_what_it_is_for(text: str) -> None:
    with pytest.raises(UsageError, match="is missing: nothing is done to a customer who cannot appeal"):
        appeal_address(text)


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=40).map(lambda text: "https://p.example/" + text) | st.text(max_size=40))
def test_what_is_taken_is_one_word_of_plain_letters(text: str) -> None:
    try:
        said = appeal_address(text)
    except UsageError:
        return
    assert said.isascii() and said.isprintable() and not set(said) & set(' <>"\\^`|')
    assert said.startswith(("https://", "http://", "mailto:"))
