"""Developers: coding agents with a large preamble of their client's, SDK scripts, framework defaults, retrieval."""

from acting import tools
from acting.acts import Account
from acting.honest.people import person
from acting.work import benchmark, coding, desk, judge, lookup, picture, script
from acting.world import World, as_person, as_program, machine_volume, people_volume


def developer(world: World, cohort: str, number: int, kind: str = "legit") -> Account:
    """A person with an SDK: at home or the office, or on a machine for rent."""
    account = person(world, cohort, number, kind)
    account.clients = [(tools.programming(account.dice), 1)]
    if account.dice.happens(0.45):
        account.places.append((world.atlas.server(account.dice), 8, 12))
    if account.dice.happens(0.1):
        account.pathway = account.dice.pick(tools.CLOUDS)
    return account


def agents(world: World) -> None:
    """Coding-agent sessions: tokens, pauses, stops and reuse of 446 real Claude Code sessions; published SWE-agent
    preambles stand for the clients' own, one a client, so that strangers share kilobytes of words."""
    for number in range(world.many(430)):
        account = person(world, "coding_agents", number)
        which = account.dice.weighted(((0, 5), (1, 2), (2, 2), (3, 1)))
        account.clients = [(tools.AGENTS[which], 1)]
        account.pathway = "api"
        system = f"You are {tools.AGENTS[which].name}.\n{world.stuff.scaffolds[(12, 10, 14, 20)[which]]}"
        job = coding(world.stuff, account, system)
        account.plan = as_person(world, account, job, people_volume(world, account, 85))


def scripts(world: World) -> None:
    """Own small programs: rates of real API customers, prompts of one's own."""
    for number in range(world.many(420)):
        account = developer(world, "scripts", number)
        job = script(world.stuff, account)
        account.plan = as_program(world, account, job, machine_volume(world, account, 62))


def frameworks(world: World) -> None:
    """Whoever leaves a framework's template as it came: LangChain's published retrieval prompts over own papers."""
    templates = [t for t in world.stuff.prompts["rag_template"] if "context" in t.lower() and len(t) < 1500][:6]
    for number in range(world.many(190)):
        account = developer(world, "framework_defaults", number, "look_alike")
        account.clients = [(tools.LANGCHAIN, 1)]
        job = lookup(world.stuff, account, account.dice.pick(templates))
        account.plan = as_program(world, account, job, machine_volume(world, account, 60))


def retrieval(world: World) -> None:
    """Retrieval of one's own making over one's own papers."""
    for number in range(world.many(150)):
        account = developer(world, "rag", number)
        account.plan = as_program(world, account, lookup(world.stuff, account), machine_volume(world, account, 80))


def harnesses(world: World) -> None:
    """Evaluation harnesses: the same stretches of MMLU and GSM8K in the same order by many who never met."""
    for number in range(world.many(130)):
        account = developer(world, "evaluation", number, "look_alike")
        account.clients = [(tools.HARNESS, 1)] if account.dice.happens(0.6) else account.clients
        job = benchmark(world.stuff, account, 0.6)
        account.plan = as_program(world, account, job, machine_volume(world, account, 85), 3)


def judges(world: World) -> None:
    """A model as judge: deepeval's and AlpacaEval's published templates over one's own product's answers."""
    templates = [t for t in world.stuff.prompts["judge_template"] if len(t) > 600][:8] + world.stuff.templates[
        "llm_judge"
    ][1:5]
    for number in range(world.many(100)):
        account = developer(world, "judges", number, "look_alike")
        job = judge(world.stuff, account, account.dice.pick(templates))
        account.plan = as_program(world, account, job, machine_volume(world, account, 65))


def pictures(world: World) -> None:
    """Pictures with a question, of one's own goods."""
    for number in range(world.many(80)):
        account = developer(world, "vision", number)
        account.plan = as_program(world, account, picture(account, world.stuff), machine_volume(world, account, 45))


def desks(world: World) -> None:
    """Computer use: long sessions of screenshots and clicks."""
    for number in range(world.many(60)):
        account = developer(world, "computer_use", number)
        account.plan = as_person(world, account, desk(world.stuff, account), people_volume(world, account, 70))
