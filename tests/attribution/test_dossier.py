"""A dossier's file: what is read, and that a slip in it is told by line and entry and never used."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.attribution.dossier import MOST_INDICATORS, MOST_ORGANISATIONS, canonical, load_dossier, read_dossier
from stillwatch.errors import UsageError
from stillwatch.respond.yaml_text import LONGEST
from tests.attribution.dossiers import BLOCK, DOMAIN, NAME, dossier, indicator

YAML = b"""
schema: stillwatch/dossier/v1
sources:
  register: {grade: B, note: "company register"}
  cloud-a: {grade: C, partner: true}
organisations:
  - name: Example Research
    indicators:
      - {kind: verified_domain, value: Example.ORG, source: register}
      - {kind: asn, value: AS64500, source: register}
      - {kind: address, value: 198.51.100.7, source: cloud-a}
sightings:
  - {kind: address, value: "2001:db8::/32", source: cloud-a}
"""


def test_yaml_is_read_in_the_form_in_which_values_are_compared() -> None:
    held = load_dossier(YAML, "d.yaml")
    assert held.organisations == (NAME,)
    found = [(one.organisation, one.kind, one.value, one.source.grade, one.source.partner) for one in held.indicators]
    assert found == [
        ("", "address", "2001:db8::/32", "C", True),
        (NAME, "address", "198.51.100.7/32", "C", True),
        (NAME, "asn", "64500", "B", False),
        (NAME, "verified_domain", "example.org", "B", False),
    ]  # fmt: skip


def test_json_is_read_and_what_stands_twice_counts_once() -> None:
    assert (
        load_dossier(dossier(DOMAIN, BLOCK, DOMAIN), "d").indicators
        == load_dossier(dossier(BLOCK, DOMAIN), "d").indicators
    )


@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_json_may_stand_as_it_is_written(indent: int | str | None) -> None:
    held = json.dumps(json.loads(dossier(DOMAIN)), indent=indent).encode()
    assert load_dossier(held, "d").indicators == load_dossier(dossier(DOMAIN), "d").indicators


BOMB = b"a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\n"
BAD = {
    "aliases": (BOMB, "an anchor"),
    "no YAML": (b"a: [", "not YAML"),
    "empty": (b"", "empty"),
    "bytes": (b"\xff\xfe", "no UTF-8"),
    "huge": (b"#" * (LONGEST + 1), "bytes"),
    "deep": (b"[" * 5000, "deep"),
    "a list": (b"[]", "a list; keys and values are wanted"),
    "schema": (dossier(DOMAIN, schema="v9"), "`schema` is `v9`; one of stillwatch/dossier/v1 is wanted"),
    "no sources": (dossier(DOMAIN, sources=None), "`sources` is missing"),
    "grade": (dossier(DOMAIN, sources={"register": {"grade": "A+"}}), "`grade` is `A+`; one of A, B, C, D, E, F"),
    "no source": (dossier(indicator("asn", "1", "nobody")), "`source` is `nobody`; register, bank, cloud is wanted"),
    "kind": (dossier(indicator("shoe_size", "44")), "`kind` is `shoe_size`; one of verified_domain"),
    "everybody": (dossier(indicator("address", "0.0.0.0/0")), "`0.0.0.0/0`; a block of /10 or less is wanted"),
    "everybody in IPv6": (dossier(indicator("address", "::/0")), "`::/0`; a block of /20 or less is wanted"),
    "off its border": (dossier(indicator("address", "198.51.100.7/24")), "where it says, 198.51.100.0/24"),
    "clothes": (dossier(indicator("address", "::ffff:198.51.100.7")), "an IPv4 address without ::ffff:"),
    "no address": (dossier(indicator("signup_address", "localhost")), "an address or a block"),
    "domain": (dossier(indicator("email_domain", "com")), "a domain"),
    "asn": (dossier(indicator("asn", "9999999999")), "a number from 1 to"),
    "bin": (dossier(indicator("card_bin", "4111111111111111")), "six to eight digits"),
    "a list for a text": (dossier({**DOMAIN, "value": ["a"]}), "`value` is a list; a text is wanted"),  # type: ignore[dict-item]
    "a key": (dossier({**DOMAIN, "weight": "9"}), "a key `weight`"),
    "no value": (dossier(indicator("asn", "")), "`value` is missing"),
    "long": (dossier(indicator("user_agent", "x" * 600)), "600 characters; at most 512"),
    "control": (dossier(organisations=[{"name": "A\x1b[2J"}]), "holds '\\x1b', which nobody can see"),
    "bidi": (dossier(organisations=[{"name": "A\u202eB"}]), "holds '\\u202e'"),
    "surrogate": (dossier(organisations=[{"name": "A\ud800"}]), "not YAML"),
    "twice": (dossier(organisations=[{"name": "Ab"}, {"name": "aB"}]), "`aB` stands twice"),
    "a cluster": (dossier(organisations=[{"name": "U-c5bfdd"}]), "reads like an operator cluster"),
    "no name": (dossier(organisations=[{"indicators": []}]), "`name` is missing"),
    "no partner": (dossier(sightings=[DOMAIN]), "which is no partner"),
    "nothing": (dossier(organisations=[]), "no indicator"),
    "organisations": (dossier(organisations=[{"name": f"n{n}"} for n in range(MOST_ORGANISATIONS + 1)]), "201 entries"),
    "indicators": (
        dossier(*(indicator("asn", str(n + 1)) for n in range(MOST_INDICATORS + 1))), "at most 2,000",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_told_with_file_and_line(name: str) -> None:
    data, words = BAD[name]
    with pytest.raises(UsageError) as caught:
        load_dossier(data, "dossier.yaml")
    said = str(caught.value)
    assert said.startswith("dossier.yaml: the dossier holds errors") and "line " in said
    assert words in said, said
    assert said.isprintable() or "\x1b" not in said


def test_a_fault_names_its_entry() -> None:
    with pytest.raises(UsageError, match=f"organisation {NAME}: `value` of asn is `x`"):
        load_dossier(dossier(indicator("asn", "x")), "d")


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_in_words(data: bytes) -> None:
    made, faults = read_dossier(data)
    assert (made is None) == bool(faults)


@given(
    st.sampled_from(("address", "asn", "email", "email_domain", "ja4", "card_bin", "user_agent")), st.text(max_size=80)
)
def test_a_value_that_is_taken_is_taken_again_as_it_is(kind: str, text: str) -> None:
    value, wanted = canonical(kind, text)
    assert canonical(kind, value) == (value, "") if not wanted else value == ""
