"""`stillwatch pseudonym`: the name under which a pseudonymous store keeps an id."""

from pathlib import Path
from typing import Annotated

import typer


def pseudonym(
    name: Annotated[str, typer.Argument(help="An account id, or another id, as your logs have it.")],
    store: Annotated[Path, typer.Option(help="The store's folder.")],
    key_file: Annotated[Path | None, typer.Option(help="The file with the store's key, where you keep it.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Print the pseudonym of an id in this store, to find a customer of yours among its findings.

    The answer needs the store's key: without it nobody can tell who stands behind a pseudonym. It does not say whether
    the store holds that id.
    """
    from stillwatch.cli.output import emit_json
    from stillwatch.ingest import pseudonyms
    from stillwatch.store.store import Store

    told = pseudonyms.pseudonym(name, Store.open(store, key_file).pseudonym_key())
    if json:
        emit_json({"schema": "stillwatch/pseudonym/v1", "pseudonym": told})
        return
    print(told)
