"""`stillwatch keys`: where a store's keys are, and the epochs in which they are used."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stillwatch.cli.options import KeyFile

if TYPE_CHECKING:
    from stillwatch.store.epochs import EpochState
    from stillwatch.store.store import Store


class Action(StrEnum):
    """What `stillwatch keys` does."""

    SHOW = "show"
    MOVE = "move"
    ROTATE = "rotate"
    DESTROY = "destroy"


def keys(
    action: Annotated[
        Action,
        typer.Argument(
            help="show: the epochs and where their keys are. move: bring the key out of the store's folder. rotate: "
            "begin a new epoch. destroy: destroy the key of an earlier EPOCH, for good."
        ),
    ],
    store: Annotated[Path, typer.Option(help="The store's folder.")],
    epoch: Annotated[int | None, typer.Argument(help="The epoch to destroy.")] = None,
    key_file: KeyFile = None,
    retention: Annotated[
        int, typer.Option(help="rotate: for how many days exchanges are kept and compared; 0 rotates at once.", min=0)
    ] = 30,
    yes: Annotated[bool, typer.Option("--yes", help="destroy: do it; without it, say what it would do.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the epochs as JSON.")] = False,
) -> None:
    """Show, move, rotate or destroy the keys of a store; the answer lists its epochs as they are afterwards.

    `state`: `current` is written in, `earlier` is kept and read, `destroyed` has no key any more: nobody can test
    guessed texts against its sketches, nor tell who stands behind its pseudonyms. `key` names the files that hold it.
    Texts are compared within an epoch only, so an epoch must be at least as long as exchanges are kept.

    With --key-file, `rotate` takes the new epoch's key from there, `move` writes the key there, and `destroy` destroys
    that file too. The user's keys are shared by all stores of the user: `destroy` takes them from all of them.
    """
    from stillwatch.cli.output import emit_json, say
    from stillwatch.store.epochs import states
    from stillwatch.store.store import Store

    kept = Store.open(store, None if action in (Action.ROTATE, Action.MOVE) else key_file)
    if action == Action.MOVE:
        _move(kept, key_file)
    if action == Action.ROTATE:
        _rotate(kept, key_file, retention)
    if action == Action.DESTROY:
        _destroy(kept, epoch, yes)
    told = states(Store.open(store, key_file))
    if kept.key_beside_data and action != Action.MOVE:
        say(f"the key lies beside the data: stillwatch keys move --store {store}")
    if json:
        emit_json(_as_json(told))
    else:
        _print(told)


def _move(store: "Store", to: Path | None) -> None:
    from stillwatch.cli.output import say
    from stillwatch.store import keyring

    place = keyring.move_out(store.manifest.epochs[0], store.folder, to)
    say(f"the key stands in {place} now; backups of the store made before still hold it")


def _rotate(store: "Store", key_file: Path | None, retention: int) -> None:
    from stillwatch.cli.output import say
    from stillwatch.store.epochs import rotate

    begun = rotate(store, key_file, retention)
    say(
        f"epoch {begun.epoch} has begun: texts ingested from now on are not compared with earlier ones. Logs that you "
        "still have can be ingested again, and are then compared in the new epoch"
    )
    if store.pseudonymous:
        say("its pseudonyms are new as well: ingest the accounts and permissions again")


def _destroy(store: "Store", epoch: int | None, yes: bool) -> None:
    from stillwatch.cli.output import say
    from stillwatch.errors import UsageError
    from stillwatch.store.epochs import destroy_epoch

    if epoch is None:
        raise UsageError("no epoch is named", next_step=f"stillwatch keys destroy EPOCH --store {store.folder}")
    if not yes:
        store.manifest.numbered(epoch)
        raise UsageError(
            f"destroying the key of epoch {epoch} cannot be undone, and takes it from every store of this user that "
            "shares it",
            next_step=f"stillwatch keys destroy {epoch} --store {store.folder} --yes",
        )
    for place in destroy_epoch(store, epoch):
        say(f"destroyed: {place}")
    say("copies that you made, backups, snapshots, and old blocks of solid-state disks are out of reach")


def _as_json(told: "list[EpochState]") -> dict[str, object]:
    from dataclasses import asdict

    return {"schema": "stillwatch/keys/v1", "epochs": [asdict(state) for state in told]}


def _print(told: "list[EpochState]") -> None:
    from stillwatch.cli.output import table

    rows = [
        [
            str(s.epoch), s.state, s.fingerprint, ", ".join(s.places) or "not at hand",
            f"{s.first_day} to {s.last_day}" if s.first_day else "-", f"{s.rows:,}",
        ]
        for s in told
    ]  # fmt: skip
    table(["epoch", "state", "fingerprint", "key", "days", "rows"], rows)
