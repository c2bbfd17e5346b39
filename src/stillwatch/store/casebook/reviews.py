"""What people say of findings: true, a benign trigger, or false; each person once, so that a second opinion is one."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, select

from stillwatch.errors import UsageError
from stillwatch.respond.action import moment, person_named, stated
from stillwatch.respond.written import written
from stillwatch.store.casebook.casebook import Casebook
from stillwatch.store.casebook.schema import REVIEWS, mark
from stillwatch.store.casebook.trail import Entry

LABELS = ("true", "benign", "false")
"""true: illicit as the finding says. benign: what triggered it is there, and is permitted or harmless. false: it is not
there."""


@dataclass(frozen=True)
class Review:
    """What one person says of a finding, or of one account in it."""

    run_id: str
    campaign_id: str
    account_id: str
    label: str
    by: str
    reason: str
    at: int


def label(casebook: Casebook, review: Review, via: str = "") -> Review:
    """Note what a person says of a finding; what the same person said before is replaced, and stays on the trail.

    Raises UsageError where label, person or reason is missing.
    """
    if review.label not in LABELS:
        raise UsageError("no such label", found=ascii(review.label)[:40], wanted=", ".join(LABELS))
    by, reason, at = person_named(review.by), stated("reason", review.reason), moment(review.at)
    kept = Review(review.run_id, review.campaign_id, review.account_id, review.label, by, reason, at)
    values = {
        "label": kept.label, "at": at, "body": written(vars(kept)),
        "account": mark(kept.account_id) if kept.account_id else None,
    }  # fmt: skip
    subject = mark(written([kept.campaign_id, kept.account_id]))
    is_row = and_(REVIEWS.c.subject == subject, REVIEWS.c.by == by)
    facts = (("label", kept.label), ("campaign_id", kept.campaign_id), ("run_id", kept.run_id))
    with casebook.writing(by, via) as writer:
        if writer.connection.execute(REVIEWS.update().where(is_row).values(values)).rowcount == 0:
            writer.connection.execute(REVIEWS.insert().values(subject=subject, by=by, **values))
        writer.say(Entry("reviewed", at, by, via, reason, account_id=kept.account_id, more=facts))
    return kept


def reviews_of(casebook: Casebook) -> list[Review]:
    """Everything that was said, by finding, account, time and person."""
    with casebook.database.reading() as connection:
        bodies = connection.execute(select(REVIEWS.c.body)).scalars().all()
    held: list[dict[str, Any]] = [json.loads(body) for body in bodies]
    return sorted((Review(**one) for one in held), key=lambda r: (r.campaign_id, r.account_id, r.at, r.by))


def opinion(said: list[Review]) -> str:
    """What people together say of one finding: nothing, one label, a label that two agree in, or that they differ."""
    labels = sorted({one.label for one in said})
    if len(labels) > 1:
        return "disputed"
    return "" if not labels else f"{labels[0]} (second opinion)" if len(said) > 1 else labels[0]
