"""Erase an account: every row and every mention of it in the store's folder, and a note that keeps its old rows away.

Files are rewritten whole: the new one is on disk before the old one goes, so that a kill leaves old, new or both, and
the same erase completes it. Exchanges come last, since they tell which rows in quarantine were the account's.
"""

import json
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from time import time_ns
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.errors import StoreError, UsageError
from stillwatch.ingest.pseudonyms import kept_names
from stillwatch.records import QuarantinedRow
from stillwatch.respond.action import person_named
from stillwatch.store import files, waiting
from stillwatch.store.casebook.forget import Eraser, Forgotten, forget_account, knows_account
from stillwatch.store.exchanges import write_exchanges
from stillwatch.store.files import sync_folder, write_whole
from stillwatch.store.holders import References, holds_account, parquet_in, table_of
from stillwatch.store.mentions import Mentions, is_text
from stillwatch.store.permits import ENDS
from stillwatch.store.renames import GONE, current_ids, findings_in, times_named
from stillwatch.store.retention import sweep
from stillwatch.store.runs import LOOKED, counted_bytes, run_bytes
from stillwatch.store.small import write_ends, write_quarantine, write_small
from stillwatch.store.store import Store
from stillwatch.store.suppress import note

WATCH = "watch"
"""The folder of a store in which the records of windows lie."""

OUTBOX = "outbox"
"""The folder in it in which alerts wait to be delivered."""

SENTENCES = ("because", "for", "against")
"""Keys of a run that hold sentences. Other values are words of ours, which an id may happen to be spelled like."""


@dataclass
class Erased:
    """What an erase removed, or would remove. `mentions` are values of others that named it, now `erased`."""

    names: tuple[str, ...]
    exchanges: int = 0
    accounts: int = 0
    permissions: int = 0
    quarantine: int = 0
    members: int = 0
    findings: int = 0
    listed: int = 0
    """Rows of its exchanges in the lists that runs keep of what their findings count."""
    mentions: int = 0
    drafts: int = 0
    files: int = 0
    """Files that were rewritten or removed."""
    epochs_noted: int = 0
    """Epochs in whose list the account stands now, so that its old rows do not come back."""
    cases: Forgotten = field(default_factory=Forgotten)
    """What went from the casebook."""
    unsearched_epochs: tuple[int, ...] = field(default=())
    """Epochs without a key at hand: the account's pseudonym in them, if it has one, is not known."""


