"""Firms: enterprises that say who they are and ones that do not, batch jobs, moderation, permitted distillers."""

from functools import partial

from acting import tools
from acting.acts import Account
from acting.chance import Dice
from acting.honest.coders import developer
from acting.honest.people import beside, person
from acting.operators.harvest import Harvest
from acting.places import same_exit
from acting.words import fill, general, lists, own_words
from acting.work import PROCESSES, assistant, firm_process, translator
from acting.world import World, as_person, as_program, machine_volume, people_volume


def batches(world: World) -> None:
    """Extraction, classification and translation jobs: one instruction, many own papers, at real customers' rates."""
    for number in range(world.many(230)):
        account = developer(world, "batch", number)
        throw = account.dice
        known = {"company": throw.pick(lists("firms")["company"])}
        if throw.happens(0.25):
            job = translator(world.stuff, account)
        else:
            job = firm_process(world.stuff, account, throw, throw.pick(PROCESSES[:-2]), known)
        account.plan = as_program(world, account, job, machine_volume(world, account, 125), 4)


def moderators(world: World) -> None:
    """Moderation vendors: a policy, strangers' posts, a label; more refusals than elsewhere."""
    for number in range(world.many(35)):
        account = developer(world, "moderation", number)
        job = firm_process(world.stuff, account, account.dice, "moderation", {})
        account.plan = as_program(world, account, job, machine_volume(world, account, 120), 3)
        for begun in account.plan:
            begun.talk.turns[0].refuses = 0.04


def enterprises(world: World) -> None:
    """Declared enterprises: one organisation, one verified domain, an account a team, hundreds of keys, one office."""
    for firm in range(3):
        throw = world.dice("enterprise", firm)
        domain = f"{throw.pick(lists('issues')['repo'])}-{firm}.com"
        for number in range(world.many(72)):
            account = employee(world, f"enterprise_declared_{firm}", number, throw)
            account.cohort = "enterprise_declared"
            account.org_id, account.verified_domain = f"org_decl{firm}", domain
            account.email = f"{account.email.split('@')[0]}@{domain}"
            account.keys += [account.dice.token("key_", 10) for _ in range(account.dice.whole(0, 4))]


def undeclared(world: World) -> None:
    """Undeclared enterprises: the same colleagues, each of whom signed up alone: a firm's mailbox or one's own, the
    firm's card or one's own, the office's addresses by day and home in the evening."""
    for firm in range(3):
        throw = world.dice("undeclared", firm)
        domain = f"{throw.pick(lists('issues')['repo'])}{firm}.net"
        cards = [throw.token("pm_", 10) for _ in range(3)]
        for number in range(world.many(58)):
            account = employee(world, f"enterprise_undeclared_{firm}", number, throw)
            account.cohort, account.kind = "enterprise_undeclared", "look_alike"
            if account.dice.happens(0.6):
                account.email = f"{account.email.split('@')[0]}@{domain}"
            if account.dice.happens(0.35):
                account.payment = account.dice.pick(cards)
            if account.dice.happens(0.4):
                beside(world, account, 12)


def employee(world: World, cohort: str, number: int, throw: Dice) -> Account:
    """Someone of a firm: its country, its office, its assistant's words, its own papers; some write programs."""
    firm = world.dice("firm", cohort)
    country = firm.pick(("US", "DE", "GB", "FR", "NL"))
    office = world.atlas.office(firm, country, 4)
    known = {"company": firm.pick(lists("firms")["company"])}
    system = own_words(fill(firm.pick(lists("firms")["systems"]), general(firm, **known)), firm)
    process = firm.pick(PROCESSES[:8])
    account = person(world, cohort, number, country=country)
    account.places = [(same_exit(office, account.dice), 9, 2), (account.places[0][0], 1, 3)]
    if account.dice.happens(0.4):
        account.clients = [(firm.pick(tools.SDKS[:4]), 1)]
        job = firm_process(world.stuff, account, firm, process, known)
        account.plan = as_program(world, account, job, machine_volume(world, account, 105))
    else:
        job = assistant(world.stuff, account, system, known)
        account.plan = as_person(world, account, job, people_volume(world, account, 60))
    return account


def permitted(world: World) -> None:
    """Permitted distillers: contracts in the permissions table, distilabel's and UltraFeedback's templates, thousands
    of requests by day and night from their own machines, under their own verified name."""
    for lab in range(3):
        throw = world.dice("permitted", lab)
        fleet = world.atlas.fleet(throw, 8)
        organisation, domain = f"org_lab{lab}", f"lab-{throw.whole(10, 99)}.ai"
        harvest = Harvest(
            world, f"permitted {lab}", (("cot_elicitation", 4), ("data_synthesis", 4), ("rubric_grading", 2))
        )
        for number in range(2):
            account = person(world, f"permitted_{lab}", number, "look_alike", "US")
            account.cohort, account.tier, account.suspended = "permitted_distillers", "enterprise", None
            account.org_id, account.verified_domain = organisation, domain
            account.email = f"data{number}@{domain}"
            account.born = -200 * 86400.0 - account.dice.random() * 8e6
            account.places, account.pathway = [(same_exit(fleet, account.dice), 1, 1)], "api"
            account.clients = [(tools.PYTHON_SDK, 1)]
            count = round(3200 * world.scale * account.dice.around(1, 0.3) * world.number("exchanges", 60) / 60)
            account.plan = as_program(world, account, partial(harvest.talk, account.dice), count, 2)
        world.permissions.append(permission(organisation, "distillation", f"contract {2026}-{lab + 11}"))


def permission(organisation: str, purpose: str, reference: str) -> dict[str, object]:
    return {"org_id": organisation, "purpose": purpose, "reference": reference}
