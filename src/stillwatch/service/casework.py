"""The casebook over HTTP: what the commands of the ladder do, for people who are known by their token.

A token that names a person acts as that person, and no request can say otherwise: the audit trail shows the token as
the login. Nothing here is on the way of decisions; what begins or ends is published within some seconds by the process
that watches the workers.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query, Request
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from stillwatch import acting
from stillwatch.acting import grants
from stillwatch.acting.by_hand import hit_by_hand, propose_by_hand
from stillwatch.acting.collateral import queue
from stillwatch.acting.known import concerned
from stillwatch.acting.telling import by_hand_beside, chosen, told
from stillwatch.errors import StoreError, UsageError
from stillwatch.respond.action import Action, State, person_named
from stillwatch.respond.bounds import MOST_BY_HAND
from stillwatch.service.auth import Token
from stillwatch.service.state import Config
from stillwatch.store.casebook.casebook import Casebook
from stillwatch.store.casebook.reviews import Review, label, reviews_of
from stillwatch.store.runs import found_in, read_run
from stillwatch.store.store import Store

log = logging.getLogger("stillwatch.service")

MOST_ROWS = 10_000
"""Rows of one answer at most."""
Id = Annotated[str, Field(min_length=1, max_length=1024)]
Text = Annotated[str, Field(max_length=20_000)]


class Answer(JSONResponse):
    """JSON in ASCII: ids may hold half a character, which UTF-8 cannot say."""

    def render(self, content: Any) -> bytes:
        """The bytes."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


class Body(BaseModel):
    """What a request says: nothing that nobody here knows, and nothing of another type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Named(Body):
    """Which actions: one by its id, those of an account, or all of a campaign, of which `accounts` says how many
    accounts that is, and `actions` how many actions where these are more; with `rung` those of one rung alone, or
    `rotate_key`; with `proposed_by` what one person proposed by hand; and why."""

    action_id: Id | None = None
    account_id: Id | None = None
    campaign_id: Id | None = None
    accounts: Annotated[int, Field(ge=1)] | None = None
    actions: Annotated[int, Field(ge=1)] | None = None
    rung: Id | None = None
    proposed_by: Id | None = None
    reason: Text


class Approved(Named):
    """What a person approves; `although` the newest run clears an account, or a permission in force speaks of it."""

    although: bool = False


class Answered(Named):
    """An appeal's answer: who is right, the customer (`upheld`) or not."""

    answer: Literal["upheld", "rejected"]


class Appealed(Body):
    """A customer appeals against an action."""

    action_id: Id
    statement: Text


class Labelled(Body):
    """What a person says of a finding, or of one account in it."""

    campaign_id: Id
    label: Literal["true", "benign", "false"]
    account_id: Id | None = None
    run_id: Id | None = None
    reason: Text


class Wanted(Body):
    """An action that a person proposes by hand. `obligations` are as the command has them: TYPE:SETTING=VALUE,…
    `appeal_url`, where it is given, is the service's own. `unknown` takes an account's id that the store does not
    know."""

    account_id: Id
    rung: Id
    obligations: list[Annotated[str, Field(max_length=400)]] = []
    hours: Annotated[int, Field(ge=1)]
    clause: Text
    reason: Text
    code: Id = "usage_review"
    appeal_url: Text | None = None
    cap: Annotated[int, Field(ge=0, le=MOST_BY_HAND)] = MOST_BY_HAND
    run_id: Id | None = None
    unknown: bool = False


class Granted(Body):
    """A permission: one account's or organisation's, for a purpose, by a contract or ticket."""

    reference: Id
    purpose: Id
    account_id: Id | None = None
    org_id: Id | None = None
    models: list[Id] = []
    exchange_cap: Annotated[int, Field(ge=0)] | None = None
    token_cap: Annotated[int, Field(ge=0)] | None = None
    starts_at: Annotated[AwareDatetime, Field(strict=False)] | None = None
    ends_at: Annotated[AwareDatetime, Field(strict=False)] | None = None
    reason: Text


class Ended(Body):
    """Which permissions end: all of a reference, of one holder, for one purpose."""

    reference: Id
    account_id: Id | None = None
    org_id: Id | None = None
    purpose: Id | None = None
    reason: Text


