"""Where a store's casebook is: no command begins, reads or erases another than the store's own."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import inspect, text
from sqlalchemy.engine import URL, make_url

from stillwatch import acting, cli
from stillwatch.errors import StillwatchError, UsageError
from stillwatch.store.casebook import place
from stillwatch.store.casebook.casebook import Casebook
from stillwatch.store.casebook.forget import Eraser, forget_account
from stillwatch.store.store import Store
from stillwatch.tables import PERMISSIONS
from tests.respond.casebooks import opened, store_of
from tests.respond.hits import NOW, TERMS
from tests.store.casebook_checks import hits

SERVER = "postgresql://watch:secret@db/casebook"

Run = Callable[..., str]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("STILLWATCH_KEY_FILE", str(tmp_path / "key"))
    return store_of(tmp_path, accounts=3, runs=2)


@pytest.fixture
def run(store: Store, capsys: pytest.CaptureFixture[str]) -> Run:
    def ran(*words: str, code: int = 2) -> str:
        capsys.readouterr()
        found = cli.run([*words, "--store", str(store.folder)])
        out = capsys.readouterr()
        assert found == code, out.err
        return out.err if code else out.out

    return ran


BY = ("--by", "bob", "--reason", "Looked.")
COMMANDS = (
    ("actions",), ("actions", "--verify"), ("review",), ("appeal", "list"), ("permission", "list"), ("erase", "acct_1"),
    ("erase", "acct_1", "--dry-run"), ("approve", "R-1", *BY), ("undo", "R-1", *BY),
    ("decline", "R-1", *BY), ("campaigns",), ("serve",),
    ("permission", "add", "c", "--account", "a", "--purpose", "research", *BY),
    ("propose", "acct_1", "--rung", "label", "--clause", "c", "--hours", "1", "--appeal-url", "https://p.example", *BY),
)  # fmt: skip


def test_no_command_takes_another_file_and_none_is_begun(run: Run, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    for words in COMMANDS:
        said = run(*words, "--casebook", f"sqlite:///{other}")
        assert "not this store's casebook" in said and "no file there" in said, words
        assert "leave --casebook away" in said and not other.exists(), words


def test_what_is_there_is_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    other = Casebook.open(tmp_path / "second", begins=True)
    acting.propose(store_of(tmp_path / "second"), other, hits(2), NOW, TERMS)
    other.close()
    said = run("erase", "acct_1", "--casebook", f"sqlite:///{tmp_path}/second/casebook.db")
    assert "a casebook with 4 rows on its audit trail" in said
    (tmp_path / "text").write_text("no casebook at all")
    for path, words in ((tmp_path / "text", "holds no casebook"), (tmp_path, "holds no casebook")):
        assert words in run("actions", "--casebook", f"sqlite:///{path}")
    for url in ("sqlite://", "sqlite:///:memory:", "sqlite:///x?mode=memory&uri=true"):
        assert "in memory" in run("actions", "--casebook", url)
    assert "no URL" in run("actions", "--casebook", str(tmp_path / "second" / "casebook.db"))
    assert "no such database" in run("erase", "a", "--casebook", "mysql://x:secret@y/z")


def test_the_stores_own_file_may_be_named(run: Run, store: Store) -> None:
    book = opened(store)
    acting.propose(store, book, hits(1), NOW, TERMS)
    assert "R-" in run("actions", "--all", "--casebook", f"sqlite:///{store.folder}/casebook.db", code=0)
    assert "would remove" in run("erase", "acct_0", "--dry-run", "--casebook", "", code=0)


def test_a_servers_casebook_passes_the_stores_own_by_in_no_command(run: Run, store: Store) -> None:
    book = opened(store)
    nowhere = "postgresql://watch@127.0.0.1:1/x"
    assert "cannot be used" in run("erase", "acct_1", "--casebook", nowhere, code=1), "an empty casebook hides nothing"
    acting.propose(store, book, hits(1), NOW, TERMS)
    for words in COMMANDS:
        said = run(*words, "--casebook", SERVER)
        assert "in its folder" in said and "2 rows" in said and "secret" not in said
    book.close()
    for file in store.folder.glob("casebook.db*"):
        file.write_bytes(b"damaged" * 100)
    assert "cannot be read" in run("actions", "--casebook", SERVER)


def test_a_store_whose_casebook_is_on_a_server_names_it(run: Run, store: Store) -> None:
    place.note(store.folder, "")
    for words in (("erase", "acct_1"), ("serve",), ("actions",)):
        assert "on a server" in run(*words) and not (store.folder / "casebook.db").exists()
    assert "on a server" in run("actions", "--casebook", f"sqlite:///{store.folder}/casebook.db")
    assert "on a server" in run("actions", "--casebook", "")


def test_which_casebook_on_a_server_is_the_stores(store: Store) -> None:
    """The note in the folder: nothing, a casebook without a row, one with a first row."""
    first, other = "1" * 64, "2" * 64
    check = place.check_server
    check("there", None, None, begins=True)
    with pytest.raises(UsageError, match="no casebook is there"):
        check("there", None, None, begins=False)
    with pytest.raises(UsageError, match="as far as the store knows") as refused:
        check("there", None, first, begins=True)
    assert place.ELSEWHERE in refused.value.next_step
    check("there", None, "", begins=False)
    for known in ("", first):
        with pytest.raises(UsageError, match="though this store has one"):
            check("there", known, None, begins=True)
        check("there", known, first, begins=False)
    check("there", "", "", begins=False)
    for found in (other, ""):
        with pytest.raises(UsageError, match="not this store's casebook"):
            check("there", first, found, begins=True)
    assert place.noted(store.folder) is None
    for said, kept in (("", ""), (first, first), ("", first)):
        place.note(store.folder, said)
        assert place.noted(store.folder) == kept


def test_a_server_is_known_by_any_of_its_names(store: Store) -> None:
    for name in ("postgresql", "postgres", "postgresql+psycopg"):
        assert place.server_of(store.folder, f"{name}://w@h/d") == make_url("postgresql+psycopg://w@h/d")
    assert isinstance(place.server_of(store.folder, SERVER), URL) and place.server_of(store.folder, None) is None


def test_without_a_casebook_there_is_nothing_to_forget_and_none_is_begun(store: Store) -> None:
    assert Casebook.there(store.folder) is None
    assert forget_account(store.folder, ["acct_1"], Eraser(NOW), None, dry_run=False).actions == 0
    assert not (store.folder / "casebook.db").exists()


def test_expire_looks_at_the_casebook_before_it_removes_a_day(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from stillwatch.pipeline import ingest_sources
    from tests.store.logs import exchange, write

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    rows = [exchange(1), {**exchange(2), "asked_at": "2099-01-01T00:00:00Z"}]
    ingest_sources([write(tmp_path / "logs", rows)], tmp_path / "s")
    days = Store.open(tmp_path / "s").days()
    words = ["expire", "--before", days[-1], "--store", str(tmp_path / "s")]
    assert cli.run([*words, "--casebook", "sqlite:////nowhere/x.db"]) == 2
    assert "not this store's casebook" in capsys.readouterr().err and Store.open(tmp_path / "s").days() == days
    assert cli.run([*words, "--json"]) == 0 and json.loads(capsys.readouterr().out)["days"] == len(days) - 1


def test_reading_begins_no_casebook(run: Run, store: Store) -> None:
    for words in (("actions",), ("review",), ("appeal", "list"), ("permission", "list")):
        run(*words, code=0)
    run("undo", "R-1", *BY), run("permission", "add", "c", "--account", "a", *BY)
    run("review", "C-9", "--label", "true", *BY)
    run("passed", "acct_1", "nobody", "--kind", "payment", *BY, code=0)
    assert not list(store.folder.glob("casebook*"))


def test_who_ends_a_files_permission_is_kept_and_one_that_was_ended_begins_no_casebook(run: Run, store: Store) -> None:
    row = {"account_id": "acct_1", "purpose": "research", "reference": "c"}
    store.add_small("permissions", pa.RecordBatch.from_pylist([row], schema=PERMISSIONS))
    assert "no permission of that reference" in run("permission", "end", "d", *BY)
    assert not list(store.folder.glob("casebook*"))
    run("permission", "end", "c", *BY, code=0)
    with Casebook.seen(store.folder) as book:
        assert [(one["what"], one["by"]) for one in book.history()] == [("ended", "bob")]
    (store.folder / "casebook.db").unlink()
    again = ("permission", "add", "c", "--account", "acct_1", "--purpose", "research", *BY)
    assert "was ended" in run(*again)
    assert not list(store.folder.glob("casebook*"))


HAND = ("--clause", "c", "--hours", "1", "--appeal-url", "https://p.example", *BY)


def test_a_proposal_that_is_refused_begins_no_casebook(run: Run, store: Store) -> None:
    assert "does not know this account" in run("propose", "acct_l", "--rung", "label", *HAND)
    assert "does not accuse" in run("propose", "victim", "--rung", "suspend", *HAND, code=1)
    assert "no such rung" in run("propose", "acct_1", "--rung", "kill", *HAND)
    assert "appeal address" in run("propose", "acct_1", "--rung", "label", *HAND[:4], "--appeal-url", "x", *BY)
    assert "no person" in run("propose", "acct_1", "--rung", "label", *HAND[:-4], "--by", "", "--reason", "x")
    assert "lacks its settings" in run("propose", "acct_1", "--rung", "limit", "--obligation", "rate_limit", *HAND)
    assert not list(store.folder.glob("casebook*"))
    run("propose", "acct_1", "--rung", "label", *HAND, code=0)
    assert (store.folder / "casebook.db").exists()


def test_a_casebook_is_known_from_its_beginning_and_by_what_its_trail_began_with_before(store: Store) -> None:
    book = opened(store)
    first = book.database._first()
    assert first and len(first) == 64 and book.head() == ""
    acting.propose(store, book, hits(1), NOW, TERMS)
    assert book.database._first() == first
    begin = book.history()[0]["hash"]
    _back_to_0002(book)
    assert book.database._first() == begin
    book.close()
    book = opened(store)
    assert book.database._first() == begin
    book.close()


def test_a_rehearsal_reads_an_older_casebook_and_leaves_it_so(store: Store) -> None:
    book = opened(store)
    acting.propose(store, book, hits(2), NOW, TERMS)
    _back_to_0002(book)
    told = forget_account(store.folder, ["acct_1"], Eraser(NOW), None, dry_run=True)
    assert told.actions == 1
    with book.database.engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "0002"
        assert not inspect(connection).has_table("identity")
    assert len(book.find()) == 2
    book.close()


def _back_to_0002(book: Casebook) -> None:
    with book.database.writing() as connection:
        connection.execute(text("DROP TABLE identity"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0002'"))


def test_what_a_store_intends_to_begin_is_one_thing_until_it_is_noted(store: Store) -> None:
    one = place.intended(store.folder)
    assert len(one) == 64 and place.intended(store.folder) == one and place.noted(store.folder) is None
    place.note(store.folder, one)
    assert place.noted(store.folder) == one and not (store.folder / place.BEGINS).exists()


def test_erase_refuses_who_is_nobody_and_completes_what_was_begun(run: Run, store: Store) -> None:
    book = opened(store)
    acting.propose(store, book, hits(2), NOW, TERMS)
    book.close()
    for name in ("account", "acct", "acct_11", "\udcff"):
        for more in ((), ("--dry-run",)):
            assert "does not know this account" in run("erase", name, *more)
    assert json.loads(run("erase", "\udcff", "--unknown", "--json", code=0))["exchanges"] == 0
    assert json.loads(run("erase", "acct_1", "--by", "Dana", "--json", code=0))["cases"]["actions"] == 1
    run("erase", "acct_1", code=0)
    rows = json.loads(run("actions", "--trail", "--json", code=0))["rows"]
    (row,) = [one for one in rows if one["what"] == "erased"]
    assert row["by"] == "dana" and row["via"]


def test_no_secret_of_an_address_is_printed(tmp_path: Path) -> None:
    store = tmp_path / "s"
    store.mkdir()
    for url in ("postgresql://u:SECRET@127.0.0.1:1/x", "postgresql://u@127.0.0.1:1/x?password=SECRET"):
        with pytest.raises(StillwatchError) as told:
            Casebook.open(store, url)
        assert "SECRET" not in str(told.value) and "127.0.0.1" in str(told.value)
