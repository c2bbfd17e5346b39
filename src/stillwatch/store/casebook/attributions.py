"""Who signed which organisation as the operator of a finding of a run; a name stands only where one did.

A signature is about one run's finding: another run has other accounts under that name, or under another, and whoever
signed has not seen them.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import and_, select

from stillwatch.errors import StoreError, UsageError
from stillwatch.respond.action import moment, person_named, stated
from stillwatch.respond.written import written
from stillwatch.store.casebook.casebook import Casebook
from stillwatch.store.casebook.place import ELSEWHERE
from stillwatch.store.casebook.schema import ATTRIBUTIONS, mark
from stillwatch.store.casebook.trail import Entry


@dataclass(frozen=True)
class Signature:
    """What one person signed: the name, on which ground (families, word, confidence, hash of the dossier), and why."""

    run_id: str
    campaign_id: str
    organisation: str
    word: str
    confidence: str
    families: tuple[str, ...]
    dossier: str
    by: str
    reason: str
    at: int


def sign(casebook: Casebook, said: Signature, via: str = "") -> Signature:
    """Note a signature; what the same person signed of this name before is replaced, and stays on the trail.

    Whether the name may be signed the caller has asked. Raises UsageError where person or reason is missing.
    """
    by, reason, at = person_named(said.by), stated("reason", said.reason), moment(said.at)
    kept = Signature(**{**vars(said), "by": by, "reason": reason, "at": at})
    values = {"run": mark(kept.run_id), "at": at, "body": written(vars(kept))}
    is_row = and_(ATTRIBUTIONS.c.subject == _subject(kept.run_id, kept.campaign_id, kept.organisation),
                  ATTRIBUTIONS.c.by == by)  # fmt: skip
    with casebook.writing(by, via) as writer:
        if writer.connection.execute(ATTRIBUTIONS.update().where(is_row).values(values)).rowcount == 0:
            subject = _subject(kept.run_id, kept.campaign_id, kept.organisation)
            writer.connection.execute(ATTRIBUTIONS.insert().values(subject=subject, by=by, **values))
        writer.say(Entry("attributed", at, by, via, reason, more=_facts(kept)))
    return kept


def withdraw(
    casebook: Casebook, run_id: str, campaign_id: str, organisation: str, by: str, reason: str, at: int, via: str = ""
) -> int:
    """Take back every signature of a name under a finding: how many. Raises UsageError where there is none."""
    by, reason, at = person_named(by), stated("reason", reason), moment(at)
    is_name = ATTRIBUTIONS.c.subject == _subject(run_id, campaign_id, organisation)
    with casebook.writing(by, via) as writer:
        count = writer.connection.execute(ATTRIBUTIONS.delete().where(is_name)).rowcount
        if count == 0:
            raise UsageError(
                "nobody signed this name for the finding", found=ascii(organisation)[1:81],
                wanted="a name that `stillwatch show` says is signed",
            )  # fmt: skip
        facts = (("organisation", organisation), ("campaign_id", campaign_id), ("run_id", run_id))
        writer.say(Entry("withdrawn", at, by, via, reason, more=facts))
    return count


def signatures(casebook: Casebook, run_id: str) -> list[Signature]:
    """Everything signed under a run's findings, by finding, name, time and person."""
    with casebook.database.reading() as connection:
        query = select(ATTRIBUTIONS.c.body).where(ATTRIBUTIONS.c.run == mark(run_id))
        bodies = connection.execute(query).scalars().all()
    held = [_read(body) for body in bodies]
    return sorted(held, key=lambda one: (one.campaign_id, one.organisation, one.at, one.by))


def signed_under(folder: Path, url: str | None, run_id: str) -> list[Signature]:
    """The same from a store's folder. Without a casebook, or where it is on a server that nobody named, nothing is
    known to be signed: then findings stand under their operator cluster, which is never wrong."""
    if not url and (folder / ELSEWHERE).exists():
        return []
    casebook = Casebook.there(folder, url)
    if casebook is None:
        return []
    try:
        return signatures(casebook, run_id)
    finally:
        casebook.close()


def _facts(said: Signature) -> tuple[tuple[str, Any], ...]:
    names = ("organisation", "campaign_id", "run_id", "word", "confidence", "families", "dossier")
    return tuple((name, getattr(said, name)) for name in names)


def _subject(run_id: str, campaign_id: str, organisation: str) -> str:
    return mark(written([run_id, campaign_id, organisation]))


def _read(body: str) -> Signature:
    try:
        held: dict[str, Any] = json.loads(body)
        return Signature(**{**held, "families": tuple(held["families"])})
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError("a signature in the casebook is damaged") from error
