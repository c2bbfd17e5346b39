"""`stillwatch report`: the findings of a run as one HTML page that stands alone."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    store: Annotated[Path, typer.Option(help="The store's folder.")],
    out: Annotated[Path, typer.Option(help="The page to write; a page that is there is replaced.")],
    run: Annotated[str | None, typer.Option(help="A run's id, or the start of one; the newest run without it.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Write the findings of a run as one HTML page: claims, how sure they are, evidence, and what else could be.

    The page holds a map of the groups, when and what each extracts, the three questions with their terms, alternatives,
    members, what the run could not see, and what base rates allow a reader to conclude. It loads nothing and runs
    nothing, reads well on a phone and on paper, and names accounts: treat it as you treat your customers' records.
    """
    from stillwatch.cli.output import counted, emit_json, say
    from stillwatch.console.page import page
    from stillwatch.store.files import write_whole
    from stillwatch.store.runs import read_run
    from stillwatch.store.store import Store

    place = _place(out)
    answer = read_run(Store.open(store), run)
    data = page(answer).encode()
    write_whole(place, data)
    shown = sum(finding["status"] != "dismissed" for finding in answer["campaigns"])
    if json:
        dismissed = len(answer["campaigns"]) - shown
        emit_json({"page": str(out), "bytes": len(data), "run_id": answer["run"]["run_id"], "findings": shown,
                   "dismissed": dismissed})  # fmt: skip
    else:
        say(f"{out}: {counted(shown, 'finding')} of run {answer['run']['run_id']}, {len(data) / 1000:,.0f} kB")


def _place(out: Path) -> Path:
    """The file to write, behind links. Only a plain file is replaced: a folder or a device is not."""
    from stillwatch.errors import StoreError, UsageError

    try:
        place = out.resolve()
        is_folder, is_other = place.is_dir(), place.exists() and not place.is_file()
    except (OSError, RuntimeError) as error:  # a folder that we may not enter; links in a circle
        raise StoreError("cannot write (the place cannot be reached)", where=str(out)) from error
    if is_folder:
        raise UsageError(
            "--out names a folder", where=str(out), wanted="a file", next_step=f"--out {out / 'findings.html'}"
        )
    if is_other:
        raise UsageError("--out names something that is no plain file", where=str(out), wanted="a file to write")
    return place