def erase(
    store: Store, account: str, *, dry_run: bool = False, casebook: str | None = None, unknown: bool = False,
    by: str = "", via: str = "",
) -> Erased:  # fmt: skip
    """Remove an account, given by its id or by a pseudonym. A repeat completes what was killed, and else finds nothing.

    `casebook` is the URL of the store's casebook where that is on a server; `by` erases, through the login `via`.

    Raises UsageError where the id cannot be looked for, or nothing holds it as an account's and that is not said
    (`unknown`); StoreError where the disk refuses or a file is damaged.
    """
    if not account:
        raise UsageError("no account is named", next_step=f"stillwatch erase ACCOUNT --store {store.folder}")
    keys = store.keys_at_hand("pseudonym")
    one = pa.array([account] if is_text(account) else [], pa.string())  # no table holds half a character
    hidden = [
        name
        for epoch, key in keys.items()
        for name in kept_names(one, key, epoch, every_name=store.pseudonymous).to_pylist()
    ]
    if store.pseudonymous and not keys and not account.startswith("hmac:"):
        raise UsageError(
            "without its key a pseudonymous store does not tell who is who", where=str(store.folder),
            next_step="give the key with --key-file, or the pseudonym instead of the id",
        )  # fmt: skip
    unsearched = tuple(e.epoch for e in store.manifest.epochs if e.epoch not in keys)
    told = Erased(tuple(sorted({account, *hidden})), unsearched_epochs=unsearched)
    who = Eraser(time_ns() // 1000, person_named(by) if by else "", via)
    work = _Erasure(store, told, dry_run)
    filed = knows_account(store.folder, told.names, casebook)  # refuses another store's casebook before anything
    if not (unknown or filed or work.rows or holds_account(store, told.names)):
        raise UsageError(
            "the store does not know this account", where=str(store.folder), found=ascii(account)[1:-1][:80],
            wanted="an id of its accounts, exchanges, permissions, runs or casebook, as your logs have it",
            next_step="--unknown keeps an id away from logs that are still to come",
        )  # fmt: skip
    if not dry_run:  # the note comes first: by it the same command completes an erase that was killed
        told.epochs_noted = note(store, told.names, work.before)
    told.cases = forget_account(
        store.folder, told.names, who, casebook, dry_run=dry_run, renamed=work.references.grants()
    )
    if not dry_run:
        sweep(store)
    for step in (
        work.drafts, work.watches, work.outbox, work.runs, work.lists, work.looked, work.quarantine, work.small,
        work.exchanges,
    ):  # fmt: skip
        step()
    return told


class _Erasure:
    """The steps of one erase. Each counts what it found, and changes the disk unless it is a dry run."""

    def __init__(self, store: Store, told: Erased, dry_run: bool) -> None:
        self.store = store
        self.told = told
        self.dry_run = dry_run
        self.names = pa.array([name for name in told.names if is_text(name)], pa.string())
        self.references = References(store, told.names)
        self._ids: dict[str, str] = {}
        self._answers: dict[Path, Any] = {}

    @cached_property
    def rows(self) -> dict[Path, pa.Table]:
        """The account's exchanges (id and time) by file."""
        found: dict[Path, pa.Table] = {}
        for paths in self.store.exchange_files().values():
            for path in map(Path, paths):
                if pc.any(self._is_named(table_of(path, ["account_id"])["account_id"])).as_py():
                    held = table_of(path, ["account_id", "exchange_id", "asked_at"])
                    found[path] = held.filter(self._is_named(held["account_id"]))
        return found

    @property
    def before(self) -> datetime:
        """The time up to which rows of the account stay away: now, or after its last row where that is later."""
        last: list[datetime] = [pc.max(rows["asked_at"]).as_py() for rows in self.rows.values()]
        return max([datetime.now(UTC), *(time.astimezone(UTC) + timedelta(microseconds=1) for time in last)])

    def drafts(self) -> None:
        """Drafts of writers that were killed: what they hold cannot be told."""
        for draft in sorted(self.store.folder.rglob(".*.tmp")):
            self.told.drafts += 1
            if not self.dry_run:
                shutil.rmtree(draft, ignore_errors=True) if draft.is_dir() else draft.unlink(missing_ok=True)

    def watches(self) -> None:
        """The records of windows, all of one length together where any names the account: each follows from the one
        before, and the next watch makes them anew without it."""
        for folder in sorted((self.store.folder / WATCH).glob("days=*")):
            paths = sorted(folder.rglob("*.json"))
            named = sum(self._named_in(path) for path in paths)
            self.told.members += named
            self.told.files += len(paths) if named else 0
            if named and not self.dry_run:
                gone = folder.with_name(f".{folder.name}.tmp")  # a draft, which a repeat removes after a kill
                folder.rename(gone)
                sync_folder(folder.parent)
                shutil.rmtree(gone)

    def outbox(self) -> None:
        """Alerts that wait: the account is taken from those that name others as well, the others go."""
        for path in sorted((self.store.folder / WATCH / OUTBOX).rglob("*.json")):
            named = self._named_in(path)
            self.told.members += named
            self.told.files += 1 if named else 0
            if named and not self.dry_run:
                waiting.leave_out(path, frozenset(self.told.names))

    def _named_in(self, path: Path) -> int:
        """How often a file of a watch names the account; one that cannot be read may."""
        try:
            return times_named(json.loads(path.read_text("utf-8")), frozenset(self.told.names))
        except (OSError, ValueError):
            return 1

    def runs(self) -> None:
        """Members of findings, findings about the account alone, and sentences that name it."""
        for path in sorted((self.store.folder / "runs").glob("*/*.json")):
            answer = _loaded(path)
            members, findings, mentions = self.told.members, self.told.findings, self.told.mentions
            changed = self._answers[path] = self._without_mentions(self._without_members(answer))
            if (members, findings, mentions) == (self.told.members, self.told.findings, self.told.mentions):
                continue
            self.told.files += 1
            if not self.dry_run:
                write_whole(path, run_bytes(changed))

    def lists(self) -> None:
        """The account's rows of the exchanges that findings count, and the ids of findings that `runs` has renamed."""
        for path in sorted((self.store.folder / "runs").glob("[!.]*/exchanges.parquet")):
            held = table_of(path)
            left = held.filter(pc.invert(self._is_named(held["account_id"])))
            new = current_ids(left, findings_in(self._answers.get(path.parent / "campaigns.json")), self._ids)
            if left.num_rows == held.num_rows and not new:
                continue
            self.told.listed += held.num_rows - left.num_rows
            self.told.files += 1
            ids = [new.get(name, name) for name in left["campaign_id"].to_pylist()]
            if not self.dry_run:
                write_whole(path, counted_bytes(left.set_column(0, "campaign_id", pa.array(ids, pa.string()))))

    def looked(self) -> None:
        """What runs keep for a later look: files that are written anew would be taken for new ones, and findings have
        other ids. The next run keeps it again."""
        if not (self.rows or self.told.members):
            return
        for name in LOOKED:
            for path in sorted((self.store.folder / "runs").glob(f"[!.]*/{name}")):
                self._replace(path, _nothing)

    def _without_members(self, answer: Any) -> Any:
        if not findings_in(answer):
            return answer
        kept = []
        for finding in answer["campaigns"]:
            left = [m for m in finding["members"] if m["account_id"] not in self.told.names]
            gone = len(finding["members"]) - len(left)
            self.told.members += gone
            if gone and not left and finding["kind"] != "group":
                self.told.findings += 1  # its id is a hash of the account's name, without a key
                continue
            kept.append(finding | self._renamed(finding, gone) | {"members": left} if gone else finding)
        gone = sum(len(f["members"]) for f in answer["campaigns"]) - sum(len(f["members"]) for f in kept)
        run = answer["run"] | {GONE: answer["run"].get(GONE, 0) + gone} if gone else answer["run"]
        return answer | {"run": run, "campaigns": kept}

    def _renamed(self, finding: dict[str, Any], gone: int) -> dict[str, Any]:
        """Another id, the same in every run: the old one, a hash of names without a key, would confirm a guess."""
        name = finding["campaign_id"]
        self._ids.setdefault(name, f"{name[:2]}{secrets.token_hex(6)}")
        return {"campaign_id": self._ids[name], GONE: finding.get(GONE, 0) + gone}

    def _without_mentions(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: self._without_mentions(held, name) for name, held in value.items()}
        if isinstance(value, list):
            return [self._without_mentions(held, key) for held in value]
        if not isinstance(value, str) or key not in SENTENCES:
            return value
        new = self._mention.out_of(value, ours=True)
        self.told.mentions += new != value
        return new

    @cached_property
    def _mention(self) -> Mentions:
        return Mentions({*self.told.names, *self._emails()})

    def _emails(self) -> set[str]:
        held = [table_of(path) for path in parquet_in(self.store.folder / "accounts")]
        own = [table.filter(self._is_named(table["account_id"]))["email"].to_pylist() for table in held]
        return {email for emails in own for email in emails if email}

    def quarantine(self) -> None:
        """Rows that were set aside of the account's exchanges; and the names of files that are called after it."""
        ids = {name for rows in self.rows.values() for name in rows["exchange_id"].to_pylist()}
        for path in parquet_in(self.store.folder / "quarantine"):
            held = [QuarantinedRow(**row) for row in table_of(path).to_pylist()]
            stay = [row for row in held if row.exchange_id not in ids]
            left = [replace(row, file=self._unnamed(row.file)) for row in stay]
            named = sum(one != other for one, other in zip(stay, left, strict=True))
            self.told.quarantine += len(held) - len(left)
            self.told.mentions += named
            if named or len(left) < len(held):
                self._replace(path, partial(write_quarantine, path.parent, left))

    def _unnamed(self, file: str) -> str:
        """A path with `erased` for each part that is the account's name, or that and an ending."""
        gone = [
            next((n for n in self.told.names if part == n or part.startswith(f"{n}.")), "") for part in Path(file).parts
        ]
        parts = [
            part.replace(name, GONE, 1) if name else part for part, name in zip(Path(file).parts, gone, strict=True)
        ]
        return str(Path(*parts)) if any(gone) else file

    def small(self) -> None:
        """Rows of accounts and permissions, names in others' references, and other accounts' `reseller_of`."""
        for path in parquet_in(self.store.folder / "permissions"):
            held = table_of(path)
            gone = self._is_named(held["account_id"])
            new, named = self.references.out_of(held)
            self.told.permissions += _true(gone)
            self.told.mentions += sum(named)
            self._keep_small(path, new, gone, changed=any(named))
        for path in parquet_in(self.store.folder / ENDS):
            held = table_of(path)
            gone = self._is_named(held["account_id"])
            new, named = self.references.out_of(held)
            left = new.filter(pc.invert(gone))
            if any(named) or left.num_rows < held.num_rows:
                self._replace(path, partial(write_ends, path.parent, left) if left.num_rows else _nothing)
        for path in parquet_in(self.store.folder / "accounts"):
            held = table_of(path)
            gone = self._is_named(held["account_id"])
            named = pc.and_(self._is_named(held["reseller_of"]), pc.invert(gone))
            self.told.accounts += _true(gone)
            self.told.mentions += _true(named)
            self._keep_small(path, _renamed(held, named), gone, changed=_true(named) > 0)

    def _keep_small(self, path: Path, held: pa.Table, gone: pa.ChunkedArray, *, changed: bool) -> None:
        left = held.filter(pc.invert(gone))
        if changed or left.num_rows < held.num_rows:
            self._replace(path, partial(write_small, path.parent, left) if left.num_rows else _nothing)

    def exchanges(self) -> None:
        """The account's exchanges, from every day's file that holds one."""
        for path, own in self.rows.items():
            self.told.exchanges += own.num_rows
            self._replace(path, partial(self._write_others, path))

    def _write_others(self, path: Path) -> None:
        held = table_of(path)
        left = held.filter(pc.invert(self._is_named(held["account_id"])))
        if left.num_rows:
            write_exchanges(path.parent, left)

    def _replace(self, path: Path, write: Callable[[], object]) -> None:
        """Write what stays beside a file, then remove the file."""
        self.told.files += 1
        if self.dry_run:
            return
        write()
        try:
            path.unlink(missing_ok=True)
            files.reached("removed")
            sync_folder(path.parent)
        except OSError as error:
            raise StoreError(f"cannot remove ({error.strerror})", where=str(path)) from error

    def _is_named(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        return pc.fill_null(pc.is_in(column, self.names), False)


def _nothing() -> None:
    return


def _renamed(held: pa.Table, named: pa.ChunkedArray) -> pa.Table:
    """The rows with `erased` where they named the account, and another hash, since a file is named after its hashes."""
    columns = {"reseller_of": pa.scalar(GONE), "row_hash": pc.binary_join_element_wise("e", held["row_hash"], "")}
    for name, new in columns.items():
        place = held.column_names.index(name)
        held = held.set_column(place, held.schema.field(name), pc.if_else(named, new, held[name]))
    return held


def _true(mask: pa.ChunkedArray) -> int:
    return int(pc.sum(mask).as_py() or 0)


def _loaded(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError("the run cannot be read, so nothing can be erased from it", where=str(path)) from error
