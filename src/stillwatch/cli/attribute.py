"""`stillwatch attribute`: who operates a finding, as competing explanations; and who signs a name."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stillwatch.cli.options import By, Campaign, CasebookUrl, Run, StoreFolder

if TYPE_CHECKING:
    from stillwatch.attribution import Dossier
    from stillwatch.store.casebook.attributions import Signature


def attribute(
    campaign: Campaign,
    store: StoreFolder,
    dossier: Annotated[
        Path | None, typer.Option(help="What you know of organisations, YAML or JSON (docs/attribution.md).")
    ] = None,
    sign: Annotated[str, typer.Option(help="Put your name to this organisation of the dossier.")] = "",
    withdraw: Annotated[str, typer.Option(help="Take back what was signed of this organisation.")] = "",
    reason: Annotated[str, typer.Option(help="Why, in a sentence.")] = "",
    by: By = "",
    run: Run = None,
    casebook: CasebookUrl = None,
    json: Annotated[bool, typer.Option("--json", help="Print stillwatch/attribution/v1.")] = False,
) -> None:
    """Weigh who operates a finding: an unknown operator (its cluster, U-…), or an organisation of your dossier.

    This accuses no organisation. Whoever knows what is known of one can carry it: what an account writes of itself is
    free to forge and hardly counts, a network or a verified domain costs more, and an enemy of an organisation who pays
    for both is not told apart from it. One family alone never makes a name more than "roughly even".

    Each line is one explanation with ln of how much better than an unknown operator it explains what was counted, in
    all and by family, the word for its probability, and how good the ground is. Below stand the counts that each family
    rests on, and what abstained. Where nothing of an organisation was found on the accounts, that is the answer, and no
    likelihood is told: it would be that of before any evidence. Only a person names an organisation: --sign, with --by
    and --reason, for this run's finding, where two families speak for it and it is at least likely. It stays undone by
    --withdraw.
    """
    from stillwatch.attribution import attributed
    from stillwatch.cli import acts
    from stillwatch.errors import UsageError
    from stillwatch.store.casebook import attributions
    from stillwatch.store.runs import found_in, read_run
    from stillwatch.store.store import Store

    if sign and withdraw:
        raise UsageError("--sign and --withdraw together", wanted="one of them")
    if dossier is None and not withdraw:
        raise UsageError("no dossier is named", wanted="--dossier FILE", next_step="docs/attribution.md shows one")
    kept = Store.open(store)
    answer = read_run(kept, run)
    finding = found_in(answer, campaign, store)
    run_id, campaign_id = answer["run"]["run_id"], finding["campaign_id"]
    if withdraw:
        with acts.opened(store, casebook) as (_, book):
            attributions.withdraw(book, run_id, campaign_id, withdraw, by, reason, acts.now(), acts.login())
    told: dict[str, Any] = {"schema": "stillwatch/attribution/v1", "run_id": run_id, "campaign_id": campaign_id}
    if dossier is not None:
        held = _read(dossier)
        told = attributed(kept, answer, finding, held)
        if sign:
            said = _signature(told, held, sign, by, reason)
            with acts.opened(store, casebook, begins=True) as (_, book):
                attributions.sign(book, said, via=acts.login())
    told["signed"] = [
        vars(one) for one in attributions.signed_under(store, casebook, run_id) if one.campaign_id == campaign_id
    ]
    _print(told, json=json)


def _read(file: Path) -> "Dossier":
    from stillwatch.attribution import load_dossier
    from stillwatch.errors import SourceError
    from stillwatch.respond.yaml_text import LONGEST

    try:
        with file.open("rb") as source:
            return load_dossier(source.read(LONGEST + 1), str(file))
    except OSError as error:
        raise SourceError("the dossier cannot be read", where=str(file), found=error.strerror or "") from None


def _signature(told: dict[str, Any], dossier: "Dossier", name: str, by: str, reason: str) -> "Signature":
    """What a person signs. Raises UsageError where the name may not be signed, or person or reason is missing."""
    from stillwatch.attribution.answer import signable
    from stillwatch.cli import acts
    from stillwatch.errors import UsageError
    from stillwatch.respond.action import person_named, stated
    from stillwatch.store.casebook.attributions import Signature

    one = signable(told, name)
    if one is None:
        raise UsageError(
            "the answer weighs no such organisation", found=ascii(name)[1:81],
            wanted=", ".join(h["name"] for h in told["hypotheses"][1:9]) or "a finding that accuses somebody",
        )  # fmt: skip
    if not one["can_be_signed"]:
        raise UsageError(
            "nobody may sign this name on what there is",
            found=f"families that speak for it: {len(one['speak'])}; {one['likelihood']['word']}",
            wanted=f"{one['needed']} families, and likely or more",
            next_step="the finding stays with its operator cluster",
        )
    person_named(by), stated("reason", reason)
    return Signature(
        told["run_id"], told["campaign_id"], name, one["likelihood"]["word"], one["confidence"], tuple(one["speak"]),
        dossier.hash, by, reason, acts.now(),
    )  # fmt: skip


def _print(told: dict[str, Any], *, json: bool) -> None:
    from stillwatch.cli.output import clean, counted, emit_json, say, table

    if json:
        emit_json(told)
        return
    if "hypotheses" in told:
        say(told["claim"])
        print(
            f"{told['campaign_id']}  operator cluster {told['cluster']}  "
            f"{counted(told['accused'], 'accused account')}, {counted(told['others'], 'other')}"
        )
        if told["hypotheses"] and not told["matched"]:
            print(
                f"nothing that the dossier says of an organisation was found on these accounts: who operates them is "
                f"unknown, operator cluster {told['cluster']}"
            )
        elif told["hypotheses"]:
            heads = ["who operates it", "likelihood", "ln ratio", "confidence", "by family", "held"]
            table(heads, map(_row, told["hypotheses"]))
        rows = [
            _channel_row(h["name"], f["family"], c)
            for h in told["hypotheses"]
            for f in h["families"]
            for c in f["channels"]
        ]
        rows += [_channel_row("(a sighting)", "partners", c) for c in told["sightings"]]
        if rows:
            print("\nWhat was counted")
            table(["of", "family", "indicator", "source", "accused", "others", "ln e", "ln ratio", "at most"], rows)
        for one in told["abstained"]:
            kind = "" if one["kind"] == "all" else f", {one['kind']}"
            print(f"abstains: {one['family']}{kind}: {clean(one['because'])}")
    for one in told["signed"]:
        print(f"signed: {clean(one['organisation'])}, {one['word']}, by {clean(one['by'])}: {clean(one['reason'])}")
    if not told["signed"]:
        print("signed: nobody names an organisation")


def _row(one: dict[str, Any]) -> list[str]:
    families = ", ".join(f"{f['family']} {_nats(f['log_ratio'])}" for f in one["families"])
    name = f"operator cluster {one['name']}" if one["kind"] == "cluster" else one["name"]
    held = "; ".join(one["held"]) or "-"
    return [name, one["likelihood"]["word"], _nats(one["log_ratio"]), one["confidence"], families or "-", held]


def _channel_row(name: str, family: str, one: dict[str, Any]) -> list[str]:
    return [
        name, family, one["kind"], f"{one['source']} ({one['grade']})", f"{one['accused']:,} of {one['of_accused']:,}",
        f"{one['others']:,} of {one['of_others']:,}", _nats(one["log_e"]),
        "-" if one["most"] is None else _nats(one["log_ratio"]), "-" if one["most"] is None else f"{one['most']:+.1f}",
    ]  # fmt: skip


def _nats(value: float | None) -> str:
    return "abstains" if value is None else f"{value:+.1f}"
