"""What requests about the casebook say, read strictly."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from stillwatch.respond.bounds import MOST_BY_HAND

Id = Annotated[str, Field(min_length=1, max_length=1024)]
Text = Annotated[str, Field(max_length=20_000)]


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
    """What a person approves; `although` something stands against it, which `GET /v1/review` tells (`doubts`)."""

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
