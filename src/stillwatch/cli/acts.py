"""What the commands of the ladder share: the casebook, the clock, who acts, and how actions are printed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stillwatch.respond.action import Action
    from stillwatch.store.casebook.casebook import Casebook
    from stillwatch.store.store import Store


@contextmanager
def opened(
    store: Path, url: str | None, key_file: Path | None = None, *, begins: bool = False
) -> "Iterator[tuple[Store, Casebook]]":
    """A store and its casebook. Whoever only reads or decides begins none: where the store has none in its folder, an
    empty one elsewhere stands for it, and goes. Raises UsageError where a server's database holds none."""
    from contextlib import closing

    from stillwatch.store.casebook.casebook import Casebook
    from stillwatch.store.store import Store

    kept = Store.open(store, key_file)
    if begins:
        with Casebook.begun(store, url) as casebook:
            yield kept, casebook
    elif is_server(url):
        with closing(Casebook.open(store, url)) as casebook:
            yield kept, casebook
    else:
        with Casebook.seen(store, url) as casebook:
            yield kept, casebook


def named(kept: "Store", account: str | None) -> tuple[str, ...] | None:
    """The names under which the store keeps an account that is named by its id or by one of them; None for none. An
    id that cannot be looked up, since the store hides it and its key is not at hand, is taken as it is, and that is
    said."""
    from stillwatch.cli.output import say
    from stillwatch.store.names import names_of

    if account is None:
        return None
    names = names_of(kept.folder, kept.key_file)
    if names.lost and names.hides(account):
        say(f"the id is taken as the pseudonym that the account is kept under: {names.lost}")
    return names(account)


def is_server(url: str | None) -> bool:
    """Whether a URL, which was looked at before, is of a server's database."""
    return bool(url) and str(url).startswith("postgres")


def check_casebook(store: Path, url: str | None) -> None:
    """Raise UsageError where a URL is not that of the store's casebook. One that cannot be reached now is no error: who
    looks at it again and again says so."""
    from stillwatch.errors import StoreError
    from stillwatch.store.casebook.casebook import Casebook

    try:
        held = Casebook.there(store, url)
    except StoreError:
        return
    if held is not None:
        held.close()


def published(kept: "Store", book: "Casebook") -> None:
    """Put what is in force before the decision path, after something began or ended."""
    from stillwatch import acting

    acting.publish(kept, book, now())


def now() -> int:
    """Microseconds since 1970."""
    import time

    return time.time_ns() // 1000


def operators(store: Path, url: str | None, answer: dict[str, Any]) -> dict[str, str]:
    """Who operates each suspected finding, in words. A casebook that cannot be read names nobody, and that is said."""
    from stillwatch.attribution.operators import clusters_of, operators_of
    from stillwatch.cli.output import say
    from stillwatch.errors import StoreError

    try:
        return operators_of(store, url, answer)
    except StoreError as error:
        say(f"signed names are left out: {error.message}")
        return clusters_of(answer)


def login() -> str:
    """The login on this machine, which the audit trail keeps beside the name that was given."""
    import getpass
    import os

    try:
        return ascii(getpass.getuser())[1:-1][:64]
    except (KeyError, OSError):
        return str(os.getuid())


def at(time: int | None) -> str:
    """A time for people."""
    return datetime.fromtimestamp(time // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%MZ") if time is not None else "-"


def tell(done: "Sequence[Action]", schema: str, *, json: bool) -> None:
    """Print actions as they are now."""
    from stillwatch.acting.telling import told
    from stillwatch.cli.output import emit_json, say, table

    if json:
        emit_json({"schema": f"stillwatch/{schema}/v1", "actions": [told(one) for one in done]})
        return
    if not done:
        say("no action")
        return
    heads = ["action", "state", "rung", "account", "finding", "until", "needs", "approved by", "appeal", "ended"]
    table(heads, [_row(one) for one in done])


def _row(one: "Action") -> list[str]:
    appeal = "-"
    if one.appeal is not None:
        waits = one.appeal.outcome == "open"
        appeal = f"due {at(one.appeal.due_at)}" if waits else one.appeal.outcome.value
    people = ", ".join(each.by for each in one.approvals) or ("-" if one.needs else "a rule")
    return [
        one.action_id, one.state.value, one.hit.rung.name.lower(), one.hit.account_id, one.hit.campaign_id,
        at(one.expires_at), str(one.needs), people, appeal, one.ended or "-",
    ]  # fmt: skip
