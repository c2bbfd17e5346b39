"""How accounts register: names, mail, cards, countries, doors, and the address and device of the sign-up."""

from dataclasses import dataclass
from typing import Any

from stillwatch.worlds.chance import Dice, token
from stillwatch.worlds.clients import browser
from stillwatch.worlds.places import Place

_FIRST = (
    "james maria wei anna david fatima lucas yuki arjun sofia peter mei olga tom nina omar julia ivan "
    "laura minh sara paul elena raj emma jan kenji ana max li diego hannah amir clara viktor lena marco "
    "priya erik alice hugo zoe sam kim noah ines felix rosa dan tara"
)
_LAST = (
    "smith garcia wang mueller kumar tanaka silva nguyen ivanov rossi kim martin khan jones lopez chen "
    "weber patel sato costa tran petrov bianchi lee bernard ali brown kowalski larsson yilmaz santos "
    "zhang fischer singh mori dubois novak park jansen cohen"
)
FIRST, LAST = _FIRST.split(), _LAST.split()
MAIL = (
    "gmail.com", "gmail.com", "gmail.com", "gmail.com", "outlook.com", "outlook.com", "hotmail.com", "yahoo.com",
    "icloud.com", "qq.com", "163.com", "proton.me", "gmx.de", "mail.com", "naver.com", "web.de",
)  # fmt: skip
SYLLABLES = (
    "nor",
    "vel",
    "tak",
    "lum",
    "bri",
    "sol",
    "ven",
    "cor",
    "mar",
    "dex",
    "ail",
    "pex",
    "rin",
    "gro",
    "hal",
    "ty",
)
ENDINGS = (".com", ".com", ".io", ".ai", ".co", ".net", ".de", ".dev")
TIERS = ("free", "pro", "pro", "usage", "usage", "usage", "team")
PROGRAMMES = ("education", "research", "startup", "trial")


@dataclass(frozen=True)
class Card:
    """A payment instrument."""

    fingerprint: str
    bin: str


def card_bin(dice: Dice, country: str) -> str:
    """A card's first six digits: some dozen issuers a country, and prepaid ones that serve everywhere."""
    if dice.true(0.08):
        return str(486_200 + dice.popular(range(12)))
    return str(400_000 + int(token("bin", country, dice.popular(range(36), 2.2)), 16) % 155_000)


def card(dice: Dice, country: str) -> Card:
    """A card of its own."""
    return Card(f"pm_{token('card', dice.bits())}", card_bin(dice, country))


def company_domain(dice: Dice) -> str:
    """A made-up company's mail domain."""
    return "".join(dice.few(SYLLABLES, 2 + dice.below(2))) + dice.pick(ENDINGS)


def local_part(dice: Dice) -> str:
    """The part of an address before the @, in one of the ways that people write it."""
    first, last = dice.pick(FIRST), dice.pick(LAST)
    return (
        f"{first}.{last}", f"{first}{last}{dice.below(100)}", f"{first[0]}{last}", f"{first}{dice.below(10_000)}",
        f"{first}_{last}", f"{last}.{first}{dice.below(100)}", f"{first}{last}",
        f"{first}.{last}{1950 + dice.below(56)}",
    )[dice.popular(range(8), 1.4)]  # fmt: skip


def mail_domain(dice: Dice) -> str:
    """Where a private person has mail: a big provider mostly, a domain of their own for some."""
    return company_domain(dice) if dice.true(0.16) else dice.pick(MAIL)


def programme(dice: Dice, share: float = 0.09) -> str | None:
    """An entry door, for a share of accounts."""
    return dice.pick(PROGRAMMES) if dice.true(share) else None


def registration(dice: Dice, country: str, home: Place, **known: Any) -> dict[str, Any]:
    """The account's row without id and times; ``known`` overrides what a private person would have."""
    tier = known.get("tier") or dice.pick(TIERS)
    domain = known.get("email_domain") or mail_domain(dice)
    device = browser(dice)
    paid = card(dice, country) if tier != "free" or dice.true(0.3) else None
    row: dict[str, Any] = {
        "org_id": "personal" if dice.true(0.05) else None,
        "tier": tier,
        "programme": programme(dice),
        "email_domain": domain,
        "email": f"{local_part(dice)}@{domain}",
        "phone_country": country if dice.true(0.7) else None,
        "billing_country": country if dice.true(0.93) else None,
        "verified_country": country if dice.true(0.4) else None,
        "payment_fingerprint": paid.fingerprint if paid else None,
        "card_bin": paid.bin if paid else None,
        "signup_ip": home.address,
        "signup_asn": home.block.asn,
        "signup_ja4": device.ja4,
        "signup_user_agent": device.user_agent,
    }
    row.update((name, value) for name, value in known.items() if name not in ("email_domain", "tier"))
    return row