class Casework:
    """Opens store and casebook for one request, and knows who asks."""

    def __init__(self, config: Config, clock: Callable[[], int]) -> None:
        self.config = config
        self.now = clock

    @contextmanager
    def opened(self) -> Iterator[tuple[Store, Casebook]]:
        """The store and its casebook."""
        casebook = Casebook.open(self.config.store, self.config.casebook)
        try:
            yield Store.open(self.config.store, self.config.key_file), casebook
        finally:
            casebook.close()

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

    def names(self, book: Casebook, body: Named, *states: State, approving: bool = False) -> list[str]:
        """The ids of the actions that a request names."""
        return chosen(
            book, states, body.action_id, body.account_id, body.campaign_id, body.accounts, body.rung,
            actions=body.actions, proposed_by=body.proposed_by, approving=approving,
        )  # fmt: skip


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


def _reading(pages: FastAPI, work: Casework) -> None:
    @pages.get("/v1/review", summary="Proposals that wait for a person, with whom they reach; and what people said.")
    def review() -> Answer:
        with work.opened() as (store, book):
            acting.sweep(book, work.now())
            waiting = [{**vars(one), "actions": [told(each) for each in one.actions]} for one in queue(store, book)]
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
        most: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 1000,
    ) -> Answer:
        with work.opened() as (_, book):
            acting.sweep(book, work.now())
            found = book.find(state or tuple(State), account=account_id, campaign=campaign_id)
        return Answer(
            {"schema": "stillwatch/actions/v1", "of": len(found), "actions": [told(one) for one in found[-most:]]}
        )

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
        with work.opened() as (store, book):
            answer = read_run(store, body.run_id)
            finding = found_in(answer, body.campaign_id, store.folder)
            account = body.account_id or ""
            if account and account not in {member["account_id"] for member in finding["members"]}:
                raise UsageError("the finding does not name this account", found=ascii(account)[:80])
            said = Review(
                answer["run"]["run_id"], finding["campaign_id"], account, body.label, by, body.reason, work.now()
            )
            kept = label(book, said, via)
        return Answer({"schema": "stillwatch/review/v1", "reviews": [asdict(kept)]})

    @pages.post("/v1/propose", summary="Propose an action by hand; another person approves it.")
    def propose(request: Request, body: Wanted) -> Answer:
        by, via = person_of(request)
        with work.opened() as (store, book):
            hit = hit_by_hand(
                read_run(store, body.run_id), body.account_id, body.rung, body.obligations, by, body.reason,
                body.clause, body.code, body.hours,
            )  # fmt: skip
            terms = acting.Terms(cap=body.cap, appeal_url=work.appeal_address(body.appeal_url))
            done = propose_by_hand(store, book, hit, work.now(), terms, by, via=via, unknown=body.unknown)
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
            left = [] if body.proposed_by else by_hand_beside(book, done, body.account_id, body.campaign_id, body.rung)
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
            name = book.get(body.action_id).action_id
            return [acting.open_appeal(book, name, body.statement, work.now(), by=by, via=via)]

        return work.act(request, does, "appeal")

    @pages.post(
        "/v1/appeals/answer",
        summary="Answer appeals; whoever proposed or approved an action, or took its appeal in, does not.",
    )
    def answer(request: Request, body: Answered) -> Answer:
        def does(book: Casebook, by: str, via: str) -> list[Action]:
            open_ones = {one.action_id for one in acting.open_appeals(book)}
            named = work.names(book, body, State.IN_FORCE)
            names = named if body.action_id else [name for name in named if name in open_ones]
            upheld = body.answer == "upheld"
            return acting.answer_appeals(book, names, upheld, by, body.reason, work.now(), via=via)

        return work.act(request, does, "appeal")


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
        with work.opened() as (store, book):
            wanted = grants.Permission(
                body.account_id, body.org_id, body.purpose, body.reference, tuple(body.models), body.exchange_cap,
                body.token_cap, body.starts_at, body.ends_at,
            )  # fmt: skip
            row = grants.add_permission(store, book, wanted, by, body.reason, work.now(), via=via)
            whom = concerned(store, book, row)
            return now(
                store, book, unknown_accounts=whom.unknown_accounts, unknown_orgs=whom.unknown_orgs,
                actions=[told(one) for one in whom.actions],
            )  # fmt: skip

    @pages.post("/v1/permissions/end", summary="End all permissions of a reference, now, for good.")
    def end(request: Request, body: Ended) -> Answer:
        by, via = person_of(request)
        with work.opened() as (store, book):
            grants.end_permissions(
                store, book, body.reference, by, body.reason, work.now(), account=body.account_id, org=body.org_id,
                purpose=body.purpose, via=via,
            )  # fmt: skip
            return now(store, book)
