"""Providers of access: pools of accounts that carry operators' work among the traffic of honest customers.

Imitates what was reported in February 2026: proxy networks that resell access, one of which ran more than 20,000
accounts at once and mixed distillation with unrelated customers' requests. Its accounts are bought as a campaign's are
(waves, reused cards, one way of making mail addresses) and share its exits and programs; what they carry is its
customers'. Customers stay with one or two accounts, or are spread over some; hardly any is named. Beside it stand
honest resellers, whose customers run processes of their own, or judge and make data for projects of their own.
"""

from dataclasses import replace
from typing import Any

from stillwatch.worlds import clients, people, places
from stillwatch.worlds.chance import Dice, key
from stillwatch.worlds.corpus import lexicon
from stillwatch.worlds.draft import Draft
from stillwatch.worlds.exits import relay_exits
from stillwatch.worlds.honest.batch import JOB_WORDS
from stillwatch.worlds.honest.chat import chatter
from stillwatch.worlds.honest.distillers import HOBBY, Hobby
from stillwatch.worlds.honest.evaluation import JUDGE, Judging
from stillwatch.worlds.honest.process import Process, from_answers, record
from stillwatch.worlds.operators.extraction import NAMED, Work
from stillwatch.worlds.operators.honesty import Honest
from stillwatch.worlds.operators.members import Member, Operation, kit, recruit
from stillwatch.worlds.plan import LOOK_ALIKE, PROVIDER, Account
from stillwatch.worlds.scenario import Campaign, Network, Scenario
from stillwatch.worlds.voices import Chat
from stillwatch.worlds.words import Script, system

SMALLEST = 24
JOBS = 0.25
"""Share of a network's honest customers who run one process over documents of their own; the others chat."""

SPREAD = 0.5
"""Share of customers whose requests are balanced over several accounts, and not kept on one or two."""

BLOCKED = ("CN", "HK", "VN", "TR", "IN", "ID", "UA")
"""Where people with accounts of their own sit who reach the provider through a network's exits."""

RESELLERS = (("processes", 18), ("makers", 18))
"""Honest resellers by what their firms' customers ask for, and how many accounts they use at scale 1."""

FIRMS = 0.35
"""Share of a reseller's traffic that its two firms send through all of its accounts."""


