"""What a finding says, in plain sentences. Every claim is an allegation, and says what it does not claim."""

from typing import Any

from stillwatch.assess.finding import LIKELIHOOD, REFUTED
from stillwatch.console.text import counted, listed, share
from stillwatch.records import is_accused

Finding = dict[str, Any]

QUESTIONS = ("coordinated", "extracting", "concealed")

MAIN = 0.05
"""Share of the work from which a capability is named in the claim."""

CAPABILITIES = {
    "cot_elicitation": "step-by-step reasoning",
    "post_hoc_reasoning": "reasoning behind finished answers",
    "trace_coercion": "hidden reasoning traces",
    "rubric_grading": "grades by a rubric",
    "preference_pairs": "preferences between answers",
    "reward_model": "reward scores",
    "sensitive_rewrite": "rewrites of sensitive questions",
    "data_synthesis": "synthetic training data",
    "code_generation": "code",
    "agentic_coding": "coding by an agent",
    "tool_use": "use of tools",
    "computer_use": "use of a computer",
    "vision": "reading of images",
    "translation": "translations",
    "extraction": "facts taken out of texts",
    "evaluation": "answers to test questions",
    "chat": "conversation",
    "unknown": "not told apart",
}

CLAIMS = {
    ("group", "suspected"): "a group of {accounts} works together, draws {what} out of the model, and conceals that it "
    "does.",
    ("group", "ambiguous"): "A group of {accounts} shares work that draws {what} out of the model. That this is "
    "extraction, or that it is hidden, is not shown.",
    ("group", "permitted"): "A group of {accounts} shares work that draws {what} out of the model, with a permission "
    "that covers most of it.",
    ("entity", "ambiguous"): "One customer with {accounts} draws {what} out of the model at scale. No permission is "
    "known, and a hobbyist would look the same.",
    ("excess", "ambiguous"): "The cap of a permission is used up, and {accounts} went on under it. What exceeds it "
    "draws {what} out of the model; what the cap covers is permitted.",
    ("entity", "permitted"): "One customer with {accounts} draws {what} out of the model at scale, with a permission.",
}

BEYOND = "what exceeds the permission is extraction (that it exceeds it is counted)"

STATUSES = {
    "suspected": "Evidence answers all three questions with yes, and no innocent explanation holds.",
    "ambiguous": "The accounts are linked; that all three answers are yes is not likely, or not shown. For review "
    "only: nobody is accused.",
    "permitted": "A permission covers most of this work. It stands here so that nobody takes it for a campaign.",
    "dismissed": "An innocent explanation holds, or one of the three questions is not shown, or the evidence speaks "
    "against it.",
}

CONFIDENCE = {
    "high": "at least three families of signals confirmed the group exactly, two of them one and the same candidate, "
    "and no detector was blind",
    "moderate": "two families of signals confirmed one and the same candidate, but fewer than three confirmed in all, "
    "or a detector was blind",
    "low": "fewer than two families of signals confirmed one candidate",
}

VERDICTS = {
    "explains": "holds: this alone accounts for the group",
    "possible": "cannot be ruled out",
    "rejected": "does not fit the data",
    "unknown": "nothing was logged that would show it",
}

ALTERNATIVES = {
    "affiliated": "one organisation whose accounts belong together openly",
    "shared benchmark or homework": "many people who were given the same items",
    "common template, own data": "a public prompt that each applies to data of its own",
    "same product": "customers of one product that writes the prompts for them",
    "declared reseller": "a reseller who said so, with many customers behind it",
    "viral prompt": "a prompt that went round and that many tried",
}

QUESTION_WORDS = {
    "coordinated": "Do these accounts act together, more than chance and common products allow?",
    "extracting": "Does their shared work ask for material that trains another model?",
    "concealed": "Do they hide who they are, where they are, or that they belong together?",
    "provider": "Are they a network that carries several customers, and not one operator’s own accounts?",
}

SMALL_STORE = 1_000
"""Accounts under which a store's campaigns are often not found."""

ANSWERED = (
    "A finding about one customer answers the second question only: nobody else’s agreement supports or doubts it."
)
INNOCENT = (
    "Innocent explanations of a group (one product, one benchmark, one organisation) do not apply to one customer. A "
    "hobbyist or a research project without a registered permission would look the same."
)

SHOWN = {"coordinated": "coordination", "extracting": "extraction", "concealed": "concealment"}
"""What each question asks for, as a noun."""

FAMILIES = {
    "content": "what they write",
    "work": "which items they work through",
    "client": "their programs and settings",
    "infrastructure": "networks and addresses",
    "registration": "how the accounts were opened and paid",
    "timing": "hours of work",
}


def accused(*findings: Finding) -> int:
    """How many accounts the findings accuse: operator or provider, one half or more, in a suspected finding."""
    return len({m["account_id"] for finding in findings for m in finding["members"] if accuses(finding, m)})


def accuses(finding: Finding, member: dict[str, Any]) -> bool:
    """Whether this member is accused."""
    return is_accused(finding["status"], member["role"], member["probability"])


MUCH = 0.2
"""Share of a finding's exchanges from which one account that is not accused is told by itself."""


