"""The nouns of Stillwatch, frozen, in the order in which a datum meets them. No methods that reach out."""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


class SegmentRole(IntEnum):
    """Whose words a segment of a request holds, as far as its place in the request tells."""

    SYSTEM = 0
    TOOLS = 1
    HISTORY = 2
    USER = 3
    BLOCK = 4
    """A block that a harness put into a human turn, whole."""
    SYSTEM_ASKS = 5
    BLOCK_ASKS = 6
    """All sentences of a system text, or of a block, that bear the same rule tag, as one set."""
    SYSTEM_SAYS = 7
    """A sentence of a short system text."""
    EARLIER = 8
    """What the last human turn goes back to where it says hardly anything ("go on"), whole."""
    EARLIER_SAYS = 9
    """A sentence of it."""


class Family(StrEnum):
    """Channels that share a mechanism. Content and work never nominate for each other and never count as two."""

    CONTENT = "content"
    WORK = "work"
    CLIENT = "client"
    INFRASTRUCTURE = "infrastructure"
    REGISTRATION = "registration"
    TIMING = "timing"


EXACT_FAMILIES = (Family.CONTENT, Family.CLIENT, Family.INFRASTRUCTURE, Family.REGISTRATION, Family.TIMING)
"""Families whose e-value is exact in finite samples. Work's is model-based and stays outside the union."""

ACCESS = (Family.INFRASTRUCTURE, Family.REGISTRATION)
"""What an operator has for itself, and the users of one product do not agree in: words and client are the product's,
hours the sender's."""

MINED_CHANNELS = ("fine", "coarse", "profile")
"""Channels of content whose tokens stand for words that are alike; those of the others stand for words as they are."""

ACCUSING = ("operator", "provider")
EVEN = 0.5
"""Roles that accuse, in a suspected finding, from this probability on."""

CAPABILITIES = (
    "cot_elicitation", "post_hoc_reasoning", "trace_coercion", "rubric_grading", "preference_pairs", "reward_model",
    "sensitive_rewrite", "data_synthesis", "code_generation", "agentic_coding", "tool_use", "computer_use", "vision",
    "translation", "extraction", "evaluation", "chat", "unknown",
)  # fmt: skip
"""The closed list of capability names, as `campaigns --json` prints them."""


@dataclass(frozen=True)
class QuarantinedRow:
    """A row that broke the contract: where it stands, what was found (a kind, never its text), what was wanted."""

    file: str
    row: int | None
    column: str | None
    found: str
    wanted: str
    exchange_id: str | None = None


@dataclass(frozen=True)
class Step:
    """One SQL step of a stage: the table that it makes and the query, in DuckDB's dialect, that fills it."""

    table: str
    sql: str


@dataclass(frozen=True)
class Blind:
    """A detector that abstained, and why: which column or file is missing."""

    detector: str
    because: str


@dataclass(frozen=True)
class Term:
    """One named term of a score, in log-odds or log e. `family` is empty where the term belongs to none."""

    question: str
    name: str
    value: float
    because: str
    family: str = ""


@dataclass(frozen=True)
class Score:
    """A score is a prior plus named terms, in log-odds."""

    question: str
    prior: float
    terms: tuple[Term, ...] = field(default=())

    @property
    def log_odds(self) -> float:
        """The sum of prior and terms."""
        return self.prior + sum(term.value for term in self.terms)


def is_accused(status: object, role: object, probability: object) -> bool:
    """Whether a finding of this status accuses a member of this role and probability."""
    number = isinstance(probability, int | float) and not isinstance(probability, bool)
    return status == "suspected" and role in ACCUSING and number and EVEN <= probability <= 1.0  # type: ignore[operator]


class Rung(IntEnum):
    """The ladder of what may be done about an account, mildest first."""

    OBSERVE = 0
    LABEL = 1
    VERIFY = 2
    """A step-up: payment, identity, organisation, a new key."""
    LIMIT = 3
    """Fewer requests, tokens, or at once."""
    PROTECT = 4
    """Reasoning traces are summarised or withheld, log-probabilities dropped."""
    FALLBACK = 5
    """Another model answers, and the customer is told so."""
    SUSPEND = 6


AUTOMATIC_CEILING = Rung.LIMIT
"""The highest rung that a rule may put in force by itself, and for a time only. Above it a named person approves."""

MODES = ("shadow", "enforce")
"""A rule in shadow says what it would have done."""

OBLIGATIONS: dict[str, tuple[Rung, tuple[str, ...]]] = {
    "challenge": (Rung.VERIFY, ("kind",)),
    "rate_limit": (Rung.LIMIT, ("requests_per_minute", "tokens_per_minute", "concurrency")),
    "cap_max_tokens": (Rung.LIMIT, ("max_tokens",)),
    "strip_logprobs": (Rung.PROTECT, ()),
    "hide_reasoning": (Rung.PROTECT, ()),
    "fallback_model": (Rung.FALLBACK, ("to",)),
    "hold": (Rung.SUSPEND, ()),
}
"""What a gateway can be obliged to do: the least rung that may oblige it, and its settings (one at least, where there
are any). `kind` of a challenge is one of CHALLENGES, `to` names a model of the provider's, the others are whole numbers
above nought."""

CHALLENGES = ("payment", "identity", "organisation", "rotate_key")

REASON_CODES = ("usage_review", "verification_needed", "usage_limit", "terms_of_service", "key_security")
"""All that a customer's client is told of why: coarse, without a score, so that nobody can steer by it."""


@dataclass(frozen=True)
class Obligation:
    """One thing that a gateway must do. `settings` ascend by name."""

    type: str
    settings: tuple[tuple[str, int | str], ...] = ()


@dataclass(frozen=True)
class PolicyRef:
    """Which policy spoke: its own id and version, and the hash of the whole file."""

    id: str
    version: str
    hash: str


@dataclass(frozen=True)
class Hit:
    """A rule that speaks of an account: what may be done about it, and why.

    `campaign_id` is of the finding that names the account, in the run `run_id`. `reason` is the statement of reasons
    for people, `clause` the term of the contract that it rests on, `hours` how long an action of it may last.
    """

    account_id: str
    campaign_id: str
    run_id: str
    rule_id: str
    policy: PolicyRef
    rung: Rung
    obligations: tuple[Obligation, ...]
    mode: str
    severity: str
    owner: str
    reason: str
    reason_code: str
    clause: str
    hours: int


@dataclass(frozen=True)
class InForce:
    """An action in force as the decision path reads it; times are microseconds since 1970.

    `group` is the campaign whose accounts share one budget, or empty. `notice` is what the customer is told.
    """

    action_id: str
    account_id: str
    group: str
    rung: Rung
    obligations: tuple[Obligation, ...]
    mode: str
    reason_code: str
    notice: str
    appeal_url: str
    starts_at: int
    expires_at: int
    policy: PolicyRef
