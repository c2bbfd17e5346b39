"""What a finding's operator is called where findings are shown: its cluster, or a name that a person signed."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from stillwatch.assess.attribution import cluster_of
from stillwatch.store.casebook.attributions import Signature, signed_under


def operators_of(folder: Path, url: str | None, answer: Mapping[str, Any]) -> dict[str, str]:
    """For every finding of a run that is suspected, by its id: who operates it, in words. Reads the store's casebook
    where there is one. Raises StoreError where that is damaged."""
    signed: dict[str, list[Signature]] = {}
    for one in signed_under(folder, url, str(answer["run"]["run_id"])):
        signed.setdefault(one.campaign_id, []).append(one)
    return {name: called(name, signed.get(name, ())) for name in clusters_of(answer)}


def clusters_of(answer: Mapping[str, Any]) -> dict[str, str]:
    """The same where nobody signed anything, or nobody can tell."""
    suspected = (one["campaign_id"] for one in answer["campaigns"] if one["status"] == "suspected")
    return {name: called(name, ()) for name in suspected}


def called(campaign_id: str, signed: Iterable[Signature]) -> str:
    """`operator cluster U-…`, or the names that were signed with whose word each is."""
    by_name: dict[str, list[Signature]] = {}
    for one in signed:
        by_name.setdefault(one.organisation, []).append(one)
    cluster = f"operator cluster {cluster_of(campaign_id)}"
    if not by_name:
        return cluster
    names = "; or ".join(f"{name} ({of[-1].word}, signed by {_people(of)})" for name, of in sorted(by_name.items()))
    return f"attributed to {names}; {cluster}"


def _people(signed: Iterable[Signature]) -> str:
    return ", ".join(sorted({one.by for one in signed}))
