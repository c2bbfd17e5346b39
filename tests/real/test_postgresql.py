"""The casebook on a real PostgreSQL: the checks of SQLite's, several processes at once, erasure, a server that dies."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from stillwatch import acting, cli
from stillwatch.errors import StoreError, UsageError
from stillwatch.records import Rung
from stillwatch.store.casebook import place
from stillwatch.store.casebook.casebook import Casebook
from stillwatch.store.erase import erase
from stillwatch.store.store import Store
from tests.real.postgresql import server
from tests.respond.casebooks import opened, store_of
from tests.respond.hits import NOW, TERMS, hit
from tests.store import casebook_checks as checks
from tests.store.casebook_checks import hits, whole

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def running() -> Iterator[str]:
    with server() as url:
        yield url


@pytest.fixture
def url(running: str) -> Iterator[str]:
    """A database of its own."""
    name = "casebook"
    with psycopg.connect(running, autocommit=True) as connection:
        for each in (name, "other"):
            connection.execute(f"DROP DATABASE IF EXISTS {each} WITH (FORCE)".encode())
            connection.execute(f"CREATE DATABASE {each}".encode())
    yield running.rsplit("/", 1)[0] + f"/{name}"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return store_of(tmp_path)


def test_who_reads_or_is_refused_begins_no_casebook_on_a_server(store: Store, url: str) -> None:
    with Casebook.seen(store.folder, url) as book:
        assert book.find() == [] and not book.database.is_server
    with pytest.raises(UsageError, match="no casebook is there"):
        Casebook.open(store.folder, url)
    words = ["--store", str(store.folder), "--casebook", url]
    assert cli.run(["propose", "acct_l", "--rung", "label", "--clause", "c", "--hours", "1", "--by", "bob", "--reason",
                    "x", "--appeal-url", "https://p.example", *words]) == 2  # fmt: skip
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
    assert not list(store.folder.glob("casebook*"))
    with Casebook.begun(store.folder, url) as book:
        acting.propose(store, book, hits(2), NOW, TERMS)
    with Casebook.seen(store.folder, url) as book:
        assert book.database.is_server and len(book.find()) == 2


def test_many_actions_are_looked_up_and_started_with_on_a_server(store: Store, url: str) -> None:
    with Casebook.begun(store.folder, url) as book:
        names = [one.action_id for one in acting.propose(store, book, hits(3), NOW, TERMS).new]
        assert [one.action_id for one in book.get_all([*names, names[0][:8]])] == [*names, names[0]]
        for wrong in ("R-\x00", "R-\ud800abcdef", "%"):
            with pytest.raises(UsageError, match="no action's id"):
                book.get(wrong)


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
def test_as_on_sqlite(check: Callable[..., None], store: Store, url: str) -> None:
    elsewhere = store.folder.parent / "another"
    elsewhere.mkdir()
    book, other = opened(store, url), Casebook.open(elsewhere, url.rsplit("/", 1)[0] + "/other", begins=True)
    check(store, book, other)
    book.close(), other.close()
    assert not (store.folder / "casebook.db").exists()


def test_a_database_that_is_not_the_stores_is_refused_and_nothing_is_begun_there(
    store: Store, tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = url.rsplit("/", 1)[0] + "/other"
    words = ["--store", str(store.folder), "--casebook"]
    assert cli.run(["actions", *words, wrong]) == 2, "who reads begins none"
    assert erase(store, "acct_1", casebook=url).cases.actions == 0, "and there is none to erase from"
    book = opened(store, url)
    acting.propose(store, book, hits(2), NOW, TERMS)
    book.close()
    assert cli.run(["actions", *words, url]) == 0
    capsys.readouterr()
    for command in (["actions"], ["erase", "acct_1"], ["serve"], ["permission", "list"]):
        assert cli.run([*command, *words, wrong]) == 2
        assert "though this store has one" in capsys.readouterr().err
    with psycopg.connect(wrong) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
    (tmp_path / "t").mkdir()
    another = store_of(tmp_path / "t")
    book = opened(another, wrong)
    acting.propose(another, book, hits(1), NOW, TERMS)
    book.close()
    assert cli.run(["erase", "acct_1", *words, wrong]) == 2
    assert "not this store's casebook" in capsys.readouterr().err
    (tmp_path / "u").mkdir()
    third = store_of(tmp_path / "u")
    assert cli.run(["erase", "acct_1", "--store", str(third.folder), "--casebook", wrong]) == 2
    assert "as far as the store knows" in capsys.readouterr().err and place.noted(third.folder) is None
    place.note(third.folder, "")
    assert cli.run(["actions", "--store", str(third.folder), "--casebook", wrong]) == 0, "who says that it is may"
    assert erase(store, "acct_1", casebook=url).cases.actions == 1
    assert cli.run(["actions", *words, url]) == 0, "it is known by its first row, which an erasure leaves"


def test_a_casebook_is_known_though_nothing_was_written_into_it_yet(
    store: Store, tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = url.rsplit("/", 1)[0] + "/other"
    opened(store, url).close()
    assert len(place.noted(store.folder) or "") == 64
    (tmp_path / "t").mkdir()
    another = store_of(tmp_path / "t")
    opened(another, wrong).close()
    for command in (["erase", "acct_1"], ["actions"], ["undo", "R-1", "--by", "bob", "--reason", "Looked."]):
        assert cli.run([*command, "--store", str(store.folder), "--casebook", wrong]) == 2
        assert "not this store's casebook" in capsys.readouterr().err
    with pytest.raises(UsageError, match="not this store's"):
        opened(store, wrong)
    opened(store, url).close()


def test_reads_rehearsals_and_refusals_leave_nothing_behind(store: Store, url: str) -> None:
    words = ["--store", str(store.folder), "--casebook", url]
    by = ["--by", "bob", "--reason", "Looked."]
    for command in (["review"], ["permission", "add", "c", "--account", "acct_1", *by]):
        assert cli.run([*command, *words]) == 2
    given = ["--rung", "nonsense", "--clause", "c", "--hours", "1", "--appeal-url", "https://p.example"]
    assert cli.run(["propose", "acct_1", *given, *by, *words]) == 2
    assert cli.run(["review", "C-1", "--label", "true", *words]) == 2
    assert not list(store.folder.glob("casebook*"))
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
    book = opened(store, url)
    acting.propose(store, book, hits(2), NOW, TERMS)
    begin = book.history()[0]["hash"]
    with book.database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE identity")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0002'")
    place.note(store.folder, begin)
    assert erase(store, "acct_1", casebook=url, dry_run=True).cases.actions == 1
    assert book.database._first() == begin
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0002",)
    assert erase(store, "acct_1", casebook=url, by="bob", via="b").cases.actions == 1
    assert place.noted(store.folder) == begin == book.database._first()
    whole(book)
    book.close()


@pytest.mark.parametrize("kind", [*checks.TAMPERING, *checks.BOUND])
def test_tampering_shows(kind: str, store: Store, url: str) -> None:
    book = opened(store, url)
    checks.tampering_shows(store, book, kind)
    book.close()


def test_approvers_at_once(store: Store, url: str) -> None:
    checks.approvers_at_once_never_apply_twice(store, opened(store, url), url)


def test_processes_that_make_it_at_once(store: Store, url: str) -> None:
    checks.processes_that_make_the_casebook_at_once(store, url)


def test_an_account_is_erased_from_the_server_and_never_forgotten_there(store: Store, url: str) -> None:
    book = opened(store, url)
    mine = [hit(Rung.VERIFY, account_id="canary_7f3a", reason="The rare words qx9w."), *hits(2)]
    acting.propose(store, book, mine, NOW, TERMS)
    book.close()
    with pytest.raises(UsageError, match="on a server"):
        erase(store, "canary_7f3a")
    assert erase(store, "canary_7f3a", casebook=url).cases.in_force == 1
    with psycopg.connect(url) as connection:
        for table in ("actions", "trail", "appeals", "approvals"):
            held = connection.execute(f"SELECT * FROM {table}".encode()).fetchall()
            assert "canary_7f3a" not in repr(held) and "qx9w" not in repr(held)
    book = opened(store, url)
    whole(book)
    book.close()


def test_the_commands_reach_it_and_say_no_password(
    store: Store, url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STILLWATCH_CASEBOOK", url)
    opened(store, url).close()
    assert cli.run(["actions", "--store", str(store.folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["actions"] == []
    dead = "postgresql://watch:secret@127.0.0.1:1/none"
    assert cli.run(["actions", "--store", str(store.folder), "--casebook", dead]) == 1
    out = capsys.readouterr()
    assert "secret" not in out.out + out.err and "cannot be used" in out.err


def test_a_server_that_dies_takes_the_whole_change_back(store: Store) -> None:
    with server() as mortal:
        book = Casebook.open(store.folder, mortal, begins=True)
        acting.propose(store, book, hits(2), NOW, TERMS)
    with pytest.raises(StoreError, match="cannot be used"):
        acting.propose(store, book, hits(3, rule_id="x"), NOW, TERMS)
    book.close()
