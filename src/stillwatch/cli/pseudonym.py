"""`stillwatch pseudonym`: the name under which a pseudonymous store keeps an id."""

from pathlib import Path
from typing import Annotated

import typer

from stillwatch.cli.options import KeyFile


def pseudonym(
    name: Annotated[str, typer.Argument(help="An account id, or another id, as your logs have it.")],
    store: Annotated[Path, typer.Option(help="The store's folder.")],
    key_file: KeyFile = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Print the pseudonym of an id in this store, to find a customer of yours among its findings.

    The answer needs the store's key: without it nobody can tell who stands behind a pseudonym. It does not say whether
    the store holds that id. Each key epoch has its own pseudonyms: one line for each whose key is at hand, the current
    epoch last.
    """
    from stillwatch.cli.output import emit_json
    from stillwatch.ingest import pseudonyms
    from stillwatch.store.store import Store

    kept = Store.open(store, key_file)
    keys = kept.keys_at_hand("pseudonym") | {kept.epoch.epoch: kept.pseudonym_key()}
    told = {epoch: pseudonyms.pseudonym(name, key, epoch) for epoch, key in keys.items()}
    if json:
        emit_json({"schema": "stillwatch/pseudonym/v1", "pseudonym": told[kept.epoch.epoch], "epochs": told})
        return
    print("\n".join(dict.fromkeys(told.values())))
