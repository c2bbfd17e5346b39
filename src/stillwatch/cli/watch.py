"""`stillwatch watch`: read logs as they come and tell what campaigns do, in event time."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stillwatch.cli.options import AppealUrl, CasebookUrl, KeyFile
from stillwatch.cli.watch_policy import Actor

if TYPE_CHECKING:
    from stillwatch.delivery.post import Post
    from stillwatch.ingest.sources import SourceFile
    from stillwatch.store.store import Store

EVERY = 60.0
"""Seconds from one look at the sources to the next."""

TOLD = {
    "began": "{group} seen: {accounts}, {accused} of them accused", "split": "{group} parts from {of}: {accounts}",
    "status": "is now {of}", "accused": "{count} newly accused", "cleared": "{count} no longer accused",
    "returned": "works again", "pivot": "moved to {of}", "evidence": "its accounts go on being alike in what is new",
    "merged": "goes on in {of}", "gone": "is found no more", "withdrawn": "alert {of} holds no more",
}  # fmt: skip


def watch(
    source: Annotated[list[Path], typer.Argument(help="Files or folders of logs; what is new in them is read.")],
    store: Annotated[Path, typer.Option(help="The store's folder; made where it is missing.")],
    days: Annotated[int, typer.Option(help="Days (UTC) of a window.", min=1)] = 1,
    every: Annotated[float, typer.Option(help="Seconds from one look at the sources to the next.", min=0.1)] = EVERY,
    once: Annotated[bool, typer.Option("--once", help="Look once, tell, and end.")] = False,
    format: Annotated[str, typer.Option(help="As of ingest.")] = "auto",
    mapping: Annotated[Path | None, typer.Option(help="As of ingest: where in your lines the values are.")] = None,
    key_file: KeyFile = None,
    pseudonymous: Annotated[
        bool, typer.Option("--pseudonymous", help="Begin a store that holds every id as a keyed pseudonym.")
    ] = False,
    networks: Annotated[
        Path | None, typer.Option(help="A folder with address tables of your own instead of the shipped ones.")
    ] = None,
    deliver: Annotated[
        Path | None, typer.Option(help="A file that names where alerts go besides (docs/deliver.md).")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(help="A policy by which every new window is judged, as `act` does (docs/policy.md).")
    ] = None,
    appeal_url: AppealUrl = "",
    casebook: CasebookUrl = None,
    json: Annotated[bool, typer.Option("--json", help="Print each alert as one line of JSON.")] = False,
) -> None:
    """Read logs as they come, look at the store window after window, and tell what campaigns do.

    The answer is a stream of alerts: a campaign `began` (or `split` from one), its `status` changed, accounts of it are
    newly `accused`, it moved to a new model (`pivot`), works again after a rest (`returned`), or its accounts go on
    being alike in what is new, beyond chance (`evidence`: an e-process crossed its level, which holds whenever one
    looks). Windows are days of the exchanges' own time, so history and live logs give the same records; events that
    come late can withdraw an alert (`withdrawn`). An alert has an id, and says how many exchanges the campaign had made
    by then. It is an allegation with evidence, and suspends nobody. `show` explains the finding that it names. Stop it
    at any moment; it goes on where it was. With `--deliver` alerts also go by webhook, as OCSF lines or by e-mail; what
    cannot be delivered waits on disk. With `--policy` what its rules may do by themselves is in force at once, for a
    time, and the rest waits for a person (`stillwatch review`).
    """
    import time

    from stillwatch.cli.acts import check_casebook
    from stillwatch.cli.output import counted, say, status
    from stillwatch.errors import SourceError
    from stillwatch.pipeline import ingest_sources

    given = {"format": format, "mapping": mapping, "key_file": key_file, "pseudonymous": pseudonymous}
    seen = _Seen()
    post = _post(deliver, store, days)
    actor = None if policy is None else Actor(policy, appeal_url, casebook)
    if actor:
        check_casebook(store, casebook)
    with status("watching") as tell:
        while True:
            try:
                report = ingest_sources(source, store, **given, wanted=seen.is_new, progress=tell)  # type: ignore[arg-type]
                if report.files:
                    say(
                        f"{counted(report.new, 'new exchange')} from {counted(report.files, 'file')}; "
                        f"{counted(report.quarantined, 'row')} set aside (stillwatch quarantine --store {store})"
                    )
            except SourceError as error:
                if once:
                    raise
                seen.forget()
                say(f"{error}; looking again in {every:g} s")
            told = _look(store, days, None if networks is None else str(networks), seen, tell, post, actor, json=json)
            _send(post, store)
            if once:
                if not told and not json:
                    say("nothing to tell, which is not an all-clear")
                return
            time.sleep(every)


class _Seen:
    """What was read and looked at already, in memory alone: what is read twice counts once."""

    def __init__(self) -> None:
        self._files: dict[Path, tuple[int, int]] = {}
        self._last: dict[Path, tuple[int, int]] = {}
        self._store: set[str] = set()
        self._blind = ""

    def is_new(self, file: "SourceFile") -> bool:
        """Whether a file is not as it was at the last look; one that is gone is not."""
        try:
            about = file.path.stat()
        except OSError:
            return False
        now = (about.st_size, about.st_mtime_ns)
        if self._files.get(file.path) == now:
            return False
        self._last[file.path] = self._files.get(file.path, (-1, -1))
        self._files[file.path] = now
        return True

    def forget(self) -> None:
        """The last look failed: its files are new again."""
        self._files |= self._last

    def tell_blind(self, store: "Store", records: list[dict[str, Any]]) -> None:
        """Say once what cannot be seen."""
        from stillwatch.cli.output import NO_ACCOUNTS, say

        blind = ", ".join(one["detector"] for one in records[-1]["blind"]) if records else ""
        if not store.has_accounts():
            say(NO_ACCOUNTS)
        if blind and blind != self._blind:
            say(f"blind: {blind} (stillwatch detect says why)")
        self._blind = blind

    def is_same_store(self, store: "Store") -> bool:
        """Whether the store holds the files that it held at the last look."""
        self._last = {}
        before, self._store = self._store, store.names()
        return before == self._store


def _look(
    store: Path,
    days: int,
    networks: str | None,
    seen: _Seen,
    tell: Callable[[str], None],
    post: "Post | None",
    actor: Actor | None,
    *,
    json: bool,
) -> bool:
    """Tell what is new in a store: whether there was anything."""
    from stillwatch.alerts import NAMES, news_of, note
    from stillwatch.detection import detect
    from stillwatch.store.store import Store
    from stillwatch.watch import watched, windows

    if not (store / "store.json").exists() or seen.is_same_store(kept := Store.open(store)):
        return False
    records = watched(kept, days, networks, tell)
    seen.tell_blind(kept, records)
    news = news_of(kept, days, records)
    last = windows(kept.days(), days)
    if last and (news.alerts or (actor and actor.is_due(last[-1].end))):
        end = last[-1].end
        run = detect(kept, until=end, known_by=end, networks=networks, progress=tell).answer["run"]["run_id"]
        told = [
            {name: held for name, held in alert.items() if name != NAMES} | {"run_id": run} for alert in news.alerts
        ]
        if post is not None:
            post.put(told)
        for alert in told:
            _print(alert, json=json)
        if actor is not None:
            actor.act(kept, run, end)
    note(kept, days, news)
    return bool(news.alerts)


def _post(deliver: Path | None, store: Path, days: int) -> "Post | None":
    """Where alerts go besides, of the file that names it."""
    if deliver is None:
        return None
    from stillwatch.delivery.outbox import Outbox
    from stillwatch.delivery.post import Post
    from stillwatch.delivery.sinks import read_sinks

    return Post(read_sinks(deliver), Outbox(store, days))


def _send(post: "Post | None", store: Path) -> None:
    """Send what is due, and say what could not be sent."""
    from stillwatch.cli.output import counted, say

    for one in post.round() if post is not None else ():
        if one.failed:
            say(
                f"{one.sink}: {one.failed}; {counted(one.waiting, 'alert')} waiting, {one.dead} given up "
                f"(stillwatch deliver FILE --store {store})"
            )


def _print(alert: dict[str, Any], *, json: bool) -> None:
    import json as as_json

    from stillwatch.cli.output import clean, counted
    from stillwatch.delivery.words import called

    if json:
        print(as_json.dumps(alert), flush=True)
        return
    said = {name: counted(alert[name] or 0, "account") for name in ("accounts", "count")}
    told = TOLD[alert["what"]].format(**{**alert, **said, "group": called(alert)})
    provisional = ", the day is not over" if alert["open"] else ""
    about = f"{alert['status']}; {counted(alert['exchanges'], 'exchange')} by then{provisional}"
    print(clean(f"{alert['day']}  {alert['campaign_id']}  {told} ({about})"), flush=True)
