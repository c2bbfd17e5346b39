"""Scenarios: who is in a world, and how well its operators hide."""

from acting import material, places
from acting.honest import brokers, coders, crowds, firms, people
from acting.operators import campaign, provider
from acting.operators.campaign import Campaign
from acting.operators.harvest import Harvest
from acting.operators.imitation import KINDS
from acting.world import World

AXES = {
    "cover": float, "paraphrase": float, "paraphrase_by": str, "rotation": float, "jitter": float, "exchanges": float,
    "size": int, "imitate": str,
}  # fmt: skip
DEFAULTS: dict[str, dict[str, str]] = {
    "mixed": {}, "quiet": {}, "hard": {"cover": ".95", "paraphrase": ".6", "rotation": ".8"},
}  # fmt: skip
HONEST = (
    people.chat_users, people.foreign, people.vpn_users, people.sixth_users, people.tutors, people.viral, coders.agents,
    coders.scripts, coders.frameworks, coders.retrieval, coders.harnesses, coders.judges, coders.pictures, coders.desks,
    firms.batches, firms.moderators, firms.enterprises, firms.undeclared, firms.permitted, crowds.universities,
    crowds.hackathon, crowds.apps, crowds.hobbyists, brokers.resellers, brokers.quiet_resellers,
)  # fmt: skip
CAMPAIGNS = (
    Campaign("heron", "delta", 285, (("cot_elicitation", 6), ("post_hoc_reasoning", 4)), stolen=12, pivots=True),
    Campaign("stork", "delta", 115, (("rubric_grading", 5), ("preference_pairs", 5)), place=1),
    Campaign("egret", "oxbow", 75, (("trace_coercion", 7), ("sensitive_rewrite", 3)), stolen=8, place=2),
    Campaign("bittern", "fjord", 45, (("agentic_coding", 6), ("tool_use", 4)), pivots=True, place=3),
    Campaign("crane", "lagoon", 24, (("data_synthesis", 5), ("rubric_grading", 5)), staged=True, place=4),
)
POOLS = {"delta": 60, "oxbow": 24, "fjord": 16, "lagoon": 10}


class Wrong(Exception):
    """A scenario or an axis that does not exist."""


def settings_of(scenario: str, changes: list[str]) -> dict[str, str]:
    """A scenario's axes with those that the user set."""
    if scenario not in DEFAULTS:
        raise Wrong(f"no scenario {scenario}: choose from {', '.join(DEFAULTS)}")
    settings = dict(DEFAULTS[scenario])
    for change in changes:
        axis, _, value = change.partition("=")
        if axis not in AXES or not value:
            raise Wrong(f"no axis {change}: write axis=value with an axis of {', '.join(AXES)}")
        if axis == "imitate" and value not in KINDS:
            raise Wrong(f"nothing to imitate called {value}: choose from {', '.join(KINDS)}")
        try:
            AXES[axis](value)
        except ValueError:
            raise Wrong(f"{axis} is {value}: give a number") from None
        settings[axis] = value
    return settings


def play(scenario: str, seed: int, scale: float, changes: list[str]) -> World:
    """Let everybody act through the month."""
    settings = settings_of(scenario, changes)
    stuff = material.load()
    world = World(seed, scale, settings, stuff, places.load(stuff.folder))
    providers = {name: provider.found(world, name, size) for name, size in POOLS.items()}
    for populate in HONEST:
        populate(world)
    brokers.proxied(world, [providers["delta"], providers["oxbow"]])
    honest = [a for a in world.accounts if a.plan and a.cohort not in ("permitted_distillers", "hackathon", "viral")]
    if scenario != "quiet":
        works: dict[str, list[Harvest]] = {}
        for one in CAMPAIGNS:
            campaign.run(world, one, providers[one.provider], honest, works.setdefault(one.provider, []))
    return world
