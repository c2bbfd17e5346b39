"""`stillwatch report`: the findings of a run as one HTML page that stands alone."""

from pathlib import Path
from typing import Annotated

import typer

from stillwatch.cli.options import CasebookUrl, Run


def report(
    store: Annotated[Path, typer.Option(help="The store's folder.")],
    out: Annotated[Path, typer.Option(help="The page to write; a page that is there is replaced.")],
    run: Run = None,
    casebook: CasebookUrl = None,
    json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Write the findings of a run as one HTML page: claims, how sure they are, evidence, and what else could be.

    The page holds a map of the groups, when and what each extracts, the three questions with their terms, alternatives,
    members, what the run could not see, and what base rates allow a reader to conclude. It loads nothing and runs
    nothing, reads well on a phone and on paper, and names accounts: treat it as you treat your customers' records.
    """
    from stillwatch.cli.acts import operators
    from stillwatch.cli.output import counted, emit_json, say
    from stillwatch.cli.place import place_of
    from stillwatch.console.page import page
    from stillwatch.store.files import OPEN, write_whole
    from stillwatch.store.runs import read_run
    from stillwatch.store.store import Store

    place = place_of(out, store, "findings.html")
    answer = read_run(Store.open(store), run)
    data = page(answer, operators(store, casebook, answer)).encode()
    write_whole(place, data, OPEN)
    shown = sum(finding["status"] != "dismissed" for finding in answer["campaigns"])
    if json:
        dismissed = len(answer["campaigns"]) - shown
        emit_json({"page": str(out), "bytes": len(data), "run_id": answer["run"]["run_id"], "findings": shown,
                   "dismissed": dismissed})  # fmt: skip
    else:
        say(f"{out}: {counted(shown, 'finding')} of run {answer['run']['run_id']}, {len(data) / 1000:,.0f} kB")
