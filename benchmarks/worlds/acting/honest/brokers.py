"""Go-betweens: resellers who say so and ones who do not, and the proxy network's own honest customers."""

from acting import tools
from acting.acts import Account, Form, Talk, Turn
from acting.chance import Dice
from acting.honest.people import chats, person
from acting.operators.provider import Provider
from acting.places import Place, same_exit
from acting.speech import Chatter, Foreigner
from acting.words import lists
from acting.work import Job, document
from acting.world import World, as_person, machine_volume


def resellers(world: World) -> None:
    """A declared reseller: it says whose traffic it serves, names end users, and deals them over its accounts."""
    throw = world.dice("reseller")
    fleet = world.atlas.fleet(throw, 6)
    for number in range(world.many(28)):
        account = person(world, "reseller_declared", number, "look_alike", "US")
        account.org_id, account.verified_domain = "org_resale", "modelmarket.io"
        account.email, account.reseller_of = f"pool{number}@modelmarket.io", "many"
        deal_out(world, account, fleet, 110, True)
    world.permissions.append({"org_id": "org_resale", "purpose": "resale", "reference": "contract 2026-07"})


def quiet_resellers(world: World) -> None:
    """Undeclared resellers: cheap access for strangers over some two dozen accounts, a few cards, one gateway."""
    for shop in range(2):
        throw = world.dice("quiet reseller", shop)
        fleet = world.atlas.fleet(throw, 4)
        cards = [throw.token("pm_", 10) for _ in range(6)]
        for number in range(world.many(24)):
            account = person(world, f"reseller_undeclared_{shop}", number, "look_alike")
            account.cohort = "reseller_undeclared"
            account.payment, account.card_bin = account.dice.pick(cards), throw.pick(("556150", "428837"))
            deal_out(world, account, fleet, 95, False)


def deal_out(world: World, account: Account, fleet: Place, mean: float, named: bool) -> None:
    """Serve whoever comes: many people's chats and some programs' papers through one gateway's program."""
    throw = account.dice
    account.places, account.pathway = [(same_exit(fleet, throw), 1, 1)], "api"
    account.clients = [(tools.GO_SDK, 1)]
    job = walk_ins(world, account, throw, named)
    account.plan = as_person(world, account, job, machine_volume(world, account, mean))


def walk_ins(world: World, account: Account, throw: Dice, named: bool) -> Job:
    """Customers of a go-between, each with own subjects, some in other languages, some with a program."""
    customers = [Chatter(world.stuff, account) for _ in range(throw.whole(3, 9))]
    customers_abroad = [Foreigner(account, throw.pick(("zh", "ru", "de", "es"))) for _ in range(2)]
    kind = throw.pick(("review", "support", "logs"))

    def job() -> Talk:
        who = throw.whole(0, len(customers) + 2)
        if who < len(customers):
            talk = customers[who].talk()
        elif who < len(customers) + 2:
            talk = customers_abroad[who - len(customers)].talk()
        else:
            told = lists("firms")[f"process.{kind}"][0]
            talk = Talk(Form(family="small", system=told), [Turn(document(throw, kind, {}, 2), '{"label": "other"}')])
        talk.form.client = account.clients[0][0]
        talk.form.end_user = f"u{who}-{account.account_id[-6:]}" if named else ""
        return talk

    return job


def proxied(world: World, providers: list[Provider]) -> None:
    """Honest customers of a proxy network, in places where the service is not sold: own accounts, everyday chat or a
    program of their own, leaving by the exits that operators use too."""
    for number in range(world.many(65)):
        throw = world.dice("proxied", number)
        account = person(world, "proxy_customers", number, "look_alike", throw.pick(("CN", "RU", "HK", "VN")))
        account.billing_country = throw.pick(("US", "SG", "JP", account.country))
        network = account.dice.pick(providers)
        exits = account.dice.some(network.exits, account.dice.whole(2, 8))
        home = account.places[0][0]
        account.places = [(same_exit(exit_, account.dice), 1.0, 1.0) for exit_ in exits]
        if account.dice.happens(0.2):  # the tunnel is not always on
            account.places.append((home, 0.1, 0.1))
        if account.dice.happens(0.4):  # the network opened the account, and its gateway sends the requests
            account.clients, account.pathway = [(network.client, 1)], "api"
            account.persona[f"tls {network.client.name}"] = network.ja4
            account.persona[f"agent {network.client.name}"] = network.agent
        if account.dice.happens(0.5):
            tongue = {"CN": "zh", "HK": "zh", "RU": "ru", "VN": "fr"}[account.country]
            job = Foreigner(account, tongue).talk
            account.plan = as_person(world, account, job, machine_volume(world, account, 40))
        else:
            chats(world, account, 40)
