"""Every campaign of a scenario: members, work, stolen keys, and what it all cost the operator."""

from dataclasses import asdict
from typing import Any

from stillwatch.worlds import calendar
from stillwatch.worlds.draft import Draft
from stillwatch.worlds.exits import relay_exits
from stillwatch.worlds.operators.extraction import Work
from stillwatch.worlds.operators.honesty import Honest
from stillwatch.worlds.operators.members import Operation, equipped, kit, recruit
from stillwatch.worlds.plan import VICTIM
from stillwatch.worlds.scenario import Scenario

SMALLEST = 12
ROBBED = ("chat", "coding_agent", "batch_job", "framework_default")


def run(draft: Draft, scenario: Scenario) -> list[dict[str, Any]]:
    """Hide the scenario's campaigns among the honest; returns a row of truth for each, cost included."""
    if not scenario.campaigns:
        return []
    honest = Honest(draft)
    robbed = _victims(draft, honest, scenario)
    return [
        _campaign(_operation(draft, scenario, number, honest), robbed[campaign.name])
        for number, campaign in enumerate(scenario.campaigns)
    ]


def _operation(draft: Draft, scenario: Scenario, number: int, honest: Honest) -> Operation:
    campaign = scenario.campaigns[number]
    size = max(SMALLEST, round(campaign.size * min(1.0, draft.scale)))
    bought = kit(draft, campaign, size, relay_exits(draft, campaign.provider))
    return Operation(draft, campaign, number, scenario, honest, bought, size)


def _campaign(operation: Operation, robbed: list[int]) -> dict[str, Any]:
    members = recruit(operation)
    work = Work(operation)
    for member in members:
        work.employ(member)
    for victim in robbed:
        _steal(operation, work, victim)
    campaign, spent = operation.campaign, asdict(work.spent)
    extraction = spent.pop("extraction")
    return {
        "campaign": campaign.name,
        "provider": campaign.provider,
        "capabilities": work.capabilities(),
        "accounts": len(members),
        "victims": len(robbed),
        "extraction_exchanges": extraction,
        "cost": {
            "accounts": len(members),
            "cards": len(operation.bought.issued - {None}),
            "shared_exits": len(operation.bought.exits),
            "stolen_keys": len(robbed),
            "paraphrases": round(operation.scenario.paraphrase * extraction),
            **spent,
        },
    }


def _victims(draft: Draft, honest: Honest, scenario: Scenario) -> dict[str, list[int]]:
    """Honest accounts whose keys are stolen, by campaign; nobody is robbed twice."""
    dice = draft.dice("victims")
    wanted = [c.name for c in scenario.campaigns for _ in range(max(1, round(c.victims * min(1.0, draft.scale))))]
    long_lived = [a.number for a in honest.donors if a.cohort in ROBBED and a.ends - a.starts > 12 * calendar.DAY]
    chosen = dice.few(long_lived, len(wanted))
    return {c.name: [v for v, name in zip(chosen, wanted, strict=False) if name == c.name] for c in scenario.campaigns}


def _steal(operation: Operation, work: Work, victim: int) -> None:
    """Use a victim's key for some hours to days, from the campaign's exits and programs."""
    draft, account = operation.draft, operation.draft.accounts[victim]
    account.kind, account.cohort = VICTIM, "stolen_key"
    thief = equipped(operation, account, 0)
    dice = draft.dice("theft", account.account_id)
    window = int(dice.between(8, 40) * calendar.HOUR)
    opens = account.starts + int(dice.between(0.3, 0.95) * (account.ends - account.starts - window))
    for moment in sorted(opens + int(dice.unit() * window) for _ in range(10 + dice.below(35))):
        work.extract(thief, moment, dice, stolen=True)
