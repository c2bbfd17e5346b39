"""Step-ups over HTTP: who checks identities, payments or new keys says which accounts have passed."""

from collections.abc import Callable
from typing import Annotated

from fastapi import FastAPI, Request
from pydantic import Field

from stillwatch import acting
from stillwatch.acting.passing import MOST_ACCOUNTS
from stillwatch.records import CHALLENGES
from stillwatch.service.auth import Token
from stillwatch.service.bodies import Body, Id, Text
from stillwatch.service.casework import Casework, microseconds, person_of
from stillwatch.service.routes import Answer, refusal
from stillwatch.service.state import Config, names_here
from stillwatch.service.wire import Refused


class HasPassed(Body):
    """Which accounts, as the logs have them, passed a challenge of which kind, and by what that is known. It may be
    said again: what nothing asks for changes nothing."""

    account_ids: Annotated[list[Id], Field(min_length=1, max_length=MOST_ACCOUNTS)]
    kind: Annotated[str, Field(max_length=80, json_schema_extra={"enum": list(CHALLENGES)})]
    reason: Text


def not_for(token: Token, kind: str) -> Refused | None:
    """Why a token may not say that a challenge of a kind was passed; None where it may. People may say so of any."""
    if token.role != "verify" or kind not in CHALLENGES or kind in token.kinds:
        return None
    checks = " and ".join(token.kinds)
    words = f"this token checks {checks}" if checks else "this token says nothing of what it checks: make a new one"
    return Refused(403, "forbidden", f"{words}; it cannot say that {kind} was passed, which needs --kind {kind}")


def add_challenges(pages: FastAPI, config: Config, clock: Callable[[], int] = microseconds) -> None:
    """Put the route among a service's."""
    work = Casework(config, clock)

    @pages.post(
        "/v1/challenges/passed",
        summary="Accounts have passed a challenge: step-ups that ask for it end, and gateways are told at once.",
    )
    def passed(request: Request, body: HasPassed) -> Answer:
        wrong = not_for(request.scope["stillwatch.token"], body.kind)
        if wrong is not None:
            return refusal(wrong)
        by, via = person_of(request)
        names = names_here(config)
        with work.opened() as (store, book):
            done = acting.passed(book, body.account_ids, body.kind, by, body.reason, work.now(), via=via, names=names)
            if done.actions:
                acting.publish(store, book, work.now())
        return Answer(done.as_dict())
