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
