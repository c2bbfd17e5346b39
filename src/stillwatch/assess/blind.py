"""Which terms of the second and third question could not speak, since nothing that they read was logged."""

from collections.abc import Mapping

from stillwatch.records import Blind

NO_ACCOUNTS = "no accounts file was read"
"""What is said of every column of accounts where the store holds none of them."""

NEEDS: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...] = (
    ("extracting/purpose", (("messages", "output"),)),
    ("extracting/items and source of work", (("messages",),)),
    ("extracting/follow-ups", (("messages",), ("history",))),
    ("extracting/answers", (("output", "output_tokens"),)),
    ("extracting/one product", (("system", "tools"),)),
    ("concealed/proxy networks", (("client_ip", "ip_class"),)),
    ("concealed/region bypass", (("client_ip", "country"), ("billing_country", "verified_country"))),
    ("concealed/weak doors", (("programme",),)),
    ("concealed/programs behind people's accounts", (("user_agent", "pathway"),)),
    ("concealed/replaced accounts", (("suspended_at",),)),
    ("concealed/many networks", (("client_ip", "asn"),)),
    (
        "concealed/made to look unrelated",
        (("client_ip",), ("verified_domain", "org_id", "payment_fingerprint", "signup_ip")),
    ),
    ("concealed/places", (("client_ip",),)),
    ("concealed/names", (("verified_domain", "org_id", "email"),)),
    ("concealed/tenure", (("created_at",),)),
)
"""Each detector and the columns that it reads: of every inner tuple one must hold a value."""


def blind_terms(absent: Mapping[str, str]) -> list[Blind]:
    """The detectors that had nothing to read. `absent` maps an empty column to what to say of it."""
    found: list[Blind] = []
    for detector, wanted in NEEDS:
        missing = [names for names in wanted if all(name in absent for name in names)]
        if missing:
            found.append(Blind(detector, "; ".join(dict.fromkeys(absent[name] for names in missing for name in names))))
    return found