def senders(finding: Finding) -> str:
    """Whose the exchanges are: how many the accused sent, and whoever sent many and is not accused."""
    if not accused(finding):
        return ""
    by_accused = sum(m["exchanges"] for m in finding["members"] if accuses(finding, m))
    told = f"{by_accused:,} of them by {counted(accused(finding), 'accused account')}"
    for member in sorted(finding["members"], key=lambda m: (-m["exchanges"], m["account_id"])):
        if not accuses(finding, member) and member["exchanges"] >= MUCH * max(finding["exchanges"], 1):
            told += f"; {member['exchanges']:,} by {member['account_id']}, which is named and not accused"
    return told


def capability(name: str) -> str:
    """A capability in plain words; a name of another version stands as it is."""
    return CAPABILITIES.get(name, name)


def material(finding: Finding) -> str:
    """The main things that the work asks for, at most three."""
    shares = finding["capabilities"].items()
    main = [name for name, part in shares if part >= MAIN and name not in ("unknown", "chat")]
    return listed([capability(name) for name in main[:3]]) or "material of no known kind"


def claim(finding: Finding) -> str:
    """What the finding claims, in a sentence or two."""
    accounts, what = counted(len(finding["members"]), "account"), material(finding)
    words = CLAIMS.get((finding["kind"], finding["status"]), "A group of {accounts} shares work.")
    return words.format(accounts=accounts, what=what)


def naming(finding: Finding) -> str:
    """Whom the finding accuses, and whom it names without accusing."""
    members, bad = len(finding["members"]), accused(finding)
    if not bad:
        return f"It accuses nobody; it names {counted(members, 'account')}."
    rest = f" The other {counted(members - bad, 'account')} are named and not accused." if members > bad + 1 else ""
    rest = " The one other account is named and not accused." if members == bad + 1 else rest
    return f"It accuses {counted(bad, 'account')}.{rest}"


def likelihood_of(finding: Finding) -> str:
    """What the likelihood is the likelihood of."""
    if finding["kind"] == "excess":
        return BEYOND
    if finding["kind"] == "entity":
        return "this customer's own work is extraction (which a permission may allow)"
    return "all three questions below are answered yes"


def how_sure(finding: Finding) -> str:
    """The likelihood word with its interval and what it speaks of."""
    likely = finding["likelihood"]
    span = f"{share(likely['low'])} to {share(likely['high'])}"
    return f"“{likely['word']}” stands for a probability of {span} that {likelihood_of(finding)}."


def scale() -> list[tuple[str, float, float]]:
    """The seven words of ICD 203 with their intervals."""
    return list(LIKELIHOOD)


def dismissal(finding: Finding) -> str:
    """Why a group was dismissed: what explains it, which question is answered with no, which stays open."""
    reasons = [a["name"] for a in finding["evidence"]["alternatives"] if a["verdict"] == "explains"]
    if reasons:
        return "explained by " + listed([explained(name) for name in reasons])
    low = [name for name in QUESTIONS if finding["evidence"][name] < 0]
    if not low:
        return "two families did not confirm one candidate"
    against = [SHOWN[name] for name in low if _refuted(finding["evidence"], name)]
    unproved = [SHOWN[name] for name in low if SHOWN[name] not in against]
    told = [f"the evidence speaks against {listed(against)}"] if against else []
    told += [f"{listed(unproved)} {'is' if len(unproved) == 1 else 'are'} not shown"] if unproved else []
    return "; ".join(told)


def asked(finding: dict[str, Any]) -> tuple[str, ...]:
    """The questions whose terms are shown of a group: whether it is a network provider's only where that is told. Runs
    of older versions do not say."""
    told = (finding["evidence"].get("provider") or -1.0) >= 0.0
    return (*QUESTIONS, "provider") if told else QUESTIONS


def _refuted(evidence: dict[str, Any], question: str) -> bool:
    """Whether the terms of a question speak against it clearly: a prior that nothing lifts refutes nothing."""
    terms = sum(t["value"] for t in evidence["terms"] if t["question"] == question and t["name"] != "prior")
    return bool(evidence[question] < REFUTED and terms < 0)


def small_store(accounts: int) -> str:
    """What to add where nobody is suspected in a store of few accounts; nothing in a larger one."""
    if accounts >= SMALL_STORE:
        return ""
    return f"In a store of {counted(accounts, 'account')} campaigns of under some 50 members are often not found."


def explained(name: str) -> str:
    """An alternative in plain words with its name; a name of another version stands as it is."""
    return f"{ALTERNATIVES[name]} ({name})" if name in ALTERNATIVES else name


def detector(name: str) -> str:
    """What a blind detector would have looked at: a family of signals, or a question."""
    first = name.partition("/")[0]
    if first in QUESTIONS:
        return f"a term of “{first}?”"
    return FAMILIES.get(first, "another signal")


def odds(log_odds: float) -> str:
    """What a log-odds means: rather yes or no, and how strongly."""
    size = abs(log_odds)
    side = "yes" if log_odds >= 0 else "no"
    for limit, word in ((0.5, "undecided, barely"), (2.3, "rather"), (4.6, "clearly"), (9.2, "very clearly")):
        if size < limit:
            return f"{word} {side}"
    return f"overwhelmingly {side}"
