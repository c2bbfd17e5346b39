"""Every campaign of a scenario: members, work, stolen keys, and what it all cost the operator."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from stillwatch.worlds import calendar
from stillwatch.worlds.draft import Draft
from stillwatch.worlds.exits import relay_exits
from stillwatch.worlds.operators.costs import bill
from stillwatch.worlds.operators.disguises import leak
from stillwatch.worlds.operators.extraction import Work
from stillwatch.worlds.operators.honesty import Honest
from stillwatch.worlds.operators.members import Operation, equipped, kit, recruit
from stillwatch.worlds.operators.networks import Carrier, resellers
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
    carriers = [Carrier(draft, scenario, network, honest) for network in scenario.networks]
    found = [
        _campaign(_operation(draft, scenario, number, honest), robbed[campaign.name], carriers)
        for number, campaign in enumerate(scenario.campaigns)
    ]
    for carrier in carriers:
        carrier.serve_the_honest()
    if carriers:
        resellers(draft)
    return found


def _operation(draft: Draft, scenario: Scenario, number: int, honest: Honest) -> Operation:
    campaign = scenario.campaigns[number]
    size = campaign.members or max(SMALLEST, round(campaign.size * min(1.0, draft.scale)))
    bought = kit(draft, campaign, size, relay_exits(draft, campaign.provider))
    return Operation(draft, campaign, number, scenario, honest, bought, size)


def _campaign(operation: Operation, robbed: list[int], carriers: Sequence[Carrier]) -> dict[str, Any]:
    members = [] if operation.campaign.tenant else recruit(operation)
    work = Work(operation)
    for member in members:
        work.employ(member)
    for carrier in carriers:
        carrier.serve(operation.campaign.name, work)
    for victim in robbed:
        _steal(operation, work, victim)
    work.settle()
    campaign, disguise = operation.campaign, operation.campaign.disguise
    posters = round(disguise.leaked * operation.size)
    leak(operation.draft, campaign, posters, work.scripts)
    return {
        "campaign": campaign.name,
        "provider": campaign.provider,
        "imitates": campaign.imitates,
        "capabilities": work.capabilities(),
        "accounts": len(members),
        "victims": len(robbed),
        "extraction_exchanges": work.spent.extraction,
        "cost": _cost(operation, work, len(members), len(robbed)) | {"leaked_to": posters},
    }


def _cost(operation: Operation, work: Work, accounts: int, robbed: int) -> dict[str, Any]:
    """What the campaign used up, and in dollars."""
    worn, spent = operation.bought.outfit, asdict(work.spent)
    extraction = spent.pop("extraction")
    counts = {
        "accounts": accounts,
        "cards": len(operation.bought.issued - {None}),
        "shared_exits": len(operation.bought.exits),
        "stolen_keys": robbed,
        "paraphrases": round(operation.scenario.paraphrase * extraction),
        **spent,
        "repeats": work.stock.repeats,
        "domains": int(bool(worn.declared)),
        "offices": int(worn.office is not None),
        "apps": int(worn.app is not None),
    }
    replaced = accounts - operation.size
    return {**counts, "replaced": replaced, "dollars": bill({**counts, "extraction": extraction})}


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
