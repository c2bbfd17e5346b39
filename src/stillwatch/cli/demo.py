"""`stillwatch demo`: a small world, found and shown."""

from pathlib import Path
from typing import Annotated, Any

import typer

SCALE = 0.4


def demo(
    out: Annotated[Path, typer.Option(help="The folder that the demo writes; an older demo in it is replaced.")] = Path(
        "demo-out"
    ),
    seed: Annotated[int, typer.Option(help="The world's seed.")] = 7,
    json: Annotated[bool, typer.Option("--json", help="Print the answer and the comparison as JSON.")] = False,
) -> None:
    """Simulate a small provider's month of logs, ingest it, find the campaigns, and print them beside the truth.

    The provider has some 2,000 accounts, two fifths of the reference world's.

    The answer is the list of findings, then each true campaign with the finding that matches it. Texts, rates and
    addresses are real samples; accounts and campaigns are invented, so this shows how the product works, not how well
    it does on real campaigns. The same findings stand in `findings.html` in the demo's folder.
    """
    from dataclasses import asdict

    from stillwatch.benchmark.measure import measure
    from stillwatch.cli.output import emit_json, say, status
    from stillwatch.cli.show import print_campaigns
    from stillwatch.console.page import page
    from stillwatch.pipeline import detect, ingest_sources
    from stillwatch.store.files import OPEN, write_whole
    from stillwatch.store.store import Store

    _fresh(out)
    with status("simulating a month of logs") as tell:
        _simulate(out, seed)
        report = ingest_sources([out / "logs"], out / "store", key_file=_key(out, seed), progress=tell)
        tell(f"{report.exchanges:,} exchanges stored as keyed sketches")
        answer = detect(Store.open(out / "store"), progress=tell).answer
    found = measure(answer, out / "truth", out / "logs")
    write_whole(out / "findings.html", page(answer).encode(), OPEN)
    if json:
        emit_json({"answer": answer, "measure": asdict(found)})
        return
    print_campaigns(answer)
    _print_truth(found)
    first = next((c["campaign_id"] for c in answer["campaigns"]), None)
    if first:
        say(f"next: stillwatch show {first} --store {out / 'store'}")
    say(f"the same as a page: {out / 'findings.html'}")


def _fresh(out: Path) -> None:
    """An empty folder, unless something else than an older demo is in it."""
    import shutil

    from stillwatch.errors import UsageError

    marker = out / ".stillwatch-demo"
    if out.exists() and any(out.iterdir()) and not marker.exists():
        raise UsageError("the folder holds something else", where=str(out), next_step="name another with --out")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    marker.touch()


def _key(out: Path, seed: int) -> Path:
    """A key made of the seed, so that everyone sees the same demo. An invented world has no secrets."""
    import hashlib

    path = out / "key"
    path.touch(0o600)
    path.write_bytes(hashlib.blake2b(f"stillwatch demo {seed}".encode(), digest_size=32).digest())
    return path


def _simulate(out: Path, seed: int) -> None:
    from stillwatch.worlds import world as worlds

    worlds.write(worlds.simulate("mixed", seed, SCALE), out / "logs", out / "truth")


def _print_truth(found: Any) -> None:
    """Each true campaign beside its finding, then who was accused rightly and wrongly."""
    from stillwatch.cli.output import table

    print("\nBeside the truth")
    table(
        ["campaign", "members", "finding", "purity", "completeness"],
        [
            [r.campaign, str(r.members), r.finding or "not found", f"{r.purity:.2f}", f"{r.completeness:.2f}"]
            for r in found.recovered
        ],
    )
    print(
        f"accused and operators: {found.precision}; members with 4 extraction exchanges or more found: {found.recall}"
    )
    print(f"members with fewer: {found.recall_few}; honest accounts accused: {found.false_accounts}")
    print(f"honest accounts in review (ambiguous): {found.ambiguous_honest}; owners of stolen keys accused: "
          f"{found.victims_named_operator}")  # fmt: skip
