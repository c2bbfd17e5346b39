"""The answer of `stillwatch attribute`: who operates a run's finding, as a table of hypotheses. It changes nothing."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from stillwatch.assess.attribution import (
    FAMILIES_NEEDED,
    KINDS,
    Channel,
    Counted,
    Hypothesis,
    Said,
    channel_of,
    cluster_of,
    hypotheses,
)
from stillwatch.attribution.dossier import Dossier
from stillwatch.attribution.matches import Counts, counts
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.known import forget_later
from stillwatch.records import Family, is_accused
from stillwatch.store.store import Store

SCHEMA = "stillwatch/attribution/v1"

CLAIM = (
    "An answer to who operates the accused accounts, as competing explanations. It accuses no organisation: whoever "
    "knows what is known of one can carry it, so that all of this can be framing."
)


def attributed(
    store: Store, answer: Mapping[str, Any], finding: Mapping[str, Any], dossier: Dossier, networks: str | None = None
) -> dict[str, Any]:
    """The object of `attribute --json` (SCHEMA) for one finding of a run's answer. Reads the store; writes nothing."""
    accused = accused_in(finding)
    counted = Counts((), {}, 0, 0)
    if accused:
        counted = _count(store, answer, finding, dossier, networks)
    named = [one for one in counted.counted if one.organisation]
    made = hypotheses(finding["campaign_id"], dossier.organisations, named) if accused else []
    return {
        "schema": SCHEMA,
        "run_id": answer["run"]["run_id"],
        "campaign_id": finding["campaign_id"],
        "status": finding["status"],
        "cluster": cluster_of(finding["campaign_id"]),
        "claim": CLAIM,
        "accused": counted.accused,
        "others": counted.others,
        "dossier": {
            "hash": dossier.hash,
            "organisations": len(dossier.organisations),
            "indicators": len(dossier.indicators),
        },
        "matched": any(one.accused > 0 for one in named),
        "hypotheses": [_hypothesis(one) for one in made],
        "abstained": _abstained(dossier, counted, bool(accused)),
        "sightings": [_sighting(one) for one in counted.counted if not one.organisation],
    }


def accused_in(finding: Mapping[str, Any]) -> set[str]:
    """The accounts that a finding accuses: operators or providers, one half or more, in a suspected finding."""
    status = finding["status"]
    return {m["account_id"] for m in finding["members"] if is_accused(status, m["role"], m["probability"])}


def _count(
    store: Store, answer: Mapping[str, Any], finding: Mapping[str, Any], dossier: Dossier, networks: str | None
) -> Counts:
    left_out = {m["account_id"] for m in finding["members"]}
    left_out = left_out.union(*(accused_in(one) for one in answer["campaigns"]))
    since, last = (_time(answer["run"].get(name)) for name in ("since", "until"))
    until = None if last is None else last + timedelta(seconds=1)
    with DuckEngine() as engine:
        store.register(engine, since, until)
        if until is not None:
            forget_later(engine, until)
        return counts(
            engine, dossier.indicators, accused_in(finding), left_out, pseudonymous=store.pseudonymous,
            networks=networks,
        )  # fmt: skip


def _time(text: object) -> datetime | None:
    """A time of a run; a run without exchanges has none."""
    if not isinstance(text, str) or not text:
        return None
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def _abstained(dossier: Dossier, counted: Counts, accuses: bool) -> list[dict[str, str]]:
    """What said nothing, and why: families in their order, kinds within them."""
    if not accuses:
        return [
            {"family": "all", "kind": "all", "because": "the finding accuses nobody: there is no operator to ask for"}
        ]
    asked = {one.kind for one in dossier.indicators}
    rows = []
    for family in Family:
        kinds = [name for name, kind in KINDS.items() if kind.family == family]
        if not kinds:
            rows.append(
                {"family": str(family), "kind": "all", "because": "anybody may have the same: no kind of indicator"}
            )
        elif not asked.intersection(kinds):
            rows.append({"family": str(family), "kind": "all", "because": "the dossier holds nothing of it"})
        rows += [
            {"family": str(family), "kind": kind, "because": counted.unseen[kind]}
            for kind in kinds
            if kind in counted.unseen
        ]
    return rows


def _hypothesis(one: Hypothesis) -> dict[str, Any]:
    word, low, high = one.likelihood
    return {
        "name": one.name,
        "kind": "cluster" if one.is_cluster else "organisation",
        "prior": round(one.prior, 4),
        "log_ratio": round(one.log_ratio, 4),
        "probability": round(one.probability, 4),
        "likelihood": {"word": word, "low": low, "high": high},
        "confidence": one.confidence,
        "speak": list(one.speak),
        "needed": 0 if one.is_cluster else FAMILIES_NEEDED,
        "held": list(one.held),
        "can_be_signed": one.can_be_signed,
        "families": [_said(each) for each in one.said],
    }


def _said(said: Said) -> dict[str, Any]:
    return {
        "family": said.family,
        "log_ratio": _rounded(said.log_ratio),
        "speaks": said.speaks,
        "channels": [_channel(one) for one in said.channels],
    }


def _sighting(one: Counted) -> dict[str, Any]:
    """What a partner saw and names nobody for: counts, and whether chance explains them. It weighs in no hypothesis."""
    return _channel(channel_of(one)) | {"log_ratio": None, "most": None}


def _channel(channel: Channel) -> dict[str, Any]:
    one: Counted = channel.counted
    return {
        "kind": one.kind,
        "source": one.source,
        "grade": one.grade,
        "partner": one.partner,
        "accused": one.accused,
        "of_accused": one.of_accused,
        "others": one.others,
        "of_others": one.of_others,
        "rented": round(one.rented, 4),
        "log_e": _rounded(channel.log_e),
        "log_ratio": _rounded(channel.log_ratio),
        "most": round(channel.most, 4),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def signable(told: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """The hypothesis of an answer that names this organisation, or None."""
    rows: Sequence[Mapping[str, Any]] = told["hypotheses"]
    return next((one for one in rows if one["name"] == name and one["kind"] == "organisation"), None)