class Carrier:
    """One network at work."""

    def __init__(self, draft: Draft, scenario: Scenario, network: Network, honest: Honest) -> None:
        self._draft, self._network = draft, network
        size = max(SMALLEST, round(network.size * min(1.0, draft.scale)))
        bought_as = Campaign(
            network.name, network.size, (), network.name, network.pathways, network.doors, 0,
            exchanges=network.exchanges,
        )  # fmt: skip
        self._exits = relay_exits(draft, network.name)
        how = replace(scenario, aloof=0.0)
        self._members = recruit(
            Operation(draft, bought_as, -1, how, honest, kit(draft, bought_as, size, self._exits), size)
        )
        for member in self._members:
            member.account.kind = PROVIDER
        self._rest = 1.0 - sum(share for _, share in network.serves)

    def serve(self, campaign: str, work: Work) -> None:
        """Carry a campaign's part of the work, where the network serves it."""
        share = dict(self._network.serves).get(campaign, 0.0)
        for member in self._members if share else ():
            dice = self._draft.dice("carried", campaign, member.account.account_id)
            count = sum(dice.true(share) for _ in range(member.exchanges))
            work.carry(member, count, dice, self._network.named)

    def serve_the_honest(self) -> None:
        """Carry what honest customers ask, and let some others use the exits alone."""
        draft, network = self._draft, self._network
        customers = round(network.customers * len(self._members))
        each = self._rest * sum(member.exchanges for member in self._members) / customers
        for number in range(customers):
            dice = draft.dice("network customer", network.name, number)
            members = dice.few(self._members, 3 + dice.below(6) if dice.true(SPREAD) else 1 + dice.below(2))
            user = 10 * NAMED + number if dice.true(network.named) else -1
            count = draft.volume(dice, each)
            _customer(draft, (network.name, number), members, -(-count // len(members)), user)
        for number in range(max(2, round(network.neighbours * draft.scale))):
            dice = draft.dice("network neighbour", network.name, number)
            where = dice.pick(BLOCKED)
            home = places.spot(draft.corpus, dice, "residential", where, 0.2)
            chatter(
                draft, "network_customer", LOOK_ALIKE, (network.name, number), 45.0, country=where,
                homes=(*dice.few(self._exits, 4), home), signup_place=home,
            )  # fmt: skip


def _customer(draft: Draft, names: tuple[object, ...], members: list[Member], each: int, user: int) -> None:
    """One honest customer of a network, through some of its accounts."""
    dice, voice = draft.dice("network customer at work", *names), draft.voice("network customer", *names)
    works, job = dice.true(JOBS), dice.pick(JOB_WORDS)
    for slot in ("{a}", "{b}", "{c}"):
        job = (job[0], job[1].replace(slot, dice.pick(voice.topics)))
    role = system(dice.popular(draft.corpus.prompts["persona_system"], 2.0)) if dice.true(0.2) else None
    for place, member in enumerate(members):
        seed = key(draft.seed, "network customer", *names, place)
        client = dice.pick(member.programs) if dice.true(0.5) else None
        how: dict[str, Any] = {"client": client, "places": (*member.exits, *member.rented)}
        how["end_users"] = [user] * each if user >= 0 else ()
        if works:
            script = draft.script(Process(job[0], job[1], voice, seed, record))
            at = draft.times(member.account, each, "network customer", *names)
            draft.say(member.account, at, script, range(each), [0] * each, **how)
        else:
            script = draft.script(Chat(draft.corpus, voice, seed, role))
            draft.converse(member.account, script, each, **how)


def resellers(draft: Draft) -> None:
    """Add honest resellers: what two firms ask goes through all of their accounts, beside many who chat.

    The firms of one run business processes; those of the other let the model judge and make data for projects of their
    own, in the words that everybody copies.
    """
    for kind, size in RESELLERS:
        dice = draft.dice("reseller of firms", kind)
        where = places.country(dice)
        servers = [places.server(draft.corpus, dice, 1.0, fixed=0.6) for _ in range(6)]
        cards = [people.card(dice, where) for _ in range(4)]
        client = clients.run(clients.SDKS[dice.below(8)], dice)
        firms = [_firm(draft, kind, number) for number in range(2)]
        for member in range(max(10, round(size * min(1.0, draft.scale)))):
            draw = draft.dice("reseller of firms", kind, member)
            paid = draw.pick(cards)
            account = draft.sign_up(
                "reseller_of_firms", LOOK_ALIKE, (kind, member), country=where, homes=draw.few(servers, 3),
                using=(client,), payment_fingerprint=paid.fingerprint, card_bin=paid.bin,
            )  # fmt: skip
            count = draft.volume(draw, 90.0)
            for number, firm in enumerate(firms):
                _send(draft, account, draw, firm, member, round(FIRMS * count / len(firms)), number)
            for number in range(2 + draw.below(8)):
                voice = draft.voice("reseller of firms", kind, member, number)
                script = draft.script(Chat(draft.corpus, voice, key(draft.seed, "of firms", kind, member, number)))
                draft.converse(account, script, max(1, round((1 - FIRMS) * count / 6)))


def _firm(draft: Draft, kind: str, number: int) -> int:
    """The script of a reseller's firm."""
    dice, voice = draft.dice("firm", kind, number), draft.voice("firm", kind, number)
    seed = key(draft.seed, "firm", kind, number)
    made: Script
    if kind == "processes":
        capability, words = INSTRUCTIONS[(dice.below(len(INSTRUCTIONS) // 2)) * 2 + number]
        made = Process(capability, words, voice, seed, from_answers(draft.corpus, "chat"))
    elif number:
        made = Judging(draft.corpus, voice, seed, dice.pick(JUDGE), None)
    else:
        made = Hobby(draft.corpus, voice, seed, dice.pick(HOBBY))
    return draft.script(made)


def _send(draft: Draft, account: Account, dice: Dice, firm: int, member: int, count: int, number: int) -> None:
    first = 4096 * (1 + member)
    at = draft.times(account, count, "firm", number)
    draft.say(account, at, firm, range(first, first + count), [0] * count)


INSTRUCTIONS = lexicon("processes")["instructions"]
