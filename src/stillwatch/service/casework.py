"""The casebook over HTTP: what the commands of the ladder do, for people who are known by their token.

A token that names a person acts as that person, and no request can say otherwise: the audit trail shows the token as
the login. It runs in a process beside the worker (service.beside), so that nothing here is on the way of decisions;
what begins or ends is published within some seconds by the process that watches the workers.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request

from stillwatch import acting
from stillwatch.acting import grants
from stillwatch.acting.by_hand import hit_by_hand, kept_as, propose_by_hand
from stillwatch.acting.collateral import queue
from stillwatch.acting.known import concerned
from stillwatch.acting.labelling import review_of
from stillwatch.acting.telling import ID, Which, by_hand_beside, chosen, told
from stillwatch.errors import StoreError, UsageError
from stillwatch.respond.action import Action, State, person_named
from stillwatch.service.auth import Token
from stillwatch.service.bodies import Answered, Appealed, Approved, Ended, Granted, Labelled, Named, Wanted
from stillwatch.service.routes import Answer
from stillwatch.service.state import Config, names_here
from stillwatch.store.casebook.casebook import Casebook
from stillwatch.store.casebook.reviews import label, reviews_of
from stillwatch.store.runs import read_run
from stillwatch.store.store import Store

log = logging.getLogger("stillwatch.service")

MOST_ROWS = 1000
"""Rows of one answer at most."""


class Casework:
    """Opens store and casebook for one request, and knows who asks."""

    def __init__(self, config: Config, clock: Callable[[], int]) -> None:
        self.config = config
        self.now = clock

    @contextmanager
    def opened(self) -> Iterator[tuple[Store, Casebook]]:
        """The store and its casebook, for whoever reads or decides; an empty one where the store has none yet."""
        with Casebook.seen(self.config.store, self.config.casebook) as casebook:
            yield self.store(), casebook

    def begun(self) -> AbstractContextManager[Casebook]:
        """The casebook for whoever is about to write, begun where the store has none yet."""
        return Casebook.begun(self.config.store, self.config.casebook)

    def store(self) -> Store:
        """The store."""
        return Store.open(self.config.store, self.config.key_file)

    def act(self, request: Request, does: Callable[[Casebook, str, str], list[Action]], schema: str) -> Answer:
        """Do something as the person who asks; what changed as the answer."""
        by, via = person_of(request)
        with self.opened() as (_, book):
            return _actions(does(book, by, via), schema)

    def appeal_address(self, said: str | None) -> str:
        """Where customers appeal against what is proposed here: the service's own address, never a proposer's.

        Raises UsageError where the service has none, or another was said.
        """
        own = self.config.appeal_url
        if not own:
            raise UsageError(
                "this service knows no appeal address, so nothing is proposed here",
                wanted="stillwatch serve --appeal-url URL, or STILLWATCH_APPEAL_URL",
            )
        if said is not None and said != own:
            raise UsageError(
                "customers appeal at the service's own appeal address, not at a proposer's", found=ascii(said)[:80],
                wanted=f"{own}, or none",
            )  # fmt: skip
        return own

    def named(self, account: str | None) -> tuple[str, ...] | None:
        """The names under which the store keeps an account that is named by its id or by one of them."""
        return None if account is None else names_here(self.config)(account)

    def names(self, book: Casebook, body: Named, *states: State, approving: bool = False) -> list[str]:
        """The ids of the actions that a request names."""
        which = Which(
            body.action_id, self.named(body.account_id), body.campaign_id, body.accounts, body.actions, body.rung,
            body.proposed_by,
        )  # fmt: skip
        return chosen(book, states, which, approving=approving)


def microseconds() -> int:
    """Now, since 1970."""
    return time.time_ns() // 1000


def person_of(request: Request) -> tuple[str, str]:
    """Who asks, and by which token. Raises UsageError where the token names nobody."""
    token: Token = request.scope["stillwatch.token"]
    if not token.person:
        raise UsageError(
            "this token names no person, so nothing can be done by it", found=f"token {token.id}",
            next_step="stillwatch serve token new --role lead --person NAME",
        )  # fmt: skip
    return person_named(token.person), f"token {token.id}"


def _actions(done: list[Action], schema: str) -> Answer:
    return Answer({"schema": f"stillwatch/{schema}/v1", "actions": [told(one) for one in done]})


def add_routes(pages: FastAPI, config: Config, clock: Callable[[], int] = microseconds) -> None:
    """Put the routes of the casebook among a service's."""
    work = Casework(config, clock)
    _reading(pages, work)
    _deciding(pages, work)
    _appeals(pages, work)
    _permissions(pages, work)

    @pages.exception_handler(UsageError)
    async def usage(_: Request, error: UsageError) -> Answer:
        said = (error.message, error.found and f"found: {error.found}", error.wanted)
        return Answer({"error": {"code": "refused", "message": "; ".join(filter(None, said))}}, 400)

    @pages.exception_handler(StoreError)
    async def failed(_: Request, error: StoreError) -> Answer:
        log.error("%s", error)
        return Answer({"error": {"code": "fault", "message": error.message}}, 503)


