"""What an agent does: turns in talks, talks in a plan, and how a request leaves: the nouns of a world."""

from collections.abc import Callable
from dataclasses import dataclass, field

from acting.chance import Dice
from acting.places import Place
from acting.tools import Client

DAY = 86400.0
DAYS = 30
SPAN = DAYS * DAY


@dataclass(slots=True)
class Turn:
    """One request and its answer, before anybody sent it.

    ask: a text, or a JSON list of parts. seen: a tool's result that comes back instead of a person's words.
    call: the tool call that the answer is, as JSON. counts: input, output and cached tokens where a trace has them.
    """

    ask: str
    answer: str
    gap: float = 0.0
    seen: str = ""
    call: str = ""
    counts: tuple[int, int, int] | None = None
    aim: str = ""
    campaign: str = ""
    refuses: float = 0.006


@dataclass(slots=True)
class Form:
    """How a talk is asked for. An empty string or None is a field that the request does not set."""

    family: str = "mid"
    system: str = ""
    tools: str = ""
    temperature: float | None = None
    top_p: float | None = None
    limit: int | None = None
    response_format: str = ""
    tool_choice: str = ""
    effort: str = ""
    seed: int | None = None
    n: int | None = None
    stream: bool | None = None
    remembers: bool = True
    end_user: str = ""
    client: Client | None = None


@dataclass(slots=True)
class Talk:
    """A conversation: its form and its turns."""

    form: Form
    turns: list[Turn]


@dataclass(slots=True)
class Begun:
    """A talk and the second of the month in which it begins."""

    at: float
    talk: Talk


@dataclass(frozen=True, slots=True)
class Way:
    """By which door, from which address and with which program one exchange left; `key` if another than usual."""

    address: str
    ja4: str
    agent: str
    pathway: str


@dataclass
class Account:
    """A row of the accounts table, the truth about it, and the agent's own things: places, programs, habits."""

    account_id: str
    cohort: str
    kind: str
    dice: Dice
    country: str
    born: float
    tier: str = "pay-as-you-go"
    org_id: str | None = None
    verified_domain: str | None = None
    programme: str | None = None
    email: str = ""
    phone_country: str | None = None
    billing_country: str | None = None
    payment: str | None = None
    card_bin: str | None = None
    reseller_of: str | None = None
    suspended: float | None = None
    project: str | None = None
    signup: Way | None = None
    keys: list[str] = field(default_factory=list)
    places: list[tuple[Place, float, float]] = field(default_factory=list)
    clients: list[tuple[Client, float]] = field(default_factory=list)
    pathway: str = ""
    adopts: float = 9.0
    offset: int = 0
    persona: dict[str, str] = field(default_factory=dict)
    plan: list[Begun] = field(default_factory=list)
    leave: "Callable[[Account, float, Talk, Dice], Way] | None" = None

    def way(self, at: float, talk: Talk) -> Way:
        """How an honest agent's talk leaves: by the place where the agent is at that hour, with the tool in hand."""
        if self.leave is not None:
            return self.leave(self, at, talk, self.dice)
        return usual(self, at, talk)


def usual(account: Account, at: float, talk: Talk) -> Way:
    """The agent's own place and program: places have a weight for working hours and one for the rest."""
    hour, day = int(at / 3600 + account.offset) % 24, int(at / DAY)
    working = 8 <= hour < 18 and day % 7 < 5
    place = account.dice.weighted([(place, work if working else rest) for place, work, rest in account.places])
    client = talk.form.client or account.dice.weighted(account.clients)
    chosen = account.persona.setdefault(f"agent {client.name}", client.agent(account.dice))
    tls = account.persona.setdefault(f"tls {client.name}", client.fingerprint(account.dice))
    return Way(place.address(at), tls, chosen, account.pathway or client.pathway)
