"""What a store holds is its user's alone; what a user asks for elsewhere is as the umask has it."""

import os
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from stillwatch.records import Rung
from stillwatch.service.auth import new_token
from stillwatch.store.files import OPEN, write_whole
from tests.respond.casebooks import opened
from tests.service.helpers import Service, action


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_nobody_else_reads_a_store(tmp_path: Path, key: Path) -> None:
    store = Service(tmp_path / "new" / "s", key, [action("acct_1", Rung.SUSPEND)]).store
    new_token(store.folder, "decide")
    with closing(opened(store)) as book, book.writing("alice", "login") as _:
        made = [store.folder, *store.folder.rglob("*")]
        assert {path.name for path in made} >= {"casebook.db", "casebook.db-wal", "decisions", "current", "store.json"}
        assert [path.name for path in made if mode(path) & 0o077] == []


def test_what_was_there_and_what_is_asked_for_elsewhere_keeps_its_mode(tmp_path: Path, key: Path) -> None:
    (tmp_path / "s").mkdir(0o755)
    Service(tmp_path / "s", key)
    write_whole(tmp_path / "page" / "findings.html", b"x", OPEN)
    assert mode(tmp_path / "s") == mode(tmp_path / "page") == 0o755
    assert mode(tmp_path / "page" / "findings.html") == 0o644
