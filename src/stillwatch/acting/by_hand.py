"""What a person proposes by hand: the hit that it makes, and what came of it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stillwatch.acting.actions import propose
from stillwatch.acting.known import unknown_accounts
from stillwatch.acting.newest import WITHIN, check_age, newest_run
from stillwatch.errors import UsageError
from stillwatch.records import Hit, Obligation, PolicyRef, Rung
from stillwatch.respond.action import Action, State, Terms, checked, id_of, key_of, person_named, why_a_person
from stillwatch.respond.address import appeal_address
from stillwatch.store.casebook.casebook import Begun, Casebook
from stillwatch.store.names import names_of
from stillwatch.store.runs import read_run
from stillwatch.store.store import Store

HAND = PolicyRef(id="by hand", version="", hash="")


def hit_by_hand(
    answer: dict[str, Any], account: str, rung: str, obligations: list[str], by: str, reason: str, clause: str,
    code: str, hours: int,
) -> Hit:  # fmt: skip
    """The hit that a person proposes of an account. Raises UsageError where a word is none of the ladder's."""
    if rung.upper() not in Rung.__members__:
        raise UsageError("no such rung", found=ascii(rung)[:40], wanted=", ".join(one.name.lower() for one in Rung))
    return Hit(
        account_id=account, campaign_id=_finding_of(answer, account), run_id=answer["run"]["run_id"],
        rule_id="by hand", policy=HAND, rung=Rung[rung.upper()], obligations=tuple(map(_obligation, obligations)),
        mode="enforce", severity="", owner=by, reason=reason, reason_code=code, clause=clause, hours=hours,
    )  # fmt: skip


def kept_as(store: Store, answer: dict[str, Any], account: str) -> str:
    """The name under which the store keeps an account that a person names by its id or by that name: the one that a
    run's `answer` has, else one that the store knows, else the one under which it would be kept now."""
    several = names_of(store.folder, store.key_file)(account)[::-1]
    if len(several) == 1:
        return account
    of_run = {member["account_id"] for finding in answer["campaigns"] for member in finding["members"]}
    unknown = frozenset(unknown_accounts(store, several))
    known = [name for name in several if name not in unknown]
    return next(filter(of_run.__contains__, several), (known or several)[0])


@dataclass(frozen=True)
class ByHand:
    """What came of a proposal: the actions as they are now, what was passed over and why (action or hit id, reason),
    and ids that the store does not know. Nothing was proposed, and nothing of the kind stands, where `refused` says
    why."""

    actions: tuple[Action, ...]
    passed_over: tuple[tuple[str, str], ...]
    unknown_accounts: tuple[str, ...]
    refused: str


def propose_by_hand(
    store: Store, begun: Begun, hit: Hit, now: int, terms: Terms, by: str, *,
    via: str = "", unknown: bool = False, within: int = WITHIN,
) -> ByHand:  # fmt: skip
    """Propose a hit that a person made. Said before and still standing, it is answered as it stands. The casebook is
    `begun` only once nothing is left to refuse that can be told without one.

    What no rule may put in force by itself is proposed only of whom the newest run accuses as well, and by a run that
    saw what was asked within as many days (`within`). Raises UsageError where it is older, where the store does not
    know the account and that is not said (`unknown`), and as `propose`.
    """
    person_named(by), checked(hit), appeal_address(terms.appeal_url)
    missing = tuple(unknown_accounts(store, [hit.account_id]))
    if missing and not unknown:
        hidden = "; without its key this store finds pseudonyms alone: --key-file" if _keyless(store, hit) else ""
        raise UsageError(
            "the store does not know this account", found=ascii(hit.account_id)[1:-1][:80],
            wanted="an id of its accounts, its exchanges or the newest run, as findings have it",
            next_step=f"--unknown takes the id as it is{hidden}",
        )  # fmt: skip
    if why_a_person(hit):
        check_age(store, read_run(store, hit.run_id), datetime.fromtimestamp(now // 1_000_000, UTC), within)
        cleared = newest_run(store).clears(hit.account_id)
        if cleared:
            return ByHand((), ((id_of(hit, person_named(by)), cleared),), missing, cleared)
    with begun() as casebook:
        done = propose(store, casebook, [hit], now, terms, by=by, via=via)
        made = (*done.new, *done.renewed) or _standing(casebook, hit, by)
    refused = "" if made else "; ".join(because for _, because in done.passed_over)
    return ByHand(made, done.passed_over, missing, refused)


def _keyless(store: Store, hit: Hit) -> bool:
    """Whether the store hides the id of the account, and its key is not at hand."""
    names = names_of(store.folder, store.key_file)
    return bool(names.lost) and names.hides(hit.account_id)


def _standing(casebook: Casebook, hit: Hit, by: str) -> tuple[Action, ...]:
    """What the same person has proposed of the account before, word for word, and is open."""
    key = key_of(hit, person_named(by))
    held = casebook.find((State.PROPOSED, State.IN_FORCE), account=hit.account_id)
    return tuple(one for one in held if key_of(one.hit, one.proposed_by) == key)


def _finding_of(answer: dict[str, Any], account: str) -> str:
    """The finding that names the account with the highest probability; empty where none does."""
    named = [
        (member["probability"], finding["campaign_id"])
        for finding in answer["campaigns"]
        for member in finding["members"]
        if member["account_id"] == account and finding["status"] == "suspected"
    ]
    return str(max(named)[1]) if named else ""


def _obligation(text: str) -> Obligation:
    kind, _, rest = text.partition(":")
    settings = [one.partition("=") for one in rest.split(",") if one]
    return Obligation(kind, tuple((name, _value(value)) for name, _, value in sorted(settings)))


def _value(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else text