def _place_in_time(action: Action) -> tuple[int, str]:
    """What `find` sorts by."""
    return action.proposed_at, action.action_id


def _reading(pages: FastAPI, work: Casework) -> None:
    @pages.get("/v1/review", summary="Proposals that wait for a person, with whom they reach; and what people said.")
    def review() -> Answer:
        with work.opened() as (store, book):
            acting.sweep(book, work.now())
            waiting = [one.as_dict() for one in queue(store, book, work.now())]
            said = [asdict(one) for one in reviews_of(book)]
        return Answer({"schema": "stillwatch/review/v1", "proposals": waiting, "reviews": said})

    @pages.get(
        "/v1/casebook/actions",
        summary="Actions of the casebook, the newest last: of an account, of a campaign, in a state.",
    )
    def actions(
        account_id: Annotated[str | None, Query(max_length=1024)] = None,
        campaign_id: Annotated[str | None, Query(max_length=1024)] = None,
        state: Annotated[list[State] | None, Query()] = None,
        before: Annotated[str | None, Query(max_length=64)] = None,
        most: Annotated[int, Query(ge=1, le=MOST_ROWS)] = MOST_ROWS,
    ) -> Answer:
        with work.opened() as (_, book):
            acting.sweep(book, work.now())
            found = book.find(state or tuple(State), account=work.named(account_id), campaign=campaign_id)
            first = _place_in_time(book.get(before)) if before else None
        page = [one for one in found if first is None or _place_in_time(one) < first][-most:]
        return Answer({"schema": "stillwatch/actions/v1", "of": len(found), "actions": [told(one) for one in page]})

    @pages.get("/v1/casebook/trail", summary="The audit trail: one action's rows, or the newest.")
    def trail(
        action_id: Annotated[str | None, Query(max_length=64)] = None,
        most: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 100,
    ) -> Answer:
        with work.opened() as (_, book):
            name = book.get(action_id).action_id if action_id else None
            rows = book.history(action_id=name, last=most)
        return Answer({"schema": "stillwatch/trail/v1", "rows": rows})


def _deciding(pages: FastAPI, work: Casework) -> None:
    @pages.post("/v1/review", summary="Say what a finding is: true, benign or false.")
    def labelled(request: Request, body: Labelled) -> Answer:
        by, via = person_of(request)
        said = review_of(
            work.store(), body.run_id, body.campaign_id, body.account_id or "", body.label, by, body.reason, work.now()
        )
        with work.begun() as book:
            kept = label(book, said, via)
        return Answer({"schema": "stillwatch/review/v1", "reviews": [asdict(kept)]})

    @pages.post("/v1/propose", summary="Propose an action by hand; another person approves it.")
    def propose(request: Request, body: Wanted) -> Answer:
        by, via = person_of(request)
        store = work.store()
        answer = read_run(store, body.run_id)
        hit = hit_by_hand(
            answer, kept_as(store, answer, body.account_id), body.rung, body.obligations, by, body.reason, body.clause,
            body.code, body.hours,
        )  # fmt: skip
        terms = acting.Terms(cap=body.cap, appeal_url=work.appeal_address(body.appeal_url))
        done = propose_by_hand(store, work.begun, hit, work.now(), terms, by, via=via, unknown=body.unknown)
        if done.refused:
            raise UsageError(f"nothing is proposed: {done.refused}")
        passed = [{"action_id": one, "because": why} for one, why in done.passed_over]
        return Answer(
            {"schema": "stillwatch/propose/v1", "actions": [told(one) for one in done.actions], "passed_over": passed,
             "unknown_accounts": done.unknown_accounts}
        )  # fmt: skip

    @pages.post("/v1/approve", summary="Approve what is proposed: all that is named, or nothing.")
    def approve(request: Request, body: Approved) -> Answer:
        by, via = person_of(request)
        with work.opened() as (store, book):
            names = work.names(book, body, State.PROPOSED, approving=True)
            done = acting.approve_what_holds(
                store, book, names, by, body.reason, work.now(), via=via, although=body.although
            )
            who = work.named(body.account_id)
            left = [] if body.proposed_by else by_hand_beside(book, done, who, body.campaign_id, body.rung)
        return Answer(
            {"schema": "stillwatch/approve/v1", "actions": [told(one) for one in done],
             "by_hand": [one.action_id for one in left]}
        )  # fmt: skip

    @pages.post("/v1/decline", summary="Decline what is proposed.")
    def decline(request: Request, body: Named) -> Answer:
        def does(book: Casebook, by: str, via: str) -> list[Action]:
            names = work.names(book, body, State.PROPOSED)
            return acting.decline(book, names, by, body.reason, work.now(), via=via)

        return work.act(request, does, "decline")

    @pages.post("/v1/undo", summary="Take back what is in force, at once.")
    def undo(request: Request, body: Named) -> Answer:
        def does(book: Casebook, by: str, via: str) -> list[Action]:
            names = work.names(book, body, State.IN_FORCE)
            return acting.undo(book, names, by, body.reason, work.now(), via=via)

        return work.act(request, does, "undo")


