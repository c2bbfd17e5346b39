"""Crowds: students with one homework, a hackathon, users of one app, hobbyists with one idea."""

from dataclasses import replace
from functools import partial

from acting import tools
from acting.acts import Account, Begun, Form, Talk, Turn
from acting.calendars import squeeze
from acting.honest.coders import developer
from acting.honest.people import beside, chats, person
from acting.operators.harvest import Harvest
from acting.places import same_exit
from acting.speech import answer, excerpt, quote
from acting.words import fill, general, lists
from acting.work import Job, coding, document, script
from acting.world import World, as_person, as_program, machine_volume, own_domain, people_volume


def universities(world: World) -> None:
    """Students behind one campus NAT: weekly homework from MMLU, GSM8K or Arena-Hard, pasted or retold, asked in the
    days before it is due, with questions back; everyday chat beside it."""
    for school in range(3):
        throw = world.dice("university", school)
        campus = world.atlas.campus(throw)
        kind = ("eval_knowledge", "eval_math", "human_chat_hard")[school]
        weeks = [throw.some(world.stuff.prompts[kind], 6) for _ in range(4)]
        domain = f"uni{throw.whole(10, 99)}.edu"
        country = throw.pick(("US", "DE", "GB"))
        for number in range(world.many(75)):
            account = person(world, f"university_{school}", number, "look_alike", country)
            account.cohort = "university"
            account.places.append((same_exit(campus, account.dice), 14, 5))
            if account.dice.happens(0.7):
                account.email = f"{account.email.split('@')[0]}@{domain}"
                account.programme = account.dice.pick(("education", "education", None))
            chats(world, account, 24)
            for week, sheet in enumerate(weeks):
                study(world, account, week, sheet)
            account.plan = squeeze(account.plan)


def study(world: World, account: Account, week: int, sheet: list[str]) -> None:
    """One student's week: some of the sheet's problems, most on the last two evenings."""
    throw = account.dice
    due = (week * 7 + 6.9) * 86400
    for item in throw.some(sheet, throw.weighted(((0, 3), (1, 2), (3, 3), (6, 2)))):
        at = due - throw.expovariate(1 / 1.3) * 86400
        if at < max(account.born, 0):
            continue
        told = fill(throw.pick(lists("firms")["homework"]), general(throw, item=item))
        turns = [Turn(told, throw.pick(world.stuff.solutions))]
        while throw.happens(0.4) and len(turns) < 4:
            asks = ("I don't get it", "is that really right?", "why not {n}?", "shorter", "what does that word mean")
            turns.append(Turn(fill(throw.pick(asks), general(throw)), answer(world.stuff, throw, 1, 2), gap=80))
        account.plan.append(Begun(at, Talk(Form(family="mid"), turns)))


def hackathon(world: World) -> None:
    """A weekend in one hall: new accounts on vouchers, one starter kit's words, forty hours of code, then silence."""
    throw = world.dice("hackathon")
    hall = world.atlas.office(throw, "NL", 2)
    begin = 18.3 * 86400
    for number in range(world.many(85)):
        account = developer(world, "hackathon", number, "look_alike")
        account.born = (
            begin - account.dice.random() * 2 * 86400 if account.dice.happens(0.75) else min(account.born, begin)
        )
        account.programme = account.dice.pick(("startup", "trial", None))
        account.places = [(same_exit(hall, account.dice), 1, 1)]
        account.clients = [(tools.NODE_SDK, 2), (tools.PYTHON_SDK, 1)]
        account.suspended = None
        jobs: list[Job] = [coding(world.stuff, account, lists("firms")["starter"][0], 9), script(world.stuff, account)]
        left = people_volume(world, account, 50)
        while left > 0:
            talk = account.dice.pick(jobs)()
            left -= len(talk.turns)
            account.plan.append(Begun(begin + account.dice.betavariate(1.5, 1.5) * 42 * 3600, talk))
        account.plan = squeeze(account.plan)


def apps(world: World) -> None:
    """Apps to which users bring their own keys: the app's fixed words, the user's own texts, account, card and home.

    Of the first two apps requests leave from the user's device, of the others from the app's few servers: then
    strangers share addresses, program and instruction and nothing else.
    """
    for app, system in enumerate(lists("firms")["product.apps"]):
        throw = world.dice("app", app)
        servers = world.atlas.fleet(throw, 3)
        client = (tools.NODE_SDK, replace(tools.PHONES[0], pathway="api"), tools.PYTHON_SDK, tools.GO_SDK)[app]
        for number in range(world.many(58)):
            account = person(world, f"key_app_{app}", number, "look_alike")
            account.cohort = "key_bringing_app"
            if app >= 2:
                account.places = [(same_exit(servers, account.dice), 1, 1)]
            account.clients = [(client, 1)]
            job = app_use(world, account, system, app)
            account.plan = as_person(world, account, job, people_volume(world, account, 46))
            if app < 2 and account.dice.happens(0.35):
                beside(world, account, 12)


def app_use(world: World, account: Account, system: str, app: int) -> Job:
    """One user of an app: what the app's flow asks for, made of this user's own words."""
    throw = account.dice
    form = Form(family="mid", system=system, temperature=0.3, client=account.clients[0][0], remembers=app == 1)
    kinds = throw.some(("support", "minutes", "contract", "review", "logs"), 2)

    def job() -> Talk:
        own = (excerpt(world.stuff, throw, 1, 3), f"Level B{throw.whole(1, 2)}: {quote(world.stuff, throw)}",
               f"Tone: {throw.pick(('warm', 'firm', 'neutral'))}\n{document(throw, kinds[0], {}, 2)}",
               f"Schema: {', '.join(throw.some(lists('firms')['service'], 4))}\n"
               + fill("How many {product} did {company} order in {month}?", general(throw)))[app]  # fmt: skip
        return Talk(form, [Turn(own, answer(world.stuff, throw, 1, 2))])

    return job


def hobbyists(world: World) -> None:
    """Hobbyists who make synthetic data for a pet model: published templates, seeds of their own choice, one account
    each, no care to hide."""
    for number in range(world.many(26)):
        account = developer(world, "hobbyist", number, "look_alike")
        harvest = Harvest(world, f"hobby {number}", (("data_synthesis", 3), ("cot_elicitation", 1)))
        if account.dice.happens(0.3):
            account.email = account.email.split("@")[0] + "@" + own_domain(account.dice)
        count = machine_volume(world, account, 110)
        account.plan = as_program(world, account, partial(harvest.talk, account.dice), count, 6)