def _appeals(pages: FastAPI, work: Casework) -> None:
    @pages.get("/v1/appeals", summary="Appeals that nobody has answered, the earliest due first.")
    def waiting() -> Answer:
        with work.opened() as (_, book):
            acting.sweep(book, work.now())
            return _actions(acting.open_appeals(book), "appeal")

    @pages.post("/v1/appeals", summary="Take in a customer's appeal.")
    def appeal(request: Request, body: Appealed) -> Answer:
        def does(book: Casebook, by: str, via: str) -> list[Action]:
            name = book.get(_whole(body.action_id)).action_id
            return [acting.open_appeal(book, name, body.statement, work.now(), by=by, via=via)]

        return work.act(request, does, "appeal")

    @pages.post(
        "/v1/appeals/answer",
        summary="Answer appeals; whoever proposed or approved an action, or took its appeal in, does not.",
    )
    def answer(request: Request, body: Answered) -> Answer:
        def does(book: Casebook, by: str, via: str) -> list[Action]:
            open_ones = {one.action_id for one in acting.open_appeals(book)}
            named = work.names(book, body, *acting.APPEALED)
            names = named if body.action_id else [name for name in named if name in open_ones]
            upheld = body.answer == "upheld"
            return acting.answer_appeals(book, names, upheld, by, body.reason, work.now(), via=via)

        return work.act(request, does, "appeal")


def _whole(action_id: str) -> str:
    """An action's id that is not cut short: an action is appealed against once, and a start may be another's."""
    if not ID.fullmatch(action_id):
        raise UsageError(
            "an appeal names the whole id of an action", found=ascii(action_id)[1:-1][:40],
            wanted="R- and twelve letters, as the notice and GET /v1/casebook/actions have it",
        )  # fmt: skip
    return action_id


def _permissions(pages: FastAPI, work: Casework) -> None:
    def now(store: Store, book: Casebook, **more: Any) -> Answer:
        rows = grants.permissions_now(store, book, work.now())
        plain = [{k: v.isoformat() if isinstance(v, datetime) else v for k, v in row.items()} for row in rows]
        return Answer({"schema": "stillwatch/permission/v1", "permissions": plain, **more})

    @pages.get("/v1/permissions", summary="Who may openly do what, and who gave and ended it.")
    def held() -> Answer:
        with work.opened() as (store, book):
            return now(store, book)

    @pages.post("/v1/permissions", summary="Give a permission.")
    def add(request: Request, body: Granted) -> Answer:
        by, via = person_of(request)
        wanted = grants.Permission(**{**body.model_dump(exclude={"reason"}), "models": tuple(body.models)})
        given = grants.add_permission(work.store(), work.begun, wanted, by, body.reason, work.now(), via=via)
        with work.opened() as (store, book):
            whom = concerned(store, book, given)
            return now(
                store, book, unknown_accounts=whom.unknown_accounts, unknown_orgs=whom.unknown_orgs,
                actions=[told(one) for one in whom.actions],
            )  # fmt: skip

    @pages.post("/v1/permissions/end", summary="End all permissions of a reference, now, for good.")
    def end(request: Request, body: Ended) -> Answer:
        by, via = person_of(request)
        grants.end_permissions(
            work.store(), work.begun, body.reference, by, body.reason, work.now(), account=body.account_id,
            org=body.org_id, purpose=body.purpose, via=via,
        )  # fmt: skip
        with work.opened() as (store, book):
            return now(store, book)
